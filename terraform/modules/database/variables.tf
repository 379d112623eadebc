variable "name" {
  description = "Identifier of the instance and prefix of what belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z]([a-z0-9]|-[a-z0-9]){2,39}$", var.name))
    error_message = "name has lower case letters, digits and single hyphens, a letter first and no hyphen last."
  }
}

variable "engine_version" {
  description = "Version of PostgreSQL: the major one alone, so that RDS chooses the minor one and keeps it up to date."
  type        = string
  default     = "17"

  validation {
    condition     = can(regex("^1[5-9](\\.[0-9]+)?$", var.engine_version))
    error_message = "engine_version is PostgreSQL 15 to 19, such as 17 or 17.6."
  }
}

variable "instance_class" {
  description = "Size of the instance."
  type        = string

  validation {
    condition     = can(regex("^db\\.[a-z0-9]+\\.[a-z0-9]+$", var.instance_class))
    error_message = "instance_class is one such as db.m7g.large."
  }
}

variable "storage_gib" {
  description = "GiB of storage at first, and up to which RDS lets it grow by itself. Storage never shrinks."
  type = object({
    initial = number
    max     = number
  })

  validation {
    condition     = var.storage_gib.initial >= 20 && var.storage_gib.max > var.storage_gib.initial && var.storage_gib.max <= 65536
    error_message = "storage_gib.initial is at least 20, which is gp3's least, and max is above it and at most 65536."
  }
}

variable "multi_az" {
  description = "A standby in another zone, which takes over in one to two minutes."
  type        = bool
}

variable "backup_retention_days" {
  description = "Days back to which the database can be restored, to the second."
  type        = number

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 35
    error_message = "backup_retention_days is from 1, as 0 means no point-in-time recovery, to 35, which is RDS's most."
  }
}

variable "deletion_protection" {
  description = "Refuse to delete the instance."
  type        = bool
  default     = true
}

variable "skip_final_snapshot" {
  description = "Delete the instance without a last snapshot."
  type        = bool
  default     = false
}

variable "secret_recovery_days" {
  description = "Days in which the deleted secret can be brought back; its name is taken for that time. 0 deletes it at once."
  type        = number
  default     = 7

  validation {
    condition     = var.secret_recovery_days == 0 || (var.secret_recovery_days >= 7 && var.secret_recovery_days <= 30)
    error_message = "secret_recovery_days is 0 or from 7 to 30."
  }
}

variable "vpc_id" {
  description = "VPC of the security groups."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the instance and its standby, of two zones at least."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "RDS needs subnets of two zones, whether there is a standby or not."
  }
}

variable "log_retention_days" {
  description = "Days that PostgreSQL's logs are kept."
  type        = number

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days is a period that CloudWatch has: 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731."
  }
}

variable "log_kms_key_arn" {
  description = "KMS key that the logs are encrypted with. Its policy has to let CloudWatch Logs use it."
  type        = string
}

variable "boundary_arn" {
  description = "Permissions boundary of the roles made here."
  type        = string
}

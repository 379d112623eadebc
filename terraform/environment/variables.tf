variable "environment" {
  description = "Which of the environments this is."
  type        = string

  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "environment is staging or production."
  }
}

variable "region" {
  description = "Region of the environment; the one that the repositories are in."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is one such as us-east-1."
  }
}

variable "domain" {
  description = "Name of the public zone, which the root shared makes."
  type        = string
  default     = "sre-test.nuveo.ai"
}

variable "hostname" {
  description = "Name of this environment's API. Pods may write this name and those below it."
  type        = string

  validation {
    condition     = var.hostname == var.domain || endswith(var.hostname, ".${var.domain}")
    error_message = "hostname is the domain or below it."
  }
}

variable "zone_ids" {
  description = "IDs of the availability zones."
  type        = list(string)
}

variable "cidr" {
  description = "IPv4 range of the VPC."
  type        = string
}

variable "nat_per_zone" {
  description = "A NAT gateway in each zone, or one for all."
  type        = bool
}

variable "interface_endpoints" {
  description = "Services that get an interface endpoint."
  type        = set(string)
}

variable "kubernetes_version" {
  description = "Minor version of Kubernetes."
  type        = string
}

variable "addon_versions" {
  description = "Version of each EKS add-on; make infra-addons shows which ones fit the version of Kubernetes."
  type        = map(string)
}

variable "architecture" {
  description = "Processors of the nodes: x86_64 or arm64."
  type        = string
  default     = "x86_64"
}

variable "instance_types" {
  description = "Types of the nodes."
  type        = list(string)
}

variable "node_count" {
  description = "How many nodes there are, and the limits within which the number may be changed by hand."
  type = object({
    min     = number
    desired = number
    max     = number
  })
}

variable "admin_role_arns" {
  description = "Roles that administer the cluster."
  type        = set(string)
}

variable "admin_cidrs" {
  description = "Addresses that administrators reach Kubernetes' API from."
  type        = list(string)
}

variable "ci_source_cidrs" {
  description = "Addresses of the pipeline's machines, which make infra-addresses writes down."
  type        = list(string)
}

variable "external_id" {
  description = "What the pipeline gives to assume its roles."
  type        = string
}

variable "database_class" {
  description = "Size of the database's instance."
  type        = string
}

variable "database_storage_gib" {
  description = "GiB of storage at first, and up to which it grows by itself."
  type = object({
    initial = number
    max     = number
  })
}

variable "database_multi_az" {
  description = "A standby of the database in another zone."
  type        = bool
}

variable "backup_retention_days" {
  description = "Days back to which the database can be restored."
  type        = number
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
}

variable "deletion_protection" {
  description = "Refuse to delete database and cluster."
  type        = bool
  default     = true
}

variable "skip_final_snapshot" {
  description = "Delete the database without a last snapshot."
  type        = bool
  default     = false
}

variable "secret_recovery_days" {
  description = "Days in which the deleted secret can be brought back."
  type        = number
  default     = 7
}

variable "name" {
  description = "Name of the VPC and prefix of what is in it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,39}$", var.name))
    error_message = "name has 3 to 40 lower case letters, digits and hyphens, a letter first."
  }
}

variable "cidr" {
  description = "IPv4 range of the VPC. A /16 gives private subnets of 8,190 addresses, which is as many pods a zone."
  type        = string

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && try(cidrhost(var.cidr, 0) == split("/", var.cidr)[0], false)
    error_message = "cidr is an IPv4 range that begins at its network address, such as 10.20.0.0/16."
  }
  validation {
    condition     = try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 20, false)
    error_message = "cidr is from /16, which is the largest a VPC takes, to /20, below which subnets are too small for pods."
  }
  validation {
    condition = anytrue([
      can(regex("^10\\.", var.cidr)), can(regex("^172\\.(1[6-9]|2[0-9]|3[01])\\.", var.cidr)), can(regex("^192\\.168\\.", var.cidr))
    ])
    error_message = "cidr is of the private ranges of RFC 1918."
  }
}

variable "zone_ids" {
  description = "IDs of the availability zones, as names (us-east-1a) are another zone in each account. EKS has no control plane in use1-az3, usw1-az2 and cac1-az3."
  type        = list(string)

  validation {
    condition     = length(var.zone_ids) >= 2 && length(var.zone_ids) <= 4 && length(distinct(var.zone_ids)) == length(var.zone_ids)
    error_message = "zone_ids are two to four different zones."
  }
  validation {
    condition     = alltrue([for id in var.zone_ids : can(regex("^[a-z]+[0-9]+-az[0-9]+$", id))])
    error_message = "zone_ids are IDs such as use1-az1, not names such as us-east-1a."
  }
  validation {
    condition     = length(setintersection(var.zone_ids, ["use1-az3", "usw1-az2", "cac1-az3"])) == 0
    error_message = "EKS has no control plane in use1-az3, usw1-az2 and cac1-az3."
  }
}

variable "nat_per_zone" {
  description = "A NAT gateway in each zone, which outlives the loss of a zone, or one for all."
  type        = bool
}

variable "interface_endpoints" {
  description = "Services that get an interface endpoint, such as ecr.api. Each costs by the hour and zone; without one its traffic goes through NAT."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for service in var.interface_endpoints : can(regex("^[a-z0-9][a-z0-9.-]*$", service)) && !startswith(service, "com.")])
    error_message = "interface_endpoints are services' names without com.amazonaws and region, such as ecr.api."
  }
  validation {
    condition     = contains(var.interface_endpoints, "ecr.api") == contains(var.interface_endpoints, "ecr.dkr")
    error_message = "A pull needs ecr.api and ecr.dkr: give both or neither."
  }
}

variable "log_retention_days" {
  description = "Days that flow logs are kept."
  type        = number

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days is a period that CloudWatch has: 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731."
  }
}

variable "log_kms_key_arn" {
  description = "KMS key that flow logs are encrypted with. Its policy has to let CloudWatch Logs use it."
  type        = string
}

variable "boundary_arn" {
  description = "Permissions boundary of the roles made here."
  type        = string
}

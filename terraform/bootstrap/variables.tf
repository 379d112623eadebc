variable "region" {
  description = "Region of everything but IAM, Route 53 and the DNSSEC key."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is one such as us-east-1."
  }
}

variable "domain" {
  description = "Name of the zone whose records Terraform may change."
  type        = string
  default     = "sre-test.nuveo.ai"

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.domain))
    error_message = "domain is a lower case name of at least two labels, without a dot at the end."
  }
}

variable "operator_arns" {
  description = "IAM users or roles of the people who run Terraform. They need a session with MFA."
  type        = list(string)

  validation {
    condition     = length(var.operator_arns) > 0 && alltrue([for arn in var.operator_arns : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:(user|role)/", arn))])
    error_message = "operator_arns are ARNs of IAM users or roles, one at least; never a whole account."
  }
}

variable "external_id" {
  description = "What has to be given to assume the roles. Not a secret by design, yet not to be guessed either."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@:/_-]{16,128}$", var.external_id))
    error_message = "external_id has 16 to 128 of the characters that STS takes."
  }
}

variable "ci_source_cidrs" {
  description = "Addresses of the pipeline's machines, which make infra-addresses writes down."
  type        = list(string)

  validation {
    condition     = length(var.ci_source_cidrs) > 0 && alltrue([for cidr in var.ci_source_cidrs : can(cidrhost(cidr, 0)) && try(tonumber(split("/", cidr)[1]) >= 16, false)])
    error_message = "ci_source_cidrs are IPv4 ranges of /16 or smaller, one at least."
  }
}

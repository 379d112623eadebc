variable "name" {
  description = "Name of the role."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,63}$", var.name))
    error_message = "name has 3 to 64 lower case letters, digits and hyphens, a letter first."
  }
}

variable "description" {
  description = "What the stage does."
  type        = string
}

variable "user_arn" {
  description = "ARN of the pipeline's user."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:iam::[0-9]{12}:user/", var.user_arn))
    error_message = "user_arn is the ARN of an IAM user: not an account, not a role."
  }
}

variable "external_id" {
  description = "What has to be given to assume the role. Not a secret by design, yet not to be guessed either."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@:/_-]{16,128}$", var.external_id))
    error_message = "external_id has 16 to 128 of the characters that STS takes."
  }
}

variable "source_cidrs" {
  description = "Addresses that the role may be assumed from."
  type        = list(string)

  validation {
    condition     = length(var.source_cidrs) > 0
    error_message = "source_cidrs has at least one range: an empty list would lock the pipeline out."
  }
  validation {
    condition     = alltrue([for cidr in var.source_cidrs : can(cidrhost(cidr, 0)) && try(tonumber(split("/", cidr)[1]) >= 16, false)])
    error_message = "source_cidrs are IPv4 ranges of /16 or smaller."
  }
}

variable "boundary_arn" {
  description = "Permissions boundary of the role."
  type        = string
}

variable "statements" {
  description = "What the stage may do, on what. An action is named in full."
  type = list(object({
    sid       = string
    actions   = list(string)
    resources = list(string)
  }))

  validation {
    condition     = alltrue([for statement in var.statements : alltrue([for action in statement.actions : can(regex("^[a-z0-9-]+:[A-Za-z]+$", action))])])
    error_message = "statements name each action in full, without wildcards."
  }
  validation {
    condition     = !anytrue([for statement in var.statements : anytrue([for action in statement.actions : can(regex("^(iam|sts|organizations):", action))])])
    error_message = "No stage of the pipeline touches IAM, STS or the organization."
  }
}

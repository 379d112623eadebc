variable "region" {
  description = "Region of the repositories."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is one such as us-east-1."
  }
}

variable "domain" {
  description = "Name of the public zone."
  type        = string
  default     = "sre-test.nuveo.ai"
}

variable "dnssec" {
  description = "Sign the zone. To be switched off only after the parent's DS record has gone and its TTL has passed."
  type        = bool
  default     = true
}

variable "external_id" {
  description = "What the pipeline gives to assume its roles."
  type        = string
}

variable "ci_source_cidrs" {
  description = "Addresses of the pipeline's machines, which make infra-addresses writes down."
  type        = list(string)
}

variable "force_delete" {
  description = "Whether destroying the repositories deletes the images in them."
  type        = bool
  default     = false
}

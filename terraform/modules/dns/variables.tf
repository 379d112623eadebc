variable "name" {
  description = "Prefix of the alias of the key-signing key."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,39}$", var.name))
    error_message = "name has 3 to 40 lower case letters, digits and hyphens, a letter first."
  }
}

variable "domain" {
  description = "Name of the public zone."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.domain))
    error_message = "domain is a lower case name of at least two labels, without a dot at the end."
  }
}

variable "certificate_issuers" {
  description = "Names that certificate authorities have in CAA records. cert-manager's issuer here is Let's Encrypt."
  type        = set(string)
  default     = ["letsencrypt.org"]

  validation {
    condition     = length(var.certificate_issuers) > 0 && alltrue([for issuer in var.certificate_issuers : can(regex("^[a-z0-9.-]+\\.[a-z]+$", issuer))])
    error_message = "certificate_issuers are domain names such as letsencrypt.org; without one no certificate could be issued."
  }
}

variable "dnssec" {
  description = "Sign the zone. Resolvers check signatures once the parent zone has the DS record, see the output."
  type        = bool
  default     = true
}

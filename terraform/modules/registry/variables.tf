variable "name" {
  description = "Prefix of the aliases of the keys."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,39}$", var.name))
    error_message = "name has 3 to 40 lower case letters, digits and hyphens, a letter first."
  }
}

variable "repositories" {
  description = "Names of the repositories."
  type        = set(string)

  validation {
    condition     = length(var.repositories) > 0
    error_message = "repositories has at least one name."
  }
  validation {
    condition     = alltrue([for name in var.repositories : can(regex("^[a-z0-9]+([._-][a-z0-9]+)*$", name)) && length(name) <= 256])
    error_message = "repositories are lower case letters and digits, joined by single dots, hyphens or underscores."
  }
}

variable "keep_images" {
  description = "How many images a repository keeps, signatures and SBOMs counted, as each is an image to ECR."
  type        = number
  default     = 600

  validation {
    condition     = var.keep_images >= 100
    error_message = "keep_images is at least 100, so that no image that still runs is expired."
  }
}

variable "force_delete" {
  description = "Whether destroying a repository deletes the images in it. Otherwise a repository with images is not destroyed."
  type        = bool
  default     = false
}

variable "name" {
  description = "Name of the cluster and prefix of what belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,29}$", var.name))
    error_message = "name has 3 to 30 lower case letters, digits and hyphens, a letter first: roles' names add up to 34 characters to it."
  }
}

variable "kubernetes_version" {
  description = "Minor version of Kubernetes. EKS goes up one at a time, and never down."
  type        = string

  validation {
    condition     = can(regex("^1\\.[0-9]{2}$", var.kubernetes_version)) && try(tonumber(split(".", var.kubernetes_version)[1]) >= 35, false)
    error_message = "kubernetes_version is 1.35 or newer, without a patch level."
  }
}

variable "addon_versions" {
  description = "Version of each EKS add-on; make infra-addons shows which ones fit the version of Kubernetes."
  type        = map(string)

  validation {
    condition     = length(setsubtract(setunion(local.before_nodes, local.after_nodes), keys(var.addon_versions))) == 0
    error_message = "addon_versions names a version of each add-on."
  }
  validation {
    condition     = alltrue([for version in values(var.addon_versions) : can(regex("^v[0-9]+\\.[0-9]+\\.[0-9]+-eksbuild\\.[0-9]+$", version))])
    error_message = "addon_versions are whole versions such as v1.22.4-eksbuild.3."
  }
  validation {
    condition     = startswith(lookup(var.addon_versions, "kube-proxy", ""), "v${var.kubernetes_version}.")
    error_message = "kube-proxy is of the minor version of Kubernetes."
  }
}

variable "subnet_ids" {
  description = "Private subnets of the control plane's interfaces and of the nodes."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "EKS needs subnets of two zones."
  }
}

variable "service_cidr" {
  description = "Addresses of Services. Cannot be changed later."
  type        = string
  default     = "172.20.0.0/16"

  validation {
    condition     = can(cidrhost(var.service_cidr, 0))
    error_message = "service_cidr is an IPv4 range."
  }
}

variable "public_access_cidrs" {
  description = "Who reaches Kubernetes' API over the internet: the administrators and the pipeline. Nodes and pods use the private endpoint."
  type        = list(string)

  validation {
    condition     = length(var.public_access_cidrs) >= 1 && length(var.public_access_cidrs) <= 40
    error_message = "public_access_cidrs has one to 40 ranges, which is EKS's limit."
  }
  validation {
    condition     = alltrue([for cidr in var.public_access_cidrs : can(cidrhost(cidr, 0)) && try(tonumber(split("/", cidr)[1]) >= 16, false)])
    error_message = "public_access_cidrs are IPv4 ranges of /16 or smaller: never 0.0.0.0/0."
  }
}

variable "architecture" {
  description = "Processors of the nodes, for which the images have to be built: x86_64 or arm64."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture is x86_64 or arm64."
  }
}

variable "instance_types" {
  description = "Types of the nodes, alike in size. The t family has no security groups for pods."
  type        = list(string)

  validation {
    condition     = length(var.instance_types) > 0 && alltrue([for type in var.instance_types : !can(regex("^t[0-9]", type))])
    error_message = "instance_types has at least one type, and none of the t family: it has no security groups for pods."
  }
  validation {
    condition     = alltrue([for type in var.instance_types : can(regex("^[a-z]+[0-9]+g[a-z]*\\.", type)) == (var.architecture == "arm64")])
    error_message = "instance_types are of the architecture: Graviton, such as m7g.large, for arm64, others for x86_64."
  }
}

variable "node_count" {
  description = "How many nodes there are, and the limits within which the number may be changed by hand."
  type = object({
    min     = number
    desired = number
    max     = number
  })

  validation {
    condition     = var.node_count.min >= 2 && var.node_count.min <= var.node_count.desired && var.node_count.desired <= var.node_count.max
    error_message = "node_count has min of at least two, so that a node can be drained, and min <= desired <= max."
  }
}

variable "node_disk_gib" {
  description = "Size of a node's disk, in GiB."
  type        = number
  default     = 50

  validation {
    condition     = var.node_disk_gib >= 30
    error_message = "node_disk_gib is at least 30: images and logs fill less."
  }
}

variable "node_tags" {
  description = "Tags of the instances, disks and interfaces: EKS makes them, so the provider's default tags do not reach them."
  type        = map(string)
  default     = {}
}

variable "admin_role_arns" {
  description = "Roles that administer the cluster. Whoever creates the cluster is not among them by itself."
  type        = set(string)

  validation {
    condition     = length(var.admin_role_arns) > 0
    error_message = "admin_role_arns has at least one role: without one nobody could use the cluster."
  }
  validation {
    condition     = alltrue([for arn in var.admin_role_arns : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/", arn))])
    error_message = "admin_role_arns are ARNs of IAM roles: not of users, and not of sessions (arn:aws:sts)."
  }
}

variable "group_role_arns" {
  description = "Roles by the Kubernetes group that they are members of."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for group in keys(var.group_role_arns) : !startswith(group, "system:") && !startswith(group, "eks:")])
    error_message = "group_role_arns are groups of our own: EKS refuses system: and eks:."
  }
}

variable "pod_roles" {
  description = "Roles of pods, by the last part of their name: the ServiceAccount that gets it by EKS Pod Identity, and its policy as JSON."
  type = map(object({
    namespace       = string
    service_account = string
    policy          = string
  }))
  default = {}
}

variable "deletion_protection" {
  description = "Refuse to delete the cluster."
  type        = bool
  default     = true
}

variable "log_retention_days" {
  description = "Days that the control plane's logs are kept."
  type        = number

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days is a period that CloudWatch has: 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731."
  }
}

variable "log_kms_key_arn" {
  description = "KMS key that the control plane's logs are encrypted with. Its policy has to let CloudWatch Logs use it."
  type        = string
}

variable "boundary_arn" {
  description = "Permissions boundary of the roles made here."
  type        = string
}

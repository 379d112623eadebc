provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  project = "payments"
  tags    = { project = local.project, root = "bootstrap", managed-by = "terraform" }

  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  iam       = "arn:${local.partition}:iam::${local.account}"

  bucket = "${local.project}-terraform-state-${local.account}"
  states = "arn:${local.partition}:s3:::${local.bucket}"
}

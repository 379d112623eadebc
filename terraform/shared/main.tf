provider "aws" {
  region = var.region

  default_tags {
    tags = { project = local.project, root = "shared", managed-by = "terraform" }
  }
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  project = "payments"
  iam     = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}"
}

module "registry" {
  source = "../modules/registry"

  name         = local.project
  repositories = ["payments-gateway", "payments-server"]
  force_delete = var.force_delete
}

module "dns" {
  source = "../modules/dns"

  name   = local.project
  domain = var.domain
  dnssec = var.dnssec
}

module "push" {
  source = "../modules/ci"

  name         = "${local.project}-ci-push"
  description  = "Pushes images, their signatures and SBOMs; deletes nothing"
  user_arn     = "${local.iam}:user/${local.project}-ci"
  external_id  = var.external_id
  source_cidrs = var.ci_source_cidrs
  boundary_arn = "${local.iam}:policy/${local.project}-workloads"

  statements = [
    {
      sid       = "LogIn"
      actions   = ["ecr:GetAuthorizationToken"]
      resources = ["*"]
    },
    {
      sid = "Push"
      actions = [
        "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImageScanFindings",
        "ecr:DescribeImages", "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:ListImages", "ecr:PutImage", "ecr:UploadLayerPart",
      ]
      resources = values(module.registry.repository_arns)
    },
    {
      sid       = "Sign"
      actions   = ["kms:DescribeKey", "kms:GetPublicKey", "kms:Sign", "kms:Verify"]
      resources = [module.registry.signing_key_arn]
    },
  ]
}

provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

# Of the root shared, which is applied first.
data "aws_route53_zone" "this" {
  name = var.domain
}

data "aws_kms_key" "signing" {
  key_id = "alias/${local.project}-signing"
}

locals {
  project   = "payments"
  name      = "${local.project}-${var.environment}"
  tags      = { project = local.project, root = "environment", environment = var.environment, managed-by = "terraform" }
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  iam       = "arn:${local.partition}:iam::${local.account}"
  boundary  = "${local.iam}:policy/${local.project}-workloads"

  repositories = [for name in ["payments-gateway", "payments-server"] : "arn:${local.partition}:ecr:${var.region}:${local.account}:repository/${name}"]
}

module "network" {
  source = "../modules/network"

  name                = local.name
  cidr                = var.cidr
  zone_ids            = var.zone_ids
  nat_per_zone        = var.nat_per_zone
  interface_endpoints = var.interface_endpoints
  log_retention_days  = var.log_retention_days
  log_kms_key_arn     = aws_kms_key.logs.arn
  boundary_arn        = local.boundary
}

module "cluster" {
  source = "../modules/cluster"

  name                = local.name
  kubernetes_version  = var.kubernetes_version
  addon_versions      = var.addon_versions
  subnet_ids          = module.network.private_subnet_ids
  public_access_cidrs = distinct(concat(var.admin_cidrs, var.ci_source_cidrs))
  architecture        = var.architecture
  instance_types      = var.instance_types
  node_count          = var.node_count
  node_tags           = local.tags
  admin_role_arns     = var.admin_role_arns
  group_role_arns     = { payments-deployers = module.deploy.role_arn }
  pod_roles           = local.pod_roles
  deletion_protection = var.deletion_protection
  log_retention_days  = var.log_retention_days
  log_kms_key_arn     = aws_kms_key.logs.arn
  boundary_arn        = local.boundary
}

module "database" {
  source = "../modules/database"

  name                  = local.name
  instance_class        = var.database_class
  storage_gib           = var.database_storage_gib
  multi_az              = var.database_multi_az
  backup_retention_days = var.backup_retention_days
  deletion_protection   = var.deletion_protection
  skip_final_snapshot   = var.skip_final_snapshot
  secret_recovery_days  = var.secret_recovery_days
  vpc_id                = module.network.vpc_id
  subnet_ids            = module.network.database_subnet_ids
  log_retention_days    = var.log_retention_days
  log_kms_key_arn       = aws_kms_key.logs.arn
  boundary_arn          = local.boundary
}

module "deploy" {
  source = "../modules/ci"

  name         = "${local.project}-ci-deploy-${var.environment}"
  description  = "Resolves digests, checks signatures, and reaches ${local.name} as a member of payments-deployers"
  user_arn     = "${local.iam}:user/${local.project}-ci"
  external_id  = var.external_id
  source_cidrs = var.ci_source_cidrs
  boundary_arn = local.boundary

  statements = [
    {
      sid       = "FindCluster"
      actions   = ["eks:DescribeCluster"]
      resources = ["arn:${local.partition}:eks:${var.region}:${local.account}:cluster/${local.name}"]
    },
    {
      sid       = "LogIn"
      actions   = ["ecr:GetAuthorizationToken"]
      resources = ["*"]
    },
    {
      sid       = "ReadImages"
      actions   = ["ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetDownloadUrlForLayer"]
      resources = local.repositories
    },
    {
      sid       = "CheckSignatures"
      actions   = ["kms:DescribeKey", "kms:GetPublicKey", "kms:Verify"]
      resources = [data.aws_kms_key.signing.arn]
    },
  ]
}

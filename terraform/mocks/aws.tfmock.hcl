# Values that the provider or a module looks into: ARNs of the right form, and lists with an element.
mock_data "aws_caller_identity" {
  defaults = { account_id = "111122223333" }
}

mock_data "aws_partition" {
  defaults = { partition = "aws" }
}

mock_data "aws_region" {
  defaults = { region = "sa-east-1" }
}

mock_data "aws_route53_zone" {
  defaults = { zone_id = "Z1", arn = "arn:aws:route53:::hostedzone/Z1" }
}

mock_data "aws_kms_key" {
  defaults = { arn = "arn:aws:kms:sa-east-1:111122223333:key/00000000-0000-0000-0000-000000000001" }
}

mock_resource "aws_kms_key" {
  defaults = {
    arn    = "arn:aws:kms:sa-east-1:111122223333:key/00000000-0000-0000-0000-000000000002"
    key_id = "00000000-0000-0000-0000-000000000002"
  }
}

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::111122223333:role/mock" }
}

mock_resource "aws_iam_policy" {
  defaults = { arn = "arn:aws:iam::111122223333:policy/mock" }
}

mock_resource "aws_iam_user" {
  defaults = { arn = "arn:aws:iam::111122223333:user/payments-ci" }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = { arn = "arn:aws:logs:sa-east-1:111122223333:log-group:mock" }
}

mock_resource "aws_s3_bucket" {
  defaults = { arn = "arn:aws:s3:::mock" }
}

mock_resource "aws_ecr_repository" {
  defaults = { arn = "arn:aws:ecr:sa-east-1:111122223333:repository/mock" }
}

mock_resource "aws_secretsmanager_secret" {
  defaults = { arn = "arn:aws:secretsmanager:sa-east-1:111122223333:secret:payments-test/api-keys-AbCdEf" }
}

mock_resource "aws_launch_template" {
  defaults = { id = "lt-00000000000000001", latest_version = 7 }
}

mock_resource "aws_route53_zone" {
  defaults = { zone_id = "Z1", arn = "arn:aws:route53:::hostedzone/Z1", name_servers = ["ns-2.example.com", "ns-1.example.com"] }
}

mock_resource "aws_db_instance" {
  defaults = {
    address            = "payments-test.abc.sa-east-1.rds.amazonaws.com"
    resource_id        = "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:sa-east-1:111122223333:secret:rds!db-mock" }]
  }
}

mock_resource "aws_eks_cluster" {
  defaults = { vpc_config = { cluster_security_group_id = "sg-00000000000000001" } }
}

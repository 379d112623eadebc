data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  # IAM decides, as with any key made in the console; ECR works by grants that it makes itself.
  key_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "IamDecides"
      Effect    = "Allow"
      Action    = "kms:*"
      Resource  = "*"
      Principal = { AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root" }
    }]
  })
}

resource "aws_kms_key" "images" {
  description             = "Images in ECR"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = local.key_policy
}

resource "aws_kms_alias" "images" {
  name          = "alias/${var.name}-images"
  target_key_id = aws_kms_key.images.key_id
}

# Signs images (cosign's awskms:///alias/…). An asymmetric key cannot be rotated by KMS: docs/iac.md tells how to replace it.
resource "aws_kms_key" "signing" {
  description              = "Signatures of images"
  customer_master_key_spec = "ECC_NIST_P256"
  key_usage                = "SIGN_VERIFY"
  deletion_window_in_days  = 30
  policy                   = local.key_policy
}

resource "aws_kms_alias" "signing" {
  name          = "alias/${var.name}-signing"
  target_key_id = aws_kms_key.signing.key_id
}

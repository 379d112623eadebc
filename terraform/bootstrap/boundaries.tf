locals {
  # Built from names, so that a policy can name the boundaries that it is bound by.
  workload_boundary = "${local.iam}:policy/${local.project}-workloads"
  operator_roles    = ["${local.iam}:role/${local.project}-plan", "${local.iam}:role/${local.project}-apply"]
  project_roles     = "${local.iam}:role/${local.project}-*"
}

# The most that a role can do which Terraform makes: no IAM but the load balancer's service-linked role, this region, no other role.
resource "aws_iam_policy" "workloads" {
  name        = "${local.project}-workloads"
  description = "Permissions boundary of every role that the apply role makes"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Services"
        Effect = "Allow"
        Action = [
          "autoscaling:Describe*", "cloudwatch:PutMetricData", "ec2:*", "ecr:*", "eks-auth:AssumeRoleForPodIdentity", "eks:DescribeCluster",
          "elasticloadbalancing:*", "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*",
          "kms:GetPublicKey", "kms:ListGrants", "kms:ReEncrypt*", "kms:Sign", "kms:Verify", "logs:CreateLogGroup", "logs:CreateLogStream",
          "logs:Describe*", "logs:PutLogEvents", "logs:PutRetentionPolicy", "rds-db:connect", "route53:ChangeResourceRecordSets",
          "route53:GetChange", "route53:List*", "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "sts:GetCallerIdentity",
        ]
        Resource = "*"
      },
      {
        Sid       = "LoadBalancersRole"
        Effect    = "Allow"
        Action    = "iam:CreateServiceLinkedRole"
        Resource  = "${local.iam}:role/aws-service-role/elasticloadbalancing.amazonaws.com/*"
        Condition = { StringEquals = { "iam:AWSServiceName" = "elasticloadbalancing.amazonaws.com" } }
      },
      {
        Sid       = "ThisRegion"
        Effect    = "Deny"
        NotAction = ["iam:*", "route53:*", "sts:*"]
        Resource  = "*"
        Condition = { StringNotEquals = { "aws:RequestedRegion" = var.region } }
      },
      {
        Sid      = "NotTheStates"
        Effect   = "Deny"
        Action   = ["kms:*", "s3:*"]
        Resource = [aws_kms_key.state.arn, local.states, "${local.states}/*"]
      },
    ]
  })
}

# The most that running Terraform can do, whatever policies its roles are given.
resource "aws_iam_policy" "operators" {
  name        = "${local.project}-operators"
  description = "Permissions boundary of the roles that run Terraform"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Services"
        Effect = "Allow"
        Action = [
          "ec2:*", "ecr:*", "eks:*", "iam:*", "kms:*", "logs:*", "rds:*", "route53:*", "s3:*", "secretsmanager:*", "servicequotas:Get*",
          "sts:GetCallerIdentity",
        ]
        Resource = "*"
      },
      {
        Sid       = "ThisRegion"
        Effect    = "Deny"
        NotAction = ["iam:*", "kms:*", "route53:*", "sts:*"]
        Resource  = "*"
        Condition = { StringNotEquals = { "aws:RequestedRegion" = var.region } }
      },
      {
        Sid       = "KeysHereAndForDnssec"
        Effect    = "Deny"
        Action    = "kms:*"
        Resource  = "*"
        Condition = { StringNotEquals = { "aws:RequestedRegion" = distinct([var.region, "us-east-1"]) } }
      },
      {
        Sid    = "NoUsersNoPolicies"
        Effect = "Deny"
        Action = [
          "iam:*AccessKey*", "iam:*AccountAlias", "iam:*AccountPasswordPolicy", "iam:*Group*", "iam:*InstanceProfile", "iam:*LoginProfile",
          "iam:*MFADevice*", "iam:*OpenIDConnect*", "iam:*SAML*", "iam:*ServerCertificate*", "iam:*ServiceSpecificCredential*",
          "iam:*SigningCertificate*", "iam:*User*", "iam:CreatePolicy*", "iam:DeletePolicy*", "iam:SetDefaultPolicyVersion",
          "iam:TagPolicy", "iam:UntagPolicy",
        ]
        Resource = "*"
      },
      {
        Sid         = "RolesOfTheProject"
        Effect      = "Deny"
        Action      = local.role_writes
        NotResource = local.project_roles
      },
      {
        Sid      = "NotTheOperators"
        Effect   = "Deny"
        Action   = local.role_writes
        Resource = local.operator_roles
      },
      {
        Sid      = "RolesWithTheirBoundary"
        Effect   = "Deny"
        Action   = ["iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
        Resource = "*"
        Condition = {
          StringNotEquals = { "iam:PermissionsBoundary" = local.workload_boundary }
        }
      },
      {
        Sid      = "BoundariesStay"
        Effect   = "Deny"
        Action   = "iam:DeleteRolePermissionsBoundary"
        Resource = "*"
      },
      {
        Sid       = "StatesOnly"
        Effect    = "Deny"
        NotAction = ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"]
        Resource  = "arn:${local.partition}:s3:::*"
      },
      {
        Sid      = "NotTheStateOfBootstrap"
        Effect   = "Deny"
        Action   = "s3:*"
        Resource = "${local.states}/bootstrap/*"
      },
      {
        Sid       = "NotTheKeyOfStates"
        Effect    = "Deny"
        NotAction = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
        Resource  = aws_kms_key.state.arn
      },
    ]
  })
}

locals {
  role_writes = [
    "iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PassRole",
    "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
    "iam:UpdateRoleDescription",
  ]
}

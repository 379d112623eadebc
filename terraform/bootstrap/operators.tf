locals {
  state_access = [
    {
      Sid      = "FindStates"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = local.states
    },
    {
      Sid      = "ReadStates"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = "${local.states}/*"
    },
    {
      Sid      = "LockStates"
      Effect   = "Allow"
      Action   = ["s3:DeleteObject", "s3:PutObject"]
      Resource = "${local.states}/*.tflock"
    },
    {
      Sid      = "UseTheKeyOfStates"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
      Resource = aws_kms_key.state.arn
    },
  ]

  people = {
    Sid       = "PeopleWithMfa"
    Effect    = "Allow"
    Action    = "sts:AssumeRole"
    Principal = { AWS = var.operator_arns }
    Condition = {
      StringEquals = { "sts:ExternalId" = var.external_id }
      Bool         = { "aws:MultiFactorAuthPresent" = "true" }
    }
  }
}

resource "aws_iam_role" "plan" {
  name                 = "${local.project}-plan"
  description          = "Reads what Terraform compares, and locks its state"
  permissions_boundary = aws_iam_policy.operators.arn
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.people,
      {
        Sid       = "Pipeline"
        Effect    = "Allow"
        Action    = "sts:AssumeRole"
        Principal = { AWS = aws_iam_user.ci.arn }
        Condition = {
          StringEquals = { "sts:ExternalId" = var.external_id }
          IpAddress    = { "aws:SourceIp" = var.ci_source_cidrs }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "plan" {
  name = "plan"
  role = aws_iam_role.plan.name

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.state_access, [local.read])
  })
}

# Destroying and making a cluster and a database takes longer than an hour; a session lasts two at most.
resource "aws_iam_role" "apply" {
  name                 = "${local.project}-apply"
  description          = "Makes, changes and destroys what the roots shared and environment hold"
  permissions_boundary = aws_iam_policy.operators.arn
  max_session_duration = 7200

  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [local.people] })
}

resource "aws_iam_role_policy" "apply_states" {
  name = "states"
  role = aws_iam_role.apply.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.state_access, [{
      Sid      = "WriteStates"
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = ["${local.states}/environment/*", "${local.states}/shared/*"]
    }])
  })
}

resource "aws_iam_policy" "apply" {
  for_each = local.apply

  name        = "${local.project}-apply-${each.key}"
  description = "What the apply role may do: ${each.key}"
  policy      = jsonencode({ Version = "2012-10-17", Statement = each.value })
}

resource "aws_iam_role_policy_attachment" "apply" {
  for_each = local.apply

  role       = aws_iam_role.apply.name
  policy_arn = aws_iam_policy.apply[each.key].arn
}

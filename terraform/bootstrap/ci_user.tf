# Travis has no OIDC to AWS, so the pipeline has a user. It may only take on the roles of its stages; its access key is made by a
# command (docs/iac.md), so that no state ever holds it.
resource "aws_iam_user" "ci" {
  name = "${local.project}-ci"
}

resource "aws_iam_user_policy" "ci" {
  name = "stages"
  user = aws_iam_user.ci.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Stages"
      Effect   = "Allow"
      Action   = "sts:AssumeRole"
      Resource = concat(["${local.iam}:role/${local.project}-plan"], [for stage in local.stages : "${local.iam}:role/${local.project}-ci-${stage}"])
    }]
  })
}

locals {
  stages = ["push", "deploy-staging", "deploy-production"]
}

# A role for one stage of the pipeline. The only one who may assume it is the pipeline's user, who may do nothing else.
resource "aws_iam_role" "this" {
  name                 = var.name
  description          = var.description
  permissions_boundary = var.boundary_arn
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Pipeline"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = var.user_arn }
      Condition = {
        StringEquals = { "sts:ExternalId" = var.external_id }
        IpAddress    = { "aws:SourceIp" = var.source_cidrs }
      }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "stage"
  role = aws_iam_role.this.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [for statement in var.statements : {
      Sid      = statement.sid
      Effect   = "Allow"
      Action   = statement.actions
      Resource = statement.resources
    }]
  })
}

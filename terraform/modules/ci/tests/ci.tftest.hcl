mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name         = "payments-ci-push"
  description  = "Pushes images"
  user_arn     = "arn:aws:iam::111122223333:user/payments-ci"
  external_id  = "0123456789abcdef"
  source_cidrs = ["203.0.113.0/24"]
  boundary_arn = "arn:aws:iam::111122223333:policy/payments-workloads"
  statements = [{
    sid       = "Push"
    actions   = ["ecr:PutImage"]
    resources = ["arn:aws:ecr:sa-east-1:111122223333:repository/payments-server"]
  }]
}

run "only_the_pipelines_user_from_its_addresses_with_the_external_id" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.this.assume_role_policy).Statement == [{
      Sid       = "Pipeline"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = var.user_arn }
      Condition = {
        StringEquals = { "sts:ExternalId" = "0123456789abcdef" }
        IpAddress    = { "aws:SourceIp" = ["203.0.113.0/24"] }
      }
    }]
    error_message = "trust"
  }
  assert {
    condition     = aws_iam_role.this.max_session_duration == 3600 && aws_iam_role.this.permissions_boundary == var.boundary_arn
    error_message = "an hour, within the boundary"
  }
}

run "the_policy_is_what_was_given" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role_policy.this.policy).Statement == [{ Sid = "Push", Effect = "Allow", Action = ["ecr:PutImage"], Resource = ["arn:aws:ecr:sa-east-1:111122223333:repository/payments-server"] }]
    error_message = "policy"
  }
}

run "refuses_wrong_values_1" {
  command = plan
  variables {
    # wildcards in actions
    statements = [{ sid = "All", actions = ["ecr:*"], resources = ["*"] }]
    # the whole internet
    source_cidrs = ["0.0.0.0/0"]
    # a whole account
    user_arn = "arn:aws:iam::111122223333:root"
    # a short external id
    external_id = "payments"
    # a name with capitals
    name = "Payments"
  }
  expect_failures = [var.statements, var.source_cidrs, var.user_arn, var.external_id, var.name]
}

run "refuses_wrong_values_2" {
  command = plan
  variables {
    # iam
    statements = [{ sid = "Iam", actions = ["iam:CreateUser"], resources = ["*"] }]
    # no addresses
    source_cidrs = []
  }
  expect_failures = [var.statements, var.source_cidrs]
}

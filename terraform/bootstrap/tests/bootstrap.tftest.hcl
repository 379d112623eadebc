mock_provider "aws" {
  source = "../mocks"
}

variables {
  region          = "sa-east-1"
  operator_arns   = ["arn:aws:iam::111122223333:user/alice"]
  external_id     = "0123456789abcdef"
  ci_source_cidrs = ["203.0.113.0/24"]
}

run "the_state_is_versioned_encrypted_and_private" {
  command = apply

  assert {
    condition     = aws_s3_bucket.state.bucket == "payments-terraform-state-111122223333" && aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled"
    error_message = "a name of this account, and every version"
  }
  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms"
    error_message = "KMS"
  }
  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.state.block_public_acls, aws_s3_bucket_public_access_block.state.block_public_policy,
      aws_s3_bucket_public_access_block.state.ignore_public_acls, aws_s3_bucket_public_access_block.state.restrict_public_buckets,
    ])
    error_message = "never public"
  }
  assert {
    condition     = { for statement in jsondecode(aws_s3_bucket_policy.state.policy).Statement : statement.Sid => statement.Effect } == { OurKeyOnly = "Deny", TlsOnly = "Deny" }
    error_message = "by TLS, with our key"
  }
  assert {
    condition     = aws_kms_key.state.enable_key_rotation
    error_message = "the key changes every year"
  }
}

run "people_come_with_mfa_and_only_the_pipeline_without" {
  command = apply

  assert {
    condition = [for statement in jsondecode(aws_iam_role.apply.assume_role_policy).Statement : statement] == [{
      Sid       = "PeopleWithMfa"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = ["arn:aws:iam::111122223333:user/alice"] }
      Condition = {
        StringEquals = { "sts:ExternalId" = "0123456789abcdef" }
        Bool         = { "aws:MultiFactorAuthPresent" = "true" }
      }
    }]
    error_message = "nobody else applies"
  }
  assert {
    condition     = jsondecode(aws_iam_role.plan.assume_role_policy).Statement[1].Principal.AWS == "arn:aws:iam::111122223333:user/payments-ci"
    error_message = "the pipeline plans"
  }
  assert {
    condition     = jsondecode(aws_iam_role.plan.assume_role_policy).Statement[1].Condition == { StringEquals = { "sts:ExternalId" = "0123456789abcdef" }, IpAddress = { "aws:SourceIp" = ["203.0.113.0/24"] } }
    error_message = "from its addresses"
  }
  assert {
    condition     = aws_iam_role.plan.permissions_boundary == aws_iam_policy.operators.arn && aws_iam_role.apply.permissions_boundary == aws_iam_policy.operators.arn
    error_message = "both are bound"
  }
}

run "the_pipelines_user_may_assume_its_roles_and_nothing_else" {
  command = apply

  assert {
    condition = jsondecode(aws_iam_user_policy.ci.policy).Statement == [{
      Sid    = "Stages"
      Effect = "Allow"
      Action = "sts:AssumeRole"
      Resource = [
        "arn:aws:iam::111122223333:role/payments-plan", "arn:aws:iam::111122223333:role/payments-ci-push",
        "arn:aws:iam::111122223333:role/payments-ci-deploy-staging", "arn:aws:iam::111122223333:role/payments-ci-deploy-production",
      ]
    }]
    error_message = "policy"
  }
  assert {
    condition     = aws_iam_user.ci.permissions_boundary == null || aws_iam_user.ci.permissions_boundary == ""
    error_message = "the user is outside of the roles' boundaries"
  }
}

run "the_apply_role_names_every_action_in_full" {
  command = apply

  assert {
    condition = alltrue([
      for name, policy in aws_iam_policy.apply : alltrue([
        for statement in jsondecode(policy.policy).Statement : alltrue([for action in flatten([statement.Action]) : !strcontains(action, "*")])
      ]) if name != "read"
    ])
    error_message = "no wildcards where something is changed"
  }
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_policy.apply["read"].policy).Statement :
      alltrue([for action in statement.Action : can(regex("^[a-z0-9]+:(Describe|Get|List)", action))])
    ])
    error_message = "what is read has the verbs of reading"
  }
  assert {
    condition     = alltrue([for policy in concat(values(aws_iam_policy.apply), [aws_iam_policy.operators, aws_iam_policy.workloads]) : length(replace(policy.policy, "/\\s/", "")) <= 6144])
    error_message = "IAM takes managed policies of 6,144 characters"
  }
}

run "refuses_wrong_values_1" {
  command = plan
  variables {
    # a whole account as operator
    operator_arns = ["arn:aws:iam::111122223333:root"]
    # a short external id
    external_id = "payments"
    # the whole internet
    ci_source_cidrs = ["0.0.0.0/0"]
    # a zone of a region
    region = "us-east-1a"
    # a domain with a dot at the end
    domain = "sre-test.nuveo.ai."
  }
  expect_failures = [var.operator_arns, var.external_id, var.ci_source_cidrs, var.region, var.domain]
}

run "refuses_wrong_values_2" {
  command = plan
  variables {
    # nobody as operator
    operator_arns = []
  }
  expect_failures = [var.operator_arns]
}

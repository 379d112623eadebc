mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name         = "payments"
  repositories = ["payments-gateway", "payments-server"]
}

run "tags_are_immutable_and_images_encrypted_with_our_key" {
  command = apply

  assert {
    condition     = keys(aws_ecr_repository.this) == ["payments-gateway", "payments-server"]
    error_message = "one repository for each image"
  }
  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.image_tag_mutability == "IMMUTABLE"])
    error_message = "a tag means one digest for ever"
  }
  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.encryption_configuration[0].encryption_type == "KMS" && repository.encryption_configuration[0].kms_key == aws_kms_key.images.arn])
    error_message = "encrypted with our key"
  }
  assert {
    condition     = !anytrue([for repository in aws_ecr_repository.this : repository.force_delete])
    error_message = "a repository with images is not destroyed unless asked for"
  }
}

run "every_push_is_scanned_by_the_registrys_configuration" {
  command = plan

  assert {
    condition     = one(aws_ecr_registry_scanning_configuration.this.rule).scan_frequency == "SCAN_ON_PUSH"
    error_message = "on push"
  }
  assert {
    condition     = toset([for filter in one(aws_ecr_registry_scanning_configuration.this.rule).repository_filter : filter.filter]) == var.repositories
    error_message = "our repositories, and no others of the account"
  }
}

run "lifecycle_keeps_what_may_still_run" {
  command = plan

  assert {
    condition     = [for rule in jsondecode(aws_ecr_lifecycle_policy.this["payments-server"].policy).rules : rule.selection.tagStatus] == ["untagged", "any"]
    error_message = "ECR wants the rule for any tag last"
  }
  assert {
    condition     = jsondecode(aws_ecr_lifecycle_policy.this["payments-server"].policy).rules[1].selection.countNumber == 600
    error_message = "the newest 600"
  }
}

run "the_signing_key_signs_and_nothing_else" {
  command = plan

  assert {
    condition     = aws_kms_key.signing.key_usage == "SIGN_VERIFY" && aws_kms_key.signing.customer_master_key_spec == "ECC_NIST_P256"
    error_message = "what cosign takes"
  }
  assert {
    condition     = output.signing_key == "awskms:///alias/payments-signing"
    error_message = "as cosign is given it"
  }
  assert {
    condition     = aws_kms_key.images.enable_key_rotation
    error_message = "the key of images changes every year"
  }
}

run "refuses_wrong_values_1" {
  command = plan
  variables {
    # names that ecr refuses
    repositories = ["Payments--Server"]
    # to keep too few
    keep_images = 10
    # a name with capitals
    name = "Payments"
  }
  expect_failures = [var.repositories, var.keep_images, var.name]
}

run "refuses_wrong_values_2" {
  command = plan
  variables {
    # no repositories
    repositories = []
  }
  expect_failures = [var.repositories]
}

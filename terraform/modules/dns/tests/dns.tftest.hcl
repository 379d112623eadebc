mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name   = "payments"
  domain = "sre-test.nuveo.ai"
}

run "only_the_named_authorities_may_issue_and_none_wildcards" {
  command = plan

  assert {
    condition     = toset(aws_route53_record.caa.records) == toset(["0 issue \"letsencrypt.org\"", "0 issuewild \";\""])
    error_message = "CAA"
  }
  assert {
    condition     = aws_route53_record.caa.name == "sre-test.nuveo.ai" && aws_route53_record.caa.type == "CAA"
    error_message = "at the zone's top, so that it holds for all names below"
  }
}

run "the_zone_is_signed_by_a_key_of_us_east_1" {
  command = apply

  assert {
    condition     = aws_kms_key.dnssec[0].region == "us-east-1" && aws_kms_alias.dnssec[0].region == "us-east-1"
    error_message = "Route 53 takes keys of us-east-1 only"
  }
  assert {
    condition     = aws_kms_key.dnssec[0].customer_master_key_spec == "ECC_NIST_P256" && aws_kms_key.dnssec[0].key_usage == "SIGN_VERIFY"
    error_message = "the only kind of key that Route 53 takes"
  }
  assert {
    condition     = aws_route53_key_signing_key.this[0].name == "payments_1"
    error_message = "names have letters, digits and underscores"
  }
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_kms_key.dnssec[0].policy).Statement :
      try(statement.Condition.StringEquals["aws:SourceAccount"] == "111122223333", false) if try(statement.Principal.Service == "dnssec-route53.amazonaws.com", false)
    ])
    error_message = "Route 53 uses the key for this account alone"
  }
  assert {
    condition     = !anytrue([for statement in jsondecode(aws_kms_key.dnssec[0].policy).Statement : contains(flatten([statement.Action]), "kms:*") if can(statement.Principal.Service)])
    error_message = "Route 53 gets no more than it needs"
  }
}

run "without_dnssec_there_is_no_key_and_no_ds_record" {
  command = apply
  variables {
    dnssec = false
  }

  assert {
    condition     = length(aws_kms_key.dnssec) + length(aws_route53_key_signing_key.this) + length(aws_route53_hosted_zone_dnssec.this) == 0
    error_message = "nothing of DNSSEC"
  }
  assert {
    condition     = output.ds_record == null
    error_message = "no DS record"
  }
}

run "name_servers_come_sorted" {
  command = apply

  assert {
    condition     = output.name_servers == tolist(["ns-1.example.com", "ns-2.example.com"])
    error_message = "so that they compare"
  }
}

run "refuses_wrong_values_1" {
  command = plan
  variables {
    # a dot at the end
    domain = "sre-test.nuveo.ai."
    # no authority
    certificate_issuers = []
    # a name with capitals
    name = "Payments"
  }
  expect_failures = [var.domain, var.certificate_issuers, var.name]
}

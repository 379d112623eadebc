mock_provider "aws" {
  source = "../mocks"
}

variables {
  region          = "sa-east-1"
  external_id     = "0123456789abcdef"
  ci_source_cidrs = ["203.0.113.0/24"]
}

run "there_is_one_zone_and_one_set_of_repositories" {
  command = apply

  assert {
    condition     = keys(output.repository_urls) == ["payments-gateway", "payments-server"]
    error_message = "repositories"
  }
  assert {
    condition     = output.zone_id == "Z1" && output.name_servers == tolist(["ns-1.example.com", "ns-2.example.com"])
    error_message = "zone"
  }
  assert {
    condition     = output.signing_key == "awskms:///alias/payments-signing"
    error_message = "signing key"
  }
}

run "refuses_wrong_values_1" {
  command = plan
  variables {
    # a zone of a region
    region = "us-east-1a"
  }
  expect_failures = [var.region]
}

mock_provider "aws" {
  source = "../mocks"
}

variables {
  environment           = "staging"
  region                = "sa-east-1"
  hostname              = "staging.sre-test.nuveo.ai"
  zone_ids              = ["sae1-az1", "sae1-az2", "sae1-az3"]
  cidr                  = "10.20.0.0/16"
  nat_per_zone          = false
  interface_endpoints   = []
  kubernetes_version    = "1.35"
  instance_types        = ["m7i.large"]
  node_count            = { min = 2, desired = 2, max = 4 }
  database_class        = "db.t4g.medium"
  database_storage_gib  = { initial = 20, max = 100 }
  database_multi_az     = false
  backup_retention_days = 7
  log_retention_days    = 30
  external_id           = "0123456789abcdef"
  admin_role_arns       = ["arn:aws:iam::111122223333:role/administrators"]
  admin_cidrs           = ["198.51.100.0/24"]
  ci_source_cidrs       = ["203.0.113.0/24"]
  addon_versions = {
    aws-ebs-csi-driver                    = "v1.63.1-eksbuild.1"
    aws-secrets-store-csi-driver-provider = "v3.1.2-eksbuild.1"
    coredns                               = "v1.14.3-eksbuild.3"
    eks-pod-identity-agent                = "v1.3.10-eksbuild.3"
    kube-proxy                            = "v1.35.3-eksbuild.18"
    metrics-server                        = "v0.9.0-eksbuild.5"
    vpc-cni                               = "v1.22.4-eksbuild.3"
  }
}

run "names_are_the_environments" {
  command = apply

  assert {
    condition     = output.cluster_name == "payments-staging"
    error_message = "cluster"
  }
  assert {
    condition     = output.hostname == "staging.sre-test.nuveo.ai" && output.zone_id == "Z1"
    error_message = "DNS"
  }
  assert {
    condition     = keys(output.pod_role_arns) == ["cert-manager", "external-dns", "load-balancer-controller", "migrate", "server"]
    error_message = "pods with business in AWS, and the gateway is none of them"
  }
}

run "the_server_connects_as_app_and_migrations_as_owner" {
  command = apply

  assert {
    condition     = jsondecode(local.server_policy).Statement[0].Resource == "arn:aws:rds-db:sa-east-1:111122223333:dbuser:db-ABCDEFGHIJKLMNOPQRSTUVWXYZ/payments_app"
    error_message = "the server's role of the database"
  }
  assert {
    condition     = [for statement in jsondecode(local.migrate_policy).Statement : statement.Resource] == ["arn:aws:rds-db:sa-east-1:111122223333:dbuser:db-ABCDEFGHIJKLMNOPQRSTUVWXYZ/payments_owner"]
    error_message = "migrations' role of the database, and no API keys"
  }
}

run "pods_change_only_records_of_their_environment" {
  command = apply

  assert {
    condition = alltrue([
      for policy in [local.external_dns_policy, local.cert_manager_policy] : alltrue([
        for statement in jsondecode(policy).Statement :
        statement.Resource == "arn:aws:route53:::hostedzone/Z1" && alltrue([for name in statement.Condition["ForAllValues:StringLike"]["route53:ChangeResourceRecordSetsNormalizedRecordNames"] : endswith(name, "staging.sre-test.nuveo.ai")])
        if statement.Action == "route53:ChangeResourceRecordSets"
      ])
    ])
    error_message = "staging writes nothing of production's"
  }
}

run "no_pods_policy_has_wildcards_in_actions" {
  command = apply

  assert {
    condition = alltrue([
      for role in values(local.pod_roles) : alltrue([for statement in jsondecode(role.policy).Statement : alltrue([for action in flatten([statement.Action]) : !strcontains(action, "*")])])
    ])
    error_message = "actions are named in full"
  }
  assert {
    condition = alltrue([
      for role in values(local.pod_roles) : alltrue([
        for statement in jsondecode(role.policy).Statement :
        alltrue([for action in flatten([statement.Action]) : can(regex(":(Describe|List)", action))]) if statement.Resource == "*"
      ])
    ])
    error_message = "what is allowed on everything only looks"
  }
  assert {
    condition     = alltrue([for role in values(local.pod_roles) : length(replace(role.policy, "/\\s/", "")) <= 10240])
    error_message = "IAM takes 10,240 characters of inline policies"
  }
}

run "logs_use_a_key_that_cloudwatch_may_use_for_this_environment" {
  command = apply

  assert {
    condition     = jsondecode(aws_kms_key.logs.policy).Statement[1].Principal.Service == "logs.sa-east-1.amazonaws.com" && jsondecode(aws_kms_key.logs.policy).Statement[1].Condition.ArnLike["kms:EncryptionContext:aws:logs:arn"] == "arn:aws:logs:sa-east-1:111122223333:log-group:*payments-staging*"
    error_message = "key policy"
  }
}

run "refuses_a_host_outside_of_the_zone" {
  command = plan
  variables {
    hostname = "payments.example.com"
  }
  expect_failures = [var.hostname]
}

run "refuses_wrong_values_1" {
  command = plan
  variables {
    # another environment
    environment = "development"
    # a zone of a region
    region = "us-east-1a"
  }
  expect_failures = [var.environment, var.region]
}

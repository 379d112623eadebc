mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name                  = "payments-test"
  instance_class        = "db.m7g.large"
  storage_gib           = { initial = 100, max = 1000 }
  multi_az              = true
  backup_retention_days = 14
  vpc_id                = "vpc-1"
  subnet_ids            = ["subnet-1", "subnet-2", "subnet-3"]
  log_retention_days    = 365
  log_kms_key_arn       = "arn:aws:kms:sa-east-1:111122223333:key/00000000-0000-0000-0000-000000000001"
  boundary_arn          = "arn:aws:iam::111122223333:policy/payments-workloads"
}

run "the_instance_has_a_standby_and_is_encrypted_with_our_key" {
  command = apply

  assert {
    condition     = aws_db_instance.this.multi_az && aws_db_instance.this.storage_type == "gp3"
    error_message = "a standby, on gp3"
  }
  assert {
    condition     = aws_db_instance.this.storage_encrypted && aws_db_instance.this.kms_key_id == aws_kms_key.this.arn && aws_db_instance.this.performance_insights_kms_key_id == aws_kms_key.this.arn
    error_message = "storage and insights with our key"
  }
  assert {
    condition     = aws_kms_key.this.enable_key_rotation
    error_message = "which changes every year"
  }
}

run "nobody_knows_a_password" {
  command = apply

  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.password == null && aws_db_instance.this.master_user_secret_kms_key_id == aws_kms_key.this.arn
    error_message = "AWS makes the administrator's password"
  }
  assert {
    condition     = aws_db_instance.this.iam_database_authentication_enabled
    error_message = "others come by IAM"
  }
  assert {
    condition     = output.master_secret_arn == "arn:aws:secretsmanager:sa-east-1:111122223333:secret:rds!db-mock"
    error_message = "the secret is handed on"
  }
}

run "tls_is_forced" {
  command = plan

  assert {
    condition     = { for parameter in aws_db_parameter_group.this.parameter : parameter.name => parameter.value }["rds.force_ssl"] == "1"
    error_message = "rds.force_ssl"
  }
  assert {
    condition     = { for parameter in aws_db_parameter_group.this.parameter : parameter.name => parameter.value }["ssl_min_protocol_version"] == "TLSv1.2"
    error_message = "nothing older than TLS 1.2"
  }
  assert {
    condition     = aws_db_parameter_group.this.family == "postgres17"
    error_message = "of the engine's major version"
  }
}

run "only_clients_reach_it" {
  command = apply

  assert {
    condition     = !aws_db_instance.this.publicly_accessible && aws_db_instance.this.vpc_security_group_ids == toset([aws_security_group.server.id])
    error_message = "not from the internet"
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.server.referenced_security_group_id == aws_security_group.client.id && aws_vpc_security_group_ingress_rule.server.cidr_ipv4 == null
    error_message = "by security group, not by address"
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.server.from_port == 5432 && aws_vpc_security_group_ingress_rule.server.to_port == 5432 && aws_vpc_security_group_ingress_rule.server.ip_protocol == "tcp"
    error_message = "PostgreSQL's port"
  }
  assert {
    condition     = aws_vpc_security_group_egress_rule.client.referenced_security_group_id == aws_security_group.server.id
    error_message = "clients' group opens the way to the database alone"
  }
}

run "any_second_of_two_weeks_can_be_restored_and_nothing_is_lost_by_mistake" {
  command = plan

  assert {
    condition     = aws_db_instance.this.backup_retention_period == 14 && !aws_db_instance.this.delete_automated_backups
    error_message = "point-in-time recovery, which outlives the instance"
  }
  assert {
    condition     = aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.final_snapshot_identifier == "payments-test-final"
    error_message = "protected, and with a last snapshot"
  }
  assert {
    condition     = aws_secretsmanager_secret.api_keys.recovery_window_in_days == 7
    error_message = "the secret can be brought back"
  }
}

run "it_is_watched" {
  command = plan

  assert {
    condition     = aws_db_instance.this.database_insights_mode == "standard" && aws_db_instance.this.performance_insights_enabled && aws_db_instance.this.monitoring_interval == 60
    error_message = "insights and enhanced monitoring"
  }
  assert {
    condition     = aws_db_instance.this.enabled_cloudwatch_logs_exports == toset(["iam-db-auth-error", "postgresql", "upgrade"])
    error_message = "logs leave the instance"
  }
  assert {
    condition     = alltrue([for name, group in aws_cloudwatch_log_group.this : group.name == "/aws/rds/instance/payments-test/${name}" && group.kms_key_id == var.log_kms_key_arn && group.retention_in_days == 365])
    error_message = "to groups that are encrypted and end"
  }
}

run "a_minor_version_may_be_given" {
  command = plan
  variables {
    engine_version = "18.1"
  }

  assert {
    condition     = aws_db_parameter_group.this.family == "postgres18"
    error_message = "the family has the major version alone"
  }
}

run "refuses_wrong_values_1" {
  command = plan
  variables {
    # postgresql before 15
    engine_version = "14"
    # a class that is none
    instance_class = "m7g.large"
    # storage that cannot grow
    storage_gib = { initial = 100, max = 100 }
    # no backups
    backup_retention_days = 0
    # a recovery window that does not exist
    secret_recovery_days = 3
    # one subnet
    subnet_ids = ["subnet-1"]
    # a retention that cloudwatch does not have
    log_retention_days = 31
    # two hyphens together
    name = "payments--test"
  }
  expect_failures = [var.engine_version, var.instance_class, var.storage_gib, var.backup_retention_days, var.secret_recovery_days, var.subnet_ids, var.log_retention_days, var.name]
}

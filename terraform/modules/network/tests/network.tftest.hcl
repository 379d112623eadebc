mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name               = "payments-test"
  cidr               = "10.20.0.0/16"
  zone_ids           = ["sae1-az1", "sae1-az2", "sae1-az3"]
  nat_per_zone       = true
  log_retention_days = 30
  log_kms_key_arn    = "arn:aws:kms:sa-east-1:111122223333:key/00000000-0000-0000-0000-000000000001"
  boundary_arn       = "arn:aws:iam::111122223333:policy/payments-workloads"
}

run "three_zones_have_nine_subnets_of_these_ranges" {
  command = plan

  assert {
    condition     = { for id, subnet in aws_subnet.private : id => subnet.cidr_block } == { sae1-az1 = "10.20.0.0/19", sae1-az2 = "10.20.32.0/19", sae1-az3 = "10.20.64.0/19" }
    error_message = "private subnets are the first eighths of the range"
  }
  assert {
    condition     = { for id, subnet in aws_subnet.public : id => subnet.cidr_block } == { sae1-az1 = "10.20.128.0/23", sae1-az2 = "10.20.130.0/23", sae1-az3 = "10.20.132.0/23" }
    error_message = "public subnets are in the fifth eighth"
  }
  assert {
    condition     = { for id, subnet in aws_subnet.database : id => subnet.cidr_block } == { sae1-az1 = "10.20.160.0/23", sae1-az2 = "10.20.162.0/23", sae1-az3 = "10.20.164.0/23" }
    error_message = "the database's subnets are in the sixth eighth"
  }
  assert {
    condition     = alltrue([for subnet in concat(values(aws_subnet.public), values(aws_subnet.private), values(aws_subnet.database)) : !subnet.map_public_ip_on_launch])
    error_message = "nothing gets a public address by being started"
  }
  assert {
    condition     = length(aws_nat_gateway.this) == 3 && length(aws_eip.nat) == 3
    error_message = "each zone has a NAT gateway"
  }
}

run "two_zones_keep_the_ranges_that_they_have_of_three" {
  command = plan
  variables {
    zone_ids = ["sae1-az1", "sae1-az2"]
  }

  assert {
    condition     = [for id in var.zone_ids : aws_subnet.private[id].cidr_block] == ["10.20.0.0/19", "10.20.32.0/19"]
    error_message = "a third zone moves none of two"
  }
  assert {
    condition     = [for id in var.zone_ids : aws_subnet.database[id].cidr_block] == ["10.20.160.0/23", "10.20.162.0/23"]
    error_message = "a third zone moves none of two"
  }
}

run "a_smaller_range_is_cut_alike" {
  command = plan
  variables {
    cidr = "172.16.16.0/20"
  }

  assert {
    condition     = [for id in var.zone_ids : aws_subnet.private[id].cidr_block] == ["172.16.16.0/23", "172.16.18.0/23", "172.16.20.0/23"]
    error_message = "private subnets are eighths"
  }
  assert {
    condition     = aws_subnet.public["sae1-az1"].cidr_block == "172.16.24.0/27"
    error_message = "public subnets have 27 addresses, more than the eight that a load balancer asks for"
  }
}

run "one_nat_gateway_serves_all_zones" {
  command = apply
  variables {
    nat_per_zone = false
  }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["sae1-az1"]
    error_message = "there is one, in the first zone"
  }
  assert {
    condition     = alltrue([for route in aws_route.private : route.nat_gateway_id == aws_nat_gateway.this["sae1-az1"].id])
    error_message = "every private subnet goes out by it"
  }
}

run "subnets_are_tagged_for_load_balancers" {
  command = plan

  assert {
    condition     = alltrue([for subnet in aws_subnet.public : subnet.tags["kubernetes.io/role/elb"] == "1"])
    error_message = "public subnets are for internet-facing load balancers"
  }
  assert {
    condition     = alltrue([for subnet in aws_subnet.private : subnet.tags["kubernetes.io/role/internal-elb"] == "1"])
    error_message = "private subnets are for internal ones"
  }
}

run "endpoints_are_made_where_asked_for" {
  command = plan
  variables {
    interface_endpoints = ["ecr.api", "ecr.dkr", "sts", "logs"]
  }

  assert {
    condition     = aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway" && aws_vpc_endpoint.s3.service_name == "com.amazonaws.sa-east-1.s3"
    error_message = "S3 has a gateway endpoint"
  }
  assert {
    condition     = alltrue([for service in ["ecr.api", "ecr.dkr", "sts", "logs"] : aws_vpc_endpoint.interface[service].private_dns_enabled])
    error_message = "clients find interface endpoints by the service's usual name"
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.endpoints[0].cidr_ipv4 == "10.20.0.0/16" && aws_vpc_security_group_ingress_rule.endpoints[0].from_port == 443
    error_message = "only the VPC reaches them, by HTTPS"
  }
}

run "no_endpoints_no_security_group" {
  command = plan

  assert {
    condition     = length(aws_vpc_endpoint.interface) == 0 && length(aws_security_group.endpoints) == 0
    error_message = "nothing is made that nothing uses"
  }
}

run "the_default_security_group_lets_nothing_through" {
  command = plan

  assert {
    condition     = aws_default_security_group.this.ingress == null || try(length(aws_default_security_group.this.ingress), 0) == 0
    error_message = "no way in"
  }
}

run "flow_logs_are_kept_encrypted_and_written_by_a_narrow_role" {
  command = apply

  assert {
    condition     = aws_cloudwatch_log_group.flow.kms_key_id == var.log_kms_key_arn && aws_cloudwatch_log_group.flow.retention_in_days == 30
    error_message = "encrypted, for 30 days"
  }
  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL"
    error_message = "what is refused and what is let through"
  }
  assert {
    condition     = !anytrue([for statement in jsondecode(aws_iam_role_policy.flow.policy).Statement : anytrue([for action in statement.Action : strcontains(action, "*")]) || statement.Resource == "*"])
    error_message = "no wildcards"
  }
  assert {
    condition     = aws_iam_role.flow.permissions_boundary == var.boundary_arn
    error_message = "the role has the boundary"
  }
}

run "the_database_has_no_way_out" {
  command = plan

  assert {
    condition     = length([for route in aws_route.private : route]) == 3 && aws_route.public.destination_cidr_block == "0.0.0.0/0"
    error_message = "routes are those of the public and private tables, none of the database's"
  }
  assert {
    condition     = length(aws_route_table.database.route) == 0
    error_message = "the database's table has no routes of its own"
  }
}

run "refuses_wrong_values_1" {
  command = plan
  variables {
    # a range outside of rfc 1918
    cidr = "8.8.0.0/16"
    # names of zones as they differ between accounts
    zone_ids = ["us-east-1a", "us-east-1b"]
    # half of what a pull needs
    interface_endpoints = ["ecr.api"]
    # a retention that cloudwatch does not have
    log_retention_days = 31
    # a name with capitals
    name = "Payments"
  }
  expect_failures = [var.cidr, var.zone_ids, var.interface_endpoints, var.log_retention_days, var.name]
}

run "refuses_wrong_values_2" {
  command = plan
  variables {
    # a range that does not begin at its network address
    cidr = "10.20.1.0/16"
    # zones without a control plane
    zone_ids = ["use1-az1", "use1-az3"]
    # a whole service name
    interface_endpoints = ["com.amazonaws.sa-east-1.sts"]
  }
  expect_failures = [var.cidr, var.zone_ids, var.interface_endpoints]
}

run "refuses_wrong_values_3" {
  command = plan
  variables {
    # a range too small for pods
    cidr = "10.20.0.0/21"
    # one zone
    zone_ids = ["sae1-az1"]
  }
  expect_failures = [var.cidr, var.zone_ids]
}

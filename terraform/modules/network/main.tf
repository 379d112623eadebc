locals {
  zones       = { for index, id in var.zone_ids : id => index }
  nat_zones   = var.nat_per_zone ? var.zone_ids : slice(var.zone_ids, 0, 1)
  nat_of_zone = { for id in var.zone_ids : id => var.nat_per_zone ? id : var.zone_ids[0] }
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = var.name }
}

# Nobody may use it: without rules it lets nothing in or out.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-default-closed" }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = var.name }
}

output "vpc_id" {
  description = "ID of the VPC."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "IDs of the private subnets, in the order of the zones."
  value       = [for id in var.zone_ids : aws_subnet.private[id].id]
}

output "database_subnet_ids" {
  description = "IDs of the subnets without a way out, in the order of the zones."
  value       = [for id in var.zone_ids : aws_subnet.database[id].id]
}

output "nat_addresses" {
  description = "Addresses that traffic from the private subnets has on the internet."
  value       = [for id in local.nat_zones : aws_eip.nat[id].public_ip]
}

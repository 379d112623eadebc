output "cluster_name" {
  description = "Name of the cluster, for aws eks update-kubeconfig."
  value       = module.cluster.name
}

output "vpc_id" {
  description = "ID of the VPC, for the load balancer controller's --aws-vpc-id."
  value       = module.network.vpc_id
}

output "cluster_security_group_id" {
  description = "The cluster's own security group. A SecurityGroupPolicy names it beside the database's, so that pods go on reaching all else."
  value       = module.cluster.security_group_id
}

output "database_client_security_group_id" {
  description = "Security group of pods that use the database, for a SecurityGroupPolicy."
  value       = module.database.client_security_group_id
}

output "database_host" {
  description = "Host name of the database."
  value       = module.database.host
}

output "master_secret_arn" {
  description = "ARN of the secret with the database administrator's password."
  value       = module.database.master_secret_arn
}

output "api_keys_secret_arn" {
  description = "ARN of the secret with the API keys."
  value       = module.database.api_keys_secret_arn
}

output "pod_role_arns" {
  description = "ARNs of the pods' roles."
  value       = module.cluster.pod_role_arns
}

output "deploy_role_arn" {
  description = "ARN of the role that deploys."
  value       = module.deploy.role_arn
}

output "hostname" {
  description = "Name of this environment's API."
  value       = var.hostname
}

output "zone_id" {
  description = "ID of the public zone."
  value       = data.aws_route53_zone.this.zone_id
}

output "nat_addresses" {
  description = "Addresses that traffic from the pods has on the internet."
  value       = module.network.nat_addresses
}

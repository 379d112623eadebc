output "name" {
  description = "Name of the cluster."
  value       = aws_eks_cluster.this.name
}

output "security_group_id" {
  description = "The security group that EKS makes: of the control plane, the nodes, and the pods without one of their own."
  value       = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
}

output "pod_role_arns" {
  description = "ARNs of the pods' roles, by the last part of their name."
  value       = { for key, role in aws_iam_role.pod : key => role.arn }
}

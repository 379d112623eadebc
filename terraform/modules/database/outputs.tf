output "host" {
  description = "Host name of the database, which its certificate has."
  value       = aws_db_instance.this.address
}

output "resource_id" {
  description = "The instance's name in ARNs of rds-db:connect."
  value       = aws_db_instance.this.resource_id
}

output "client_security_group_id" {
  description = "Security group of pods that use the database, for a SecurityGroupPolicy."
  value       = aws_security_group.client.id
}

output "master_secret_arn" {
  description = "ARN of the secret with the administrator's password, which RDS makes and changes every seven days."
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}

output "api_keys_secret_arn" {
  description = "ARN of the secret with the API keys."
  value       = aws_secretsmanager_secret.api_keys.arn
}

output "key_arn" {
  description = "ARN of the key that data and secrets are encrypted with."
  value       = aws_kms_key.this.arn
}

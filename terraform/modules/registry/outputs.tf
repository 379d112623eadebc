output "repository_urls" {
  description = "Where each repository is pushed to and pulled from, by name."
  value       = { for name, repository in aws_ecr_repository.this : name => repository.repository_url }
}

output "repository_arns" {
  description = "ARNs of the repositories, by name."
  value       = { for name, repository in aws_ecr_repository.this : name => repository.arn }
}

output "signing_key_arn" {
  description = "ARN of the key that signs images."
  value       = aws_kms_key.signing.arn
}

output "signing_key" {
  description = "The signing key as cosign is given it."
  value       = "awskms:///${aws_kms_alias.signing.name}"
}

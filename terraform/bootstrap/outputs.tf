output "state_bucket" {
  description = "Bucket of the states."
  value       = aws_s3_bucket.state.bucket
}

output "state_key_arn" {
  description = "ARN of the key of the states, for the backend's kms_key_id."
  value       = aws_kms_key.state.arn
}

output "plan_role_arn" {
  description = "ARN of the role for terraform plan."
  value       = aws_iam_role.plan.arn
}

output "apply_role_arn" {
  description = "ARN of the role for terraform apply and destroy."
  value       = aws_iam_role.apply.arn
}

output "ci_user_arn" {
  description = "ARN of the pipeline's user, whose access key is made by hand."
  value       = aws_iam_user.ci.arn
}

output "workload_boundary_arn" {
  description = "ARN of the permissions boundary of every role that the apply role makes."
  value       = aws_iam_policy.workloads.arn
}

# Bucket, region and key of encryption come from the command line: terraform/run knows the account.
terraform {
  backend "s3" {
    key          = "shared/terraform.tfstate"
    use_lockfile = true
    encrypt      = true
  }
}

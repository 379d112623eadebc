# The key is the environment's: environments/*.s3.tfbackend. The rest comes from the command line: terraform/run knows the account.
terraform {
  backend "s3" {
    use_lockfile = true
    encrypt      = true
  }
}

# make infra-bootstrap begins with a state on this machine, and moves it into the bucket once that is there.
terraform {
  backend "s3" {
    key          = "bootstrap/terraform.tfstate"
    use_lockfile = true
    encrypt      = true
  }
}

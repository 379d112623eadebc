environment = "production"
region      = "us-east-1"
hostname    = "sre-test.nuveo.ai"

# Nothing shared by zones: what is left goes on when one is lost. Images, tokens and logs do not need NAT at all.
zone_ids            = ["use1-az1", "use1-az2", "use1-az4"]
cidr                = "10.30.0.0/16"
nat_per_zone        = true
interface_endpoints = ["ecr.api", "ecr.dkr", "logs", "sts"]

kubernetes_version = "1.35"
addon_versions = {
  aws-ebs-csi-driver                    = "v1.63.1-eksbuild.1"
  aws-secrets-store-csi-driver-provider = "v3.1.2-eksbuild.1"
  coredns                               = "v1.14.3-eksbuild.3"
  eks-pod-identity-agent                = "v1.3.10-eksbuild.3"
  kube-proxy                            = "v1.35.3-eksbuild.18"
  metrics-server                        = "v0.9.0-eksbuild.5"
  vpc-cni                               = "v1.22.4-eksbuild.3"
}

instance_types = ["m7i.large"]
node_count     = { min = 3, desired = 3, max = 9 }

database_class        = "db.m7g.large"
database_storage_gib  = { initial = 100, max = 1000 }
database_multi_az     = true
backup_retention_days = 14

log_retention_days = 365

environment = "staging"
region      = "us-east-1"
hostname    = "staging.sre-test.nuveo.ai"

# One way out for all zones, and no endpoints: staging may stand still for as long as a zone does.
zone_ids            = ["use1-az1", "use1-az2", "use1-az4"]
cidr                = "10.20.0.0/16"
nat_per_zone        = false
interface_endpoints = []

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
node_count     = { min = 2, desired = 2, max = 4 }

database_class        = "db.t4g.medium"
database_storage_gib  = { initial = 20, max = 100 }
database_multi_az     = false
backup_retention_days = 7

log_retention_days = 30

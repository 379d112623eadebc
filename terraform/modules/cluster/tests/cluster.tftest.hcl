mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name                = "payments-test"
  kubernetes_version  = "1.35"
  subnet_ids          = ["subnet-1", "subnet-2", "subnet-3"]
  public_access_cidrs = ["198.51.100.0/24", "203.0.113.7/32"]
  instance_types      = ["m7i.large"]
  node_count          = { min = 2, desired = 3, max = 6 }
  node_tags           = { project = "payments" }
  admin_role_arns     = ["arn:aws:iam::111122223333:role/administrators"]
  group_role_arns     = { payments-deployers = "arn:aws:iam::111122223333:role/payments-ci-deploy-test" }
  log_retention_days  = 365
  log_kms_key_arn     = "arn:aws:kms:sa-east-1:111122223333:key/00000000-0000-0000-0000-000000000001"
  boundary_arn        = "arn:aws:iam::111122223333:policy/payments-workloads"
  pod_roles = {
    server = { namespace = "payments", service_account = "payments-server", policy = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
  addon_versions = {
    aws-ebs-csi-driver                    = "v1.63.1-eksbuild.1"
    aws-secrets-store-csi-driver-provider = "v3.1.2-eksbuild.1"
    coredns                               = "v1.14.3-eksbuild.3"
    eks-pod-identity-agent                = "v1.3.10-eksbuild.3"
    kube-proxy                            = "v1.35.3-eksbuild.18"
    metrics-server                        = "v0.9.0-eksbuild.5"
    vpc-cni                               = "v1.22.4-eksbuild.3"
  }
}

run "the_control_plane_is_private_and_its_public_side_limited" {
  command = apply

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_private_access && aws_eks_cluster.this.vpc_config[0].public_access_cidrs == toset(["198.51.100.0/24", "203.0.113.7/32"])
    error_message = "endpoints"
  }
  assert {
    condition     = aws_eks_cluster.this.version == "1.35" && aws_eks_cluster.this.upgrade_policy[0].support_type == "STANDARD"
    error_message = "standard support costs a sixth of extended support, and does not go on silently"
  }
  assert {
    condition     = !aws_eks_cluster.this.bootstrap_self_managed_addons && aws_eks_cluster.this.deletion_protection
    error_message = "add-ons are ours, and the cluster is not deleted by mistake"
  }
  assert {
    condition     = aws_eks_cluster.this.encryption_config[0].provider[0].key_arn == aws_kms_key.secrets.arn && aws_eks_cluster.this.encryption_config[0].resources == toset(["secrets"])
    error_message = "secrets are encrypted with our key"
  }
  assert {
    condition     = length(aws_eks_cluster.this.enabled_cluster_log_types) == 5 && aws_cloudwatch_log_group.cluster.name == "/aws/eks/payments-test/cluster" && aws_cloudwatch_log_group.cluster.kms_key_id == var.log_kms_key_arn
    error_message = "all logs are kept, encrypted"
  }
}

run "who_makes_the_cluster_does_not_administer_it" {
  command = apply

  assert {
    condition     = aws_eks_cluster.this.access_config[0].authentication_mode == "API" && !aws_eks_cluster.this.access_config[0].bootstrap_cluster_creator_admin_permissions
    error_message = "access entries alone say who does"
  }
  assert {
    condition     = aws_eks_access_entry.admin["arn:aws:iam::111122223333:role/administrators"].type == "STANDARD"
    error_message = "an entry for each administrator"
  }
  assert {
    condition = (
      aws_eks_access_policy_association.admin["arn:aws:iam::111122223333:role/administrators"].policy_arn == "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy" &&
      aws_eks_access_policy_association.admin["arn:aws:iam::111122223333:role/administrators"].access_scope[0].type == "cluster" &&
      aws_eks_access_policy_association.admin["arn:aws:iam::111122223333:role/administrators"].cluster_name == "payments-test"
    )
    error_message = "who administers the whole cluster"
  }
  assert {
    condition = (
      aws_eks_access_entry.group["payments-deployers"].kubernetes_groups == toset(["payments-deployers"]) &&
      aws_eks_access_entry.group["payments-deployers"].principal_arn == "arn:aws:iam::111122223333:role/payments-ci-deploy-test" &&
      aws_eks_access_entry.group["payments-deployers"].cluster_name == "payments-test" && aws_eks_access_entry.group["payments-deployers"].type == "STANDARD"
    )
    error_message = "the pipeline is in a group, and no policy of EKS is given to it"
  }
}

run "nodes_keep_their_role_to_themselves" {
  command = apply

  assert {
    condition     = aws_launch_template.node.metadata_options[0].http_tokens == "required" && aws_launch_template.node.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "IMDSv2, one hop"
  }
  assert {
    condition     = aws_launch_template.node.block_device_mappings[0].ebs[0].encrypted == "true" && aws_launch_template.node.block_device_mappings[0].ebs[0].volume_type == "gp3"
    error_message = "disks are encrypted"
  }
  assert {
    condition     = toset([for attachment in aws_iam_role_policy_attachment.node : attachment.policy_arn]) == toset(["arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly", "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"])
    error_message = "nodes pull and join; the CNI has a role of its own"
  }
  assert {
    condition     = alltrue([for specification in aws_launch_template.node.tag_specifications : specification.tags.project == "payments"])
    error_message = "instances, disks and interfaces are tagged"
  }
  assert {
    condition     = aws_eks_node_group.this.ami_type == "AL2023_x86_64_STANDARD" && aws_eks_node_group.this.version == "1.35" && aws_eks_node_group.this.launch_template[0].version == "7"
    error_message = "AL2023, of the cluster's version, by the newest launch template"
  }
  assert {
    condition     = aws_eks_node_group.this.scaling_config[0].min_size == 2 && aws_eks_node_group.this.scaling_config[0].desired_size == 3 && aws_eks_node_group.this.scaling_config[0].max_size == 6 && aws_eks_node_group.this.update_config[0].max_unavailable == 1
    error_message = "sizes, and one node at a time"
  }
}

run "graviton_nodes_have_their_own_image" {
  command = apply
  variables {
    architecture   = "arm64"
    instance_types = ["m7g.large"]
  }

  assert {
    condition     = aws_eks_node_group.this.ami_type == "AL2023_ARM_64_STANDARD"
    error_message = "arm64"
  }
}

run "add_ons_are_pinned_and_there_before_or_after_the_nodes" {
  command = apply

  assert {
    condition     = keys(aws_eks_addon.before_nodes) == ["eks-pod-identity-agent", "kube-proxy", "vpc-cni"]
    error_message = "without these a node is never ready"
  }
  assert {
    condition     = keys(aws_eks_addon.after_nodes) == ["aws-ebs-csi-driver", "aws-secrets-store-csi-driver-provider", "coredns", "metrics-server"]
    error_message = "these have pods that wait for nodes"
  }
  assert {
    condition = alltrue([
      for name, addon in merge(aws_eks_addon.before_nodes, aws_eks_addon.after_nodes) :
      addon.addon_name == name && addon.addon_version == var.addon_versions[name] && addon.cluster_name == "payments-test" &&
      addon.resolve_conflicts_on_create == "OVERWRITE" && addon.resolve_conflicts_on_update == "OVERWRITE" && addon.service_account_role_arn == null
    ])
    error_message = "every add-on is of the version given"
  }
  assert {
    condition = jsondecode(aws_eks_addon.before_nodes["vpc-cni"].configuration_values) == {
      enableNetworkPolicy = "true"
      env                 = { ENABLE_POD_ENI = "true", POD_SECURITY_GROUP_ENFORCING_MODE = "standard" }
    }
    error_message = "network policies and security groups for pods"
  }
  assert {
    condition = jsondecode(aws_eks_addon.after_nodes["aws-secrets-store-csi-driver-provider"].configuration_values) == {
      awsRegion                = "sa-east-1"
      secrets-store-csi-driver = { enableSecretRotation = true, rotationPollInterval = "60s" }
    }
    error_message = "secrets are read again"
  }
  assert {
    condition     = jsondecode(aws_eks_addon.after_nodes["coredns"].configuration_values).autoScaling.minReplicas == 2
    error_message = "names resolve when a node goes"
  }
  assert {
    condition     = keys(local.configuration) == ["aws-secrets-store-csi-driver-provider", "coredns", "vpc-cni"]
    error_message = "the others are as AWS sets them"
  }
  assert {
    condition = { for name, addon in merge(aws_eks_addon.before_nodes, aws_eks_addon.after_nodes) : name => one(addon.pod_identity_association).service_account if length(addon.pod_identity_association) > 0 } == {
      aws-ebs-csi-driver = "ebs-csi-controller-sa"
      vpc-cni            = "aws-node"
    }
    error_message = "add-ons that use AWS have a role of their own"
  }
}

run "a_pods_role_is_for_its_service_account_of_this_cluster" {
  command = apply

  assert {
    condition = jsondecode(aws_iam_role.pod["server"].assume_role_policy).Statement[0] == {
      Sid       = "PodIdentity"
      Effect    = "Allow"
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Principal = { Service = "pods.eks.amazonaws.com" }
      Condition = {
        StringEquals = {
          "aws:SourceAccount"                         = "111122223333"
          "aws:RequestTag/kubernetes-namespace"       = "payments"
          "aws:RequestTag/kubernetes-service-account" = "payments-server"
        }
        ArnEquals = { "aws:SourceArn" = "arn:aws:eks:sa-east-1:111122223333:cluster/payments-test" }
      }
    }
    error_message = "trust"
  }
  assert {
    condition = (
      aws_eks_pod_identity_association.pod["server"].cluster_name == "payments-test" && aws_eks_pod_identity_association.pod["server"].namespace == "payments" &&
      aws_eks_pod_identity_association.pod["server"].service_account == "payments-server" && aws_eks_pod_identity_association.pod["server"].role_arn == aws_iam_role.pod["server"].arn
    )
    error_message = "association"
  }
  assert {
    condition     = alltrue([for role in concat(values(aws_iam_role.pod), values(aws_iam_role.addon), [aws_iam_role.cluster, aws_iam_role.node]) : role.permissions_boundary == var.boundary_arn])
    error_message = "every role has the boundary"
  }
}

run "the_control_planes_role_has_no_wildcards_of_ours" {
  command = apply

  assert {
    condition     = jsondecode(aws_iam_role_policy.cluster_secrets.policy).Statement[0].Resource == aws_kms_key.secrets.arn && !anytrue([for action in jsondecode(aws_iam_role_policy.cluster_secrets.policy).Statement[0].Action : strcontains(action, "*")])
    error_message = "this key, these actions"
  }
}

run "refuses_a_version_before_1_35" {
  command = plan
  variables {
    kubernetes_version = "1.34"
  }
  expect_failures = [var.kubernetes_version]
}

run "refuses_kube_proxy_of_another_minor_version" {
  command = plan
  variables {
    kubernetes_version = "1.36"
  }
  expect_failures = [var.addon_versions]
}

run "refuses_types_of_the_other_architecture" {
  command = plan
  variables {
    instance_types = ["m7g.large"]
  }
  expect_failures = [var.instance_types]
}

run "refuses_an_add_on_without_a_version" {
  command = plan
  variables {
    addon_versions = { kube-proxy = "v1.35.3-eksbuild.18" }
  }
  expect_failures = [var.addon_versions]
}

run "refuses_another_architecture" {
  command = plan
  variables {
    architecture = "riscv64"
  }
  expect_failures = [var.architecture]
}

run "refuses_wrong_values_1" {
  command = plan
  variables {
    # an open endpoint
    public_access_cidrs = ["0.0.0.0/0"]
    # types without security groups for pods
    instance_types = ["t3.large"]
    # one node
    node_count = { min = 1, desired = 1, max = 2 }
    # nobody as administrator
    admin_role_arns = []
    # kubernetes own groups
    group_role_arns = { "system:masters" = "arn:aws:iam::111122223333:role/payments-ci-deploy-test" }
    # a small disk
    node_disk_gib = 20
    # one subnet
    subnet_ids = ["subnet-1"]
    # a long name
    name = "payments-with-a-name-of-more-than-thirty"
    # services addresses that are no range
    service_cidr = "172.20.0.0"
    # a retention that cloudwatch does not have
    log_retention_days = 31
  }
  expect_failures = [var.public_access_cidrs, var.instance_types, var.node_count, var.admin_role_arns, var.group_role_arns, var.node_disk_gib, var.subnet_ids, var.name, var.service_cidr, var.log_retention_days]
}

run "refuses_wrong_values_2" {
  command = plan
  variables {
    # more ranges than eks takes
    public_access_cidrs = [for index in range(41) : "203.0.${index}.0/24"]
    # a session as administrator
    admin_role_arns = ["arn:aws:sts::111122223333:assumed-role/administrators/alice"]
  }
  expect_failures = [var.public_access_cidrs, var.admin_role_arns]
}

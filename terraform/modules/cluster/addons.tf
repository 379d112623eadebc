locals {
  # Needed on a node before it is ready: without a CNI it never is, and the CNI's credentials come from the agent.
  before_nodes = toset(["eks-pod-identity-agent", "kube-proxy", "vpc-cni"])
  # Pods of their own: without nodes they would wait, and the add-on be called degraded.
  after_nodes = toset(["aws-ebs-csi-driver", "aws-secrets-store-csi-driver-provider", "coredns", "metrics-server"])

  configuration = {
    vpc-cni = {
      enableNetworkPolicy = "true"
      env = {
        # Security groups for pods. In mode standard network policies, Pod Identity and NodePorts go on working for such pods.
        ENABLE_POD_ENI                    = "true"
        POD_SECURITY_GROUP_ENFORCING_MODE = "standard"
      }
    }
    # The region is given, as pods cannot ask the instance's metadata; files are read again, as the server reads them again.
    aws-secrets-store-csi-driver-provider = {
      awsRegion                = data.aws_region.current.region
      secrets-store-csi-driver = { enableSecretRotation = true, rotationPollInterval = "60s" }
    }
    coredns = {
      autoScaling = { enabled = true, minReplicas = 2, maxReplicas = 6 }
    }
  }

  service_accounts = {
    aws-ebs-csi-driver = "ebs-csi-controller-sa"
    vpc-cni            = "aws-node"
  }
}

resource "aws_eks_addon" "before_nodes" {
  for_each = local.before_nodes

  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  addon_version               = var.addon_versions[each.key]
  configuration_values        = try(jsonencode(local.configuration[each.key]), null)
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"

  dynamic "pod_identity_association" {
    for_each = { for addon, account in local.service_accounts : addon => account if addon == each.key }
    content {
      service_account = pod_identity_association.value
      role_arn        = aws_iam_role.addon[each.key].arn
    }
  }

  depends_on = [aws_iam_role_policy_attachment.addon]
}

resource "aws_eks_addon" "after_nodes" {
  for_each = local.after_nodes

  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  addon_version               = var.addon_versions[each.key]
  configuration_values        = try(jsonencode(local.configuration[each.key]), null)
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"

  dynamic "pod_identity_association" {
    for_each = { for addon, account in local.service_accounts : addon => account if addon == each.key }
    content {
      service_account = pod_identity_association.value
      role_arn        = aws_iam_role.addon[each.key].arn
    }
  }

  depends_on = [aws_eks_node_group.this, aws_iam_role_policy_attachment.addon]
}

resource "aws_iam_role" "addon" {
  for_each = local.service_accounts

  name                 = "${var.name}-${each.key}"
  description          = "The add-on ${each.key} of ${var.name}"
  permissions_boundary = var.boundary_arn
  assume_role_policy   = local.pod_trust["kube-system/${each.value}"]
}

resource "aws_iam_role_policy_attachment" "addon" {
  for_each = {
    aws-ebs-csi-driver = "service-role/AmazonEBSCSIDriverPolicy"
    vpc-cni            = "AmazonEKS_CNI_Policy"
  }

  role       = aws_iam_role.addon[each.key].name
  policy_arn = "${local.aws_policy}/${each.value}"
}

locals {
  pods = merge(
    { for key, role in var.pod_roles : "${role.namespace}/${role.service_account}" => role },
    { for addon, account in local.service_accounts : "kube-system/${account}" => { namespace = "kube-system", service_account = account } },
  )

  # EKS Pod Identity takes on the role for this ServiceAccount of this cluster, and for nobody else.
  pod_trust = {
    for key, pod in local.pods : key => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid       = "PodIdentity"
        Effect    = "Allow"
        Action    = ["sts:AssumeRole", "sts:TagSession"]
        Principal = { Service = "pods.eks.amazonaws.com" }
        Condition = {
          StringEquals = {
            "aws:SourceAccount"                         = data.aws_caller_identity.current.account_id
            "aws:RequestTag/kubernetes-namespace"       = pod.namespace
            "aws:RequestTag/kubernetes-service-account" = pod.service_account
          }
          ArnEquals = { "aws:SourceArn" = local.arn }
        }
      }]
    })
  }
}

resource "aws_iam_role" "pod" {
  for_each = var.pod_roles

  name                 = "${var.name}-${each.key}"
  description          = "Pods of ServiceAccount ${each.value.namespace}/${each.value.service_account} of ${var.name}"
  permissions_boundary = var.boundary_arn
  assume_role_policy   = local.pod_trust["${each.value.namespace}/${each.value.service_account}"]
}

resource "aws_iam_role_policy" "pod" {
  for_each = var.pod_roles

  name   = "pod"
  role   = aws_iam_role.pod[each.key].name
  policy = each.value.policy
}

resource "aws_eks_pod_identity_association" "pod" {
  for_each = var.pod_roles

  cluster_name    = aws_eks_cluster.this.name
  namespace       = each.value.namespace
  service_account = each.value.service_account
  role_arn        = aws_iam_role.pod[each.key].arn
}

# What the AWS Load Balancer Controller does for Services of type LoadBalancer: network load balancers, their target groups and
# security groups. Its Ingresses (ALB, WAF, Shield, Cognito, ACM) are not used here, so their permissions are not given.
locals {
  elb          = "arn:${local.partition}:elasticloadbalancing:${var.region}:${local.account}"
  ec2          = "arn:${local.partition}:ec2:${var.region}:${local.account}"
  elb_kinds    = ["listener/net/*", "loadbalancer/net/*", "targetgroup/*"]
  by_cluster   = { StringEquals = { "aws:RequestTag/elbv2.k8s.aws/cluster" = local.name } }
  of_cluster   = { StringEquals = { "aws:ResourceTag/elbv2.k8s.aws/cluster" = local.name } }
  of_the_nodes = { StringEquals = { "aws:ResourceTag/kubernetes.io/cluster/${local.name}" = "owned" } }

  load_balancer_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "See"
        Effect = "Allow"
        Action = [
          "ec2:DescribeAccountAttributes", "ec2:DescribeAddresses", "ec2:DescribeAvailabilityZones", "ec2:DescribeInstances",
          "ec2:DescribeInternetGateways", "ec2:DescribeIpamPools", "ec2:DescribeNetworkInterfaces", "ec2:DescribeRouteTables",
          "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeTags", "ec2:DescribeVpcPeeringConnections", "ec2:DescribeVpcs",
          "elasticloadbalancing:DescribeCapacityReservation", "elasticloadbalancing:DescribeListenerAttributes",
          "elasticloadbalancing:DescribeListenerCertificates", "elasticloadbalancing:DescribeListeners",
          "elasticloadbalancing:DescribeLoadBalancerAttributes", "elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeRules",
          "elasticloadbalancing:DescribeSSLPolicies", "elasticloadbalancing:DescribeTags", "elasticloadbalancing:DescribeTargetGroupAttributes",
          "elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth", "elasticloadbalancing:DescribeTrustStores",
        ]
        Resource = "*"
      },
      {
        Sid       = "FirstLoadBalancer"
        Effect    = "Allow"
        Action    = "iam:CreateServiceLinkedRole"
        Resource  = "${local.iam}:role/aws-service-role/elasticloadbalancing.amazonaws.com/*"
        Condition = { StringEquals = { "iam:AWSServiceName" = "elasticloadbalancing.amazonaws.com" } }
      },
      {
        Sid       = "Make"
        Effect    = "Allow"
        Action    = ["elasticloadbalancing:CreateListener", "elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"]
        Resource  = [for kind in local.elb_kinds : "${local.elb}:${kind}"]
        Condition = local.by_cluster
      },
      {
        # A listener is made on a load balancer, which is asked for too, and carries the tag already.
        Sid       = "MakeListeners"
        Effect    = "Allow"
        Action    = "elasticloadbalancing:CreateListener"
        Resource  = "${local.elb}:loadbalancer/net/*"
        Condition = local.of_cluster
      },
      {
        Sid       = "TagWhatIsMade"
        Effect    = "Allow"
        Action    = "elasticloadbalancing:AddTags"
        Resource  = [for kind in local.elb_kinds : "${local.elb}:${kind}"]
        Condition = merge(local.by_cluster, { StringLike = { "elasticloadbalancing:CreateAction" = "Create*" } })
      },
      {
        Sid    = "ChangeOwn"
        Effect = "Allow"
        Action = [
          "elasticloadbalancing:AddTags", "elasticloadbalancing:DeleteListener", "elasticloadbalancing:DeleteLoadBalancer",
          "elasticloadbalancing:DeleteTargetGroup", "elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:ModifyListener",
          "elasticloadbalancing:ModifyListenerAttributes", "elasticloadbalancing:ModifyLoadBalancerAttributes",
          "elasticloadbalancing:ModifyTargetGroup", "elasticloadbalancing:ModifyTargetGroupAttributes", "elasticloadbalancing:RegisterTargets",
          "elasticloadbalancing:RemoveTags", "elasticloadbalancing:SetIpAddressType", "elasticloadbalancing:SetSecurityGroups",
          "elasticloadbalancing:SetSubnets",
        ]
        Resource  = [for kind in local.elb_kinds : "${local.elb}:${kind}"]
        Condition = local.of_cluster
      },
      {
        Sid       = "MakeSecurityGroups"
        Effect    = "Allow"
        Action    = "ec2:CreateSecurityGroup"
        Resource  = "${local.ec2}:security-group/*"
        Condition = local.by_cluster
      },
      {
        Sid      = "MakeSecurityGroupsHere"
        Effect   = "Allow"
        Action   = "ec2:CreateSecurityGroup"
        Resource = "${local.ec2}:vpc/${module.network.vpc_id}"
      },
      {
        Sid       = "TagSecurityGroups"
        Effect    = "Allow"
        Action    = "ec2:CreateTags"
        Resource  = "${local.ec2}:security-group/*"
        Condition = merge(local.by_cluster, { StringLike = { "ec2:CreateAction" = "CreateSecurityGroup" } })
      },
      {
        Sid    = "ChangeOwnSecurityGroups"
        Effect = "Allow"
        Action = [
          "ec2:AuthorizeSecurityGroupIngress", "ec2:CreateTags", "ec2:DeleteSecurityGroup", "ec2:DeleteTags", "ec2:RevokeSecurityGroupIngress",
        ]
        Resource  = "${local.ec2}:security-group/*"
        Condition = local.of_cluster
      },
      {
        # From the load balancer to the pods: rules of the group that EKS makes for nodes and pods.
        Sid       = "OpenNodes"
        Effect    = "Allow"
        Action    = ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]
        Resource  = "${local.ec2}:security-group/*"
        Condition = local.of_the_nodes
      },
    ]
  })
}

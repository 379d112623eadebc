locals {
  here         = "arn:${local.partition}:%s:${var.region}:${local.account}"
  ec2          = format(local.here, "ec2")
  eks          = format(local.here, "eks")
  rds          = format(local.here, "rds")
  logs         = format(local.here, "logs")
  new          = { StringEquals = { "aws:RequestTag/project" = local.project } }
  ours         = { StringEquals = { "aws:ResourceTag/project" = local.project } }
  ec2_kinds    = ["elastic-ip", "internet-gateway", "launch-template", "natgateway", "route-table", "security-group", "subnet", "vpc", "vpc-endpoint", "vpc-flow-log"]
  aws_policies = "arn:${local.partition}:iam::aws:policy"

  # All that a plan reads. Values of secrets and layers of images are not among it.
  read = {
    Sid    = "Read"
    Effect = "Allow"
    Action = [
      "ec2:Describe*", "ecr:DescribeRepositories", "ecr:GetLifecyclePolicy", "ecr:GetRegistryScanningConfiguration", "ecr:ListTagsForResource",
      "eks:Describe*", "eks:List*", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole",
      "iam:ListRolePolicies", "iam:ListRoleTags", "kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:GetPublicKey",
      "kms:ListAliases", "kms:ListResourceTags", "logs:DescribeLogGroups", "logs:ListTagsForResource", "rds:Describe*",
      "rds:ListTagsForResource", "route53:Get*", "route53:List*", "secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy",
      "servicequotas:GetServiceQuota", "sts:GetCallerIdentity",
    ]
    Resource = "*"
  }

  # What each type of resource takes is in tests/infra/actions.toml; the tests hold the two together.
  apply = {
    read = [local.read]

    network = [
      {
        Sid    = "MakeTagged"
        Effect = "Allow"
        Action = [
          "ec2:AllocateAddress", "ec2:CreateFlowLogs", "ec2:CreateInternetGateway", "ec2:CreateLaunchTemplate", "ec2:CreateNatGateway",
          "ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateSubnet", "ec2:CreateVpc", "ec2:CreateVpcEndpoint",
        ]
        Resource  = [for kind in local.ec2_kinds : "${local.ec2}:${kind}/*"]
        Condition = local.new
      },
      {
        Sid    = "MakeInside"
        Effect = "Allow"
        Action = [
          "ec2:CreateFlowLogs", "ec2:CreateNatGateway", "ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateSubnet",
          "ec2:CreateVpcEndpoint",
        ]
        Resource  = [for kind in ["elastic-ip", "route-table", "security-group", "subnet", "vpc"] : "${local.ec2}:${kind}/*"]
        Condition = local.ours
      },
      {
        Sid    = "ChangeOurs"
        Effect = "Allow"
        Action = [
          "ec2:AssociateRouteTable", "ec2:AttachInternetGateway", "ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress",
          "ec2:CreateLaunchTemplateVersion", "ec2:CreateRoute", "ec2:DeleteFlowLogs", "ec2:DeleteInternetGateway", "ec2:DeleteLaunchTemplate",
          "ec2:DeleteNatGateway", "ec2:DeleteRoute", "ec2:DeleteRouteTable", "ec2:DeleteSecurityGroup", "ec2:DeleteSubnet", "ec2:DeleteTags",
          "ec2:DeleteVpc", "ec2:DeleteVpcEndpoints", "ec2:DetachInternetGateway", "ec2:DisassociateAddress", "ec2:DisassociateRouteTable",
          "ec2:ModifyLaunchTemplate", "ec2:ModifySecurityGroupRules", "ec2:ModifySubnetAttribute", "ec2:ModifyVpcAttribute",
          "ec2:ModifyVpcEndpoint", "ec2:ReleaseAddress", "ec2:ReplaceRoute", "ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress",
        ]
        Resource  = "${local.ec2}:*"
        Condition = local.ours
      },
      {
        # A rule is made with its group: the group is asked for above, the rule's own tags here.
        Sid       = "MakeRules"
        Effect    = "Allow"
        Action    = ["ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress"]
        Resource  = "${local.ec2}:security-group-rule/*"
        Condition = local.new
      },
      {
        # A VPC's own security group has no tags until it gets ours, so tagging cannot be kept to what is tagged already.
        Sid       = "Tag"
        Effect    = "Allow"
        Action    = "ec2:CreateTags"
        Resource  = concat([for kind in local.ec2_kinds : "${local.ec2}:${kind}/*"], ["${local.ec2}:security-group-rule/*"])
        Condition = local.new
      },
      {
        # EKS tries, as who asks for a node group, whether its launch template starts an instance.
        Sid    = "TryLaunchTemplates"
        Effect = "Allow"
        Action = "ec2:RunInstances"
        Resource = concat(
          [for kind in ["instance", "launch-template", "network-interface", "security-group", "subnet", "volume"] : "${local.ec2}:${kind}/*"],
          ["arn:${local.partition}:ec2:${var.region}::image/*"],
        )
        Condition = { ArnLike = { "ec2:LaunchTemplate" = "${local.ec2}:launch-template/*" } }
      },
      {
        Sid       = "TagInstances"
        Effect    = "Allow"
        Action    = "ec2:CreateTags"
        Resource  = [for kind in ["instance", "network-interface", "volume"] : "${local.ec2}:${kind}/*"]
        Condition = { StringEquals = { "ec2:CreateAction" = "RunInstances" } }
      },
      {
        Sid      = "DeliverFlowLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogDelivery", "logs:DeleteLogDelivery"]
        Resource = "*"
      },
      {
        # An interface endpoint's private name is a hosted zone of AWS's own.
        Sid      = "PrivateNamesOfEndpoints"
        Effect   = "Allow"
        Action   = "route53:AssociateVPCWithHostedZone"
        Resource = "*"
      },
    ]

    cluster = [
      {
        # It is asked for no resource: the cluster has no name for IAM before it is there.
        Sid       = "MakeClusters"
        Effect    = "Allow"
        Action    = "eks:CreateCluster"
        Resource  = "*"
        Condition = local.new
      },
      {
        Sid    = "Clusters"
        Effect = "Allow"
        Action = [
          "eks:AssociateAccessPolicy", "eks:AssociateEncryptionConfig", "eks:CreateAccessEntry", "eks:CreateAddon",
          "eks:CreateNodegroup", "eks:CreatePodIdentityAssociation", "eks:DeleteAccessEntry", "eks:DeleteAddon", "eks:DeleteCluster",
          "eks:DeleteNodegroup", "eks:DeletePodIdentityAssociation", "eks:DisassociateAccessPolicy", "eks:TagResource", "eks:UntagResource",
          "eks:UpdateAccessEntry", "eks:UpdateAddon", "eks:UpdateClusterConfig", "eks:UpdateClusterVersion", "eks:UpdateNodegroupConfig",
          "eks:UpdateNodegroupVersion", "eks:UpdatePodIdentityAssociation",
        ]
        Resource = [
          for kind in ["access-entry", "addon", "cluster", "nodegroup", "podidentityassociation"] :
          kind == "cluster" ? "${local.eks}:cluster/${local.project}-*" : "${local.eks}:${kind}/${local.project}-*/*"
        ]
      },
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource"]
        Resource = [for group in ["/${local.project}-*", "/aws/eks/${local.project}-*", "/aws/rds/instance/${local.project}-*"] : "${local.logs}:log-group:${group}"]
      },
    ]

    database = [
      {
        Sid    = "Databases"
        Effect = "Allow"
        Action = [
          "rds:AddTagsToResource", "rds:CreateDBInstance", "rds:CreateDBParameterGroup", "rds:CreateDBSnapshot", "rds:CreateDBSubnetGroup",
          "rds:DeleteDBInstance", "rds:DeleteDBParameterGroup", "rds:DeleteDBSubnetGroup", "rds:ModifyDBInstance", "rds:ModifyDBParameterGroup",
          "rds:ModifyDBSubnetGroup", "rds:RebootDBInstance", "rds:RemoveTagsFromResource", "rds:ResetDBParameterGroup",
        ]
        Resource = concat(
          [for kind in ["db", "pg", "snapshot", "subgrp"] : "${local.rds}:${kind}:${local.project}-*"],
          ["${local.rds}:og:default:*"],
        )
      },
      {
        Sid    = "Secrets"
        Effect = "Allow"
        Action = [
          "secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:RestoreSecret", "secretsmanager:TagResource",
          "secretsmanager:UntagResource", "secretsmanager:UpdateSecret",
        ]
        Resource = "${format(local.here, "secretsmanager")}:secret:${local.project}-*"
      },
      {
        # RDS makes the administrator's secret as who asks for the instance.
        Sid      = "MasterPassword"
        Effect   = "Allow"
        Action   = ["secretsmanager:CreateSecret", "secretsmanager:RotateSecret", "secretsmanager:TagResource"]
        Resource = "${format(local.here, "secretsmanager")}:secret:rds!db-*"
      },
    ]

    shared = [
      {
        Sid    = "Repositories"
        Effect = "Allow"
        Action = [
          "ecr:CreateRepository", "ecr:DeleteLifecyclePolicy", "ecr:DeleteRepository", "ecr:PutImageTagMutability", "ecr:PutLifecyclePolicy",
          "ecr:TagResource", "ecr:UntagResource",
        ]
        Resource = "${format(local.here, "ecr")}:repository/${local.project}-*"
      },
      {
        Sid      = "Scanning"
        Effect   = "Allow"
        Action   = "ecr:PutRegistryScanningConfiguration"
        Resource = "*"
      },
      {
        # Route 53 knows no tags in conditions, and no names when a zone is made.
        Sid    = "Zones"
        Effect = "Allow"
        Action = [
          "route53:ActivateKeySigningKey", "route53:ChangeTagsForResource", "route53:CreateHostedZone", "route53:CreateKeySigningKey",
          "route53:DeactivateKeySigningKey", "route53:DeleteHostedZone", "route53:DeleteKeySigningKey", "route53:DisableHostedZoneDNSSEC",
          "route53:EnableHostedZoneDNSSEC", "route53:UpdateHostedZoneComment",
        ]
        Resource = "*"
      },
      {
        Sid       = "Records"
        Effect    = "Allow"
        Action    = "route53:ChangeResourceRecordSets"
        Resource  = "arn:${local.partition}:route53:::hostedzone/*"
        Condition = { "ForAllValues:StringLike" = { "route53:ChangeResourceRecordSetsNormalizedRecordNames" = [var.domain, "*.${var.domain}"] } }
      },
    ]

    keys = [
      {
        Sid       = "MakeKeys"
        Effect    = "Allow"
        Action    = ["kms:CreateKey", "kms:TagResource"]
        Resource  = "*"
        Condition = local.new
      },
      {
        Sid    = "ChangeKeys"
        Effect = "Allow"
        Action = [
          "kms:CreateAlias", "kms:DeleteAlias", "kms:EnableKeyRotation", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:TagResource",
          "kms:UntagResource", "kms:UpdateAlias", "kms:UpdateKeyDescription",
        ]
        Resource  = "arn:${local.partition}:kms:*:${local.account}:key/*"
        Condition = local.ours
      },
      {
        Sid      = "Aliases"
        Effect   = "Allow"
        Action   = ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"]
        Resource = "arn:${local.partition}:kms:*:${local.account}:alias/${local.project}-*"
      },
      {
        # ECR, EKS, RDS and Secrets Manager use the keys as who asks for the resource; Route 53 has a first signature made.
        Sid       = "LendKeys"
        Effect    = "Allow"
        Action    = ["kms:CreateGrant", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:RetireGrant", "kms:Sign"]
        Resource  = "arn:${local.partition}:kms:*:${local.account}:key/*"
        Condition = local.ours
      },
    ]

    roles = [
      {
        Sid    = "Roles"
        Effect = "Allow"
        Action = [
          "iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:TagRole",
          "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription",
        ]
        Resource = local.project_roles
      },
      {
        Sid      = "AttachOnlyThese"
        Effect   = "Allow"
        Action   = ["iam:AttachRolePolicy", "iam:DetachRolePolicy"]
        Resource = local.project_roles
        Condition = { ArnEquals = { "iam:PolicyARN" = [
          for policy in [
            "AmazonEC2ContainerRegistryPullOnly", "AmazonEKSClusterPolicy", "AmazonEKSVPCResourceController", "AmazonEKSWorkerNodePolicy",
            "AmazonEKS_CNI_Policy", "service-role/AmazonEBSCSIDriverPolicy", "service-role/AmazonRDSEnhancedMonitoringRole",
          ] : "${local.aws_policies}/${policy}"
        ] } }
      },
      {
        Sid      = "PassRoles"
        Effect   = "Allow"
        Action   = "iam:PassRole"
        Resource = local.project_roles
        Condition = { StringEquals = { "iam:PassedToService" = [
          "ec2.amazonaws.com", "eks.amazonaws.com", "monitoring.rds.amazonaws.com", "pods.eks.amazonaws.com", "vpc-flow-logs.amazonaws.com",
        ] } }
      },
      {
        # Each exists once in an account; the first cluster, node group and database make them.
        Sid      = "ServicesOwnRoles"
        Effect   = "Allow"
        Action   = "iam:CreateServiceLinkedRole"
        Resource = "${local.iam}:role/aws-service-role/*"
        Condition = { StringEquals = { "iam:AWSServiceName" = [
          "autoscaling.amazonaws.com", "eks-nodegroup.amazonaws.com", "eks.amazonaws.com", "elasticloadbalancing.amazonaws.com", "rds.amazonaws.com",
        ] } }
      },
    ]
  }
}

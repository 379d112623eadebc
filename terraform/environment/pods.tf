# What pods may do in AWS. The gateway is not here: it has no business with AWS.
locals {
  database_users = "arn:${local.partition}:rds-db:${var.region}:${local.account}:dbuser:${module.database.resource_id}"

  # The environment's own name and those below it.
  record_names = [var.hostname, "*.${var.hostname}"]

  pod_roles = {
    server = {
      namespace       = "payments"
      service_account = "payments-server"
      policy          = local.server_policy
    }
    migrate = {
      namespace       = "payments"
      service_account = "payments-migrate"
      policy          = local.migrate_policy
    }
    external-dns = {
      namespace       = "external-dns"
      service_account = "external-dns"
      policy          = local.external_dns_policy
    }
    cert-manager = {
      namespace       = "cert-manager"
      service_account = "cert-manager"
      policy          = local.cert_manager_policy
    }
    load-balancer-controller = {
      namespace       = "kube-system"
      service_account = "aws-load-balancer-controller"
      policy          = local.load_balancer_policy
    }
  }

  server_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ServeAsApp"
        Effect   = "Allow"
        Action   = "rds-db:connect"
        Resource = "${local.database_users}/payments_app"
      },
      {
        Sid      = "ReadApiKeys"
        Effect   = "Allow"
        Action   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
        Resource = module.database.api_keys_secret_arn
      },
      {
        Sid       = "DecryptApiKeys"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = module.database.key_arn
        Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.region}.amazonaws.com" } }
      },
    ]
  })

  migrate_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "MigrateAsOwner"
      Effect   = "Allow"
      Action   = "rds-db:connect"
      Resource = "${local.database_users}/payments_owner"
    }]
  })

  find_zone = {
    Sid      = "FindZone"
    Effect   = "Allow"
    Action   = ["route53:ListHostedZones", "route53:ListHostedZonesByName", "route53:ListTagsForResources"]
    Resource = "*"
  }

  external_dns_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.find_zone,
      {
        Sid      = "ReadRecords"
        Effect   = "Allow"
        Action   = ["route53:ListResourceRecordSets", "route53:ListTagsForResource"]
        Resource = data.aws_route53_zone.this.arn
      },
      {
        Sid      = "WriteOwnRecords"
        Effect   = "Allow"
        Action   = "route53:ChangeResourceRecordSets"
        Resource = data.aws_route53_zone.this.arn
        Condition = {
          "ForAllValues:StringLike"   = { "route53:ChangeResourceRecordSetsNormalizedRecordNames" = local.record_names }
          "ForAllValues:StringEquals" = { "route53:ChangeResourceRecordSetsRecordTypes" = ["A", "AAAA", "CNAME", "TXT"] }
        }
      },
    ]
  })

  cert_manager_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.find_zone,
      {
        Sid      = "WaitForChanges"
        Effect   = "Allow"
        Action   = "route53:GetChange"
        Resource = "arn:${local.partition}:route53:::change/*"
      },
      {
        Sid      = "ReadRecords"
        Effect   = "Allow"
        Action   = "route53:ListResourceRecordSets"
        Resource = data.aws_route53_zone.this.arn
      },
      {
        Sid      = "AnswerChallenges"
        Effect   = "Allow"
        Action   = "route53:ChangeResourceRecordSets"
        Resource = data.aws_route53_zone.this.arn
        Condition = {
          "ForAllValues:StringLike"   = { "route53:ChangeResourceRecordSetsNormalizedRecordNames" = ["_acme-challenge.${var.hostname}", "_acme-challenge.*.${var.hostname}"] }
          "ForAllValues:StringEquals" = { "route53:ChangeResourceRecordSetsRecordTypes" = ["TXT"] }
        }
      },
    ]
  })
}

resource "aws_route53_zone" "this" {
  name    = var.domain
  comment = "Payments: delegated from the parent zone by NS records"

  force_destroy = false
}

# Only these authorities may issue certificates for the zone's names (RFC 8659), and none may issue wildcards.
resource "aws_route53_record" "caa" {
  zone_id = aws_route53_zone.this.zone_id
  name    = var.domain
  type    = "CAA"
  ttl     = 3600
  records = concat([for issuer in sort(tolist(var.certificate_issuers)) : "0 issue \"${issuer}\""], ["0 issuewild \";\""])
}

output "zone_id" {
  description = "ID of the zone."
  value       = aws_route53_zone.this.zone_id
}

output "name_servers" {
  description = "What the parent zone's NS records for the domain have to name."
  value       = sort(aws_route53_zone.this.name_servers)
}

output "ds_record" {
  description = "What the parent zone's DS record has to be, or null without DNSSEC. Add it last, and take it away first."
  value       = one(aws_route53_key_signing_key.this[*].ds_record)
}

output "repository_urls" {
  description = "Where images are pushed to and pulled from, by repository."
  value       = module.registry.repository_urls
}

output "signing_key" {
  description = "The key that signs images, as cosign is given it."
  value       = module.registry.signing_key
}

output "push_role_arn" {
  description = "ARN of the role that pushes images."
  value       = module.push.role_arn
}

output "zone_id" {
  description = "ID of the public zone."
  value       = module.dns.zone_id
}

output "name_servers" {
  description = "What the parent zone's NS records for the domain have to name."
  value       = module.dns.name_servers
}

output "ds_record" {
  description = "What the parent zone's DS record has to be. Add it after the NS records are seen everywhere."
  value       = module.dns.ds_record
}

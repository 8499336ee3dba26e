output "identities" {
  description = "Identities by team and purpose."
  value       = { for team, environment in mlops_environment.team : team => environment.identity_info }
}

output "registries" {
  description = "Where each team's images are."
  value       = { for team, environment in mlops_environment.team : team => environment.registry_info.url }
}

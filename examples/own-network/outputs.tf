output "network" {
  description = "The network that was made."
  value       = mlops_environment.this.network_info
}

output "gitlab" {
  description = "CI/CD variables by environment scope."
  value       = mlops_environment.this.gitlab
}

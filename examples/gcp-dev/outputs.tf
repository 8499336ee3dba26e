output "identities" {
  description = "Service accounts by purpose; the pods' with namespace and Kubernetes ServiceAccount."
  value       = mlops_environment.this.identity_info
}

output "buckets" {
  description = "Buckets by purpose."
  value       = mlops_environment.this.bucket_info
}

output "registry" {
  description = "Image repositories."
  value       = mlops_environment.this.registry_info
}

output "github" {
  description = "Variables for the GitHub environments."
  value       = mlops_environment.this.github
}

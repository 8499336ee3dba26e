output "identities" {
  description = "Role ARNs by purpose; the pods' with namespace and ServiceAccount."
  value       = mlops_environment.this.identity_info
}

output "buckets" {
  description = "Buckets by purpose."
  value       = mlops_environment.this.bucket_info
}

output "github" {
  description = "Variables for the GitHub environments."
  value       = mlops_environment.this.github
}

output "manifests" {
  description = "Kubernetes manifests by file name, applied once by an administrator."
  value       = mlops_environment.this.manifests
}

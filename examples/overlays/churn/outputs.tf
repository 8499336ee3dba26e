output "github" {
  description = "Variables for the GitHub environments."
  value       = module.environment.github
}

output "registry" {
  description = "The registry and its repositories."
  value       = module.environment.registry
}

output "kubernetes" {
  description = "Cluster, manifests, kustomize patches by service, kubeconfig."
  value       = module.environment.kubernetes
}

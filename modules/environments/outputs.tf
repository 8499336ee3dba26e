output "id" {
  description = "Id of the environment of this state."
  value       = module.environment.id
}

output "github" {
  description = "Variables that each GitHub environment needs."
  value       = module.environment.github
}

output "registry" {
  description = "The registry: `registry.url` of the tier that builds is `images_from` of the others."
  value       = module.environment.registry
}

output "kubernetes" {
  description = "Cluster, manifests, kustomize patches, kubeconfig."
  value       = module.environment.kubernetes
}

output "identities" {
  description = "Identities by purpose."
  value       = module.environment.identities
}

output "buckets" {
  description = "Buckets by purpose."
  value       = module.environment.buckets
}

output "names" {
  description = "What this tier is called: the environment, the GitHub environment that deploys, and whether it builds its images (`create`) or pulls them (`reference`)."
  value = {
    environment = "${var.name}-${var.tier}"
    deploy      = "${local.cloud}-${var.tier}"
    registry    = local.registry.mode
  }
}

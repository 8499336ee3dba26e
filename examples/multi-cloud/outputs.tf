# Both environments tell the same things in the same shape, so what uses them needs to know no cloud.
locals {
  environments = {
    aws = mlops_environment.aws
    gcp = mlops_environment.gcp
  }
}

output "registries" {
  description = "Where images are pushed, by cloud."
  value       = { for cloud, environment in local.environments : cloud => environment.registry_info.url }
}

output "models" {
  description = "Where models are, by cloud."
  value       = { for cloud, environment in local.environments : cloud => environment.bucket_info.models.uri }
}

output "service_accounts" {
  description = "Annotation of each service's Kubernetes ServiceAccount, by cloud and service."
  value = {
    for cloud, environment in local.environments : cloud => {
      for service, identity in environment.identity_info.runtime : service => {
        namespace   = identity.namespace
        name        = identity.service_account
        annotations = identity.annotation
      }
    }
  }
}

output "clusters" {
  description = "The clusters, by cloud; no credential."
  value       = { for cloud, environment in local.environments : cloud => environment.cluster_info }
}

output "github" {
  description = "Variables for the GitHub environments of both clouds. Those of jobs without one differ by cloud."
  value       = { for cloud, environment in local.environments : cloud => environment.github }
}

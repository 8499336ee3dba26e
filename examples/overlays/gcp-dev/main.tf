# The system churn on Google Cloud, tier dev: one overlay, one state.

terraform {
  required_version = ">= 1.9"

  # One prefix per overlay, written here, so that no state is ever applied over another's. The rest comes from backend.hcl.
  backend "gcs" {
    prefix = "churn-dev"
  }

  required_providers {
    mlops = {
      source = "mlops/mlops"
    }
  }
}

provider "mlops" {
  gcp = {
    project          = var.project
    region           = var.region
    allowed_projects = [var.project]
    endpoints        = var.endpoints
  }
}

module "churn" {
  source = "../churn"

  tier = "dev"
  gcp  = { existing_network = var.network }
}

output "github" {
  description = "Variables for the GitHub environments."
  value       = module.churn.github
}

output "kustomize" {
  description = "Patch of each service for the overlay gcp-dev."
  value       = module.churn.kubernetes.kustomize
}

output "images" {
  description = "What the other tiers pull from."
  value       = module.churn.registry.url
}

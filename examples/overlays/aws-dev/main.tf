# The system churn on AWS, tier dev: one overlay, one state.

terraform {
  required_version = ">= 1.9"

  # One key per overlay, written here, so that no state is ever applied over another's. The rest comes from backend.hcl.
  backend "s3" {
    key          = "churn-dev/terraform.tfstate"
    use_lockfile = true
    encrypt      = true
  }

  required_providers {
    mlops = {
      source = "mlops/mlops"
    }
  }
}

provider "mlops" {
  aws = {
    region              = var.region
    allowed_account_ids = [var.account_id]
    endpoints           = var.endpoints
  }
}

module "churn" {
  source = "../churn"

  tier = "dev"
  aws  = { existing_network = var.network }
}

output "github" {
  description = "Variables for the GitHub environments."
  value       = module.churn.github
}

output "kustomize" {
  description = "Patch of each service for the overlay aws-dev."
  value       = module.churn.kubernetes.kustomize
}

output "images" {
  description = "What the other tiers pull from."
  value       = module.churn.registry.url
}

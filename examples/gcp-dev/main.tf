# One dev environment on Google Cloud in a network that is there already.

terraform {
  required_version = ">= 1.8"

  # State never lies on a disk: the bucket comes from the pipeline (`-backend-config`).
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
    project   = var.project
    region    = var.region
    endpoints = var.endpoints
  }
}

resource "mlops_environment" "this" {
  name = "churn-dev"
  tier = "dev"

  gcp = {
    existing_network = var.network
  }

  services = {
    churn = {
      secrets = {
        feature-store = { readers = ["runtime", "retrain"] }
      }
    }
  }

  federation = {
    github = {
      repository    = "acme/churn"
      owner_id      = "123456"
      repository_id = "456789"
    }
  }
}

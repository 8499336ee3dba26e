# One dev environment on AWS in a network that is there already.

terraform {
  required_version = ">= 1.8"

  # State never lies on a disk: bucket, key and region come from the pipeline (`-backend-config`).
  backend "s3" {
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
    region    = var.region
    endpoints = var.endpoints
  }
}

resource "mlops_environment" "this" {
  name = "churn-dev"
  tier = "dev"

  aws = {
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

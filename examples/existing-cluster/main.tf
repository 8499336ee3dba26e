# The cluster is somebody else's: identities are wired to it, and it is never changed.

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

  aws     = {}
  cluster = { existing = var.cluster }

  # Of all environments in the cluster, no two may have a namespace in common.
  services = { churn = { namespace = "churn-dev" } }

  federation = {
    github = {
      repository    = "acme/churn"
      owner_id      = "123456"
      repository_id = "456789"
    }
  }
}

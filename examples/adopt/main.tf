# A bucket with data that was there before the environment: it is taken over by name, brought in line, and kept for ever.

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

  adopt = {
    "buckets.data" = var.data_bucket
  }

  services = { churn = {} }

  federation = {
    github = {
      repository    = "acme/churn"
      owner_id      = "123456"
      repository_id = "456789"
    }
  }
}

# One configuration, one state, both clouds: the same environment on AWS and on Google Cloud.

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
    region    = var.aws.region
    endpoints = var.aws.endpoints
  }
  gcp = {
    project   = var.gcp.project
    region    = var.gcp.region
    endpoints = var.gcp.endpoints
  }

  # Lower case, so that they are labels on Google Cloud too.
  default_tags = {
    team = "churn"
  }
}

locals {
  name = "churn-dev"
  tier = "dev"

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

resource "mlops_environment" "aws" {
  name       = local.name
  tier       = local.tier
  services   = local.services
  federation = local.federation

  aws = {
    existing_network = var.aws.network
  }
}

resource "mlops_environment" "gcp" {
  name       = local.name
  tier       = local.tier
  services   = local.services
  federation = local.federation

  gcp = {
    existing_network = var.gcp.network
  }
}

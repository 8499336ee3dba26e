# One dev environment on AWS in a network of its own, entered by the pipelines of a GitLab project.

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

  aws = {}

  # A VPC with a private and a public subnet in each of two zones, one NAT gateway, and an endpoint for S3.
  network = {
    cidr   = var.cidr
    egress = "nat_single"
  }

  services = {
    churn = {
      secrets = {
        feature-store = { readers = ["runtime", "retrain"] }
      }
    }
  }

  # The subject of a job names its environment's tier once the project's `ci_id_token_sub_claim_components` say so.
  federation = {
    gitlab = {
      project_path = "acme/ml/churn"
      environments = { deploy = "staging", tier = "staging" }
    }
  }
}

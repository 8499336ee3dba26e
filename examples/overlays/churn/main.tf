# The system, the same in all tiers and on both clouds; an overlay says where it is and what differs.

terraform {
  required_version = ">= 1.9"

  required_providers {
    mlops = {
      source = "mlops/mlops"
    }
  }
}

module "environment" {
  source = "../../../modules/environment"

  name = "churn-${var.tier}"
  tier = var.tier

  aws = var.aws
  gcp = var.gcp

  registry = { reference = var.images_from }

  services = {
    churn = {
      secrets = {
        feature-store = { readers = ["runtime", "retrain"] }
      }
    }
  }

  github = {
    repository    = "acme/churn"
    owner_id      = "123456"
    repository_id = "456789"
  }
}

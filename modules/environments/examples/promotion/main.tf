# Three tiers in three accounts; each state gives its own tier: `terraform plan -var tier=prod`.

terraform {
  required_providers {
    mlops = {
      source = "mlops/mlops"
    }
  }
}

variable "tier" {
  description = "The tier of this state."
  type        = string
}

locals {
  network = {
    vpc_id             = "vpc-0123456789abcdef0"
    private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  }
  images = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn-dev"
}

module "churn" {
  source = "../.."

  name     = "churn"
  tier     = var.tier
  services = { churn = {} }
  github   = { repository = "acme/churn", owner_id = "123456", repository_id = "456789" }

  tiers = {
    dev     = { aws = { account_id = "111122223333", existing_network = local.network } }
    staging = { aws = { account_id = "444455556666", existing_network = local.network }, images_from = local.images }
    prod    = { aws = { account_id = "777788889999", existing_network = local.network }, images_from = local.images }
  }
}

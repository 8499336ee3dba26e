# Two teams, one account: every name, key, bucket and identity is each team's own, GitHub's OIDC provider is shared.

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

resource "mlops_environment" "team" {
  for_each = var.teams

  name  = "${each.key}-dev"
  tier  = "dev"
  owner = each.value.owner

  aws = {
    existing_network = var.network
  }

  services = { for service in each.value.services : service => {} }

  federation = {
    github = {
      repository    = each.value.repository
      owner_id      = each.value.owner_id
      repository_id = each.value.repository_id
    }
  }

  tags = { team = each.key }
}

# What `terraform-provider-mlops bootstrap aws --name churn --region eu-west-1 --github acme/infra` made, in a state of its own
# in the bucket that it describes: terraform init -backend-config=backend.hcl, as bootstrap prints it.

terraform {
  required_version = ">= 1.9"

  backend "s3" {}

  required_providers {
    mlops = {
      source = "mlops/mlops"
    }
  }
}

provider "mlops" {
  aws = { region = "eu-west-1" }
}

module "state_backend" {
  source = "../.."

  name   = "churn"
  cloud  = "aws"
  github = { repository = "acme/infra", owner_id = "123456", repository_id = "456789" }
}

output "backend_configs" {
  description = "backend.hcl of each tier."
  value       = module.state_backend.backend_configs
}

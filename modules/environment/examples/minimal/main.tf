# The least that can be said: everything else has the tier's default.

terraform {
  required_providers {
    mlops = {
      source = "mlops/mlops"
    }
  }
}

module "environment" {
  source = "../.."

  name = "churn-dev"
  tier = "dev"

  aws = {
    existing_network = {
      vpc_id             = "vpc-0123456789abcdef0"
      private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    }
  }

  services = { churn = {} }
}

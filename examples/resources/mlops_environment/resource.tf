# On AWS.
resource "mlops_environment" "dev" {
  name = "churn-dev"
  tier = "dev" # decides the defaults: sizes, retention, protection

  aws = {
    existing_network = {
      vpc_id             = "vpc-0f1e2d3c4b5a69788"
      private_subnet_ids = ["subnet-0a1b2c3d4e5f60718", "subnet-0b1c2d3e4f5061728"]
    }
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

# The same shape on Google Cloud: only the block of the cloud differs.
resource "mlops_environment" "dev_gcp" {
  name = "churn-dev"
  tier = "dev"

  gcp = {
    existing_network = {
      network        = "projects/acme-ml-dev/global/networks/ml"
      subnetwork     = "projects/acme-ml-dev/regions/europe-west1/subnetworks/ml"
      pods_range     = "pods"
      services_range = "services"
    }
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

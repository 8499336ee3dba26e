# Production on Google Cloud: images come from the project that built them, nobody deletes by accident.

terraform {
  required_version = ">= 1.8"

  # State never lies on a disk: the bucket comes from the pipeline (`-backend-config`).
  backend "gcs" {
    prefix = "churn-prod"
  }

  required_providers {
    mlops = {
      source = "mlops/mlops"
    }
  }
}

provider "mlops" {
  gcp = {
    project          = var.project
    region           = var.region
    allowed_projects = [var.project]
    endpoints        = var.endpoints
  }

  default_tags = {
    team        = "ml-platform"
    cost-center = "4711"
  }
}

resource "mlops_environment" "this" {
  name  = "churn-prod"
  tier  = "prod"
  owner = "ml-platform@acme.example"

  gcp = {
    project          = var.project
    existing_network = var.network
  }

  node_pools = {
    system   = { purpose = "system", size = "small", min = 3, max = 6 }
    serving  = { purpose = "serving", size = "large", min = 3, max = 30 }
    training = { purpose = "training", size = "xlarge", min = 0, max = 4, spot = true }
  }

  # Images were built and tested elsewhere: nobody pushes into prod.
  registry = {
    mode      = "reference"
    reference = var.images
  }

  services = {
    churn = {
      secrets = {
        feature-store = { readers = ["runtime", "retrain"] }
      }
    }
    fraud = {
      repositories = ["fraud-predictor", "fraud-features"]
      secrets = {
        watchlist = { readers = ["runtime"] }
      }
    }
  }

  # Drift detection and retraining may also be started by people, from environments with reviewers of their own.
  identities = {
    drift   = { ci_environment = "gcp-prod-drift" }
    retrain = { ci_environment = "gcp-prod-retrain" }
  }

  federation = {
    github = {
      repository    = "acme/churn"
      owner_id      = "123456"
      repository_id = "456789"
      environments  = { deploy = "gcp-prod" }
    }
  }

  # Predictions are evidence: kept for two years, moved to cheaper storage after three months.
  buckets = {
    predictions = { retention_days = 730, transition_days = 90 }
  }

  partial_create = "warn"

  lifecycle {
    prevent_destroy = true

    postcondition {
      condition     = self.phase == "READY"
      error_message = "The environment is ${self.phase}: apply again, it goes on where it stopped."
    }
  }
}

# Accelerators: a pool for inference that is always there, one for training that costs nothing while nobody trains.

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
  name = "vision-dev"
  tier = "dev"

  aws = {
    existing_network = var.network
  }

  node_pools = {
    system  = { purpose = "system", size = "small", min = 1, max = 3 }
    serving = { purpose = "serving", size = "medium", min = 0, max = 3 }

    # One accelerator a node. Pods come here by tolerating the taint nvidia.com/gpu.
    inference = { purpose = "gpu", size = "gpu-small", min = 1, max = 4 }

    # Spare capacity in several sizes, whichever is to be had; no node while nobody trains.
    training = {
      purpose       = "gpu"
      machine_types = ["g5.12xlarge", "g6.12xlarge"]
      min           = 0
      max           = 2
      spot          = true
      disk_gb       = 500
      labels        = { "acme.example/use" = "training" }
      taints        = [{ key = "acme.example/use", value = "training", effect = "NoSchedule" }]
    }
  }

  services = { vision = {} }

  federation = {
    github = {
      repository    = "acme/vision"
      owner_id      = "123456"
      repository_id = "678901"
    }
  }
}

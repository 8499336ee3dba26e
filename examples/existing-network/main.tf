# The network is somebody else's: it is found by its tags, used, and never changed.

terraform {
  required_version = ">= 1.8"

  # State never lies on a disk: bucket, key and region come from the pipeline (`-backend-config`).
  backend "s3" {
    use_lockfile = true
    encrypt      = true
  }

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
    mlops = {
      source = "mlops/mlops"
    }
  }
}

provider "aws" {
  region = var.region
}

provider "mlops" {
  aws = {
    region    = var.region
    endpoints = var.endpoints
  }
}

data "aws_vpc" "ml" {
  tags = { Name = var.vpc_name }
}

# The tags that load balancers look for: https://docs.aws.amazon.com/eks/latest/userguide/network-load-balancing.html
data "aws_subnets" "private" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.ml.id]
  }
  tags = { "kubernetes.io/role/internal-elb" = "1" }
}

data "aws_subnets" "public" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.ml.id]
  }
  tags = { "kubernetes.io/role/elb" = "1" }
}

resource "mlops_environment" "this" {
  name = "churn-dev"
  tier = "dev"

  aws = {
    existing_network = {
      vpc_id             = data.aws_vpc.ml.id
      private_subnet_ids = data.aws_subnets.private.ids
      public_subnet_ids  = data.aws_subnets.public.ids
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

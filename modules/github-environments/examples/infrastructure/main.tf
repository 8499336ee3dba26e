# The GitHub environments of an infrastructure repository: what bootstrap prints, with the rules that its trusts rely on.

terraform {
  required_version = ">= 1.9"

  backend "s3" {}

  required_providers {
    github = {
      source  = "integrations/github"
      version = ">= 6.5"
    }
  }
}

provider "github" {
  owner = "acme"
}

module "github_environments" {
  source = "../.."

  repository = "infra"
  reviewers  = { teams = [1234567] }
  environments = {
    infra-aws-dev-plan = {
      protected = false
      variables = { AWS_REGION = "eu-west-1", AWS_PLANNER_ROLE_ARN = "arn:aws:iam::111122223333:role/mlops-bootstrap/churn/churn-dev-planner" }
    }
    infra-aws-dev = {
      variables = { AWS_REGION = "eu-west-1", AWS_PROVISIONER_ROLE_ARN = "arn:aws:iam::111122223333:role/mlops-bootstrap/churn/churn-dev-provisioner" }
    }
  }
}

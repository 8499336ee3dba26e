# Offline: what each tier's state makes of the one description.

mock_provider "mlops" {
  mock_resource "mlops_environment" {
    defaults = {
      phase = "READY"
    }
  }
}

variables {
  name     = "churn"
  services = { churn = {} }
  github   = { repository = "acme/churn", owner_id = "123456", repository_id = "456789" }
  tiers = {
    dev = {
      aws = { account_id = "111122223333", existing_network = { vpc_id = "vpc-0123456789abcdef0", private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"] } }
    }
    prod = {
      aws         = { account_id = "444455556666", existing_network = { vpc_id = "vpc-0123456789abcdef0", private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"] } }
      images_from = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn-dev"
      ci_refs     = ["refs/tags/v*"]
    }
  }
}

run "dev_builds" {
  command = plan

  variables {
    tier = "dev"
  }

  assert {
    condition     = output.names == { environment = "churn-dev", deploy = "aws-dev", registry = "create" }
    error_message = "Dev builds its images, and deploys from aws-dev: ${jsonencode(output.names)}."
  }
}

run "prod_pulls_what_dev_built" {
  command = plan

  variables {
    tier = "prod"
  }

  assert {
    condition     = output.names == { environment = "churn-prod", deploy = "aws-prod", registry = "reference" }
    error_message = "Prod pulls, and deploys from aws-prod: ${jsonencode(output.names)}."
  }
}

run "gitlab_alone_will_do" {
  command = plan

  variables {
    tier   = "prod"
    github = null
    gitlab = { project_path = "acme/churn", project_id = "42" }
  }

  assert {
    condition     = output.names.deploy == "aws-prod"
    error_message = "The environment of GitLab that deploys is called as GitHub's."
  }
}

run "warns_of_tiers_that_share_an_account" {
  command = plan

  variables {
    tier = "dev"
    tiers = {
      dev = {
        aws = { account_id = "111122223333", existing_network = { vpc_id = "vpc-0123456789abcdef0", private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"] } }
      }
      prod = {
        aws         = { account_id = "111122223333", existing_network = { vpc_id = "vpc-0123456789abcdef0", private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"] } }
        images_from = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn-dev"
      }
    }
  }

  expect_failures = [check.environments_of_a_system_live_apart]
}

run "refuses_a_tier_that_is_not_described" {
  command = plan

  variables {
    tier = "staging"
  }

  expect_failures = [var.tier]
}

run "refuses_a_tier_without_images" {
  command = plan

  variables {
    tier = "dev"
    tiers = {
      dev = {
        aws = { existing_network = { vpc_id = "vpc-0123456789abcdef0", private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"] } }
      }
      prod = {
        aws = { existing_network = { vpc_id = "vpc-0123456789abcdef0", private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"] } }
      }
    }
  }

  expect_failures = [var.tiers]
}

run "refuses_a_name_that_staging_makes_too_long" {
  command = plan

  variables {
    name = "recommendations"
    tier = "dev"
  }

  expect_failures = [var.name]
}

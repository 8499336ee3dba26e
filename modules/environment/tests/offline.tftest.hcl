# Offline: the provider is mocked, so this judges what the module makes of its variables.

mock_provider "mlops" {
  mock_resource "mlops_environment" {
    defaults = {
      phase = "READY"
      id    = "aws/111122223333/eu-west-1/churn-dev"
    }
  }
}

variables {
  name = "churn-dev"
  tier = "dev"
  aws = {
    existing_network = {
      vpc_id             = "vpc-0123456789abcdef0"
      private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    }
  }
  services = { churn = {} }
  github   = { repository = "acme/churn" }
}

run "passes_on_what_is_said" {
  command = apply

  assert {
    condition     = mlops_environment.this.federation.github.repository == "acme/churn"
    error_message = "The repository reaches the environment."
  }
  assert {
    condition     = mlops_environment.this.partial_create == "warn"
    error_message = "A create that ends half-way is completed in place."
  }
  assert {
    condition     = output.phase == "READY" && output.id == "aws/111122223333/eu-west-1/churn-dev"
    error_message = "Outputs tell who the environment is."
  }
}

run "images_come_from_the_environment_itself_unless_said_otherwise" {
  command = plan

  variables {
    tier = "prod"
  }

  assert {
    condition     = mlops_environment.this.registry.mode == "create"
    error_message = "Prod has a registry of its own where no other is named."
  }
}

run "images_come_from_where_they_were_built" {
  command = plan

  variables {
    tier     = "prod"
    registry = { reference = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn-dev" }
  }

  assert {
    condition     = mlops_environment.this.registry.mode == "reference"
    error_message = "A reference is pulled from."
  }
}

run "nobody_enters_from_github_where_no_repository_is_named" {
  command = plan

  variables {
    github = null
  }

  assert {
    condition     = mlops_environment.this.federation == null
    error_message = "No repository, no federation."
  }
}

run "refuses_a_tier_that_is_none" {
  command = plan

  variables {
    tier = "production"
  }

  expect_failures = [var.tier]
}

run "refuses_a_name_that_no_cloud_takes" {
  command = plan

  variables {
    name = "Churn"
  }

  expect_failures = [var.name]
}

run "refuses_two_clouds" {
  command = plan

  variables {
    gcp = {
      existing_network = { network = "ml", subnetwork = "nodes", pods_range = "pods", services_range = "services" }
    }
  }

  expect_failures = [var.aws]
}

run "refuses_no_cloud" {
  command = plan

  variables {
    aws = null
  }

  expect_failures = [var.aws]
}

run "refuses_a_repository_without_an_owner" {
  command = plan

  variables {
    github = { repository = "churn" }
  }

  expect_failures = [var.github]
}

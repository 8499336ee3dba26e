# Offline: what the module asks of the provider, and what it refuses.

mock_provider "mlops" {
  mock_resource "mlops_state_backend" {
    defaults = {
      deviations = []
    }
  }
}

variables {
  name   = "churn"
  cloud  = "aws"
  tiers  = ["dev"]
  github = { repository = "acme/infra", owner_id = "123456", repository_id = "456789" }
}

run "keeps_states_unless_somebody_says_otherwise" {
  command = apply

  assert {
    condition     = mlops_state_backend.this.retention_days == 365 && !mlops_state_backend.this.allow_destroy
    error_message = "States are kept unless somebody says otherwise."
  }

  assert {
    condition     = mlops_state_backend.this.tiers == toset(["dev"]) && mlops_state_backend.this.github.repository == "acme/infra"
    error_message = "What was asked for."
  }
}

run "warns_of_tiers_that_share_a_project" {
  command = plan

  variables {
    cloud = "gcp"
    tiers = ["dev", "prod"]
  }

  expect_failures = [check.tiers_live_apart]
}

run "refuses_a_name_that_staging_makes_too_long" {
  command = plan

  variables {
    name = "recommendations"
  }

  expect_failures = [var.name]
}

run "refuses_one_id_alone" {
  command = plan

  variables {
    github = { repository = "acme/infra", owner_id = "123456" }
  }

  expect_failures = [var.github]
}

run "is_let_in_from_gitlab" {
  command = apply

  variables {
    github = null
    gitlab = { project_path = "acme/platform/infra" }
  }

  assert {
    condition     = mlops_state_backend.this.gitlab.project_path == "acme/platform/infra" && mlops_state_backend.this.github == null && output.github == {}
    error_message = "GitLab's jobs enter, and there is nothing for GitHub to know."
  }
}

run "refuses_two_places_for_the_code" {
  command = plan

  variables {
    gitlab = { project_path = "acme/infra" }
  }

  expect_failures = [var.github]
}

run "refuses_a_number_that_aws_does_not_see" {
  command = plan

  variables {
    github = null
    gitlab = { project_path = "acme/infra", project_id = "42" }
  }

  expect_failures = [var.gitlab]
}

run "refuses_a_tier_that_there_is_not" {
  command = plan

  variables {
    tiers = ["production"]
  }

  expect_failures = [var.tiers]
}

run "refuses_another_cloud" {
  command = plan

  variables {
    cloud = "azure"
  }

  expect_failures = [var.cloud]
}

# Offline: the rules of protected and open environments, and what is refused.

mock_provider "github" {}

variables {
  repository = "infra"
  reviewers  = { teams = [1234567] }
  environments = {
    infra-aws-dev-plan = { protected = false, variables = { AWS_REGION = "eu-west-1" } }
    infra-aws-prod     = { variables = { AWS_REGION = "eu-west-1" }, branches = ["main", "release/*"], tags = ["v*"] }
  }
}

run "a_protected_environment_waits_for_somebody_else" {
  command = plan

  assert {
    condition     = github_repository_environment.this["infra-aws-prod"].prevent_self_review && !github_repository_environment.this["infra-aws-prod"].can_admins_bypass
    error_message = "Nobody approves their own job, and administrators neither."
  }

  assert {
    condition     = github_repository_environment.this["infra-aws-prod"].reviewers[0].teams == toset([1234567])
    error_message = "A reviewer must approve."
  }

  assert {
    condition     = github_repository_environment.this["infra-aws-prod"].deployment_branch_policy[0].custom_branch_policies
    error_message = "Only named branches may deploy."
  }

  assert {
    condition = output.environments["infra-aws-prod"] == {
      protected = true
      branches  = tolist(["main", "release/*"])
      tags      = tolist(["v*"])
      variables = tolist(["AWS_REGION"])
    }
    error_message = "The rules as they were asked for: ${jsonencode(output.environments)}."
  }
}

run "an_open_environment_is_entered_from_every_branch" {
  command = plan

  assert {
    condition     = length(github_repository_environment.this["infra-aws-dev-plan"].reviewers) == 0 && length(github_repository_environment.this["infra-aws-dev-plan"].deployment_branch_policy) == 0
    error_message = "Pull requests are planned without waiting."
  }

  assert {
    condition     = length([for key in keys(github_repository_environment_deployment_policy.branch) : key if startswith(key, "infra-aws-dev-plan/")]) == 0
    error_message = "No branch rule on an open environment."
  }
}

run "main_is_the_branch_where_nothing_is_said" {
  command = plan

  variables {
    environments = { infra-gcp-dev = {} }
  }

  assert {
    condition     = github_repository_environment_deployment_policy.branch["infra-gcp-dev/main"].branch_pattern == "main"
    error_message = "Only main deploys."
  }
}

run "refuses_an_environment_without_reviewers" {
  command = plan

  variables {
    reviewers = {}
  }

  expect_failures = [var.reviewers]
}

run "refuses_a_pattern_that_every_branch_matches" {
  command = plan

  variables {
    branches = ["*"]
  }

  expect_failures = [var.branches]
}

run "refuses_a_key_in_a_variable" {
  command = plan

  variables {
    environments = { infra-aws-dev = { variables = { AWS_ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE" } } }
  }

  expect_failures = [var.environments]
}

run "refuses_a_name_that_no_trust_would_have" {
  command = plan

  variables {
    environments = { "Production (EU)" = {} }
  }

  expect_failures = [var.environments]
}

run "refuses_an_owner_in_the_repository" {
  command = plan

  variables {
    repository = "acme/infra"
  }

  expect_failures = [var.repository]
}

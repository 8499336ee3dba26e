# Against a local AWS: `terraform test -test-directory=tests/local -var 'endpoints={…}'`.
# The repository's tests start the cloud and run this.

provider "mlops" {
  aws = {
    region    = "eu-west-1"
    endpoints = var.endpoints
  }
}

variables {
  name   = "churn"
  cloud  = "aws"
  tiers  = ["dev"]
  github = { repository = "acme/infra", owner_id = "1", repository_id = "2" }
}

run "the_place_for_states_is_made" {
  command = apply

  assert {
    condition     = output.backend_configs.dev.use_lockfile == "true" && output.backend_configs.dev.encrypt == "true"
    error_message = "Locked and encrypted: ${jsonencode(output.backend_configs)}."
  }
  assert {
    condition     = output.github["infra-aws-dev"].protected && endswith(output.github["infra-aws-dev"].variables.AWS_PROVISIONER_ROLE_ARN, "/churn-dev-provisioner")
    error_message = "What the module github-environments takes: ${jsonencode(output.github)}."
  }
  assert {
    condition     = toset(keys(output.github)) == toset(["infra-aws-dev", "infra-aws-dev-plan"])
    error_message = "The GitHub environments that the trust names: ${jsonencode(output.github)}."
  }
}

run "the_same_again_changes_nothing" {
  command = plan

  assert {
    condition     = output.key == run.the_place_for_states_is_made.key && length(mlops_state_backend.this.deviations) == 0
    error_message = "Nothing is left to do."
  }
}

run "a_tier_more_is_made_in_place" {
  command = apply

  variables {
    tiers = ["dev", "prod"]
  }

  assert {
    condition     = output.bucket == run.the_place_for_states_is_made.bucket && toset(keys(output.backend_configs)) == toset(["dev", "prod"])
    error_message = "The same bucket with one prefix more."
  }
}

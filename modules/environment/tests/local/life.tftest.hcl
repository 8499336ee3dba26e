# Against a local AWS: `terraform test -test-directory=tests/local -var 'endpoints={…}' -var 'existing_network={…}'`.
# The repository's tests start the cloud and run this.

provider "mlops" {
  aws = {
    region    = "eu-west-1"
    endpoints = var.endpoints
  }
}

variables {
  name     = "module-dev"
  tier     = "dev"
  aws      = { existing_network = var.existing_network }
  services = { churn = {} }
  github   = { repository = "acme/churn", owner_id = "1", repository_id = "2" }
}

run "an_environment_is_made" {
  command = apply

  assert {
    condition     = output.phase == "READY"
    error_message = "All of it stands."
  }
  assert {
    condition     = startswith(output.id, "aws/") && endswith(output.id, "/eu-west-1/module-dev")
    error_message = "The id says where it is: ${output.id}."
  }
  assert {
    condition     = output.github[""].AWS_ROLE_ARN != output.github["aws-dev"].AWS_ROLE_ARN
    error_message = "Building and deploying are two identities."
  }
  assert {
    condition     = output.identities.runtime.churn.annotation["eks.amazonaws.com/role-arn"] == output.identities.runtime.churn.principal
    error_message = "The annotation names the identity."
  }
  assert {
    condition     = length(output.kubernetes.manifests) > 0 && strcontains(output.kubernetes.kubeconfig, "exec")
    error_message = "Outputs for Kubernetes: manifests, and a kubeconfig that holds no credential."
  }
}

run "the_same_again_changes_nothing" {
  command = plan

  assert {
    condition     = mlops_environment.this.last_change == run.an_environment_is_made.last_change && mlops_environment.this.phase == "READY"
    error_message = "Nothing is left to do."
  }
}

run "a_service_more_is_made_in_place" {
  command = apply

  variables {
    services = { churn = {}, fraud = {} }
  }

  assert {
    condition     = output.id == run.an_environment_is_made.id && toset(keys(output.identities.runtime)) == toset(["churn", "fraud"])
    error_message = "The same environment with one identity more."
  }
}

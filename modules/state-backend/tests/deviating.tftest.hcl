# Offline: what an apply could not repair does not pass for done.

mock_provider "mlops" {
  mock_resource "mlops_state_backend" {
    defaults = {
      deviations   = ["~ state.bucket: versioning false -> true"]
      environments = {}
    }
  }
}

run "fails_where_something_deviates" {
  command = apply

  variables {
    name   = "churn"
    cloud  = "aws"
    github = { repository = "acme/infra" }
  }

  expect_failures = [mlops_state_backend.this]
}

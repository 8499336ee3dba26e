# Offline: an environment that is not whole fails the apply, whatever the provider's exit code was.

mock_provider "mlops" {
  mock_resource "mlops_environment" {
    defaults = {
      phase = "INCOMPLETE"
    }
  }
}

run "fails_where_the_environment_is_not_whole" {
  command = apply

  variables {
    name = "churn-dev"
    tier = "dev"
    aws = {
      existing_network = {
        vpc_id             = "vpc-0123456789abcdef0"
        private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
      }
    }
  }

  expect_failures = [mlops_environment.this]
}

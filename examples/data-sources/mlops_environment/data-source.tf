# The environment of another stack, without access to its state.
data "mlops_environment" "churn" {
  id = "aws/111122223333/eu-west-1/churn-dev"
}

output "registry" {
  value = data.mlops_environment.churn.registry_info.url
}

output "runtime_role" {
  value = data.mlops_environment.churn.identity_info.runtime["churn"].principal
}

# Two managed policies for the role that Terraform assumes for this environment, as JSON.
output "policies" {
  value = provider::mlops::provisioner_policy("aws/111122223333/eu-west-1/churn-dev").policies
}

# Permissions of a custom role on the project.
output "permissions" {
  value = provider::mlops::provisioner_policy("gcp/acme-ml-dev/europe-west1/churn-dev").permissions
}

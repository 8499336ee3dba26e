# In a configuration that does not manage the environment.
output "annotations" {
  value = provider::mlops::service_account_annotations("aws/111122223333/eu-west-1/churn-dev", "runtime", "churn")
}

# The name of the data bucket, before it exists: in a policy of another account, for example.
output "data_bucket" {
  value = provider::mlops::resource_name("aws/111122223333/eu-west-1/churn-dev", "buckets.data")
}

output "training_account" {
  value = provider::mlops::resource_name("gcp/acme-ml-dev/europe-west1/churn-dev", "identities.retrain.churn")
}

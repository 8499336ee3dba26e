locals {
  where = provider::mlops::parse_id("aws/111122223333/eu-west-1/churn-dev")
}

output "region" {
  value = local.where.region # "eu-west-1"
}

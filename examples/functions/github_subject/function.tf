locals {
  ids = { owner_id = "1", repository_id = "2" }
}

output "deploy" {
  value = provider::mlops::github_subject("acme/churn", "aws-prod", local.ids)
  # "repo:acme@1/churn@2:environment:aws-prod"
}

output "main" {
  value = provider::mlops::github_subject("acme/churn", "refs/heads/main", null)
  # "repo:acme/churn:ref:refs/heads/main"
}

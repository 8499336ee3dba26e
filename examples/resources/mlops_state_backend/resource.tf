# Made by: terraform-provider-mlops bootstrap aws --name churn --region eu-west-1 --github acme/infra --github-ids 123456/456789
# which prints all of this. Its own state lies in the bucket that it describes.
terraform {
  backend "s3" {} # terraform init -backend-config=backend.hcl
}

resource "mlops_state_backend" "this" {
  name           = "churn"
  cloud          = "aws"
  tiers          = ["dev", "prod", "staging"]
  retention_days = 365
  github = {
    repository    = "acme/infra"
    owner_id      = "123456"
    repository_id = "456789"
  }
}

output "backend_of_dev" {
  value = mlops_state_backend.this.environments["dev"].backend_config
}

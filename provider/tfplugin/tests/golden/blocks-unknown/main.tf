terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
}
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "example"
  secret_key                  = "example"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
}
resource "terraform_data" "later" {}
resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  bucket = "logs"
  dynamic "rule" {
    for_each = split(",", terraform_data.later.id)
    content {
      id     = rule.value
      status = "Enabled"
      expiration { days = 30 }
    }
  }
}

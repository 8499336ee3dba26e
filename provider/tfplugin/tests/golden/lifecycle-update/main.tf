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
  rule {
    id     = "abort"
    status = "Enabled"
    filter { prefix = "tmp/" }
    transition {
      days          = 40
      storage_class = "GLACIER"
    }
    transition {
      days          = 90
      storage_class = "DEEP_ARCHIVE"
    }
  }
  rule {
    id     = "expire"
    status = "Enabled"
    filter { object_size_greater_than = 500 }
    expiration { days = 60 }
  }
  rule {
    id     = "third"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration { noncurrent_days = 3 }
  }
}

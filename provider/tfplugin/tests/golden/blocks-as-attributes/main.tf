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
resource "aws_security_group" "pods" {
  name = "pods"
  dynamic "ingress" {
    for_each = toset([terraform_data.later.id])
    content {
      from_port   = 1
      to_port     = 2
      protocol    = "tcp"
      cidr_blocks = ["10.0.0.0/8"]
    }
  }
  timeouts { create = "5m" }
}

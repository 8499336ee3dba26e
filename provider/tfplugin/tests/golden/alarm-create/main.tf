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
resource "aws_cloudwatch_metric_alarm" "drift" {
  alarm_name          = "drift-${terraform_data.later.id}"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 3
  threshold           = 0.1
  metric_name         = "drift"
  namespace           = "größe"
  period              = 300
  statistic           = "Average"
  dimensions          = { model = "churn", "größe" = "1.50" }
  alarm_actions       = ["arn:aws:sns:eu-central-1:123456789012:b", "arn:aws:sns:eu-central-1:123456789012:a", terraform_data.later.id]
}

variable "env" { default = "prod" }
locals {
  actions = [for a in ["Get", "Put"] : "s3:${a}Object" if a != "x"]
  name    = join("-", ["churn", var.env, try(local.none, "x")])
}
module "m" {
  source   = "./m"
  for_each = toset(["a", "b"])
  name     = each.key
}
data "aws_iam_policy_document" "d" {
  dynamic "statement" {
    for_each = { a = "*" }
    content {
      actions   = local.actions
      resources = [statement.value]
    }
  }
}
resource "aws_iam_role" "r" {
  count = 2
  name  = "${local.name}-${count.index}"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { AWS = "*" } }] })
}
resource "aws_iam_role_policy" "p" {
  role   = aws_iam_role.r[0].id
  policy = data.aws_iam_policy_document.d.json
}
terraform {
  backend "local" {}
}

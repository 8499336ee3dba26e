variable "policy" {
  description = "A policy document, as JSON."
  type        = string
}

check "nobody_deletes_models" {
  assert {
    condition     = !provider::mlops::policy_allows(var.policy, "s3:DeleteObject", "arn:aws:s3:::acme-models/churn/1", null)
    error_message = "The policy lets its holder delete a model."
  }
}

variable "build_trust" {
  description = "Trust policy of the role that builds, as JSON."
  type        = string
}

variable "deploy_trust" {
  description = "Trust policy of the role that deploys, as JSON."
  type        = string
}

# No job may enter both.
check "builders_do_not_deploy" {
  assert {
    condition     = provider::mlops::trust_overlap(var.build_trust, var.deploy_trust).disjoint
    error_message = "One token enters both roles."
  }
}

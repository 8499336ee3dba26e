resource "mlops_state_backend" "this" {
  name           = var.name
  cloud          = var.cloud
  github         = var.github
  gitlab         = var.gitlab
  tiers          = var.tiers
  retention_days = var.retention_days
  allow_destroy  = var.allow_destroy

  lifecycle {
    # An apply repairs; what it could not repair must not pass for done.
    postcondition {
      condition     = length(self.deviations) == 0
      error_message = "The place for states is not as it shall be:\n${join("\n", self.deviations)}"
    }
  }
}

check "tiers_live_apart" {
  assert {
    condition     = var.cloud != "gcp" || length(var.tiers) == 1
    error_message = "Several tiers share one Google Cloud project: whoever makes one of them can reach the others there. Give prod a project of its own."
  }
}

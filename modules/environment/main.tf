# One ML environment, and the certainty that an apply which ends well has made all of it.

locals {
  # Staging and prod must say where their images come from: from the registry that built them, else from one of their own.
  registry = merge(var.registry, {
    mode = coalesce(
      var.registry.mode,
      var.registry.reference != null ? "reference" : "create",
    )
  })
}

resource "mlops_environment" "this" {
  name  = var.name
  tier  = var.tier
  owner = var.owner
  tags  = var.tags

  aws = var.aws
  gcp = var.gcp

  network    = var.network
  cluster    = var.cluster
  node_pools = var.node_pools
  registry   = local.registry
  buckets    = var.buckets
  services   = var.services
  identities = var.identities

  federation = var.github == null && var.gitlab == null ? null : { github = var.github, gitlab = var.gitlab }

  encryption = var.encryption
  logging    = var.log_retention_days == null ? null : { retention_days = var.log_retention_days }
  budget     = var.budget
  protection = var.protection
  guardrails = var.guardrails
  kubernetes = var.kubernetes_access == null ? null : { access = var.kubernetes_access }

  adopt              = var.adopt
  replace_components = var.replace_components

  # A create that ends half-way leaves a state that the next apply completes in place, and the postcondition fails this one.
  partial_create = "warn"

  lifecycle {
    postcondition {
      condition     = self.phase == "READY"
      error_message = "The environment is ${self.phase}: what stands is kept, and the next apply goes on from there. The warnings above name the components that are not ready, and why."
    }
  }
}

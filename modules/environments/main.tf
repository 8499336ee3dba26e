# What all tiers of a system share is said once; each state makes the one environment of its tier.

locals {
  settings = var.tiers[var.tier]
  cloud    = local.settings.aws != null ? "aws" : "gcp"

  # Images are built once and promoted by digest: where they were built, ci pushes; elsewhere they are only pulled.
  builds = var.tier == var.build_tier || local.settings.images_from == null
  registry = {
    mode      = local.builds ? "create" : "reference"
    reference = local.builds ? null : local.settings.images_from
  }

  # One protected GitHub environment per tier and cloud enters deploy.
  github = var.github == null ? null : {
    repository     = var.github.repository
    owner_id       = var.github.owner_id
    repository_id  = var.github.repository_id
    subject_format = var.github.subject_format
    ci_refs        = local.settings.ci_refs
    environments   = { deploy = "${local.cloud}-${var.tier}" }
  }

  # The same of GitLab; AWS sees its deployment tier instead, and never the project's number.
  gitlab = var.gitlab == null ? null : {
    url          = var.gitlab.url
    project_path = var.gitlab.project_path
    project_id   = local.cloud == "gcp" ? var.gitlab.project_id : null
    ci_refs      = local.settings.ci_refs
    environments = {
      deploy = "${local.cloud}-${var.tier}"
      tier   = local.cloud == "aws" ? { dev = "development", staging = "staging", prod = "production" }[var.tier] : null
    }
  }
}

module "environment" {
  source = "../environment"

  name = "${var.name}-${var.tier}"
  tier = var.tier
  tags = var.tags

  aws = local.settings.aws
  gcp = local.settings.gcp

  services = var.services
  github   = local.github
  gitlab   = local.gitlab
  registry = local.registry

  network    = local.settings.network
  node_pools = local.settings.node_pools
  cluster    = local.settings.cluster
}

check "environments_of_a_system_live_apart" {
  assert {
    condition = length(distinct(local.places)) == length(local.places)
    error_message = join(" ", [
      "Two tiers of ${var.name} share an account or project.",
      "It works, and nothing but names keeps them apart: give prod an account or project of its own.",
    ])
  }
}

locals {
  places = [
    for settings in values(var.tiers) : coalesce(
      try(settings.aws.account_id, null),
      try(settings.gcp.project, null),
    ) if try(settings.aws.account_id, null) != null || try(settings.gcp.project, null) != null
  ]
}

# The trust of a cloud names a GitHub environment and nothing else: who becomes its identity is decided by these rules.

locals {
  protected = { for name, environment in var.environments : name => environment if environment.protected }

  branches = merge([
    for name, environment in local.protected : {
      for branch in coalesce(environment.branches, var.branches) : "${name}/${branch}" => { environment = name, pattern = branch }
    }
  ]...)
  tags = merge([
    for name, environment in local.protected : {
      for tag in environment.tags : "${name}/${tag}" => { environment = name, pattern = tag }
    }
  ]...)
  variables = merge([
    for name, environment in var.environments : {
      for variable, value in environment.variables : "${name}/${variable}" => { environment = name, name = variable, value = value }
    }
  ]...)
}

resource "github_repository_environment" "this" {
  for_each = var.environments

  repository          = var.repository
  environment         = each.key
  wait_timer          = each.value.protected ? var.wait_minutes : 0
  prevent_self_review = each.value.protected
  can_admins_bypass   = false

  dynamic "reviewers" {
    for_each = each.value.protected ? [var.reviewers] : []

    content {
      users = reviewers.value.users
      teams = reviewers.value.teams
    }
  }

  dynamic "deployment_branch_policy" {
    for_each = each.value.protected ? [true] : []

    content {
      protected_branches     = false
      custom_branch_policies = true
    }
  }
}

resource "github_repository_environment_deployment_policy" "branch" {
  for_each = local.branches

  repository     = var.repository
  environment    = github_repository_environment.this[each.value.environment].environment
  branch_pattern = each.value.pattern
}

resource "github_repository_environment_deployment_policy" "tag" {
  for_each = local.tags

  repository  = var.repository
  environment = github_repository_environment.this[each.value.environment].environment
  tag_pattern = each.value.pattern
}

resource "github_actions_environment_variable" "this" {
  for_each = local.variables

  repository    = var.repository
  environment   = github_repository_environment.this[each.value.environment].environment
  variable_name = each.value.name
  value         = each.value.value
}

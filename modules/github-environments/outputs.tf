output "environments" {
  description = "Of each GitHub environment: whether it is protected, the branches and tags that may deploy to it, and the names of its variables."
  value = {
    for name, environment in var.environments : name => {
      protected = environment.protected
      branches  = sort([for rule in values(local.branches) : rule.pattern if rule.environment == name])
      tags      = sort([for rule in values(local.tags) : rule.pattern if rule.environment == name])
      variables = sort(keys(environment.variables))
    }
  }
}

variable "repository" {
  description = "Name of the repository, without its owner: the owner is the provider block's."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]+$", var.repository))
    error_message = "A repository is named without its owner: infra, not acme/infra."
  }
}

variable "environments" {
  description = "GitHub environments by name, with their variables: the output `github` of the modules `state-backend` and `environment` fits. Jobs of a `protected` one wait for a reviewer and run from `branches` or `tags` alone; jobs of another may be started by any branch of the repository, and so may only read."
  type = map(object({
    protected = optional(bool, true)
    variables = optional(map(string), {})
    branches  = optional(set(string))
    tags      = optional(set(string), [])
  }))
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.environments) : can(regex("^[a-z0-9][a-z0-9-]*$", name))])
    error_message = "Names of GitHub environments are of lower-case letters, digits and hyphens, as the trust of the cloud writes them."
  }

  validation {
    condition = alltrue(flatten([
      for environment in values(var.environments) : [
        for name, value in environment.variables : !can(regex("^(AKIA|ghp_|github_pat_|-----BEGIN)", value))
      ]
    ]))
    error_message = "A variable of a GitHub environment is readable by everybody in the repository, and this one looks like a key. Jobs enter by OIDC: no key is needed."
  }

  validation {
    condition = alltrue(flatten([
      for environment in values(var.environments) : [for branch in coalesce(environment.branches, []) : branch != "*" && branch != "**"]
    ]))
    error_message = "A pattern that every branch matches protects nothing: name the branches that may deploy."
  }
}

variable "branches" {
  description = "Branches, or patterns of them, from which jobs of protected environments run."
  type        = set(string)
  default     = ["main"]
  nullable    = false

  validation {
    condition     = length(var.branches) > 0 && alltrue([for branch in var.branches : branch != "*" && branch != "**"])
    error_message = "Name at least one branch; a pattern that every branch matches protects nothing."
  }
}

variable "reviewers" {
  description = "Numeric ids of users and teams of whom one must approve each job of a protected environment, six at most."
  type = object({
    users = optional(set(number), [])
    teams = optional(set(number), [])
  })
  nullable = false

  validation {
    condition     = length(var.reviewers.users) + length(var.reviewers.teams) >= 1 && length(var.reviewers.users) + length(var.reviewers.teams) <= 6
    error_message = "Name one to six reviewers: an environment without any is entered by whoever may push."
  }
}

variable "wait_minutes" {
  description = "Minutes that a job of a protected environment waits before it starts."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.wait_minutes >= 0 && var.wait_minutes <= 43200
    error_message = "GitHub lets a job wait for 0 to 43200 minutes."
  }
}

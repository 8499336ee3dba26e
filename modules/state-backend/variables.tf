variable "name" {
  description = "Name of the system: environments are `<name>-dev`, `<name>-staging`, `<name>-prod`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 12
    error_message = "A system's name has up to 12 lower-case letters, digits and single hyphens: with -staging behind it, it names an environment (20 characters)."
  }
}

variable "cloud" {
  description = "`aws` or `gcp`: the account or project, and the region, are those of the provider block."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["aws", "gcp"], var.cloud)
    error_message = "A cloud is aws or gcp."
  }
}

variable "github" {
  description = "The infrastructure repository on GitHub, whose workflows plan and apply; or `gitlab`. Its numeric ids survive renames, and stop whoever registers the name later."
  type = object({
    repository    = string
    owner_id      = optional(string)
    repository_id = optional(string)
  })
  default = null

  validation {
    condition     = var.github == null || can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github.repository))
    error_message = "A repository is owner/name."
  }

  validation {
    condition     = var.github == null || (try(var.github.owner_id, null) == null) == (try(var.github.repository_id, null) == null)
    error_message = "Give owner_id and repository_id, or neither."
  }

  validation {
    condition     = (var.github == null) != (var.gitlab == null)
    error_message = "The infrastructure's code lives in one place: give github or gitlab."
  }
}

variable "gitlab" {
  description = "The infrastructure project on GitLab, whose pipelines plan and apply; or `github`. `project_id`, which survives renames, on Google Cloud alone: AWS does not see it."
  type = object({
    project_path = string
    project_id   = optional(string)
    url          = optional(string)
  })
  default = null

  validation {
    condition     = var.gitlab == null || can(regex("^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)+$", var.gitlab.project_path))
    error_message = "A project is group/project; groups nest."
  }

  validation {
    condition     = try(var.gitlab.project_id, null) == null || var.cloud == "gcp"
    error_message = "AWS does not see the project's number: remove project_id."
  }
}

variable "tiers" {
  description = "The tiers that live in this account or project. On Google Cloud a project is the border: give each tier one of its own."
  type        = set(string)
  default     = ["dev", "staging", "prod"]
  nullable    = false

  validation {
    condition     = length(var.tiers) > 0 && length(setsubtract(var.tiers, ["dev", "staging", "prod"])) == 0
    error_message = "Tiers are dev, staging and prod."
  }
}

variable "retention_days" {
  description = "Days that a state's old versions are kept."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 3650
    error_message = "Old versions are kept for 1 to 3650 days."
  }
}

variable "allow_destroy" {
  description = "Whether a destroy deletes what stands, if the bucket is empty. Otherwise it only removes it from the state."
  type        = bool
  default     = false
  nullable    = false
}

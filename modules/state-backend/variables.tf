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
  description = "The infrastructure repository, whose workflows plan and apply. Its numeric ids survive renames, and stop whoever registers the name later."
  type = object({
    repository    = string
    owner_id      = optional(string)
    repository_id = optional(string)
  })
  nullable = false

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github.repository))
    error_message = "A repository is owner/name."
  }

  validation {
    condition     = (var.github.owner_id == null) == (var.github.repository_id == null)
    error_message = "Give owner_id and repository_id, or neither."
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

variable "name" {
  description = "Name of the system: environments are `<name>-dev`, `<name>-staging`, `<name>-prod`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 12
    error_message = "A system's name has up to 12 lower-case letters, digits and single hyphens: with -staging behind it, it names an environment (20 characters)."
  }
}

variable "tier" {
  description = "Which of `tiers` this state makes. One state per tier: whoever may apply dev may not apply prod."
  type        = string
  nullable    = false

  validation {
    condition     = contains(keys(var.tiers), var.tier)
    error_message = "The tier must be one of those in tiers."
  }
}

variable "tiers" {
  description = "Where each tier is, and what is different about it. `images_from` is the registry of the tier that builds (its output `registry.url`)."
  type = map(object({
    aws = optional(object({
      account_id = optional(string)
      region     = optional(string)
      existing_network = optional(object({
        vpc_id             = string
        private_subnet_ids = set(string)
        public_subnet_ids  = optional(set(string))
      }))
      permissions_boundary = optional(string)
    }))
    gcp = optional(object({
      project  = optional(string)
      region   = optional(string)
      location = optional(string)
      existing_network = optional(object({
        network        = string
        subnetwork     = string
        pods_range     = string
        services_range = string
      }))
    }))
    network = optional(object({
      cidr   = optional(string)
      zones  = optional(number)
      egress = optional(string)
    }))
    images_from = optional(string)
    ci_refs     = optional(set(string))
    node_pools = optional(map(object({
      purpose       = string
      size          = optional(string)
      machine_types = optional(list(string))
      min           = optional(number)
      max           = optional(number)
      spot          = optional(bool)
      disk_gb       = optional(number)
    })))
    cluster = optional(object({
      existing        = optional(string)
      version         = optional(string)
      release_channel = optional(string)
      endpoint = optional(object({
        private      = optional(bool)
        public       = optional(bool)
        public_cidrs = optional(set(string))
      }))
      admins = optional(set(string))
    }))
  }))
  nullable = false

  validation {
    condition     = length(setsubtract(keys(var.tiers), ["dev", "staging", "prod"])) == 0
    error_message = "Tiers are dev, staging and prod."
  }

  validation {
    condition     = alltrue([for settings in values(var.tiers) : (settings.aws == null) != (settings.gcp == null)])
    error_message = "Each tier is on one cloud: give aws or gcp."
  }

  validation {
    condition = alltrue([
      for tier, settings in var.tiers : tier == var.build_tier || settings.images_from != null || !contains(keys(var.tiers), var.build_tier)
    ])
    error_message = "A tier that does not build must say where its images come from: images_from."
  }
}

variable "build_tier" {
  description = "The tier whose ci builds and pushes images; the others pull them by digest."
  type        = string
  default     = "dev"
  nullable    = false
}

variable "services" {
  description = "The ML services by name, the same in all tiers."
  type = map(object({
    namespace       = optional(string)
    train_namespace = optional(string)
    repositories    = optional(set(string))
    secrets = optional(map(object({
      readers = set(string)
    })))
  }))
  default  = {}
  nullable = false
}

variable "github" {
  description = "The GitHub repository whose workflows enter ci and, by the environment `<cloud>-<tier>`, deploy."
  type = object({
    repository     = string
    owner_id       = optional(string)
    repository_id  = optional(string)
    subject_format = optional(string)
  })
  default = null
}

variable "gitlab" {
  description = "The GitLab project whose pipelines enter ci and, by the environment `<cloud>-<tier>`, deploy; beside GitHub or alone. `project_id` is used on Google Cloud alone."
  type = object({
    url          = optional(string)
    project_path = string
    project_id   = optional(string)
  })
  default = null
}

variable "tags" {
  description = "Tags on every object; labels on Google Cloud."
  type        = map(string)
  default     = {}
  nullable    = false
}

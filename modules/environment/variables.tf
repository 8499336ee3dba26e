variable "name" {
  description = "Name of the environment: 3 to 20 lower-case letters, digits and single hyphens, beginning with a letter. Every cloud name is derived from it; a change replaces the environment."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 3 && length(var.name) <= 20
    error_message = "A name has 3 to 20 lower-case letters, digits and single hyphens and begins with a letter, for example churn-dev."
  }
}

variable "tier" {
  description = "`dev`, `staging` or `prod`: decides the defaults (sizes, retention, protection)."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["dev", "staging", "prod"], var.tier)
    error_message = "A tier is dev, staging or prod."
  }
}

variable "owner" {
  description = "Who claims this environment, up to 63 characters; shown to whoever meets the claim."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags on every object beside the provider's; labels on Google Cloud."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "aws" {
  description = "The environment on AWS: account, region and the network to use (default: one of its own, see `network`). Give this or `gcp`."
  type = object({
    account_id = optional(string)
    region     = optional(string)
    existing_network = optional(object({
      vpc_id             = string
      private_subnet_ids = set(string)
      public_subnet_ids  = optional(set(string))
    }))
    vpc_endpoints        = optional(set(string))
    permissions_boundary = optional(string)
    role_path            = optional(string)
    extended_support     = optional(bool)
  })
  default = null

  validation {
    condition     = (var.aws == null) != (var.gcp == null)
    error_message = "An environment is on one cloud: give aws or gcp. For both clouds call the module twice; the outputs have one shape."
  }
}

variable "gcp" {
  description = "The environment on Google Cloud: project, region and the network to use (default: one of its own, see `network`). Give this or `aws`."
  type = object({
    project  = optional(string)
    region   = optional(string)
    location = optional(string)
    existing_network = optional(object({
      network        = string
      subnetwork     = string
      pods_range     = string
      services_range = string
    }))
    dns_endpoint = optional(bool)
    manage_apis  = optional(bool)
  })
  default = null
}

variable "network" {
  description = "A network of the environment's own, made where no `existing_network` is given: its addresses, zones (AWS only) and way out (`nat_single`, `nat_per_zone`, `none`)."
  type = object({
    cidr   = optional(string)
    zones  = optional(number)
    egress = optional(string)
  })
  default = null
}

variable "services" {
  description = "The ML services by name; each gets its identities, image repositories and secrets."
  type = map(object({
    namespace       = optional(string)
    train_namespace = optional(string)
    service_accounts = optional(object({
      runtime = optional(string)
      drift   = optional(string)
      retrain = optional(string)
    }))
    repositories = optional(set(string))
    secrets = optional(map(object({
      readers = set(string)
    })))
  }))
  default  = {}
  nullable = false
}

variable "github" {
  description = "The GitHub repository whose workflows enter ci and deploy. Give both ids: they survive renames and stop whoever registers the name after you."
  type = object({
    repository     = string
    owner_id       = optional(string)
    repository_id  = optional(string)
    subject_format = optional(string)
    ci_refs        = optional(set(string))
    environments   = optional(object({ deploy = optional(string) }))
    oidc_provider  = optional(string)
  })
  default = null

  validation {
    condition     = var.github == null || can(regex("^[^/]+/[^/]+$", var.github.repository))
    error_message = "A repository is written owner/name."
  }
}

variable "gitlab" {
  description = "The GitLab project whose pipelines enter ci and deploy, beside GitHub or alone. On AWS `environments.tier` is what lets jobs of a protected environment deploy; on Google Cloud it is `environments.deploy`."
  type = object({
    url            = optional(string)
    project_path   = string
    project_id     = optional(string)
    ci_refs        = optional(set(string))
    environments   = optional(object({ deploy = optional(string), tier = optional(string) }))
    protected_only = optional(bool)
    audience       = optional(string)
    oidc_provider  = optional(string)
  })
  default = null

  validation {
    condition     = var.gitlab == null || can(regex("^[^/]+(/[^/]+)+$", var.gitlab.project_path))
    error_message = "A project is written group/project."
  }
}

variable "cluster" {
  description = "The Kubernetes cluster: version, channel, how its API is reached, administrators, logs; or the name of an `existing` one."
  type = object({
    existing        = optional(string)
    version         = optional(string)
    release_channel = optional(string)
    endpoint = optional(object({
      private      = optional(bool)
      public       = optional(bool)
      public_cidrs = optional(set(string))
    }))
    admins    = optional(set(string))
    log_types = optional(set(string))
  })
  default = null
}

variable "node_pools" {
  description = "Node pools by name. Default: the tier's `system` and `serving`."
  type = map(object({
    purpose       = string
    size          = optional(string)
    machine_types = optional(list(string))
    min           = optional(number)
    max           = optional(number)
    spot          = optional(bool)
    disk_gb       = optional(number)
    disk_type     = optional(string)
    image_type    = optional(string)
    labels        = optional(map(string))
    taints = optional(list(object({
      key    = string
      value  = optional(string)
      effect = string
    })))
    rotate = optional(object({ max_unavailable = optional(number) }))
  }))
  default = null
}

variable "registry" {
  description = "Where images come from. With `reference` they are pulled from the registry that built them and nobody here pushes; without it the environment has a registry of its own."
  type = object({
    mode           = optional(string)
    reference      = optional(string)
    immutable_tags = optional(bool)
    scan_on_push   = optional(bool)
    untagged_days  = optional(number)
    keep_tagged    = optional(number)
  })
  default  = {}
  nullable = false
}

variable "buckets" {
  description = "Settings of the six buckets, where they differ from the tier's."
  type = object({
    data = optional(object({
      existing        = optional(string), versioning = optional(bool), retention_days = optional(number),
      noncurrent_days = optional(number), transition_days = optional(number), retention_locked = optional(bool),
      write_once      = optional(string), on_destroy = optional(string)
    }))
    models = optional(object({
      existing        = optional(string), versioning = optional(bool), retention_days = optional(number),
      noncurrent_days = optional(number), transition_days = optional(number), retention_locked = optional(bool),
      write_once      = optional(string), on_destroy = optional(string)
    }))
    predictions = optional(object({
      existing        = optional(string), versioning = optional(bool), retention_days = optional(number),
      noncurrent_days = optional(number), transition_days = optional(number), retention_locked = optional(bool),
      write_once      = optional(string), on_destroy = optional(string)
    }))
    reports = optional(object({
      existing        = optional(string), versioning = optional(bool), retention_days = optional(number),
      noncurrent_days = optional(number), transition_days = optional(number), retention_locked = optional(bool),
      write_once      = optional(string), on_destroy = optional(string)
    }))
    mlflow = optional(object({
      existing        = optional(string), versioning = optional(bool), retention_days = optional(number),
      noncurrent_days = optional(number), transition_days = optional(number), retention_locked = optional(bool),
      write_once      = optional(string), on_destroy = optional(string)
    }))
    logs = optional(object({
      existing        = optional(string), versioning = optional(bool), retention_days = optional(number),
      noncurrent_days = optional(number), transition_days = optional(number), retention_locked = optional(bool),
      write_once      = optional(string), on_destroy = optional(string)
    }))
  })
  default = null
}

variable "identities" {
  description = "Settings of the five identities: session length, more permissions (judged against the allow/deny matrix), further ways in."
  type = object({
    ci = optional(object({
      enabled = optional(bool), max_session = optional(string)
      additional_permissions = optional(list(object({
        id         = string, actions = optional(set(string)), roles = optional(set(string)), resources = set(string)
        conditions = optional(list(object({ test = string, variable = string, values = set(string) })))
      })))
    }))
    deploy = optional(object({
      enabled = optional(bool), max_session = optional(string)
      additional_permissions = optional(list(object({
        id         = string, actions = optional(set(string)), roles = optional(set(string)), resources = set(string)
        conditions = optional(list(object({ test = string, variable = string, values = set(string) })))
      })))
    }))
    runtime = optional(object({
      enabled = optional(bool), max_session = optional(string)
      additional_permissions = optional(list(object({
        id         = string, actions = optional(set(string)), roles = optional(set(string)), resources = set(string)
        conditions = optional(list(object({ test = string, variable = string, values = set(string) })))
      })))
    }))
    drift = optional(object({
      enabled = optional(bool), max_session = optional(string), ci_environment = optional(string), metrics_read = optional(bool)
      additional_permissions = optional(list(object({
        id         = string, actions = optional(set(string)), roles = optional(set(string)), resources = set(string)
        conditions = optional(list(object({ test = string, variable = string, values = set(string) })))
      })))
    }))
    retrain = optional(object({
      enabled = optional(bool), max_session = optional(string), ci_environment = optional(string)
      additional_permissions = optional(list(object({
        id         = string, actions = optional(set(string)), roles = optional(set(string)), resources = set(string)
        conditions = optional(list(object({ test = string, variable = string, values = set(string) })))
      })))
    }))
  })
  default = null
}

variable "encryption" {
  description = "Keys: customer-managed, one per use, unless one is given or `mode` is `cloud` (dev only)."
  type = object({
    mode                 = optional(string)
    cluster              = optional(object({ key = optional(string) }))
    storage              = optional(object({ key = optional(string) }))
    secrets              = optional(object({ key = optional(string) }))
    logs                 = optional(object({ key = optional(string) }))
    rotation_days        = optional(number)
    deletion_window_days = optional(number)
  })
  default = null
}

variable "log_retention_days" {
  description = "Days that the cluster's logs are kept. Default: the tier's (30, 90, 365)."
  type        = number
  default     = null
}

variable "budget" {
  description = "What it may cost a month before somebody is told: at least one of `emails` (AWS) and `topics`. Default: none."
  type = object({
    monthly         = number
    currency        = optional(string)
    thresholds      = optional(set(number))
    emails          = optional(set(string))
    topics          = optional(set(string))
    billing_account = optional(string)
  })
  default = null
}

variable "protection" {
  description = "Guards against loss. Default: data always, the environment itself in staging and prod."
  type = object({
    deletion = optional(bool)
    data     = optional(bool)
  })
  default = null
}

variable "guardrails" {
  description = "Limits that hold even where a grant is wrong (AWS)."
  type = object({
    permissions_boundary = optional(bool)
    exclusive_writers    = optional(bool)
    bucket_tls_only      = optional(bool)
  })
  default = null
}

variable "kubernetes_access" {
  description = "How deploy reaches workloads: `managed` or `group`. Default: the tier's."
  type        = string
  default     = null
}

variable "adopt" {
  description = "Existing objects to take over: component address to cloud id."
  type        = map(string)
  default     = null
}

variable "replace_components" {
  description = "Consent to rebuild a component: its address to the token that the refusing plan printed."
  type        = map(string)
  default     = null
}

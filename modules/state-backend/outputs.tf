output "id" {
  description = "What it is imported by: `<cloud>/<account or project>/<region>/<name>`."
  value       = mlops_state_backend.this.id
}

output "bucket" {
  description = "The bucket that holds the states."
  value       = mlops_state_backend.this.bucket
}

output "key" {
  description = "ARN or full name of the key that encrypts them."
  value       = mlops_state_backend.this.key
}

output "backend_configs" {
  description = "Of each tier: what `terraform init -backend-config` takes for its state."
  value       = { for tier, environment in mlops_state_backend.this.environments : tier => environment.backend_config }
}

output "environments" {
  description = "Of each tier: its environment's name, backend, planner, provisioner, and the environments of GitHub or GitLab whose jobs become them."
  value       = mlops_state_backend.this.environments
}

output "github" {
  description = "What the module `github-environments` takes: the GitHub environments that the trust of planners and provisioners names, with their variables; empty with `gitlab`."
  value = merge([
    for tier, environment in mlops_state_backend.this.environments : var.github == null ? {} : {
      (environment.planner_environment) = {
        protected = false
        variables = { (local.variables.planner) = environment.planner }
      }
      (environment.provisioner_environment) = {
        protected = true
        variables = { (local.variables.provisioner) = environment.provisioner }
      }
    }
  ]...)
}

locals {
  variables = {
    planner     = var.cloud == "aws" ? "AWS_PLANNER_ROLE_ARN" : "GCP_PLANNER_SERVICE_ACCOUNT"
    provisioner = var.cloud == "aws" ? "AWS_PROVISIONER_ROLE_ARN" : "GCP_PROVISIONER_SERVICE_ACCOUNT"
  }
}

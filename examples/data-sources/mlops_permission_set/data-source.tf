# What the purposes of an environment may do, before anything of it stands.
data "mlops_permission_set" "churn" {
  environment = {
    name = "churn-dev"
    tier = "dev"
    aws = {
      existing_network = {
        vpc_id             = "vpc-0a1b2c3d4e5f60718"
        private_subnet_ids = ["subnet-0a1b2c3d4e5f60718", "subnet-1a1b2c3d4e5f60718"]
      }
    }
    services   = { churn = {} }
    federation = { github = { repository = "acme/churn", owner_id = "1", repository_id = "2" } }
  }
}

output "who_deploys" {
  value = jsondecode(data.mlops_permission_set.churn.identities["deploy"].trust)
}

output "what_runtime_may" {
  value = data.mlops_permission_set.churn.identities["runtime.churn"].permissions
}

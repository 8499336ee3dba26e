variable "region" {
  description = "Region of the environments."
  type        = string
  default     = "eu-west-1"
}

variable "network" {
  description = "The VPC and subnets that both use."
  type = object({
    vpc_id             = string
    private_subnet_ids = set(string)
    public_subnet_ids  = optional(set(string))
  })
}

variable "teams" {
  description = "The teams: who they are, their repository, their services."
  type = map(object({
    owner         = string
    repository    = string
    owner_id      = string
    repository_id = string
    services      = set(string)
  }))
  default = {
    churn = {
      owner         = "churn@acme.example"
      repository    = "acme/churn"
      owner_id      = "123456"
      repository_id = "456789"
      services      = ["churn"]
    }
    fraud = {
      owner         = "fraud@acme.example"
      repository    = "acme/fraud"
      owner_id      = "123456"
      repository_id = "567890"
      services      = ["transfers", "cards"]
    }
  }
}

variable "endpoints" {
  description = "Service to URL, for private endpoints and local clouds."
  type        = map(string)
  default     = {}
}

variable "account_id" {
  description = "The account of production; credentials of another one are refused before anything is written."
  type        = string
}

variable "region" {
  description = "Region of the environment."
  type        = string
  default     = "eu-west-1"
}

variable "network" {
  description = "The VPC and subnets to use: private subnets in three zones."
  type = object({
    vpc_id             = string
    private_subnet_ids = set(string)
    public_subnet_ids  = optional(set(string))
  })

  validation {
    condition     = length(var.network.private_subnet_ids) >= 3
    error_message = "Production stands in three zones: give three private subnets."
  }
}

variable "images" {
  description = "Prefix of the repositories that images are pulled from, for example 111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn-dev."
  type        = string
}

variable "admins" {
  description = "ARNs of roles that administer the cluster, for the hour in which they are needed."
  type        = set(string)
  default     = []
}

variable "endpoints" {
  description = "Service to URL, for private endpoints and local clouds."
  type        = map(string)
  default     = {}
}

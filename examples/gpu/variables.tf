variable "region" {
  description = "Region of the environment; it must have the machine types of the pools."
  type        = string
  default     = "eu-west-1"
}

variable "network" {
  description = "The VPC and subnets to use: private subnets in two zones at least."
  type = object({
    vpc_id             = string
    private_subnet_ids = set(string)
    public_subnet_ids  = optional(set(string))
  })
}

variable "endpoints" {
  description = "Service to URL, for private endpoints and local clouds."
  type        = map(string)
  default     = {}
}

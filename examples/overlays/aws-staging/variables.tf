variable "account_id" {
  description = "The account of this tier; credentials of another one are refused."
  type        = string
}

variable "region" {
  description = "Region of the environment."
  type        = string
  default     = "eu-west-1"
}

variable "network" {
  description = "The VPC and subnets to use."
  type = object({
    vpc_id             = string
    private_subnet_ids = set(string)
    public_subnet_ids  = optional(set(string))
  })
}

variable "images_from" {
  description = "The output images of the overlay aws-dev."
  type        = string
}

variable "endpoints" {
  description = "Service to URL, for private endpoints and local clouds."
  type        = map(string)
  default     = {}
}

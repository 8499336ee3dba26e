variable "aws" {
  description = "Where the environment on AWS is: region, the VPC and subnets to use, and endpoints of private or local clouds."
  type = object({
    region = optional(string, "eu-west-1")
    network = object({
      vpc_id             = string
      private_subnet_ids = set(string)
      public_subnet_ids  = optional(set(string))
    })
    endpoints = optional(map(string), {})
  })
}

variable "gcp" {
  description = "Where the environment on Google Cloud is: project, region, the network to use, and endpoints of private or local clouds."
  type = object({
    project = string
    region  = optional(string, "europe-west1")
    network = object({
      network        = string
      subnetwork     = string
      pods_range     = string
      services_range = string
    })
    endpoints = optional(map(string), {})
  })
}

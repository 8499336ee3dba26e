variable "tier" {
  description = "`dev`, `staging` or `prod`."
  type        = string
}

variable "aws" {
  description = "Where it is on AWS; this or `gcp`."
  type = object({
    existing_network = object({
      vpc_id             = string
      private_subnet_ids = set(string)
      public_subnet_ids  = optional(set(string))
    })
  })
  default = null
}

variable "gcp" {
  description = "Where it is on Google Cloud; this or `aws`."
  type = object({
    existing_network = object({
      network        = string
      subnetwork     = string
      pods_range     = string
      services_range = string
    })
  })
  default = null
}

variable "images_from" {
  description = "The registry of the tier that builds; null where images are built here."
  type        = string
  default     = null
}

variable "region" {
  description = "Region of the environment."
  type        = string
  default     = "eu-west-1"
}

variable "cidr" {
  description = "Addresses of the network, /16 to /20: not those of a network that it is to be joined with."
  type        = string
  default     = "10.20.0.0/16"
}

variable "endpoints" {
  description = "Service to URL, for private endpoints and local clouds."
  type        = map(string)
  default     = {}
}

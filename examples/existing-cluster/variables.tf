variable "region" {
  description = "Region of the cluster and the environment."
  type        = string
  default     = "eu-west-1"
}

variable "cluster" {
  description = "Name of the cluster."
  type        = string
  default     = "platform"
}

variable "endpoints" {
  description = "Service to URL, for private endpoints and local clouds."
  type        = map(string)
  default     = {}
}

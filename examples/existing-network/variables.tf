variable "region" {
  description = "Region of the environment."
  type        = string
  default     = "eu-west-1"
}

variable "vpc_name" {
  description = "The tag Name of the VPC."
  type        = string
  default     = "ml"
}

variable "endpoints" {
  description = "Service to URL, for private endpoints and local clouds."
  type        = map(string)
  default     = {}
}

variable "project" {
  description = "Id of the project."
  type        = string
}

variable "region" {
  description = "Region of the environment."
  type        = string
  default     = "europe-west1"
}

variable "network" {
  description = "The network to use: a subnetwork in the region, with a secondary range for pods and one for Kubernetes services."
  type = object({
    network        = string
    subnetwork     = string
    pods_range     = string
    services_range = string
  })
}

variable "endpoints" {
  description = "Service to URL, for private endpoints and local clouds."
  type        = map(string)
  default     = {}
}

variable "project" {
  description = "Id of production's project; another one is refused before anything is written."
  type        = string
}

variable "region" {
  description = "Region of the environment."
  type        = string
  default     = "europe-west1"
}

variable "network" {
  description = "The network to use, of this project or of a host project (full names): a subnetwork in the region, with secondary ranges for pods and services."
  type = object({
    network        = string
    subnetwork     = string
    pods_range     = string
    services_range = string
  })
}

variable "images" {
  description = "The repository that images are pulled from, for example europe-west1-docker.pkg.dev/acme-ml-dev/churn-dev."
  type        = string
}

variable "endpoints" {
  description = "Service to URL, for private endpoints and local clouds."
  type        = map(string)
  default     = {}
}

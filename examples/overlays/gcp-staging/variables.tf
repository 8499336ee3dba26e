variable "project" {
  description = "The project of this tier; another one is refused."
  type        = string
}

variable "region" {
  description = "Region of the environment."
  type        = string
  default     = "europe-west1"
}

variable "network" {
  description = "The network to use."
  type = object({
    network        = string
    subnetwork     = string
    pods_range     = string
    services_range = string
  })
}

variable "images_from" {
  description = "The output images of the overlay gcp-dev."
  type        = string
}

variable "endpoints" {
  description = "Service to URL, for private endpoints and local clouds."
  type        = map(string)
  default     = {}
}

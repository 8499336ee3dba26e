terraform {
  required_version = ">= 1.9"

  required_providers {
    mlops = {
      source = "mlops/mlops"
    }
  }
}

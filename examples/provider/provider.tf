terraform {
  required_providers {
    mlops = {
      source = "mlops/mlops"
    }
  }
}

# Credentials come from the SDKs' own chains: web identity in CI, SSO or an assumed role at the desk.
# There is no attribute for a key, and long-term keys in the environment are refused.
provider "mlops" {
  aws = {
    region              = "eu-west-1"
    allowed_account_ids = ["111122223333"]
  }
  gcp = {
    project = "acme-ml-dev"
    region  = "europe-west1"
  }
}

output "data" {
  description = "The bucket that was taken over, and how it is managed."
  value = {
    bucket  = mlops_environment.this.bucket_info.data
    managed = mlops_environment.this.components["buckets.data"].managed
  }
}

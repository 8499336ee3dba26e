output "network" {
  description = "The network in use."
  value       = mlops_environment.this.network_info
}

output "cluster" {
  description = "The cluster; no credential."
  value       = mlops_environment.this.cluster_info
}

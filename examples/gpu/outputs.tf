output "node_pools" {
  description = "The pools as they stand: id and state."
  value = {
    for address, component in mlops_environment.this.components : trimprefix(address, "node_pools.") => {
      id    = component.id
      state = component.state
    } if startswith(address, "node_pools.")
  }
}

output "cluster" {
  description = "The cluster; no credential."
  value       = mlops_environment.this.cluster_info
}

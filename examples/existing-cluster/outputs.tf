output "cluster" {
  description = "The cluster in use; no credential."
  value       = mlops_environment.this.cluster_info
}

output "kustomize" {
  description = "Patches by service: the annotations by which pods become identities."
  value       = mlops_environment.this.kustomize
}

output "components" {
  description = "What the environment is made of, and whose each piece is."
  value       = { for name, component in mlops_environment.this.components : name => component.managed }
}

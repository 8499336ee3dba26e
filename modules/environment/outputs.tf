output "id" {
  description = "`aws/<account>/<region>/<name>` or `gcp/<project>/<region>/<name>`."
  value       = mlops_environment.this.id
}

output "phase" {
  description = "`READY`; anything else fails the apply."
  value       = mlops_environment.this.phase
}

output "github" {
  description = "For CI: the variables that each GitHub environment needs; those under the empty name are for jobs without one. `modules/github-environments` takes it as it is."
  value       = mlops_environment.this.github
}

output "gitlab" {
  description = "For GitLab: the variables that each environment scope needs; those under `*` are for every job. `OIDC_AUDIENCE` is what jobs ask their token for. Null without GitLab."
  value       = mlops_environment.this.gitlab
}

output "kubernetes" {
  description = "For the cluster: who and where it is, manifests by file name for an administrator to apply once, a kustomize patch by service, and a kubeconfig without credentials."
  value = {
    cluster    = mlops_environment.this.cluster_info
    manifests  = mlops_environment.this.manifests
    kustomize  = mlops_environment.this.kustomize
    kubeconfig = mlops_environment.this.kubeconfig
  }
}

output "identities" {
  description = "Identities by purpose; the pods' by service, with namespace, ServiceAccount and the annotation it needs."
  value       = mlops_environment.this.identity_info
}

output "buckets" {
  description = "Buckets by purpose: name, full name, URI."
  value       = mlops_environment.this.bucket_info
}

output "registry" {
  description = "URL of the registry, and of each repository: what another tier's `registry.reference` takes."
  value       = mlops_environment.this.registry_info
}

output "federation" {
  description = "The OIDC providers that tokens enter through."
  value       = mlops_environment.this.federation_info
}

output "keys" {
  description = "Customer keys by use."
  value       = mlops_environment.this.keys
}

output "last_change" {
  description = "What the last plan does, a line per component."
  value       = mlops_environment.this.last_change
}

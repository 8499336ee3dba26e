# The files of one service, written into its repository's overlay.
data "mlops_kubernetes_manifests" "churn" {
  environment = mlops_environment.churn
  service     = "churn"
}

resource "local_file" "overlay" {
  for_each = data.mlops_kubernetes_manifests.churn.manifests

  filename = "${path.module}/overlays/${data.mlops_kubernetes_manifests.churn.overlay}/${each.key}"
  content  = each.value
}

ephemeral "mlops_cluster_token" "this" {
  # Known once the cluster stands: one apply makes both the environment and what goes into its cluster.
  cluster = mlops_environment.this.cluster_info

  # Where the environment is changed too: a token lives for minutes, so it is made when that is over.
  depends_on = [mlops_environment.this]
}

provider "kubernetes" {
  host                   = ephemeral.mlops_cluster_token.this.host
  cluster_ca_certificate = base64decode(ephemeral.mlops_cluster_token.this.ca_certificate)
  token                  = ephemeral.mlops_cluster_token.this.token
}

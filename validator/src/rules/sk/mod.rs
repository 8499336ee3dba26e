//! Static credentials. One line per rule: keep the lists sorted by code.

mod aws_access_key;
mod aws_provider_credentials;
mod ci_static_credential;
mod cloud_key_in_secret_store;
mod cluster_static_credential;
mod credential_in_provisioner;
mod generated_secret;
mod google_provider_credentials;
mod google_service_account_key;
mod iam_user_credential;
mod instance_metadata;
mod key_guard_removed;
mod kubernetes_static_credential;
mod mlops_static_credentials;
mod node_identity_reachable;
mod origin;
mod provider;
mod secret_in_plan;
mod secret_value_in_state;
mod token_in_state;

use super::Rule;

/// The rules of this family.
pub static RULES: &[&dyn Rule] = &[
    &aws_access_key::AwsAccessKey,                             // SK01
    &iam_user_credential::IamUserCredential,                   // SK02
    &google_service_account_key::GoogleServiceAccountKey,      // SK03
    &aws_provider_credentials::AwsProviderCredentials,         // SK04
    &google_provider_credentials::GoogleProviderCredentials,   // SK05
    &secret_in_plan::SecretInPlan,                             // SK06
    &cloud_key_in_secret_store::CloudKeyInSecretStore,         // SK07
    &ci_static_credential::CiStaticCredential,                 // SK08
    &kubernetes_static_credential::KubernetesStaticCredential, // SK09
    &cluster_static_credential::ClusterStaticCredential,       // SK10
    &node_identity_reachable::NodeIdentityReachable,           // SK11
    &instance_metadata::InstanceMetadata,                      // SK12
    &token_in_state::TokenInState,                             // SK13
    &generated_secret::GeneratedSecret,                        // SK14
    &secret_value_in_state::SecretValueInState,                // SK15
    &key_guard_removed::KeyGuardRemoved,                       // SK16
    &credential_in_provisioner::CredentialInProvisioner,       // SK17
    &mlops_static_credentials::MlopsStaticCredentials,         // SK18
];

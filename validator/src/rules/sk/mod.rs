//! Static credentials. One line per rule: keep the lists sorted by code.

mod aws_access_key;
mod aws_provider_credentials;
mod ci_static_credential;
mod cloud_key_in_secret_store;
mod google_provider_credentials;
mod google_service_account_key;
mod iam_user_credential;
mod kubernetes_static_credential;
mod origin;
mod provider;
mod secret_in_plan;

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
];

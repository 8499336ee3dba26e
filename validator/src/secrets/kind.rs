//! What a found secret is.

use std::fmt;

/// The kind of a secret, told by its structure or, for the last ones, by the name it stands under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Id of a long-lived AWS access key (`AKIA…`).
    AwsAccessKeyId,
    /// Id of a temporary AWS key (`ASIA…`).
    AwsTemporaryKeyId,
    /// Secret half of an AWS key.
    AwsSecretAccessKey,
    /// AWS session token.
    AwsSessionToken,
    /// Key file of a Google service account.
    GoogleServiceAccountKey,
    /// Google API key (`AIza…`).
    GoogleApiKey,
    /// Google OAuth access token (`ya29.…`).
    GoogleAccessToken,
    /// Google OAuth client secret (`GOCSPX-…`).
    GoogleClientSecret,
    /// Id of a Cloud Storage HMAC key (`GOOG1E…`).
    GoogleHmacKey,
    /// GitHub token of any sort.
    GitHubToken,
    /// GitLab token of any sort.
    GitLabToken,
    /// Slack token or incoming webhook.
    Slack,
    /// Stripe live key.
    StripeKey,
    /// SendGrid key.
    SendGridKey,
    /// npm token.
    NpmToken,
    /// PyPI token.
    PypiToken,
    /// Hugging Face token.
    HuggingFaceToken,
    /// Docker Hub token.
    DockerToken,
    /// OpenAI or Anthropic key.
    ModelApiKey,
    /// Vault token.
    VaultToken,
    /// HCP Terraform token.
    TerraformToken,
    /// Databricks token.
    DatabricksToken,
    /// Azure storage account key.
    AzureStorageKey,
    /// PEM private key.
    PrivateKey,
    /// Signed JSON web token.
    Jwt,
    /// URL or connection string with a password in it.
    ConnectionString,
    /// Container registry credentials (`auths` of a Docker configuration).
    RegistryCredentials,
    /// Password, told by its name.
    Password,
    /// Token or key, told by its name and its randomness.
    Named,
}

impl Kind {
    /// What it is, as a noun phrase with its article.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::AwsAccessKeyId => "the id of a long-lived AWS access key",
            Self::AwsTemporaryKeyId => "the id of a temporary AWS key",
            Self::AwsSecretAccessKey => "an AWS secret access key",
            Self::AwsSessionToken => "an AWS session token",
            Self::GoogleServiceAccountKey => "a Google service account key",
            Self::GoogleApiKey => "a Google API key",
            Self::GoogleAccessToken => "a Google access token",
            Self::GoogleClientSecret => "a Google OAuth client secret",
            Self::GoogleHmacKey => "the id of a Cloud Storage HMAC key",
            Self::GitHubToken => "a GitHub token",
            Self::GitLabToken => "a GitLab token",
            Self::Slack => "a Slack token or webhook",
            Self::StripeKey => "a Stripe live key",
            Self::SendGridKey => "a SendGrid key",
            Self::NpmToken => "an npm token",
            Self::PypiToken => "a PyPI token",
            Self::HuggingFaceToken => "a Hugging Face token",
            Self::DockerToken => "a Docker Hub token",
            Self::ModelApiKey => "an API key of a model vendor",
            Self::VaultToken => "a Vault token",
            Self::TerraformToken => "an HCP Terraform token",
            Self::DatabricksToken => "a Databricks token",
            Self::AzureStorageKey => "an Azure storage account key",
            Self::PrivateKey => "a private key",
            Self::Jwt => "a signed JSON web token",
            Self::ConnectionString => "a connection string with a password",
            Self::RegistryCredentials => "container registry credentials",
            Self::Password => "a password",
            Self::Named => "a secret",
        }
    }

    /// True for what expires by itself within hours.
    #[must_use]
    pub const fn is_short_lived(self) -> bool {
        matches!(
            self,
            Self::AwsTemporaryKeyId | Self::AwsSessionToken | Self::GoogleAccessToken
        )
    }

    /// True for a credential of AWS or Google Cloud.
    #[must_use]
    pub const fn is_cloud(self) -> bool {
        matches!(
            self,
            Self::AwsAccessKeyId
                | Self::AwsTemporaryKeyId
                | Self::AwsSecretAccessKey
                | Self::AwsSessionToken
                | Self::GoogleServiceAccountKey
                | Self::GoogleApiKey
                | Self::GoogleAccessToken
                | Self::GoogleHmacKey
        )
    }

    /// True when structure alone tells it, whatever name it stands under.
    #[must_use]
    pub const fn is_structural(self) -> bool {
        !matches!(
            self,
            Self::Password | Self::Named | Self::AwsSecretAccessKey | Self::AwsSessionToken
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.noun())
    }
}

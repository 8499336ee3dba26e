//! The clouds that the provider block opens, and who we are there.

use std::sync::Arc;

use mlops_aws::CredentialsKind;
use mlops_environment::Facts;
use mlops_environment::driver::Driver;
use mlops_environment::spec::{AccountId, CloudFacts, Region};
use tfplugin::{Diagnostic, Diagnostics, Path};
use tokio::sync::{OnceCell, RwLock};

use crate::credentials;
use crate::settings::{DEFAULT_CONCURRENCY, Settings};

/// An open cloud.
#[derive(Clone)]
pub struct Cloud {
    /// The door to it.
    pub driver: Arc<dyn Driver>,
    /// What is known of the account.
    pub facts: Facts,
    /// Components worked on at a time.
    pub concurrency: usize,
    /// Whether the credentials are long-term ones (tolerated outside prod by the user's word).
    pub long_term: bool,
}

/// The clouds of one provider process. Configuring again (reattach) starts anew.
#[derive(Default)]
pub struct Clouds {
    current: RwLock<Arc<Current>>,
}

#[derive(Default)]
struct Current {
    settings: Settings,
    aws: OnceCell<Result<Cloud, Vec<Diagnostic>>>,
    fixed: bool,
}

impl std::fmt::Debug for Clouds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clouds").finish_non_exhaustive()
    }
}

impl Clouds {
    /// Clouds of which AWS is open already: tests bring a driver of their own.
    pub fn with_aws(cloud: Cloud) -> Self {
        let current = Current {
            aws: OnceCell::new_with(Some(Ok(cloud))),
            fixed: true,
            ..Current::default()
        };
        Self {
            current: RwLock::new(Arc::new(current)),
        }
    }

    /// Takes the provider block. Where it has an `aws` block, credentials are resolved and judged at once; else with
    /// the first environment that needs them.
    pub(crate) async fn configure(&self, settings: Settings) -> Vec<Diagnostic> {
        let eager = settings.aws.is_some();
        {
            let mut current = self.current.write().await;
            if current.fixed {
                return Vec::new();
            }
            *current = Arc::new(Current {
                settings,
                ..Current::default()
            });
        }
        if !eager {
            return Vec::new();
        }
        match self.aws().await {
            Ok(cloud) if cloud.long_term => vec![credentials::tolerated()],
            Ok(_) => Vec::new(),
            Err(errors) => errors.0,
        }
    }

    /// AWS, opened on first use: one call to STS a process.
    ///
    /// # Errors
    /// Missing, refused or wrong credentials.
    pub(crate) async fn aws(&self) -> Result<Cloud, Diagnostics> {
        let current = Arc::clone(&*self.current.read().await);
        let result = current.aws.get_or_init(|| open(&current.settings)).await;
        result.clone().map_err(Diagnostics)
    }
}

async fn open(settings: &Settings) -> Result<Cloud, Vec<Diagnostic>> {
    let block = settings.aws.clone().unwrap_or_default();
    let aws = mlops_aws::Aws::connect(mlops_aws::Settings {
        region: block.region,
        profile: block.profile,
        assume_role: block.assume_role.map(|role| mlops_aws::AssumeRole {
            role_arn: role.role_arn,
            session_name: role.session_name,
            external_id: role.external_id,
        }),
        assume_role_with_web_identity: block.assume_role_with_web_identity.map(|role| {
            mlops_aws::AssumeRoleWithWebIdentity {
                role_arn: role.role_arn,
                token_file: role.token_file.into(),
                session_name: None,
            }
        }),
        endpoints: block.endpoints,
        connector: None,
    })
    .await
    .map_err(|failure| vec![credentials::unusable(&failure)])?;
    let kind = aws
        .credentials_kind()
        .await
        .map_err(|failure| vec![credentials::unusable(&failure)])?;
    credentials::judge(kind, &aws.at_amazon(), settings.static_credentials).map_err(|error| vec![error])?;
    let caller = aws
        .caller()
        .await
        .map_err(|failure| vec![credentials::unusable(&failure)])?;
    if let Some(allowed) = &block.allowed_account_ids
        && !allowed.contains(&caller.account)
    {
        return Err(vec![credentials::wrong_account(&caller, allowed)]);
    }
    let account: AccountId = caller.account.parse().map_err(|error| {
        vec![Diagnostic::error(
            "STS answered with an account that is none",
            format!(
                "\"{}\": {error}. Check endpoints.sts of the provider.",
                caller.account
            ),
        )]
    })?;
    let region: Region = aws.region().parse().map_err(|error| {
        vec![
            Diagnostic::error("The region cannot be", format!("\"{}\": {error}.", aws.region()))
                .at(Path::root().attribute("aws").attribute("region")),
        ]
    })?;
    Ok(Cloud {
        facts: Facts {
            cloud: CloudFacts::Aws {
                account,
                partition: caller.partition,
                region: Some(region),
            },
            default_tags: settings.default_tags.clone(),
        },
        driver: Arc::new(aws),
        concurrency: settings.max_concurrency.unwrap_or(DEFAULT_CONCURRENCY).max(1),
        long_term: kind == CredentialsKind::LongTerm,
    })
}

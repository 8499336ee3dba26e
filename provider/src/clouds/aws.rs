//! AWS, opened.

use std::sync::Arc;

use mlops_aws::CredentialsKind;
use mlops_environment::Facts;
use mlops_environment::driver::Driver;
use mlops_environment::spec::{AccountId, CloudFacts, Region};
use tfplugin::{Diagnostic, Path};

use super::{Cloud, Standing};
use crate::credentials::aws as credentials;
use crate::settings::{DEFAULT_CONCURRENCY, Settings};

/// Finds credentials, judges them, and asks whose they are: one call.
///
/// # Errors
/// Missing, refused or wrong credentials.
pub(super) async fn open(settings: &Settings) -> Result<Cloud, Vec<Diagnostic>> {
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
        retry: mlops_aws::Retry::default(),
        quiet: None,
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
        standing: if kind == CredentialsKind::LongTerm {
            Standing::LongTerm
        } else {
            Standing::ShortLived
        },
    })
}

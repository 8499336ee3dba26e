//! Google's own service accounts in a project, which encrypt with our keys in their services' names.
//!
//! <https://cloud.google.com/iam/docs/service-agents>. They exist only once their service was used, or asked for them.

use std::collections::BTreeMap;

use http::Method;
use mlops_environment::driver::Monitor;
use mlops_environment::gcp::ServiceAgent;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::driver::Gcp;
use crate::failure::{Outcome, missing};
use crate::operation::awaited;

/// The agents' e-mails as far as they are known, and whether each is known to exist.
#[derive(Debug, Default)]
pub(crate) struct Agents(Mutex<BTreeMap<ServiceAgent, (String, bool)>>);

/// How an agent's e-mail is found.
enum Way {
    /// Built from the project's number; made by asking Service Usage for the service's identity.
    Identity {
        service: &'static str,
        domain: &'static str,
    },
    /// Asked of the service, which makes it.
    Ask(&'static str, String, &'static str),
}

fn way(gcp: &Gcp, agent: ServiceAgent) -> Way {
    let project = &gcp.clients.project;
    match agent {
        ServiceAgent::ArtifactRegistry => Way::Identity {
            service: "artifactregistry.googleapis.com",
            domain: "gcp-sa-artifactregistry",
        },
        ServiceAgent::Container => Way::Identity {
            service: "container.googleapis.com",
            domain: "container-engine-robot",
        },
        ServiceAgent::SecretManager => Way::Identity {
            service: "secretmanager.googleapis.com",
            domain: "gcp-sa-secretmanager",
        },
        ServiceAgent::Logging => Way::Ask(
            "logging:GetSettings",
            gcp.clients
                .url("logging", &format!("v2/projects/{project}/settings")),
            "kmsServiceAccountId",
        ),
        ServiceAgent::Storage => Way::Ask(
            "storage:GetServiceAccount",
            gcp.clients.url(
                "storage",
                &format!("storage/v1/projects/{project}/serviceAccount"),
            ),
            "email_address",
        ),
    }
}

/// The agent's e-mail, whether it exists yet or not. At most one call a process.
pub(crate) async fn email(gcp: &Gcp, agent: ServiceAgent) -> Outcome<String> {
    let mut known = gcp.agents.0.lock().await;
    if let Some((email, _)) = known.get(&agent) {
        return Ok(email.clone());
    }
    let found = match way(gcp, agent) {
        Way::Identity { domain, .. } => (
            format!(
                "service-{}@{domain}.iam.gserviceaccount.com",
                gcp.project().await?.number
            ),
            false,
        ),
        Way::Ask(operation, url, field) => {
            let answer = gcp.clients.rest(operation, Method::GET, &url, &[], None).await?;
            let email = answer
                .get(field)
                .and_then(Value::as_str)
                .filter(|email| !email.is_empty())
                .ok_or_else(|| missing(operation, field))?;
            // Settings name an account that logging's documentation calls by its bare e-mail.
            (email.trim_start_matches("serviceAccount:").to_owned(), true)
        }
    };
    known.insert(agent, found.clone());
    Ok(found.0)
}

/// The agent's e-mail, after making sure that it exists: a policy that names an unknown account is refused.
pub(crate) async fn existing(gcp: &Gcp, agent: ServiceAgent, monitor: &dyn Monitor) -> Outcome<String> {
    const OPERATION: &str = "serviceusage:GenerateServiceIdentity";
    let email = email(gcp, agent).await?;
    let Way::Identity { service, .. } = way(gcp, agent) else {
        return Ok(email);
    };
    let mut known = gcp.agents.0.lock().await;
    if let Some((email, true)) = known.get(&agent) {
        return Ok(email.clone());
    }
    let number = &gcp.project().await?.number;
    let base = gcp.clients.url("serviceusage", "v1beta1");
    let url = format!("{base}/projects/{number}/services/{service}:generateServiceIdentity");
    let answer = gcp
        .clients
        .rest(OPERATION, Method::POST, &url, &[], Some(&json!({})))
        .await?;
    let subject = format!("service agent of {service}");
    let made = awaited(gcp, OPERATION, &subject, &base, answer, monitor).await?;
    let email = made
        .get("email")
        .and_then(Value::as_str)
        .map_or(email, str::to_owned);
    known.insert(agent, (email.clone(), true));
    Ok(email)
}

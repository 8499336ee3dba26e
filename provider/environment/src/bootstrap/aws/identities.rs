//! Who plans and who makes each environment, by which door they enter, and what bounds them.

use std::collections::{BTreeMap, BTreeSet};

use mlops_access::generate::{Document, Gitlab, Principals, Statement};

use super::permissions::{Scope, boundary, network, permissions, reading, worker_boundary};
use super::{Draft, Names};
use crate::aws::{ManagedPolicy, OidcProvider, Role, canonical};
use crate::component::{Address, Kind, Management};
use crate::names::EnvironmentId;
use crate::reference;
use crate::spec::{Cloud, TextError, Tier};

use super::super::{Forge, Spec, Worker, deployment_tier};

const WORKERS: [&str; 2] = ["boundaries", "workers"];
const READING: &str = "reading";
const NETWORKS: &str = "networks";
/// Longest session of a worker: a cluster and its pools take their time.
const SESSION_SECONDS: i32 = 2 * 3600;

pub(super) fn add(draft: &mut Draft<'_>) -> Result<(), TextError> {
    add_forge(draft);
    let document = worker_boundary(draft.names);
    let what = format!(
        "The most that planners and provisioners of {} can ever do",
        draft.spec.name
    );
    add_policy(draft, &WORKERS, draft.names.worker_boundary(), what, &document);
    let (spec, names): (&Spec, Names<'_>) = (draft.spec, draft.names);
    for tier in &spec.tiers {
        let environment = spec.environment(*tier)?;
        let scope = Scope::new(names, *tier, &environment);
        add_boundary(draft, *tier, &environment, &scope);
        add_reading(draft, *tier, &environment, &scope);
        add_network(draft, *tier, &environment, &scope);
        for worker in Worker::ALL {
            add_role(draft, *tier, worker, &environment, &scope);
        }
    }
    Ok(())
}

/// The account's one provider for the forge: made where there is none, never taken from whoever made it.
fn add_forge(draft: &mut Draft<'_>) {
    let forge = &draft.spec.forge;
    let address = forge.address();
    let provider = OidcProvider {
        url: format!("https://{}", forge.issuer()),
        audiences: BTreeSet::from([forge.audience().to_owned()]),
        tags: draft.tags(&address),
    };
    let arn = draft.names.oidc_provider_arn(forge.issuer());
    draft
        .want(&address, Kind::AwsOidcProvider, &provider)
        .id(arn.clone())
        .output("arn", arn)
        .managed(Management::Shared);
}

fn add_policy(draft: &mut Draft<'_>, address: &[&str], name: String, what: String, document: &Document) {
    let policy = ManagedPolicy {
        path: draft.names.path(),
        description: what,
        document: canonical(document),
        tags: draft.tags(address),
        name,
    };
    let arn = draft.names.policy_arn(&policy.name);
    draft
        .want(address, Kind::AwsPolicy, &policy)
        .id(arn.clone())
        .output("arn", arn);
}

fn add_boundary(draft: &mut Draft<'_>, tier: Tier, environment: &EnvironmentId, scope: &Scope<'_>) {
    let document = boundary(scope);
    let what = format!(
        "The most that any role of ML environment {} can ever do",
        environment.name
    );
    add_policy(
        draft,
        &["boundaries", tier.as_str()],
        draft.names.boundary(tier),
        what,
        &document,
    );
}

fn add_reading(draft: &mut Draft<'_>, tier: Tier, environment: &EnvironmentId, scope: &Scope<'_>) {
    let document = reading(scope);
    let what = format!(
        "Reads how ML environment {} is set up, never what it holds",
        environment.name
    );
    add_policy(
        draft,
        &[READING, tier.as_str()],
        draft.names.reading(tier),
        what,
        &document,
    );
}

fn add_network(draft: &mut Draft<'_>, tier: Tier, environment: &EnvironmentId, scope: &Scope<'_>) {
    let document = network(scope);
    let what = format!("Makes a network for ML environment {}", environment.name);
    add_policy(
        draft,
        &[NETWORKS, tier.as_str()],
        draft.names.network(tier),
        what,
        &document,
    );
}

fn add_role(
    draft: &mut Draft<'_>,
    tier: Tier,
    worker: Worker,
    environment: &EnvironmentId,
    scope: &Scope<'_>,
) {
    let address = [worker.plural(), tier.as_str()];
    let (does, policies): (_, &[&str]) = match worker {
        Worker::Planner => ("Plans", &[READING]),
        Worker::Provisioner => ("Makes", &[READING, NETWORKS]),
    };
    let role = Role {
        name: draft.names.role(worker, tier),
        path: draft.names.path(),
        description: format!("{does} ML environment {}", environment.name),
        trust: canonical(&trust(draft.spec, draft.names, tier, worker)),
        inline_policies: permissions(scope, worker)
            .into_iter()
            .map(|(name, document)| (name.to_owned(), canonical(&document)))
            .collect::<BTreeMap<_, _>>(),
        managed_policies: policies
            .iter()
            .map(|policy| reference::to(&Address::new(&[policy, tier.as_str()]), "arn"))
            .collect(),
        permissions_boundary: Some(reference::to(&Address::new(&WORKERS), "arn")),
        max_session_seconds: SESSION_SECONDS,
        tags: draft.tags(&address),
    };
    let arn = draft.names.role_arn(worker, tier);
    let forge = draft.spec.forge.address();
    draft
        .want(&address, Kind::AwsRole, &role)
        .id(role.name.clone())
        .output("arn", arn)
        .output("name", role.name.clone())
        .after(&forge);
}

/// Exactly the jobs of one environment of one repository.
///
/// STS sees audience and subject of a token. Subjects of GitHub name the environment; those of GitLab tell its deployment tier
/// and whether it is protected, if the project is set so (see [`Gitlab::deploy_tier`]). So a planner's environment of GitLab is
/// an unprotected one, a provisioner's a protected one: what nobody protected can be planned, and applied by nobody.
fn trust(spec: &Spec, names: Names<'_>, tier: Tier, worker: Worker) -> Document {
    let (operator, subject) = match &spec.forge {
        Forge::Github(repository) => (
            "StringEquals",
            format!(
                "{}:environment:{}",
                repository.subject(),
                worker.environment(Cloud::Aws, tier)
            ),
        ),
        Forge::Gitlab(project) => (
            "StringLike",
            Gitlab::subject_of_environments(&project.path, worker.protected(), deployment_tier(tier)),
        ),
    };
    let issuer = spec.forge.issuer();
    Document {
        statements: vec![
            Statement::allow("Environment", &["sts:AssumeRoleWithWebIdentity"])
                .to(Principals::Federated(names.oidc_provider_arn(issuer)))
                .when("StringEquals", &format!("{issuer}:aud"), [spec.forge.audience()])
                .when(operator, &format!("{issuer}:sub"), [subject]),
        ],
    }
}

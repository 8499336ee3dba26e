use std::collections::{BTreeMap, BTreeSet};

use super::{At, Breach, Cell, DocumentError, Expected, PROBES, Probe, invariants, resource, tokens};
use crate::{
    Purpose,
    gcp::{Binding, Policy, Provider, Question, Resource, Role, allows, role},
    generate::{
        RegistryMode,
        aws::{Bucket, Principal},
        gcp::{self, Grant, METRICS_READER, METRICS_READER_PERMISSIONS, Scope},
        kubernetes::deployer_rules,
    },
    kubernetes::Rule,
    trust::{TokenSet, Trusts},
    verdict::Verdict,
};

/// One identity with everything that decides what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GcpIdentity {
    /// Its purpose.
    pub purpose: Purpose,
    /// Its service, where it has one.
    pub service: Option<String>,
    /// Its member, `serviceAccount:<e-mail>`.
    pub member: String,
    /// What is granted to it.
    pub grants: Vec<Grant>,
    /// Grants on it: who enters.
    pub entrances: Vec<Grant>,
}

impl GcpIdentity {
    fn principal(&self) -> Principal<'_> {
        Principal {
            purpose: self.purpose,
            service: self.service.as_deref(),
        }
    }
}

/// The documents of an environment on Google Cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GcpDocuments {
    /// The identities, the node among them.
    pub identities: Vec<GcpIdentity>,
    /// Workload identity providers.
    pub providers: Vec<Provider>,
    /// Custom roles by name.
    pub custom_roles: BTreeMap<String, Role>,
    /// Deploy's rules in every serving namespace.
    pub deployer_rules: Vec<Rule>,
}

impl GcpDocuments {
    /// What [`crate::generate::gcp`] makes of a scope.
    #[must_use]
    pub fn generated(scope: &Scope) -> Self {
        let metrics = format!("projects/{}/roles/{METRICS_READER}", scope.project);
        Self {
            identities: scope
                .principals()
                .into_iter()
                .chain([Principal::of_environment(Purpose::Node)])
                .filter_map(|p| {
                    Some(GcpIdentity {
                        purpose: p.purpose,
                        service: p.service.map(str::to_owned),
                        member: format!("serviceAccount:{}", scope.account(p)?),
                        grants: gcp::permissions(scope, p),
                        entrances: gcp::trust(scope, p),
                    })
                })
                .collect(),
            providers: gcp::providers(scope),
            custom_roles: BTreeMap::from([(
                metrics.clone(),
                Role::custom(&metrics, METRICS_READER_PERMISSIONS),
            )]),
            deployer_rules: deployer_rules(),
        }
    }

    /// Who enters an identity: the members of every grant on it that yields tokens of it.
    ///
    /// # Errors
    /// When a provider's mapping or condition cannot be read.
    pub fn entrants(&self, identity: &GcpIdentity) -> Result<TokenSet, DocumentError> {
        let mut tokens = TokenSet::default();
        for grant in &identity.entrances {
            let holds = |permission| {
                self.custom_roles
                    .get(&grant.role)
                    .or_else(|| role(&grant.role))
                    .is_none_or(|r| r.holds(permission))
            };
            // A role whose contents are not known may yield tokens.
            if holds("iam.serviceAccounts.getAccessToken") || holds("iam.serviceAccounts.signJwt") {
                let set = TokenSet::of_gcp_member(&grant.member, &self.providers).map_err(|error| {
                    DocumentError::Trust {
                        document: format!("the entrance of {}", identity.principal()),
                        error,
                    }
                })?;
                tokens = tokens.union(set);
            }
        }
        Ok(tokens)
    }
}

/// Puts the whole matrix to the grants of an environment and returns every answer that differs.
///
/// # Errors
/// When a provider's mapping or condition cannot be read.
pub fn check_gcp(scope: &Scope, documents: &GcpDocuments) -> Result<Vec<Breach>, DocumentError> {
    let mut breaches = Vec::new();
    let mut trusts = Vec::new();
    for identity in &documents.identities {
        Judge::new(scope, documents, identity).all(&mut breaches);
        trusts.push((identity, documents.entrants(identity)?));
    }
    super::aws::check_rbac(&documents.deployer_rules, &mut breaches);
    check_invariants(documents, &mut breaches);
    let pairs: Vec<_> = trusts.iter().map(|(i, set)| (i.principal(), set)).collect();
    tokens::check(&tokens::gcp_tokens(scope), &pairs, &mut breaches);
    let configured = GcpDocuments::generated(scope);
    for identity in &configured.identities {
        if let Some((principal, set)) = pairs.iter().find(|(p, _)| *p == identity.principal()) {
            tokens::nobody_else(*principal, set, &configured.entrants(identity)?, &mut breaches);
        }
    }
    let separated: Vec<Trusts> = trusts
        .iter()
        .map(|(identity, set)| Trusts {
            environment: scope.environment.clone(),
            purpose: identity.purpose,
            service: identity.service.clone(),
            tokens: set.clone(),
            ci_environment: scope
                .github
                .as_ref()
                .filter(|_| identity.purpose.per_service())
                .and_then(|g| g.environment_of(identity.purpose))
                .map(str::to_owned),
        })
        .collect();
    tokens::separation(&separated, &mut breaches);
    Ok(breaches)
}

fn report(row: &'static str, what: &str, identity: &GcpIdentity, ask: String, breaches: &mut Vec<Breach>) {
    breaches.push(Breach {
        row,
        what: what.to_owned(),
        identity: identity.principal().to_string(),
        expected: Expected::Deny,
        ask,
        because: "a grant says so".to_owned(),
    });
}

fn check_invariants(documents: &GcpDocuments, breaches: &mut Vec<Breach>) {
    let mut writes: Vec<(&GcpIdentity, &Grant)> = Vec::new();
    for identity in &documents.identities {
        for grant in &identity.grants {
            let five = identity.purpose != Purpose::Node;
            if five && invariants::forbidden_role(&grant.role) {
                report(
                    "I06",
                    "no basic, admin or impersonation role",
                    identity,
                    format!("have {grant}"),
                    breaches,
                );
            }
            let project = invariants::on_project(&grant.resource);
            if project && !invariants::project_role(&grant.role, grant.condition.is_some()) {
                report(
                    "I07",
                    "no grants on the whole project",
                    identity,
                    format!("have {grant}"),
                    breaches,
                );
            }
            let contents = documents
                .custom_roles
                .get(&grant.role)
                .or_else(|| role(&grant.role));
            let writing = [
                "storage.objects.create",
                "storage.objects.delete",
                "artifactregistry.repositories.uploadArtifacts",
            ];
            if contents.is_none_or(|r| writing.iter().any(|p| r.holds(p))) {
                writes.push((identity, grant));
            }
        }
    }
    for (index, (one, a)) in writes.iter().enumerate() {
        for (two, b) in &writes[index + 1..] {
            let shared = a.resource.covers(&b.resource) || b.resource.covers(&a.resource);
            if one.purpose != two.purpose && shared {
                let what = format!(
                    "each object is written by one purpose, not also by {}",
                    two.principal()
                );
                report("I04", &what, one, format!("have {a}"), breaches);
            }
        }
    }
}

struct Judge<'a> {
    scope: &'a Scope,
    documents: &'a GcpDocuments,
    identity: &'a GcpIdentity,
    policies: Vec<(Resource, Policy)>,
    caller: BTreeSet<String>,
}

impl<'a> Judge<'a> {
    fn new(scope: &'a Scope, documents: &'a GcpDocuments, identity: &'a GcpIdentity) -> Self {
        let policies = identity
            .grants
            .iter()
            .map(|grant| {
                let binding = Binding {
                    role: grant.role.clone(),
                    members: vec![grant.member.clone()],
                    condition: grant.condition.clone(),
                };
                (
                    grant.resource.clone(),
                    Policy {
                        version: 3,
                        bindings: vec![binding],
                        etag: None,
                    },
                )
            })
            .collect();
        Self {
            scope,
            documents,
            identity,
            policies,
            caller: BTreeSet::from([identity.member.clone()]),
        }
    }

    fn all(&self, breaches: &mut Vec<Breach>) {
        let services: Vec<&str> = match &self.identity.service {
            Some(own) => vec![own],
            None => self.scope.services.keys().map(String::as_str).collect(),
        };
        for probe in PROBES {
            for (permission, at) in probe.gcp {
                // Records that may be overwritten may be deleted: the cloud has one role for both.
                if self.scope.options.mutable_records
                    && self.identity.purpose == Purpose::Retrain
                    && (*permission, *at) == ("storage.objects.delete", At::Object(Bucket::Mlflow, "{S}/x"))
                {
                    continue;
                }
                let denied = self.cell(probe) == Cell::Deny;
                if denied && !self.touches(permission) {
                    continue;
                }
                for service in &services {
                    let aims = |place: &str| {
                        resource::gcp_aims(self.scope, self.identity.principal(), service, *at, place)
                    };
                    let cell = match self.cell(probe) {
                        Cell::Optional if *at == At::ListedSecret => Cell::Allow,
                        cell => cell,
                    };
                    if cell != Cell::Optional {
                        for aim in aims(&self.scope.environment) {
                            self.ask(
                                probe.id,
                                probe.what,
                                permission,
                                &aim,
                                cell == Cell::Allow,
                                breaches,
                            );
                        }
                    }
                    // A project has one namespace of metrics for all its environments.
                    if cell != Cell::Deny && !matches!(at, At::Metrics | At::Everything) {
                        for aim in aims(resource::FOREIGN) {
                            self.ask("P38", probe.what, permission, &aim, false, breaches);
                        }
                    }
                }
            }
        }
    }

    /// Whether any grant holds the permission at all, or may: most cells are settled by this.
    fn touches(&self, permission: &str) -> bool {
        self.identity.grants.iter().any(|grant| {
            let contents = self
                .documents
                .custom_roles
                .get(&grant.role)
                .or_else(|| role(&grant.role));
            contents.is_none_or(|role| role.holds(permission))
        })
    }

    fn cell(&self, probe: &Probe) -> Cell {
        let reference = self.scope.registry.mode == RegistryMode::Reference;
        match probe.id {
            "P01" if reference => Cell::Deny,
            "P05" if self.scope.cluster.is_none() => Cell::Deny,
            _ => probe.cell(self.identity.purpose),
        }
    }

    fn ask(
        &self,
        row: &'static str,
        what: &str,
        permission: &str,
        aim: &Resource,
        wanted: bool,
        breaches: &mut Vec<Breach>,
    ) {
        let question = Question {
            principals: &self.caller,
            permission,
            resource: aim,
        };
        let answer = allows(&self.policies, &[], &self.documents.custom_roles, &question);
        let because = match (answer, wanted) {
            (Verdict::Yes, true) | (Verdict::No, false) => return,
            (Verdict::Yes, false) => format!("{} allows it", self.culprit(&question)),
            (Verdict::No, true) => "no grant allows it".to_owned(),
            (Verdict::Unknown(doubt), _) => format!("that cannot be told: {doubt}"),
        };
        breaches.push(Breach {
            row,
            what: what.to_owned(),
            identity: self.identity.principal().to_string(),
            expected: if wanted { Expected::Allow } else { Expected::Deny },
            ask: format!("{permission} on {aim}"),
            because,
        });
    }

    fn culprit(&self, question: &Question<'_>) -> String {
        let one = self
            .policies
            .iter()
            .zip(&self.identity.grants)
            .find(|(policy, _)| {
                allows(
                    std::slice::from_ref(*policy),
                    &[],
                    &self.documents.custom_roles,
                    question,
                )
                .is_yes()
            });
        one.map_or_else(|| "a grant".to_owned(), |(_, grant)| grant.to_string())
    }
}

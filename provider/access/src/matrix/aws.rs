use std::{collections::BTreeMap, sync::LazyLock};

use super::{
    At, Breach, Cell, Enforcement, Expected, PROBES, Probe, boundary, invariants,
    resource::{Aim, FOREIGN, FOREIGN_ACCOUNT, aws_aims},
    tokens,
};
use crate::{
    Purpose,
    aws::{
        Decision, Denial, Effect, ParseError, Policies, Policy, Principals, Scope as Choice, Statement,
        evaluate,
    },
    generate::{
        RegistryMode,
        aws::{self, Bucket, KubernetesAccess, Principal, Scope, role_arn},
        kubernetes::deployer_rules,
    },
    kubernetes::{self, Rule},
    trust::{TokenSet, TrustError, Trusts},
};

/// A document that is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// A policy.
    #[error("{document} cannot be read: {error}")]
    Policy {
        /// Which document.
        document: String,
        /// What is wrong, and where.
        error: ParseError,
    },
    /// A trust.
    #[error("{document} cannot be read: {error}")]
    Trust {
        /// Which document.
        document: String,
        /// What is wrong, and where.
        error: TrustError,
    },
}

/// One identity with everything that decides what it may do.
#[derive(Debug, Clone, PartialEq)]
pub struct AwsIdentity {
    /// Its purpose.
    pub purpose: Purpose,
    /// Its service, where it has one.
    pub service: Option<String>,
    /// Inline and attached policies.
    pub permissions: Vec<Policy>,
    /// Who enters.
    pub trust: TokenSet,
}

impl AwsIdentity {
    pub(super) fn principal(&self) -> Principal<'_> {
        Principal {
            purpose: self.purpose,
            service: self.service.as_deref(),
        }
    }
}

/// The documents of an environment on AWS.
#[derive(Debug, Clone, PartialEq)]
pub struct AwsDocuments {
    /// The identities, the node among them.
    pub identities: Vec<AwsIdentity>,
    /// Permissions boundaries by purpose; a purpose without one is not bounded.
    pub boundaries: BTreeMap<Purpose, Policy>,
    /// Bucket policies; a bucket without one has none.
    pub buckets: BTreeMap<Bucket, Policy>,
    /// Deploy's rules in every serving namespace.
    pub deployer_rules: Vec<Rule>,
}

fn parse(document: impl Fn() -> String, text: &str) -> Result<Policy, DocumentError> {
    Policy::parse(text).map_err(|error| DocumentError::Policy {
        document: document(),
        error,
    })
}

impl AwsDocuments {
    /// What [`crate::generate::aws`] makes of a scope.
    ///
    /// # Errors
    /// When a document does not parse, which only text from the user can cause.
    pub fn generated(scope: &Scope) -> Result<Self, DocumentError> {
        let mut identities = Vec::new();
        for principal in scope
            .principals()
            .into_iter()
            .chain([Principal::of_environment(Purpose::Node)])
        {
            let permissions = aws::permissions(scope, principal).to_string();
            let trust = aws::trust(scope, principal);
            identities.push(AwsIdentity {
                purpose: principal.purpose,
                service: principal.service.map(str::to_owned),
                permissions: vec![parse(|| format!("the permissions of {principal}"), &permissions)?],
                trust: TokenSet::of_aws_trust(&trust.to_string()).map_err(|error| DocumentError::Trust {
                    document: format!("the trust of {principal}"),
                    error,
                })?,
            });
        }
        let boundary = |p: Purpose| {
            Ok((
                p,
                parse(
                    || format!("the boundary of {p}"),
                    &aws::boundary(scope, p).to_string(),
                )?,
            ))
        };
        let bucket = |b: Bucket| {
            let text = aws::bucket_policy(scope, b).to_string();
            Ok((b, parse(|| format!("the policy of bucket {b}"), &text)?))
        };
        Ok(Self {
            identities,
            boundaries: Purpose::FIVE
                .into_iter()
                .map(boundary)
                .collect::<Result<_, _>>()?,
            buckets: scope
                .buckets
                .keys()
                .copied()
                .map(bucket)
                .collect::<Result<_, _>>()?,
            deployer_rules: deployer_rules(),
        })
    }

    /// The trusts, as the rules of separation take them.
    #[must_use]
    pub fn trusts(&self, scope: &Scope) -> Vec<Trusts> {
        self.identities
            .iter()
            .map(|identity| Trusts {
                environment: scope.environment.clone(),
                purpose: identity.purpose,
                service: identity.service.clone(),
                tokens: identity.trust.clone(),
                ci_environment: scope
                    .github
                    .as_ref()
                    .filter(|_| identity.purpose.per_service())
                    .and_then(|g| g.environment_of(identity.purpose))
                    .map(str::to_owned),
            })
            .collect()
    }
}

/// Puts the whole matrix to the documents of an environment and returns every answer that differs: probes, tokens, rules
/// of separation, invariants, boundaries, bucket policies. Empty means satisfied.
///
/// Rows `P31b` and `P39` are enforced by the admission policy and by the machines' metadata protection, not by documents;
/// they are not judged here. With `kubernetes.access = managed` deploy has the cloud's edit policy, and `P07` is not
/// judged for it.
#[must_use]
pub fn check_aws(scope: &Scope, documents: &AwsDocuments) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for identity in &documents.identities {
        Judge::new(scope, documents, identity).all(&mut breaches);
    }
    rbac(scope, &documents.deployer_rules, &mut breaches);
    boundary::check(scope, documents, &mut breaches);
    invariants::check_aws(scope, documents, &mut breaches);
    let trusts: Vec<_> = documents
        .identities
        .iter()
        .map(|i| (i.principal(), &i.trust))
        .collect();
    tokens::check(&tokens::aws_tokens(scope), &trusts, &mut breaches);
    for (principal, set) in &trusts {
        let configured = aws::trust(scope, *principal).to_string();
        // What we write we can read.
        if let Ok(configured) = TokenSet::of_aws_trust(&configured) {
            tokens::nobody_else(*principal, set, &configured, &mut breaches);
        }
    }
    tokens::separation(&documents.trusts(scope), &mut breaches);
    breaches
}

pub(super) fn rbac(scope: &Scope, rules: &[Rule], breaches: &mut Vec<Breach>) {
    if scope.options.kubernetes == KubernetesAccess::Group {
        check_rbac(rules, breaches);
    }
}

pub(super) fn check_rbac(rules: &[Rule], breaches: &mut Vec<Breach>) {
    for probe in PROBES.iter().filter(|p| p.by == Enforcement::Rbac) {
        let wanted = probe.cell(Purpose::Deploy) == Cell::Allow;
        for (group, verb, resource) in probe.kubernetes {
            let allowed = kubernetes::allows(rules, &kubernetes::Request::of(group, verb, resource));
            if allowed != wanted {
                breaches.push(Breach {
                    row: probe.id,
                    what: probe.what.to_owned(),
                    identity: Purpose::Deploy.to_string(),
                    expected: if wanted { Expected::Allow } else { Expected::Deny },
                    ask: format!("{verb} {resource}"),
                    because: (if allowed {
                        "a rule allows it"
                    } else {
                        "no rule allows it"
                    })
                    .to_owned(),
                });
            }
        }
    }
}

/// The policy of a bucket whose owner lets everybody in.
pub(super) static OPEN: LazyLock<Policy> =
    LazyLock::new(|| Policy::new([Statement::allow(["*"]).on(["*"]).to(Principals::anyone())]));

/// Puts the probes to one identity.
struct Judge<'a> {
    scope: &'a Scope,
    documents: &'a AwsDocuments,
    identity: &'a AwsIdentity,
    role: String,
}

impl<'a> Judge<'a> {
    fn new(scope: &'a Scope, documents: &'a AwsDocuments, identity: &'a AwsIdentity) -> Self {
        Self {
            scope,
            documents,
            identity,
            role: role_arn(scope, identity.principal()),
        }
    }

    fn all(&self, breaches: &mut Vec<Breach>) {
        let services: Vec<&str> = match &self.identity.service {
            Some(own) => vec![own],
            None => self.scope.services.keys().map(String::as_str).collect(),
        };
        for probe in PROBES {
            for (action, at) in probe.aws {
                for service in &services {
                    match self.cell(probe) {
                        Cell::Allow => self.allowed(probe, service, action, *at, breaches),
                        Cell::Deny => self.denied(probe, service, action, *at, breaches),
                        // A listed secret is one that the configuration lists for this purpose.
                        Cell::Optional if *at == At::ListedSecret => {
                            self.allowed(probe, service, action, *at, breaches);
                        }
                        Cell::Optional => self.elsewhere(probe, service, action, *at, breaches),
                    }
                }
            }
        }
    }

    fn cell(&self, probe: &Probe) -> Cell {
        let reference = self.scope.registry.mode == RegistryMode::Reference;
        match probe.id {
            "P01" if reference => Cell::Deny,
            // Nothing to reach without a cluster.
            "P05" if self.scope.cluster.is_none() => Cell::Deny,
            _ => probe.cell(self.identity.purpose),
        }
    }

    fn aims(&self, service: &str, action: &str, at: At, environment: &str) -> Vec<Aim> {
        self.reachable(service, action, at, environment, &|_| true)
    }

    fn reachable(
        &self,
        service: &str,
        action: &str,
        at: At,
        environment: &str,
        reach: &dyn Fn(&str) -> bool,
    ) -> Vec<Aim> {
        aws_aims(
            self.scope,
            self.identity.principal(),
            service,
            action,
            at,
            environment,
            reach,
        )
    }

    fn allowed(&self, probe: &Probe, service: &str, action: &str, at: At, breaches: &mut Vec<Breach>) {
        for aim in self.aims(service, action, at, &self.scope.environment) {
            self.expect_allowed(probe, action, at, &aim, breaches);
        }
        if let At::Object(bucket, _) = at {
            for aim in self.key_aims(bucket) {
                let use_ = if action != "s3:GetObject" && action != "s3:GetObjectVersion" {
                    "kms:GenerateDataKey"
                } else {
                    "kms:Decrypt"
                };
                self.expect_allowed(probe, use_, At::StorageKey, &aim, breaches);
            }
        }
        if self.scope.options.write_once && (probe.id, action) == ("P18", "s3:PutObject") {
            // A creation that does not say that it replaces nothing.
            for mut aim in self.aims(service, action, at, &self.scope.environment) {
                aim.keys.clear();
                aim.keys.push(("s3:if-none-match", None));
                aim.keys
                    .push(("s3:ObjectCreationOperation", Some("true".to_owned())));
                self.expect_denied(probe.id, "overwrite predictions", action, &aim, None, breaches);
            }
        }
        self.elsewhere(probe, service, action, at, breaches);
    }

    /// Row P38: what is allowed here must fail in another environment of the account, and in another account that took
    /// over the name of a bucket.
    fn elsewhere(&self, probe: &Probe, service: &str, action: &str, at: At, breaches: &mut Vec<Breach>) {
        let what = format!("do in another environment what is allowed here ({})", probe.what);
        for aim in self.aims(service, action, at, FOREIGN) {
            self.expect_denied("P38", &what, action, &aim, None, breaches);
        }
        if matches!(at, At::Object(..) | At::List(..)) {
            for aim in self.aims(service, action, at, &self.scope.environment) {
                self.expect_denied("P38", &what, action, &aim, Some(FOREIGN_ACCOUNT), breaches);
                let mut ownerless = aim;
                ownerless.keys.push(("aws:ResourceAccount", None));
                self.expect_denied("P38", &what, action, &ownerless, None, breaches);
            }
        }
    }

    fn denied(&self, probe: &Probe, service: &str, action: &str, at: At, breaches: &mut Vec<Breach>) {
        if !self.touches(action) {
            return;
        }
        for aim in self.reachable(service, action, at, &self.scope.environment, &|r| self.reaches(r)) {
            self.expect_denied(probe.id, probe.what, action, &aim, None, breaches);
        }
    }

    fn key_aims(&self, bucket: Bucket) -> Vec<Aim> {
        let (Some(key), Some(name)) = (&self.scope.storage_key_arn, self.scope.buckets.get(&bucket)) else {
            return Vec::new();
        };
        let scope = self.scope;
        let suffix = if scope.partition == "aws-cn" {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        let keys = vec![
            ("kms:ViaService", Some(format!("s3.{}.{suffix}", scope.region))),
            (
                "kms:EncryptionContext:aws:s3:arn",
                Some(format!("arn:{}:s3:::{name}", scope.partition)),
            ),
        ];
        vec![Aim {
            resource: key.clone(),
            keys,
        }]
    }

    /// Whether any statement that allows names the action at all: most cells are settled by this.
    fn touches(&self, action: &str) -> bool {
        let action = action.to_ascii_lowercase();
        self.identity.permissions.iter().any(|policy| {
            !policy.unread.is_empty()
                || policy.statements.iter().any(|s| {
                    s.effect == Effect::Allow
                        && match &s.actions {
                            Choice::Only(list) => list.iter().any(|a| a.is_unknown() || a.matches(&action)),
                            Choice::AllBut(_) => true,
                        }
                })
        })
    }

    fn reaches(&self, resource: &str) -> bool {
        self.identity.permissions.iter().any(|policy| {
            !policy.unread.is_empty()
                || policy.statements.iter().any(|s| {
                    s.effect == Effect::Allow
                        && match &s.resources {
                            Some(Choice::Only(list)) => list.iter().any(|r| r.upper().matches(resource)),
                            _ => true,
                        }
                })
        })
    }

    fn expect_allowed(&self, probe: &Probe, action: &str, at: At, aim: &Aim, breaches: &mut Vec<Breach>) {
        let mut policies = Policies::identity(&self.identity.permissions);
        if let Some(boundary) = self.documents.boundaries.get(&self.identity.purpose) {
            policies = policies.bounded_by(boundary);
        }
        if let At::Object(bucket, _) | At::List(bucket, _) = at
            && let Some(policy) = self.documents.buckets.get(&bucket)
        {
            policies = policies.on_resource_with(policy);
        }
        let request = aim.request(&self.role, action, false);
        let because = match evaluate(&request, &policies) {
            Decision::Allowed { .. } => return,
            Decision::Denied {
                by: Denial::Explicit(cause),
            } => {
                format!("{} denies it", cause.statement.label())
            }
            Decision::Denied {
                by: Denial::Implicit(layer),
            } => format!("nothing in the {layer} allows it"),
            Decision::Unknown { why } => format!("that cannot be told: {why}"),
        };
        self.report(
            probe.id,
            probe.what,
            Expected::Allow,
            action,
            aim,
            because,
            breaches,
        );
    }

    fn expect_denied(
        &self,
        row: &'static str,
        what: &str,
        action: &str,
        aim: &Aim,
        owner: Option<&str>,
        breaches: &mut Vec<Breach>,
    ) {
        if !self.reaches(&aim.resource) {
            return;
        }
        let mut request = aim.request(&self.role, action, true);
        let mut policies = Policies::identity(&self.identity.permissions);
        if let Some(owner) = owner {
            // Whoever took over the name lets everybody in: only our own policy can refuse.
            request = request.owned_by(owner);
            policies = policies.on_resource_with(&OPEN);
        }
        let because = match evaluate(&request, &policies) {
            Decision::Denied { .. } => return,
            Decision::Allowed { by } => match by {
                Some(cause) => format!("{} allows it", cause.statement.label()),
                None => "a statement allows it".to_owned(),
            },
            Decision::Unknown { why } => format!("that cannot be told: {why}"),
        };
        self.report(row, what, Expected::Deny, action, aim, because, breaches);
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of a breach")]
    fn report(
        &self,
        row: &'static str,
        what: &str,
        expected: Expected,
        action: &str,
        aim: &Aim,
        because: String,
        breaches: &mut Vec<Breach>,
    ) {
        breaches.push(Breach {
            row,
            what: what.to_owned(),
            identity: self.identity.principal().to_string(),
            expected,
            ask: format!("{action} on {}", aim.resource),
            because,
        });
    }
}

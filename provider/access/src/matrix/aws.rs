use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
    sync::LazyLock,
};

use super::{
    At, Breach, Cell, Enforcement, Expected, PROBES, Probe, boundary, invariants, questions,
    resource::{Aim, Aims, Ask, FOREIGN, FOREIGN_ACCOUNT, asker},
    tokens,
};
use crate::{
    Purpose,
    aws::{
        ActionPattern, Asker, Decision, Denial, Effect, ParseError, Policies, Policy, Principals,
        Scope as Choice, Statement, evaluate,
    },
    generate::{
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
    let aims = Aims::new(scope);
    for identity in &documents.identities {
        Judge::new(scope, documents, identity, &aims).all(&mut breaches);
    }
    rbac(scope, &documents.deployer_rules, &mut breaches);
    boundary::check(scope, documents, &aims, &mut breaches);
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

/// A probe, one of its actions as written and in lower case, and what it aims at.
type Put = (&'static Probe, &'static str, String, At);

/// The questions that the table puts to an identity on AWS.
static QUESTIONS: LazyLock<Vec<Put>> = LazyLock::new(|| {
    let of = |probe: &'static Probe| {
        let put = move |(action, at): &(&'static str, At)| (probe, *action, action.to_ascii_lowercase(), *at);
        probe.aws.iter().map(put)
    };
    PROBES.iter().flat_map(of).collect()
});

/// The policy of a bucket whose owner lets everybody in.
pub(super) static OPEN: LazyLock<Policy> =
    LazyLock::new(|| Policy::new([Statement::allow(["*"]).on(["*"]).to(Principals::anyone())]));

/// The statements of an identity that may allow, by the actions they name: most questions end with a look here.
struct Named<'a> {
    /// Statements that name the action in full, in lower case.
    exact: HashMap<&'a str, Vec<&'a Statement>>,
    /// Those that name it by a pattern, or otherwise.
    wide: Vec<&'a Statement>,
    /// Part of a document could not be read: nothing is ruled out.
    unread: bool,
}

impl<'a> Named<'a> {
    fn of(policies: &'a [Policy]) -> Self {
        let mut named = Self {
            exact: HashMap::new(),
            wide: Vec::new(),
            unread: policies.iter().any(|policy| !policy.unread.is_empty()),
        };
        let may_allow = |s: &&Statement| s.effect != Effect::Deny;
        for statement in policies.iter().flat_map(|p| &p.statements).filter(may_allow) {
            let literal = |action: &'a ActionPattern| action.folded().as_literal();
            let listed: Option<Vec<&str>> = match &statement.actions {
                Choice::Only(list) if !list.is_empty() => list.iter().map(literal).collect(),
                _ => None,
            };
            match listed {
                Some(actions) => {
                    for action in actions {
                        named.exact.entry(action).or_default().push(statement);
                    }
                }
                None => named.wide.push(statement),
            }
        }
        named
    }

    /// The statements that may allow an action, given in lower case.
    fn statements(&self, action: &str) -> Naming<'a> {
        let exact = self.exact.get(action).into_iter().flatten();
        let wide = self.wide.iter().filter(|s| !s.covers_action(action).is_no());
        Naming {
            statements: exact.chain(wide).copied().collect(),
            unread: self.unread,
        }
    }
}

/// What may allow one action.
struct Naming<'a> {
    statements: Vec<&'a Statement>,
    unread: bool,
}

impl Naming<'_> {
    fn is_empty(&self) -> bool {
        self.statements.is_empty() && !self.unread
    }

    /// Whether any of the statements is about the resource.
    fn reaches(&self, resource: &str) -> bool {
        self.unread
            || self.statements.iter().any(|s| match &s.resources {
                Some(Choice::Only(list)) => list.iter().any(|r| r.upper().matches(resource)),
                _ => true,
            })
    }
}

/// One question of a probe: its action, and what may allow it.
struct Question<'a> {
    probe: &'static Probe,
    action: &'static str,
    at: At,
    naming: Naming<'a>,
}

/// Puts the probes to one identity.
struct Judge<'a> {
    scope: &'a Scope,
    documents: &'a AwsDocuments,
    identity: &'a AwsIdentity,
    aims: &'a Aims<'a>,
    named: Named<'a>,
    /// Asks what must be allowed.
    closed: Asker,
    /// Asks what must be denied.
    open: Asker,
}

impl<'a> Judge<'a> {
    fn new(
        scope: &'a Scope,
        documents: &'a AwsDocuments,
        identity: &'a AwsIdentity,
        aims: &'a Aims<'a>,
    ) -> Self {
        let role = role_arn(scope, identity.principal());
        Self {
            scope,
            documents,
            identity,
            aims,
            named: Named::of(&identity.permissions),
            closed: asker(&role, false),
            open: asker(&role, true),
        }
    }

    fn all(&self, breaches: &mut Vec<Breach>) {
        let services: Vec<&str> = match &self.identity.service {
            Some(own) => vec![own],
            None => self.scope.services.keys().map(String::as_str).collect(),
        };
        for (probe, action, folded, at) in QUESTIONS.iter() {
            let question = Question {
                probe,
                action,
                at: *at,
                naming: self.named.statements(folded),
            };
            for service in &services {
                match self.cell(probe) {
                    Cell::Allow => self.allowed(&question, service, breaches),
                    Cell::Deny => self.denied(&question, service, breaches),
                    // A listed secret is one that the configuration lists for this purpose.
                    Cell::Optional if *at == At::ListedSecret => self.allowed(&question, service, breaches),
                    Cell::Optional => self.elsewhere(&question, service, breaches),
                }
            }
        }
    }

    fn cell(&self, probe: &Probe) -> Cell {
        questions::cell(self.scope, self.identity.purpose, probe)
    }

    fn ask<'q>(&'q self, question: &Question<'_>, service: &'q str, environment: &'q str) -> Ask<'q> {
        Ask {
            principal: self.identity.principal(),
            service,
            action: question.action,
            at: question.at,
            environment,
        }
    }

    fn allowed(&self, question: &Question<'_>, service: &str, breaches: &mut Vec<Breach>) {
        let Question {
            probe, action, at, ..
        } = *question;
        let ask = self.ask(question, service, &self.scope.environment);
        for aim in self.aims.of(&ask, &|_| true).iter() {
            self.expect_allowed(probe, action, at, aim, breaches);
        }
        if let At::Object(bucket, _) = at
            && let Some(aim) = self.key_aim(bucket)
        {
            let use_ = if action != "s3:GetObject" && action != "s3:GetObjectVersion" {
                "kms:GenerateDataKey"
            } else {
                "kms:Decrypt"
            };
            self.expect_allowed(probe, use_, At::StorageKey, &aim, breaches);
        }
        if self.scope.options.write_once && (probe.id, action) == ("P18", "s3:PutObject") {
            // A creation that does not say that it replaces nothing.
            for aim in self.aims.of(&ask, &|_| true).iter() {
                let mut aim = Aim::at(Rc::clone(&aim.resource));
                aim.keys.push(("s3:if-none-match", None));
                aim.keys
                    .push(("s3:ObjectCreationOperation", Some("true".to_owned())));
                self.expect_denied(question, probe.id, "overwrite predictions", &aim, None, breaches);
            }
        }
        self.elsewhere(question, service, breaches);
    }

    /// Row P38: what is allowed here must fail in another environment of the account, and in another account that took
    /// over the name of a bucket.
    fn elsewhere(&self, question: &Question<'_>, service: &str, breaches: &mut Vec<Breach>) {
        if question.naming.is_empty() {
            return;
        }
        let what = format!(
            "do in another environment what is allowed here ({})",
            question.probe.what
        );
        let reach = |resource: &str| question.naming.reaches(resource);
        for aim in self.aims.of(&self.ask(question, service, FOREIGN), &reach).iter() {
            self.expect_denied(question, "P38", &what, aim, None, breaches);
        }
        if matches!(question.at, At::Object(..) | At::List(..)) {
            let ask = self.ask(question, service, &self.scope.environment);
            for aim in self.aims.of(&ask, &reach).iter() {
                self.expect_denied(question, "P38", &what, aim, Some(FOREIGN_ACCOUNT), breaches);
                let mut ownerless = aim.clone();
                ownerless.keys.push(("aws:ResourceAccount", None));
                self.expect_denied(question, "P38", &what, &ownerless, None, breaches);
            }
        }
    }

    fn denied(&self, question: &Question<'_>, service: &str, breaches: &mut Vec<Breach>) {
        if question.naming.is_empty() {
            return;
        }
        let ask = self.ask(question, service, &self.scope.environment);
        let reach = |resource: &str| question.naming.reaches(resource);
        for aim in self.aims.of(&ask, &reach).iter() {
            self.expect_denied(
                question,
                question.probe.id,
                question.probe.what,
                aim,
                None,
                breaches,
            );
        }
    }

    fn key_aim(&self, bucket: Bucket) -> Option<Aim> {
        let scope = self.scope;
        let (key, name) = (scope.storage_key_arn.as_ref()?, scope.buckets.get(&bucket)?);
        let mut aim = Aim::at(key.as_str());
        let host = format!("s3.{}.{}", scope.region, scope.dns_suffix());
        aim.keys.push(("kms:ViaService", Some(host)));
        let context = format!("arn:{}:s3:::{name}", scope.partition);
        aim.keys.push(("kms:EncryptionContext:aws:s3:arn", Some(context)));
        Some(aim)
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
        let request = aim.request(&self.closed, action);
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
        question: &Question<'_>,
        row: &'static str,
        what: &str,
        aim: &Aim,
        owner: Option<&str>,
        breaches: &mut Vec<Breach>,
    ) {
        // No statement that could allow is about this action on this resource: denied, whatever the conditions say.
        if !question.naming.reaches(&aim.resource) {
            return;
        }
        let action = question.action;
        let mut request = aim.request(&self.open, action);
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

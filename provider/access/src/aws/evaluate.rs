//! May this caller do this: AWS's evaluation logic over whole documents, in three values.
//!
//! Source: IAM user guide, "Policy evaluation logic", with its pages on requests within one account and across accounts.

use super::arn::Arn;
use super::context::Context;
use super::policy::{Effect, Policy, Scope, Statement};
use super::principal::{Caller, Naming};
use crate::verdict::{Doubt, Verdict};
use std::fmt;
use std::sync::Arc;

/// One request: who does what to which resource, in which context.
///
/// ```
/// use mlops_access::aws::{Caller, Request};
///
/// let request = Request::new(Caller::role("arn:aws:iam::123456789012:role/churn"), "s3:GetObject", "arn:aws:s3:::models/churn/1")
///     .with("aws:SecureTransport", "true");
/// assert_eq!(request.resource_account(), Some("123456789012"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    caller: Arc<Caller>,
    action: String,
    folded: String,
    resource: String,
    owner: Option<String>,
    context: Context,
}

impl Request {
    /// A request about which everything is said: condition keys that are not added are absent, apart from those that follow from
    /// the caller and the resource (`aws:PrincipalArn`, `aws:PrincipalAccount`, `aws:PrincipalType`, `aws:username`,
    /// `aws:PrincipalIsAWSService`, `aws:ResourceAccount`).
    ///
    /// The resource belongs to the account in its ARN; where that names none (S3), to the caller's, unless
    /// [`Request::owned_by`] says otherwise. An action on nothing in particular has the resource `*`.
    pub fn new(caller: Caller, action: &str, resource: &str) -> Self {
        Request::in_context(caller, action, resource, Context::closed())
    }

    /// A request with this context; the keys that follow from caller and resource are added unless it names them.
    pub fn in_context(caller: Caller, action: &str, resource: &str, context: Context) -> Self {
        Asker::new(caller, context).asks(action, resource)
    }

    /// The resource belongs to this account.
    #[must_use]
    pub fn owned_by(mut self, account: &str) -> Self {
        self.owner = Some(account.to_owned());
        self.context = self.context.with("aws:ResourceAccount", account);
        self
    }

    /// The condition key has this value.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.context = self.context.with(key, value);
        self
    }

    /// The multivalued condition key has these values.
    #[must_use]
    pub fn with_all<T: Into<String>>(mut self, key: &str, values: impl IntoIterator<Item = T>) -> Self {
        self.context = self.context.with_all(key, values);
        self
    }

    /// The same request for another action.
    #[must_use]
    pub fn with_action(&self, action: &str) -> Self {
        Request {
            action: action.to_owned(),
            folded: action.to_ascii_lowercase(),
            ..self.clone()
        }
    }

    /// Who asks.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The request does not have the condition key.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.context = self.context.absent(key);
        self
    }

    /// The action, as given.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// The resource's ARN, or `*`.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The account that owns the resource.
    pub fn resource_account(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// The condition keys.
    pub fn context(&self) -> &Context {
        &self.context
    }
}

/// One caller in one context, who asks many things: what the requests have in common is made once.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    caller: Arc<Caller>,
    context: Arc<Context>,
}

impl Asker {
    /// Adds the keys that follow from the caller, unless the context names them.
    pub(crate) fn new(caller: Caller, mut context: Context) -> Self {
        context.default_value("aws:principalarn", || caller.principal_arn());
        context.default_value("aws:principalaccount", || caller.account().map(str::to_owned));
        context.default_value("aws:principaltype", || caller.principal_type().map(str::to_owned));
        context.default_value("aws:username", || match &caller {
            Caller::User(arn) => Arn::parse(arn).map(|arn| arn.name().to_owned()),
            _ => None,
        });
        context.default_value("aws:principalisawsservice", || {
            Some(matches!(caller, Caller::Service(_)).to_string())
        });
        Asker {
            caller: Arc::new(caller),
            context: Arc::new(context),
        }
    }

    /// A request of this caller, with the key that follows from the resource.
    pub(crate) fn asks(&self, action: &str, resource: &str) -> Request {
        let owner = Arn::parse(resource)
            .map(|arn| arn.account)
            .filter(|account| !account.is_empty())
            .or(self.caller.account())
            .map(str::to_owned);
        let mut context = Context::over(&self.context);
        context.default_value("aws:resourceaccount", || owner.clone());
        Request {
            caller: Arc::clone(&self.caller),
            action: action.to_owned(),
            folded: action.to_ascii_lowercase(),
            resource: resource.to_owned(),
            owner,
            context,
        }
    }
}

/// The policies that apply to a request. What is left out does not exist, with one exception: of a role or key whose own policy is
/// not given it is assumed that it leaves the decision to its account, as a fresh one does.
#[derive(Debug, Clone, Default)]
pub struct Policies<'a> {
    /// Identity policies of the caller, inline and attached, of its groups too.
    pub identity: Vec<&'a Policy>,
    /// The permissions boundary of the caller.
    pub boundary: Option<&'a Policy>,
    /// Session policies, where the session was made with any.
    pub session: Vec<&'a Policy>,
    /// Service control policies of the caller's account, level by level from the root down; each level must allow.
    pub service_control: Vec<Vec<&'a Policy>>,
    /// Resource control policies of the resource's account, level by level.
    pub resource_control: Vec<Vec<&'a Policy>>,
    /// The resource's own policy: of a bucket, a key, a repository; of a role that is to be entered, its trust policy.
    pub resource: Option<&'a Policy>,
}

impl<'a> Policies<'a> {
    /// Only these identity policies.
    pub fn identity(policies: impl IntoIterator<Item = &'a Policy>) -> Self {
        Policies {
            identity: policies.into_iter().collect(),
            ..Policies::default()
        }
    }

    /// Only the resource's own policy.
    pub fn resource(policy: &'a Policy) -> Self {
        Policies {
            resource: Some(policy),
            ..Policies::default()
        }
    }

    /// With this permissions boundary.
    #[must_use]
    pub fn bounded_by(mut self, boundary: &'a Policy) -> Self {
        self.boundary = Some(boundary);
        self
    }

    /// With the resource's own policy.
    #[must_use]
    pub fn on_resource_with(mut self, policy: &'a Policy) -> Self {
        self.resource = Some(policy);
        self
    }

    /// With a session policy.
    #[must_use]
    pub fn in_session_with(mut self, policy: &'a Policy) -> Self {
        self.session.push(policy);
        self
    }

    /// With one more level of service control policies.
    #[must_use]
    pub fn under(mut self, level: impl IntoIterator<Item = &'a Policy>) -> Self {
        self.service_control.push(level.into_iter().collect());
        self
    }
}

/// Which of the policies a statement stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// Identity policies.
    Identity,
    /// The permissions boundary.
    Boundary,
    /// Session policies.
    Session,
    /// Service control policies.
    ServiceControl,
    /// Resource control policies.
    ResourceControl,
    /// The resource's own policy.
    Resource,
}

/// The statement that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause<'a> {
    /// The layer.
    pub layer: Layer,
    /// Which policy of the layer, counted from 0 (through all levels).
    pub policy: usize,
    /// The statement.
    pub statement: &'a Statement,
}

/// Why a request is denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial<'a> {
    /// A statement says so.
    Explicit(Cause<'a>),
    /// Nothing allows it in this layer, which would have to.
    Implicit(Layer),
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision<'a> {
    /// Allowed, whatever the unknown parts turn out to be.
    Allowed {
        /// A statement that allows it.
        by: Option<Cause<'a>>,
    },
    /// Denied, whatever the unknown parts turn out to be.
    Denied {
        /// Why.
        by: Denial<'a>,
    },
    /// Depends on what is not known.
    Unknown {
        /// On what.
        why: Doubt,
    },
}

impl Decision<'_> {
    /// `true` only when surely allowed.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Decision::Allowed { .. })
    }

    /// `true` only when surely denied.
    pub fn is_denied(&self) -> bool {
        matches!(self, Decision::Denied { .. })
    }

    /// `true` when it cannot be told.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Decision::Unknown { .. })
    }

    /// Whether it is allowed, as a verdict.
    pub fn verdict(&self) -> Verdict {
        match self {
            Decision::Allowed { .. } => Verdict::Yes,
            Decision::Denied { .. } => Verdict::No,
            Decision::Unknown { why } => Verdict::Unknown(why.clone()),
        }
    }
}

/// Decides a request.
///
/// ```
/// use mlops_access::aws::{Caller, Policies, Policy, Request, evaluate};
///
/// let policy = Policy::parse(r#"{"Version": "2012-10-17", "Statement": [
///     {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::models/*"},
///     {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}]}"#).unwrap();
/// let role = || Caller::role("arn:aws:iam::123456789012:role/churn");
/// let may = |action| evaluate(&Request::new(role(), action, "arn:aws:s3:::models/1"), &Policies::identity([&policy])).verdict();
/// assert!(may("s3:GetObject").is_yes());
/// assert!(may("s3:DeleteObject").is_no());
/// ```
pub fn evaluate<'a>(request: &Request, policies: &Policies<'a>) -> Decision<'a> {
    let layers = Layers::weigh(request, policies);
    if let Some(cause) = layers.denied_by {
        return Decision::Denied {
            by: Denial::Explicit(cause),
        };
    }
    let allowed = layers.allowed(request, policies);
    match (allowed, layers.denied.clone()) {
        (Verdict::No, _) => Decision::Denied {
            by: Denial::Implicit(layers.missing(request, policies)),
        },
        (Verdict::Yes, Verdict::No) => Decision::Allowed {
            by: layers.allowed_by,
        },
        (Verdict::Yes, Verdict::Unknown(why)) => Decision::Unknown { why },
        (Verdict::Unknown(why), Verdict::Unknown(more)) => Decision::Unknown { why: why.and(more) },
        (Verdict::Unknown(why), _) => Decision::Unknown { why },
        // A sure denial has a cause and was answered above.
        (Verdict::Yes, Verdict::Yes) => Decision::Unknown {
            why: Doubt::new("a denial without its statement"),
        },
    }
}

/// What each layer says.
struct Layers<'a, 'r> {
    /// The account of the caller.
    account: Option<&'r str>,
    identity: Verdict,
    boundary: Verdict,
    session: Verdict,
    service_control: Verdict,
    resource_control: Verdict,
    resource: Naming,
    denied: Verdict,
    denied_by: Option<Cause<'a>>,
    allowed_by: Option<Cause<'a>>,
}

impl<'a, 'r> Layers<'a, 'r> {
    fn weigh(request: &'r Request, policies: &Policies<'a>) -> Self {
        let mut layers = Layers {
            account: request.caller.account(),
            identity: Verdict::No,
            boundary: Verdict::Yes,
            session: Verdict::Yes,
            service_control: Verdict::Yes,
            resource_control: Verdict::Yes,
            resource: Naming::nobody(),
            denied: Verdict::No,
            denied_by: None,
            allowed_by: None,
        };
        // Identity policies and what limits them belong to users and roles; a service or a token has none.
        let has_identity = matches!(*request.caller, Caller::User(_) | Caller::Role { .. });
        if has_identity {
            layers.identity = layers.read(Layer::Identity, 0, &policies.identity, request);
            if let Some(boundary) = policies.boundary {
                layers.boundary = layers.read(Layer::Boundary, 0, &[boundary], request);
            }
            if !policies.session.is_empty() {
                layers.session = layers.read(Layer::Session, 0, &policies.session, request);
            }
        }
        if let Caller::Root(_) = *request.caller {
            layers.identity = Verdict::Yes;
        }
        if layers.account.is_some() {
            layers.service_control = layers.levels(Layer::ServiceControl, &policies.service_control, request);
        }
        layers.resource_control = layers.levels(Layer::ResourceControl, &policies.resource_control, request);
        if let Some(policy) = policies.resource {
            layers.read_resource(policy, request);
        }
        layers
    }

    fn levels(&mut self, layer: Layer, levels: &[Vec<&'a Policy>], request: &Request) -> Verdict {
        let mut sum = Verdict::Yes;
        let mut first = 0;
        for level in levels {
            sum = sum.and(self.read(layer, first, level, request));
            first += level.len();
        }
        sum
    }

    /// Whether any statement of the policies allows; notes the denials.
    fn read(&mut self, layer: Layer, first: usize, policies: &[&'a Policy], request: &Request) -> Verdict {
        let mut allowed = Verdict::No;
        for (place, policy) in policies.iter().enumerate() {
            for statement in &policy.statements {
                if allowed.is_yes() && statement.effect == Effect::Allow {
                    continue;
                }
                let mut applies = statement.covers(request);
                if applies.is_no() {
                    continue;
                }
                if statement.resources.is_none() && layer != Layer::ResourceControl {
                    applies = applies.and(Verdict::unknown(format!(
                        "the statement {} has no Resource",
                        statement.label()
                    )));
                }
                if statement.principals.is_some() && layer != Layer::ResourceControl {
                    let reason = format!(
                        "the statement {} names a Principal in a policy that has none",
                        statement.label()
                    );
                    applies = applies.and(Verdict::unknown(reason));
                }
                let cause = Cause {
                    layer,
                    policy: first + place,
                    statement,
                };
                self.deny(&applies, cause);
                if statement.effect != Effect::Deny {
                    let applies = statement.certain_effect(applies);
                    if applies.is_yes() && layer == Layer::Identity {
                        self.allowed_by.get_or_insert(cause);
                    }
                    allowed = allowed.or(applies);
                }
            }
        }
        allowed
    }

    fn read_resource(&mut self, policy: &'a Policy, request: &Request) {
        for statement in &policy.statements {
            let covers = statement.covers(request);
            if covers.is_no() {
                continue;
            }
            let naming = match &statement.principals {
                Some(principals) => principals.naming(&request.caller),
                None => {
                    let reason = format!("the statement {} names no Principal", statement.label());
                    Naming {
                        anyone: Verdict::unknown(reason),
                        ..Naming::nobody()
                    }
                }
            };
            let cause = Cause {
                layer: Layer::Resource,
                policy: 0,
                statement,
            };
            self.deny(&covers.clone().and(naming.clone().any()), cause);
            if statement.effect == Effect::Deny {
                continue;
            }
            let covers = statement.certain_effect(covers);
            let sum = std::mem::replace(&mut self.resource, Naming::nobody());
            self.resource = Naming {
                direct: sum.direct.or(covers.clone().and(naming.direct)),
                role: sum.role.or(covers.clone().and(naming.role)),
                account: sum.account.or(covers.clone().and(naming.account)),
                anyone: sum.anyone.or(covers.and(naming.anyone)),
            };
            if self.allowed_by.is_none() && self.resource.clone().any().is_yes() {
                self.allowed_by = Some(cause);
            }
        }
    }

    fn deny(&mut self, applies: &Verdict, cause: Cause<'a>) {
        if cause.statement.effect == Effect::Allow || applies.is_no() {
            return;
        }
        let denies = cause.statement.certain_effect(applies.clone());
        if denies.is_yes() && self.denied_by.is_none() {
            self.denied_by = Some(cause);
        }
        self.denied = std::mem::replace(&mut self.denied, Verdict::No).or(denies);
    }

    /// Whether it is allowed, denials aside.
    fn allowed(&self, request: &Request, policies: &Policies<'_>) -> Verdict {
        let limits = self.boundary.clone().and(self.session.clone());
        let by_account = self.identity.clone().and(limits.clone());
        let Naming {
            direct,
            role,
            account,
            anyone,
        } = self.resource.clone();
        let by_resource = {
            // What `*` gives to a session whose boundary is silent is not documented; to others it gives.
            let anyone = match &anyone {
                Verdict::No => Verdict::No,
                _ => anyone.clone().and(limits.clone().either(Verdict::Yes, || {
                    "the resource's policy lets everybody in, the caller's boundary or session policy does not".to_owned()
                })),
            };
            direct.clone().or(role.clone().and(limits)).or(anyone)
        };
        let allowed = match self.account {
            // A service, a token, nobody: only the resource's policy can let them in.
            None => direct.or(anyone),
            Some(caller) if request.owner.as_deref().is_some_and(|owner| owner != caller) => {
                direct.or(role).or(account).or(anyone).and(by_account)
            }
            Some(_) if policies.resource.is_some() && resource_policy_rules(&request.folded) => {
                by_resource.or(account.and(by_account))
            }
            Some(_) => by_account.or(by_resource),
        };
        allowed
            .and(self.service_control.clone())
            .and(self.resource_control.clone())
    }

    /// The layer to name when nothing allows.
    fn missing(&self, request: &Request, policies: &Policies<'_>) -> Layer {
        let cross = match (self.account, request.owner.as_deref()) {
            (Some(caller), Some(owner)) => caller != owner,
            (None, _) => true,
            (Some(_), None) => false,
        };
        let rules = policies.resource.is_some() && resource_policy_rules(&request.folded);
        if self.service_control.is_no() {
            Layer::ServiceControl
        } else if self.resource_control.is_no() {
            Layer::ResourceControl
        } else if (cross || rules) && self.resource.clone().any().is_no() {
            Layer::Resource
        } else if self.identity.is_no() {
            Layer::Identity
        } else if self.boundary.is_no() {
            Layer::Boundary
        } else if self.session.is_no() {
            Layer::Session
        } else {
            Layer::Identity
        }
    }
}

/// A role and a key are ruled by their own policy: identity policies of the same account count only as far as it lets them.
fn resource_policy_rules(folded_action: &str) -> bool {
    folded_action.starts_with("sts:assumerole")
        || folded_action.starts_with("kms:")
        || folded_action == "sts:tagsession"
}

impl Statement {
    /// Whether action, resource and conditions fit the request; principals and effect aside.
    pub(crate) fn covers(&self, request: &Request) -> Verdict {
        let mut covers = self.covers_action(&request.folded);
        if covers.is_no() {
            return Verdict::No;
        }
        if let Some(resources) = &self.resources {
            covers = covers.and(resource_in(resources, &request.resource, &request.context));
            if covers.is_no() {
                return Verdict::No;
            }
        }
        for condition in &self.conditions {
            covers = covers.and(condition.holds(&request.context));
            if covers.is_no() {
                return Verdict::No;
            }
        }
        for unread in self
            .unread
            .iter()
            .filter(|unread| !unread.element.eq_ignore_ascii_case("effect"))
        {
            let reason = format!(
                "{} of the statement {}: {}",
                unread.element,
                self.label(),
                unread.why
            );
            covers = covers.and(Verdict::unknown(reason));
        }
        covers
    }

    /// Whether it speaks of an action, given in lower case.
    pub(crate) fn covers_action(&self, folded: &str) -> Verdict {
        if self.actions.items().is_empty() {
            // No action could be read; the complaint is in `unread`, unless a list was left empty.
            return if self.unread.is_empty() && !self.actions.is_negated() {
                Verdict::No
            } else {
                Verdict::Yes
            };
        }
        let listed = Verdict::any(self.actions.items().iter().map(|action| {
            if !action.folded().matches(folded) {
                Verdict::No
            } else if action.is_unknown() {
                Verdict::unknown(format!("the action {action} is not known yet"))
            } else {
                Verdict::Yes
            }
        }));
        if self.actions.is_negated() {
            !listed
        } else {
            listed
        }
    }

    /// An effect that could not be read may be either.
    fn certain_effect(&self, applies: Verdict) -> Verdict {
        match self.effect {
            Effect::Allow | Effect::Deny => applies,
            Effect::Unread => applies.and(Verdict::unknown(format!(
                "the Effect of the statement {} is not known",
                self.label()
            ))),
        }
    }
}

fn resource_in(resources: &Scope<super::Template>, resource: &str, context: &Context) -> Verdict {
    let listed = Verdict::any(
        resources
            .items()
            .iter()
            .map(|template| template.matches(resource, context)),
    );
    if resources.is_negated() { !listed } else { listed }
}

impl fmt::Display for Layer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Layer::Identity => "identity policy",
            Layer::Boundary => "permissions boundary",
            Layer::Session => "session policy",
            Layer::ServiceControl => "service control policy",
            Layer::ResourceControl => "resource control policy",
            Layer::Resource => "resource policy",
        })
    }
}

impl fmt::Display for Decision<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Decision::Allowed { by: Some(cause) } => {
                write!(
                    out,
                    "allowed by the statement {} of the {}",
                    cause.statement.label(),
                    cause.layer
                )
            }
            Decision::Allowed { by: None } => out.write_str("allowed"),
            Decision::Denied {
                by: Denial::Explicit(cause),
            } => {
                write!(
                    out,
                    "denied by the statement {} of the {}",
                    cause.statement.label(),
                    cause.layer
                )
            }
            Decision::Denied {
                by: Denial::Implicit(layer),
            } => write!(out, "denied: no {layer} allows it"),
            Decision::Unknown { why } => write!(out, "cannot tell: {why}"),
        }
    }
}

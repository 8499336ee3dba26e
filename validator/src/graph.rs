//! The identity graph: who there is, what each may do, who may become it, and what runs as it.
//!
//! One picture of role, policies, attachments, boundary, trust, instance profile, access entry, pod association, Kubernetes service
//! account, service account and its grants, joined by references while ARNs and e-mails are unknown, and by names where they are known.
//! Built in two steps: facts are taken from each instance alone (in parallel), then joined.

mod aws;
pub(crate) mod entrance;
mod gcp;
mod link;
mod reading;
mod sieve;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use mlops_access::aws::Policy;

use crate::context::Context;
use crate::finding::Place;
use crate::plan::{Mode, Resource};
use crate::rules::Meta;
use crate::source::with_holes;
use crate::value::{Part, Path, Value};

pub(crate) use link::Fact;
pub use reading::Reading;
pub use sieve::Interest;
pub(crate) use sieve::Sieve;

/// The whole picture.
#[derive(Debug, Default)]
pub struct Graph {
    /// Every identity the plan makes or speaks of, planned ones first in plan order.
    pub identities: Vec<Identity>,
    /// Every AWS policy document: of identities, trusts, boundaries, resources.
    pub policies: Vec<Document>,
    /// Every role given to somebody on Google Cloud.
    pub grants: Vec<Grant>,
    cache: Cache,
}

/// Index into [`Graph::identities`].
pub type IdentityId = usize;
/// Index into [`Graph::policies`].
pub type PolicyId = usize;
/// Index into [`Graph::grants`].
pub type GrantId = usize;

/// What kind of identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IdentityKind {
    /// AWS IAM role.
    Role,
    /// AWS IAM user.
    User,
    /// AWS IAM group.
    Group,
    /// Google Cloud service account.
    ServiceAccount,
}

/// An identity.
#[derive(Debug)]
pub struct Identity {
    /// What it is.
    pub kind: IdentityKind,
    /// Address of the resource that makes it; `None` for one that the plan only names.
    pub address: Option<String>,
    /// Name (AWS) or account id or e-mail (Google), when known.
    pub name: Option<String>,
    /// Its trust policy.
    pub trust: Option<PolicyId>,
    /// Identity policies: inline and attached customer managed.
    pub policies: Vec<PolicyId>,
    /// AWS managed (or otherwise not planned) policies attached to it, by ARN, with the place of the attachment.
    pub managed: Vec<(Place, String)>,
    /// Its permissions boundary: a planned document, or an ARN.
    pub boundary: Option<Boundary>,
    /// Roles given to it on Google Cloud.
    pub grants: Vec<GrantId>,
    /// Grants *on* it (workload identity users, token creators): who may become it on Google Cloud.
    pub entered_by: Vec<GrantId>,
    /// What runs as it.
    pub uses: Vec<Use>,
    /// Policies attached to it that could not be resolved: the place and what is missing.
    pub unresolved: Vec<(Place, Vec<String>)>,
}

impl Identity {
    /// What to call it in a message: its address, else its name.
    #[must_use]
    pub fn label(&self) -> &str {
        self.address
            .as_deref()
            .or(self.name.as_deref())
            .unwrap_or("(unnamed identity)")
    }

    /// The place for a finding about it: its resource, else where it is first used.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.address
            .as_ref()
            .map(|a| Place::new(a.clone(), ""))
            .or_else(|| self.managed.first().map(|(p, _)| p.clone()))
            .or_else(|| self.uses.first().map(|u| u.place.clone()))
    }
}

/// A permissions boundary.
#[derive(Debug, Clone)]
pub enum Boundary {
    /// A planned policy.
    Planned(PolicyId),
    /// A policy outside of the plan.
    Arn(String),
    /// Set, but not known.
    Unknown,
}

/// Something that runs as an identity or acts through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// Where it says so.
    pub place: Place,
    /// What it is.
    pub kind: UseKind,
    /// Address of the block without keys: replicas by `count`/`for_each` are one workload.
    pub workload: String,
}

/// How an identity is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UseKind {
    /// A machine or node group: every pod on it can take it.
    Node,
    /// A function, task, job or service of the cloud.
    Service(&'static str),
    /// A Kubernetes service account: namespace and name, where known.
    Pod {
        /// Namespace.
        namespace: Option<String>,
        /// Service account.
        account: Option<String>,
    },
    /// Access to the API of a cluster (EKS access entry), with the cluster policies given.
    ClusterAccess,
    /// The control plane of a managed service itself (an EKS cluster's own role).
    ControlPlane(&'static str),
}

/// What a document is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// What its holders may do.
    Identity,
    /// Who may become the holder.
    Trust,
    /// What the holders may do at most.
    Boundary,
    /// Who may do what on the resource it stands at.
    Resource,
    /// A policy document that nothing in the plan visibly uses.
    Loose,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Identity,
        Self::Trust,
        Self::Boundary,
        Self::Resource,
        Self::Loose,
    ];
}

/// A policy document and where it stands.
#[derive(Debug)]
pub struct Document {
    /// The attribute that holds it.
    pub place: Place,
    /// What it is for.
    pub purpose: Purpose,
    /// The identities it belongs to.
    pub holders: Vec<IdentityId>,
    /// What the plan does not know of it: references. Empty when the whole text is known.
    pub unknown: Vec<String>,
    /// True when nothing of it is known: there is no document to judge.
    pub undecided: bool,
    /// The rules it concerns.
    pub interest: Interest,
    text: Source,
    /// What its text is known by; none for one that concerns nobody.
    hash: Option<u64>,
}

/// Where the text of a document is taken from. Texts of planned values are read again when needed rather than kept: on a large plan
/// they would be as large as the plan.
#[derive(Debug)]
enum Source {
    Planned { attribute: Path },
    Evaluated(String),
}

/// A role given to members on Google Cloud.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Where it is written.
    pub place: Place,
    /// The role: `roles/storage.admin`; a hole as U+FFFC where unknown.
    pub role: String,
    /// Who gets it, as IAM writes members; a hole as U+FFFC where unknown.
    pub members: Vec<Member>,
    /// What it is given on.
    pub scope: Scope,
    /// The expression of its condition.
    pub condition: Option<String>,
    /// How it is written: one member, all members of a role, or the whole policy.
    pub form: GrantForm,
}

/// One member of a grant.
#[derive(Debug, Clone)]
pub struct Member {
    /// As IAM writes it: `serviceAccount:x@p.iam.gserviceaccount.com`, `principalSet://…`; U+FFFC where unknown.
    pub text: String,
    /// The identity it is, where that could be found.
    pub identity: Option<IdentityId>,
}

/// How a grant is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GrantForm {
    /// `…_iam_member`: adds.
    Member,
    /// `…_iam_binding`: authoritative for the role.
    Binding,
    /// `…_iam_policy`: authoritative for everything.
    Policy,
}

/// What a Google grant is given on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// `organization`, `folder`, `project`, `service_account`, `storage_bucket`, …: the resource type without `google_` and `_iam_…`.
    pub kind: String,
    /// The name of what it is given on, where known.
    pub name: Option<String>,
}

impl Scope {
    /// True for project, folder and organisation.
    #[must_use]
    pub fn is_wide(&self) -> bool {
        matches!(self.kind.as_str(), "project" | "folder" | "organization")
    }
}

/// Parsed documents, by the hash of their text. Bounded: a document that does not fit is parsed again.
#[derive(Default)]
struct Cache {
    parsed: Mutex<(usize, HashMap<u64, Arc<Policy>>)>,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cache")
    }
}

/// Bytes of policy text whose parsed form is kept.
const CACHE_BYTES: usize = 1 << 19;

thread_local! {
    /// Documents of the identity that this thread is judging: several rules ask for the same ones. Keyed by the hash of the text, so
    /// it is right for any graph; emptied when the identity is done.
    static SCOPE: RefCell<Option<HashMap<u64, Arc<Policy>>>> = const { RefCell::new(None) };
}

/// Keeps what `judge` parses until it returns.
pub(crate) fn keeping<T>(judge: impl FnOnce() -> T) -> T {
    SCOPE.with_borrow_mut(|s| *s = Some(HashMap::new()));
    let out = judge();
    SCOPE.with_borrow_mut(|s| *s = None);
    out
}

/// Why a document cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoPolicy {
    /// Nothing of it is known before apply; the references it hangs on.
    Undecided(Vec<String>),
    /// It is not a policy document: what is wrong, and where in the text.
    Malformed(String),
}

impl Graph {
    /// Builds the picture of a plan, every document of which concerns every rule.
    #[must_use]
    pub fn build(cx: &Context<'_>) -> Self {
        let sieve = Sieve::new(cx, &[]);
        let mut facts = Vec::new();
        for r in cx.plan.live().filter(|r| concerns(r)) {
            take(cx, &sieve, r, &r.values(), &mut facts);
        }
        Self::join(cx, &sieve, vec![facts])
    }

    /// Joins the facts that were taken of the instances, in plan order.
    pub(crate) fn join(cx: &Context<'_>, sieve: &Sieve<'_, '_>, facts: Vec<Vec<Fact>>) -> Self {
        link::join(cx, sieve, facts)
    }

    /// The text of a document, with U+FFFC where it is not known.
    #[must_use]
    pub fn text<'a>(&self, cx: &Context<'_>, id: PolicyId) -> Cow<'a, str>
    where
        Self: 'a,
    {
        let d = &self.policies[id];
        match &d.text {
            Source::Evaluated(s) => Cow::Owned(s.clone()),
            Source::Planned { attribute } => {
                let text = cx.plan.resource(&d.place.address).map(|r| {
                    if let [crate::value::Step::Name(name)] = attribute.0.as_slice()
                        && let Some(text) = r.string(name)
                    {
                        return text.into_owned();
                    }
                    follow(&r.values(), attribute)
                        .as_str()
                        .unwrap_or_default()
                        .to_owned()
                });
                Cow::Owned(text.unwrap_or_default())
            }
        }
    }

    /// The document as the `access` crate reads it.
    ///
    /// # Errors
    /// When nothing of it is known, or it is not a policy document.
    pub fn policy(&self, cx: &Context<'_>, id: PolicyId) -> Result<Arc<Policy>, NoPolicy> {
        let d = &self.policies[id];
        if d.undecided {
            return Err(NoPolicy::Undecided(d.unknown.clone()));
        }
        if let Some(p) = d.hash.and_then(|h| self.cached(h)) {
            return Ok(p);
        }
        self.parse(d.hash, &self.text(cx, id))
    }

    fn cached(&self, hash: u64) -> Option<Arc<Policy>> {
        SCOPE
            .with_borrow(|s| s.as_ref().and_then(|s| s.get(&hash).map(Arc::clone)))
            .or_else(|| self.cache.parsed.lock().ok()?.1.get(&hash).map(Arc::clone))
    }

    fn parse(&self, hash: Option<u64>, text: &str) -> Result<Arc<Policy>, NoPolicy> {
        let policy = Arc::new(Policy::parse(text).map_err(|e| NoPolicy::Malformed(e.to_string()))?);
        let Some(hash) = hash else {
            return Ok(policy);
        };
        SCOPE.with_borrow_mut(|s| {
            if let Some(s) = s {
                s.insert(hash, Arc::clone(&policy));
            }
        });
        if let Ok(mut cache) = self.cache.parsed.lock()
            && cache.0 + text.len() < CACHE_BYTES
        {
            cache.0 += text.len();
            cache.1.insert(hash, Arc::clone(&policy));
        }
        Ok(policy)
    }

    /// The policies of an identity that can be read, with their ids. What cannot be read is left out: see [`Identity::unresolved`]
    /// and [`Document::undecided`].
    #[must_use]
    pub fn policies_of(&self, cx: &Context<'_>, identity: &Identity) -> Vec<(PolicyId, Arc<Policy>)> {
        identity
            .policies
            .iter()
            .filter_map(|&id| Some((id, self.policy(cx, id).ok()?)))
            .collect()
    }

    /// Those of [`Graph::policies_of`] that concern a rule.
    #[must_use]
    pub fn policies_for(
        &self,
        cx: &Context<'_>,
        identity: &Identity,
        rule: &Meta,
    ) -> Vec<(PolicyId, Arc<Policy>)> {
        identity
            .policies
            .iter()
            .filter(|&&id| self.policies[id].interest.has(rule))
            .filter_map(|&id| Some((id, self.policy(cx, id).ok()?)))
            .collect()
    }

    /// The trust of an identity, when it can be read and concerns a rule.
    #[must_use]
    pub fn trust_for(&self, cx: &Context<'_>, identity: &Identity, rule: &Meta) -> Option<Arc<Policy>> {
        identity
            .trust
            .filter(|&t| self.policies[t].interest.has(rule))
            .and_then(|t| self.policy(cx, t).ok())
    }

    /// The identity at a resource address.
    #[must_use]
    pub fn identity_at(&self, address: &str) -> Option<IdentityId> {
        self.identities
            .iter()
            .position(|i| i.address.as_deref() == Some(address))
    }
}

/// True for an instance that says something about identities.
pub(crate) fn concerns(r: &Resource<'_>) -> bool {
    r.mode == Mode::Managed && (aws::concerns(&r.kind) || gcp::concerns(&r.kind))
}

/// Takes the facts of an instance, with its planned values.
pub(crate) fn take(
    cx: &Context<'_>,
    sieve: &Sieve<'_, '_>,
    r: &Resource<'_>,
    values: &Value<'_>,
    out: &mut Vec<Fact>,
) {
    let before = out.len();
    if r.kind.starts_with("google_") {
        gcp::facts(cx, r, values, out);
    } else {
        aws::facts(cx, r, values, out);
    }
    for fact in &mut out[before..] {
        fact.sift(sieve, values);
    }
}

pub(crate) fn follow<'v, 'p>(v: &'v Value<'p>, path: &Path) -> &'v Value<'p> {
    use crate::value::Step;
    path.0.iter().fold(v, |v, step| match step {
        Step::Name(n) => v.get(n),
        Step::Index(i) => v.at(*i),
    })
}

/// The references a value hangs on.
pub(crate) fn references_of(v: &Value<'_>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for (_, leaf, _) in v.leaves() {
        match leaf {
            Value::Unknown(u) => out.extend(u.references.iter().cloned()),
            Value::Template(t) => t.0.iter().for_each(|p| {
                if let Part::Hole(u) = p {
                    out.extend(u.references.iter().cloned());
                }
            }),
            _ => {}
        }
    }
    out.sort();
    out.dedup();
    out
}

/// A value as a text with holes, when it is a string at least in part.
pub(crate) fn holed(v: &Value<'_>) -> Option<String> {
    match v.bare() {
        Value::String(s) => Some(s.to_string()),
        Value::Template(_) | Value::Unknown(_) => with_holes(&v.clone().into_owned()),
        _ => None,
    }
}

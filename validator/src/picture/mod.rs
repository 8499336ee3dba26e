//! Who there is in a plan, as a page shows it: each identity with who may enter it, what it may do on what, and what it is for.
//!
//! Taken from the identity graph while the plan is in memory, and owned: reports are rendered when the plan is gone. Nothing here
//! judges; what is too wide or mixed is what the rules say.

mod aws;
mod composite;
mod google;

use std::collections::BTreeSet;

use mlops_access::Purpose;

use crate::context::Context;
use crate::finding::Place;
use crate::graph::{Graph, Identity, IdentityKind, Use, UseKind};
use crate::rules;
use crate::secrets;
use crate::source::UNKNOWN_TEXT;
use crate::value::Value;

/// Characters of one text that are kept; the rest is counted.
const LONGEST: usize = 400;
/// Entrances, rights and uses kept of one identity; the rest is counted.
const MOST: usize = 100;

/// The identities of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// In the order of the plan; those that the plan only names come last.
    pub identities: Vec<Portrait>,
}

/// One identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Portrait {
    /// Its address, else its name.
    pub label: String,
    /// Its name, when known and not the label.
    pub name: Option<String>,
    /// What it is: `AWS role`, …
    pub kind: &'static str,
    /// False for one that the plan only names.
    pub planned: bool,
    /// What it is for.
    pub purposes: Purposes,
    /// The environment that its name or address speaks of.
    pub environment: Option<String>,
    /// Who may become it.
    pub entrances: Vec<Entrance>,
    /// What runs as it.
    pub uses: Vec<String>,
    /// What it may do.
    pub rights: Vec<Right>,
    /// What limits it: its permissions boundary.
    pub boundary: Option<String>,
    /// What is not known of it before apply.
    pub unknown: Vec<String>,
    /// How much of the lists above was left out.
    pub left_out: usize,
    /// The address of the resource that makes it alone.
    pub address: Option<String>,
    /// Where a finding is about it: at these, or inside of them.
    pub about: Vec<Place>,
}

/// What an identity is for, and how that is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Purposes {
    /// By what it may do.
    Held(Vec<String>),
    /// By the tool's configuration, or by the resource that makes it.
    Given(Vec<String>),
    /// By its name only: what it may do says nothing.
    Named(String),
    /// It may do everything.
    Every,
    /// By nothing.
    #[default]
    Untold,
}

/// One way into an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entrance {
    /// What enters: `CI token`, `pod`, `AWS service`, …
    pub how: &'static str,
    /// Who: subjects, service accounts, principals.
    pub who: Vec<String>,
    /// Through what: the issuer, the cluster; and under which conditions.
    pub by: Vec<String>,
    /// Anybody, or anybody of an issuer.
    pub open: bool,
    /// Where it is written.
    pub place: Place,
}

/// Something that an identity may do, or may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// True for a denial.
    pub denied: bool,
    /// What: actions or a role.
    pub what: Vec<String>,
    /// On what.
    pub on: Vec<String>,
    /// Under which conditions.
    pub when: Vec<String>,
    /// Where it is written.
    pub place: Place,
    /// What findings call the statement.
    pub statement: Option<String>,
}

impl Purposes {
    /// The words.
    #[must_use]
    pub fn words(&self) -> Vec<&str> {
        match self {
            Self::Held(w) | Self::Given(w) => w.iter().map(String::as_str).collect(),
            Self::Named(w) => vec![w],
            Self::Every | Self::Untold => Vec::new(),
        }
    }
}

impl Picture {
    /// Takes the picture of a plan.
    #[must_use]
    pub fn of(cx: &Context<'_>) -> Self {
        let graph = Graph::build(cx);
        let mut identities: Vec<Portrait> =
            graph.identities.iter().map(|i| portrait(cx, &graph, i)).collect();
        identities.extend(composite::portraits(cx));
        identities.sort_by_key(|p| !p.planned);
        Self { identities }
    }
}

fn portrait(cx: &Context<'_>, graph: &Graph, identity: &Identity) -> Portrait {
    let label = identity.label().to_owned();
    let hidden = identity
        .address
        .as_deref()
        .is_some_and(|a| hides(cx, a, &["name", "account_id", "email"]));
    let mut p = Portrait {
        name: identity
            .name
            .clone()
            .filter(|n| *n != label && !hidden)
            .map(|n| shown(&n)),
        kind: match identity.kind {
            IdentityKind::Role => "AWS role",
            IdentityKind::User => "AWS user",
            IdentityKind::Group => "AWS group",
            IdentityKind::ServiceAccount => "Google service account",
        },
        planned: identity.address.is_some(),
        environment: [identity.name.as_deref(), identity.address.as_deref()]
            .into_iter()
            .flatten()
            .find_map(|t| cx.environment(t))
            .map(str::to_owned),
        uses: identity.uses.iter().map(used).collect(),
        about: identity
            .address
            .iter()
            .map(|a| Place::new(a.clone(), ""))
            .collect(),
        address: identity.address.clone(),
        label: shown(&label),
        ..Portrait::default()
    };
    let everything = if identity.kind == IdentityKind::ServiceAccount {
        google::fill(cx, graph, identity, &mut p)
    } else {
        aws::fill(cx, graph, identity, &mut p)
    };
    p.uses.dedup();
    p.about.sort();
    p.about.dedup();
    p.purposes = purposes(cx, graph, identity, everything);
    p.bound();
    p
}

impl Portrait {
    /// Findings at this address are about it.
    fn is_told_at(&mut self, place: &Place) {
        self.about.push(Place::new(place.address.clone(), ""));
    }

    /// Keeps as much as a reader can use.
    fn bound(&mut self) {
        for over in [
            shorten(&mut self.entrances),
            shorten(&mut self.rights),
            shorten(&mut self.uses),
        ] {
            self.left_out += over;
        }
        let texts = self
            .entrances
            .iter_mut()
            .flat_map(|e| [&mut e.who, &mut e.by])
            .chain(
                self.rights
                    .iter_mut()
                    .flat_map(|r| [&mut r.what, &mut r.on, &mut r.when]),
            );
        for list in texts {
            let over = shorten(list);
            if over > 0 {
                list.push(format!("and {over} more"));
            }
        }
    }
}

fn shorten<T>(list: &mut Vec<T>) -> usize {
    let over = list.len().saturating_sub(MOST);
    list.truncate(MOST);
    over
}

fn purposes(cx: &Context<'_>, graph: &Graph, identity: &Identity, everything: bool) -> Purposes {
    let mapped: Vec<String> = cx.purposes(identity).into_iter().map(str::to_owned).collect();
    if !mapped.is_empty() {
        return Purposes::Given(mapped);
    }
    if everything {
        return Purposes::Every;
    }
    let held: BTreeSet<Purpose> = rules::capabilities(cx, graph, identity)
        .iter()
        .map(|(c, _)| c.purpose())
        .collect();
    if !held.is_empty() {
        return Purposes::Held(held.iter().map(ToString::to_string).collect());
    }
    if identity.uses.iter().any(|u| u.kind == UseKind::Node) {
        return Purposes::Held(vec![Purpose::Node.to_string()]);
    }
    let named = secrets::name::words(identity.label())
        .into_iter()
        .chain(secrets::name::words(identity.name.as_deref().unwrap_or_default()))
        .find(|w| w.parse::<Purpose>().is_ok());
    named.map_or(Purposes::Untold, Purposes::Named)
}

fn used(u: &Use) -> String {
    let at = shown(&u.place.address);
    match &u.kind {
        UseKind::Node => format!("machines of {at}"),
        UseKind::Service(what) => format!("{what}: {at}"),
        UseKind::Pod { namespace, account } => format!(
            "pods with the service account {}/{} ({at})",
            namespace.as_deref().map_or_else(|| "…".to_owned(), shown),
            account.as_deref().map_or_else(|| "…".to_owned(), shown),
        ),
        UseKind::ClusterAccess => format!("enters the cluster's API by {at}"),
        UseKind::ControlPlane(what) => format!("the {what} itself: {at}"),
    }
}

/// True when the plan calls one of these attributes sensitive, or part of it.
fn hides(cx: &Context<'_>, address: &str, attributes: &[&str]) -> bool {
    let Some(r) = cx.plan.resource(address).filter(|r| r.marks_sensitive()) else {
        return false;
    };
    let values = r.values();
    attributes.iter().any(|a| is_sensitive(values.path(a)))
}

/// True when a value or a part of it is sensitive.
fn is_sensitive(v: &Value<'_>) -> bool {
    let mut found = v.is_sensitive();
    v.walk(|_, _, sensitive| found |= sensitive);
    found
}

/// What stands for what the plan calls sensitive.
const HIDDEN: &str = "the plan calls it sensitive, so it is not shown";

/// A text of the plan as it may be shown: what is not known yet as an ellipsis, nothing that has the form of a secret, not endless.
fn shown(text: &str) -> String {
    if !secrets::structural(text).is_empty() {
        return "*** (it has the form of a secret)".to_owned();
    }
    let text = text.replace(UNKNOWN_TEXT, "…");
    match text.char_indices().nth(LONGEST) {
        None => text,
        Some((at, _)) => format!(
            "{}… ({} more characters)",
            &text[..at],
            text[at..].chars().count()
        ),
    }
}

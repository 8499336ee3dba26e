//! Joins facts to a graph.

use std::collections::{HashMap, HashSet};

use super::{
    Boundary, Document, Grant, GrantForm, Graph, Identity, IdentityId, IdentityKind, Interest, Member,
    PolicyId, Purpose, Scope, Sieve, Source, Use, UseKind,
};
use crate::context::Context;
use crate::finding::Place;
use crate::plan::Mode;
use crate::source::UNKNOWN_TEXT;
use crate::value::{Path, Value};

/// Something named by a resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Named {
    /// By reference: a planned instance.
    Address(String),
    /// By name: of an identity its name (without path) or e-mail, of a policy its ARN.
    Text(String),
    /// Not known; the references it hangs on.
    Unknown(Vec<String>),
}

/// What one instance says.
#[derive(Debug)]
pub(crate) enum Fact {
    Identity {
        kind: IdentityKind,
        address: String,
        name: Option<String>,
        boundary: Option<Named>,
    },
    Policy {
        address: String,
        name: Option<String>,
        document: DocumentFact,
    },
    Document(DocumentFact),
    Attachment {
        place: Place,
        holder: Named,
        policy: Named,
    },
    Profile {
        address: String,
        name: Option<String>,
        role: Named,
    },
    Use {
        who: Named,
        place: Place,
        kind: UseKind,
        workload: String,
    },
    Grant {
        place: Place,
        role: String,
        members: Vec<(String, Option<Named>)>,
        scope: Scope,
        condition: Option<String>,
        form: GrantForm,
        on: Vec<Named>,
    },
}

/// A document before its holders are known.
#[derive(Debug)]
pub(crate) struct DocumentFact {
    place: Place,
    purpose: Purpose,
    pub(super) holders: Vec<Named>,
    unknown: Vec<String>,
    undecided: bool,
    interest: Interest,
    text: Source,
    hash: Option<u64>,
}

impl DocumentFact {
    /// A document whose text stands in a planned value, known to the last character.
    pub(super) fn planned(place: Place, purpose: Purpose, attribute: Path) -> Self {
        Self {
            place,
            purpose,
            holders: Vec::new(),
            unknown: Vec::new(),
            undecided: false,
            interest: Interest::ALL,
            hash: None,
            text: Source::Planned { attribute },
        }
    }

    /// A document that was worked out from the configuration, with holes in it.
    pub(super) fn evaluated(place: Place, purpose: Purpose, v: &Value<'_>) -> Self {
        let text = super::holed(v).unwrap_or_default();
        // A document of which not even the outline is known cannot be judged in part.
        let undecided = !text.trim_start().starts_with('{');
        Self {
            place,
            purpose,
            holders: Vec::new(),
            unknown: super::references_of(v),
            undecided,
            interest: Interest::ALL,
            hash: None,
            text: Source::Evaluated(text),
        }
    }

    fn sift(&mut self, sieve: &Sieve<'_, '_>, values: &Value<'_>) {
        let text = match &self.text {
            Source::Planned { attribute } => super::follow(values, attribute).as_str().unwrap_or_default(),
            Source::Evaluated(text) => text,
        };
        if !self.undecided && sieve.is_ordinary(self.purpose, text) {
            self.interest = Interest::NONE;
            return;
        }
        let hash = sieve.hash(text);
        self.hash = Some(hash);
        if !self.undecided {
            self.interest = sieve.interest(hash, self.purpose, text);
        }
    }
}

impl Fact {
    /// Asks which rules the document concerns, when the fact is one. `values` are those of the instance it was taken from.
    pub(super) fn sift(&mut self, sieve: &Sieve<'_, '_>, values: &Value<'_>) {
        match self {
            Self::Policy { document, .. } | Self::Document(document) => document.sift(sieve, values),
            _ => {}
        }
    }
}

/// The name under which an identity is known: the last part of an ARN, an e-mail, a bare name. `None` when not known.
pub(super) fn name_of(v: &Value<'_>, kind: IdentityKind) -> Option<Named> {
    let text = super::holed(v)?;
    let text = text.strip_prefix("serviceAccount:").unwrap_or(&text);
    let name = if kind == IdentityKind::ServiceAccount {
        // projects/p/serviceAccounts/e-mail, or the e-mail.
        let email = text.rsplit('/').next().unwrap_or(text);
        // With an unknown project the account id still names it.
        match email.split_once('@') {
            Some((id, rest)) if rest.contains(UNKNOWN_TEXT) => id.to_owned(),
            _ => email.to_owned(),
        }
    } else if text.starts_with("arn:") {
        text.rsplit(['/', ':']).next().unwrap_or(text).to_owned()
    } else {
        text.to_owned()
    };
    (!name.is_empty() && !name.contains(UNKNOWN_TEXT)).then_some(Named::Text(name))
}

/// Joins facts.
pub(super) fn join(cx: &Context<'_>, sieve: &Sieve<'_, '_>, facts: Vec<Vec<Fact>>) -> Graph {
    let mut joiner = Joiner::default();
    joiner.join(facts);
    if joiner.graph.policies.iter().any(|d| d.undecided) {
        loose_documents(cx, sieve, &mut joiner.graph);
    }
    joiner.graph
}

/// Where a policy could not be found, every planned policy document is judged on its own: it may be the one.
fn loose_documents(cx: &Context<'_>, sieve: &Sieve<'_, '_>, graph: &mut Graph) {
    let mut known: HashSet<u64> = graph.policies.iter().filter_map(|d| d.hash).collect();
    for r in cx
        .plan
        .live()
        .chain(&cx.plan.read_data)
        .filter(|r| r.mode == Mode::Data && &*r.kind == "aws_iam_policy_document")
    {
        let v = cx.evaluate(&r.address, "json");
        let mut fact = DocumentFact::evaluated(r.at("json"), Purpose::Loose, &v);
        fact.sift(sieve, &Value::Null);
        // A document with principals is a trust or resource policy of something else.
        if !fact.undecided
            && fact.hash.is_some_and(|h| known.insert(h))
            && !matches!(&fact.text, Source::Evaluated(t) if t.contains("\"Principal\""))
        {
            push(graph, fact, Vec::new());
        }
    }
}

fn push(graph: &mut Graph, f: DocumentFact, holders: Vec<IdentityId>) -> PolicyId {
    graph.policies.push(Document {
        place: f.place,
        purpose: f.purpose,
        holders,
        unknown: f.unknown,
        undecided: f.undecided,
        interest: f.interest,
        text: f.text,
        hash: f.hash,
    });
    graph.policies.len() - 1
}

#[derive(Default)]
struct Joiner {
    graph: Graph,
    by_address: HashMap<String, IdentityId>,
    by_name: HashMap<(IdentityKind, String), Vec<IdentityId>>,
    policies: HashMap<String, PolicyId>,
    policies_by_name: HashMap<String, PolicyId>,
    profiles: HashMap<String, Named>,
}

impl Joiner {
    /// Identities and policies first, for the others to find. A large plan has tens of thousands of facts: they stay in the lists they
    /// were taken in, and each list is gone when it has been looked at.
    fn join(&mut self, mut facts: Vec<Vec<Fact>>) {
        let mut boundaries = Vec::new();
        for some in &mut facts {
            let all = std::mem::take(some);
            *some = all
                .into_iter()
                .filter_map(|fact| self.first(fact, &mut boundaries))
                .collect();
        }
        for (id, b) in boundaries {
            let boundary = match self.planned_policy(&b) {
                Some(p) => {
                    self.graph.policies[p].purpose = Purpose::Boundary;
                    self.graph.policies[p].holders.push(id);
                    Boundary::Planned(p)
                }
                None => match b {
                    Named::Text(arn) => Boundary::Arn(arn),
                    _ => Boundary::Unknown,
                },
            };
            self.graph.identities[id].boundary = Some(boundary);
        }
        for fact in facts.into_iter().flatten() {
            self.fact(fact);
        }
    }

    /// Takes in what others may refer to, and gives back what is none of it.
    fn first(&mut self, fact: Fact, boundaries: &mut Vec<(IdentityId, Named)>) -> Option<Fact> {
        match fact {
            Fact::Identity {
                kind,
                address,
                name,
                boundary,
            } => {
                let id = self.add(kind, Some(address), name);
                boundaries.extend(boundary.map(|b| (id, b)));
            }
            Fact::Policy {
                address,
                name,
                document,
            } => {
                let id = push(&mut self.graph, document, Vec::new());
                self.policies.insert(address, id);
                if let Some(n) = name {
                    self.policies_by_name.insert(n, id);
                }
            }
            Fact::Profile { address, name, role } => {
                self.profiles.insert(address, role.clone());
                if let Some(n) = name {
                    self.profiles.insert(n, role);
                }
            }
            other => return Some(other),
        }
        None
    }

    fn add(&mut self, kind: IdentityKind, address: Option<String>, name: Option<String>) -> IdentityId {
        let id = self.graph.identities.len();
        if let Some(a) = &address {
            self.by_address.insert(a.clone(), id);
        }
        if let Some(n) = &name {
            self.by_name.entry((kind, n.clone())).or_default().push(id);
            // An e-mail is also known by its account id, for references with an unknown project.
            if let Some((account, _)) = n.split_once('@') {
                self.by_name
                    .entry((kind, account.to_owned()))
                    .or_default()
                    .push(id);
            }
        }
        self.graph.identities.push(Identity {
            kind,
            address,
            name,
            trust: None,
            policies: Vec::new(),
            managed: Vec::new(),
            boundary: None,
            grants: Vec::new(),
            entered_by: Vec::new(),
            uses: Vec::new(),
            unresolved: Vec::new(),
        });
        id
    }

    /// The identity meant by a name; made when the plan only speaks of it.
    fn identity(&mut self, named: &Named, kind: IdentityKind) -> Option<IdentityId> {
        match named {
            Named::Address(a) => match self.by_address.get(a) {
                Some(&id) => Some(id),
                None => {
                    let role = self.profiles.get(a)?.clone();
                    self.identity(&role, kind)
                }
            },
            Named::Text(n) => {
                if let Some(ids) = self.by_name.get(&(kind, n.clone())) {
                    return ids.first().copied();
                }
                if kind == IdentityKind::Role
                    && let Some(role) = self.profiles.get(n).cloned()
                    && role != *named
                {
                    return self.identity(&role, kind);
                }
                Some(self.add(kind, None, Some(n.clone())))
            }
            Named::Unknown(_) => None,
        }
    }

    fn planned_policy(&self, named: &Named) -> Option<PolicyId> {
        match named {
            Named::Address(a) => self.policies.get(a).copied(),
            Named::Text(arn) if arn.contains(":iam::aws:") => None,
            Named::Text(arn) => self.policies_by_name.get(arn.rsplit('/').next()?).copied(),
            Named::Unknown(_) => None,
        }
    }

    fn holder(&mut self, place: &Place, named: &Named) -> Option<IdentityId> {
        let kind = match place.address.split('.').rev().nth(1).unwrap_or_default() {
            k if k.starts_with("aws_iam_user") => IdentityKind::User,
            k if k.starts_with("aws_iam_group") => IdentityKind::Group,
            _ => IdentityKind::Role,
        };
        self.identity(named, kind)
    }

    fn fact(&mut self, fact: Fact) {
        match fact {
            Fact::Document(mut d) => {
                let names = std::mem::take(&mut d.holders);
                let holders: Vec<IdentityId> =
                    names.iter().filter_map(|n| self.holder(&d.place, n)).collect();
                let purpose = d.purpose;
                let id = push(&mut self.graph, d, holders.clone());
                for h in holders {
                    match purpose {
                        Purpose::Trust => self.graph.identities[h].trust = Some(id),
                        _ => self.graph.identities[h].policies.push(id),
                    }
                }
            }
            Fact::Attachment {
                place,
                holder,
                policy,
            } => {
                let Some(h) = self.holder(&place, &holder) else {
                    return;
                };
                match (self.planned_policy(&policy), policy) {
                    (Some(p), _) => {
                        self.graph.identities[h].policies.push(p);
                        self.graph.policies[p].holders.push(h);
                    }
                    (None, Named::Text(arn)) => self.graph.identities[h].managed.push((place, arn)),
                    (None, Named::Address(a)) => self.graph.identities[h].unresolved.push((place, vec![a])),
                    (None, Named::Unknown(refs)) => self.graph.identities[h].unresolved.push((place, refs)),
                }
            }
            Fact::Use {
                who,
                place,
                kind,
                workload,
            } => {
                let identity = if place.path.to_string().contains("service_account")
                    && place.address.contains("google_")
                    || matches!(&who, Named::Text(t) if t.contains('@'))
                {
                    IdentityKind::ServiceAccount
                } else {
                    IdentityKind::Role
                };
                if let Some(id) = self.identity(&who, identity) {
                    self.graph.identities[id].uses.push(Use {
                        place,
                        kind,
                        workload,
                    });
                }
            }
            Fact::Grant {
                place,
                role,
                members,
                scope,
                condition,
                form,
                on,
            } => {
                let id = self.graph.grants.len();
                let members: Vec<Member> = members
                    .into_iter()
                    .map(|(text, who)| Member {
                        identity: who.and_then(|w| self.identity(&w, IdentityKind::ServiceAccount)),
                        text,
                    })
                    .collect();
                for m in members.iter().filter_map(|m| m.identity) {
                    self.graph.identities[m].grants.push(id);
                }
                for target in on {
                    if let Some(t) = self.identity(&target, IdentityKind::ServiceAccount) {
                        self.graph.identities[t].entered_by.push(id);
                    }
                }
                self.graph.grants.push(Grant {
                    place,
                    role,
                    members,
                    scope,
                    condition,
                    form,
                });
            }
            Fact::Identity { .. } | Fact::Policy { .. } | Fact::Profile { .. } => {}
        }
    }
}

//! What an identity may do in effect: all its policies together, less what denials and its boundary take away.

use std::sync::Arc;

use mlops_access::aws::{Arn, Caller, Grants, Policies, Policy, is_account_id, managed};

use crate::context::Context;
use crate::graph::{Boundary, Document, Graph, Identity};

/// The policies of one identity, held together.
pub(super) struct Effective {
    policies: Vec<Arc<Policy>>,
    boundary: Option<Arc<Policy>>,
    /// A boundary is set that cannot be read: it may take away more.
    pub(super) boundary_unknown: bool,
}

impl Effective {
    /// Everything that is known of an identity.
    pub(super) fn of(cx: &Context<'_>, graph: &Graph, identity: &Identity) -> Self {
        let mut policies: Vec<Arc<Policy>> = graph
            .policies_of(cx, identity)
            .into_iter()
            .map(|(_, p)| p)
            .collect();
        policies.extend(
            identity
                .managed
                .iter()
                .filter_map(|(_, arn)| managed::document(arn))
                .map(Arc::new),
        );
        let mut boundary_unknown = false;
        let boundary = match &identity.boundary {
            None => None,
            Some(Boundary::Planned(id)) => graph.policy(cx, *id).ok(),
            Some(Boundary::Arn(arn)) => managed::document(arn).map(Arc::new),
            Some(Boundary::Unknown) => None,
        };
        if identity.boundary.is_some() && boundary.is_none() {
            boundary_unknown = true;
        }
        Self {
            policies,
            boundary,
            boundary_unknown,
        }
    }

    /// The same without AWS managed policies: what the author wrote.
    pub(super) fn written(cx: &Context<'_>, graph: &Graph, identity: &Identity) -> Self {
        let mut all = Self::of(cx, graph, identity);
        all.policies = graph
            .policies_of(cx, identity)
            .into_iter()
            .map(|(_, p)| p)
            .collect();
        all
    }

    /// One document on its own.
    pub(super) fn alone(policy: &Policy) -> Self {
        Self {
            policies: vec![Arc::new(policy.clone())],
            boundary: None,
            boundary_unknown: false,
        }
    }

    /// As a set of requests.
    pub(super) fn grants(&self) -> Grants<'_> {
        let mut policies = Policies::identity(self.policies.iter().map(|p| &**p));
        if let Some(b) = &self.boundary {
            policies = policies.bounded_by(b);
        }
        Grants::new(
            Caller::role(format!("arn:aws:iam::{}:role/any", self.account())),
            policies,
        )
    }

    /// The account that the policies speak of, so that ARNs with its id are the caller's own; any, when they name none.
    fn account(&self) -> &str {
        let resources = self
            .policies
            .iter()
            .flat_map(|p| &p.statements)
            .filter_map(|s| s.resources.as_ref());
        let arns = resources
            .flat_map(|r| r.items())
            .filter_map(|t| Arn::parse(t.source()));
        arns.map(|a| a.account)
            .find(|a| is_account_id(a))
            .unwrap_or("123456789012")
    }

    /// The policies, one by one.
    pub(super) fn policies(&self) -> Vec<&Policy> {
        self.policies.iter().map(|p| &**p).collect()
    }
}

/// In effect, what a document allows to those who hold it: one for each holder, or the document alone.
pub(super) fn of_holders(
    cx: &Context<'_>,
    graph: &Graph,
    document: &Document,
    policy: &Policy,
) -> Vec<Effective> {
    if document.holders.is_empty() {
        return vec![Effective::alone(policy)];
    }
    document
        .holders
        .iter()
        .map(|&h| Effective::of(cx, graph, &graph.identities[h]))
        .collect()
}

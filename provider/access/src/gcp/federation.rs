use std::collections::BTreeMap;

use super::cel::{CelError, Expr, Stop, Value};
use crate::{
    trust::Token,
    verdict::{Doubt, Verdict},
};

/// A workload identity pool provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// The pool: `projects/<number>/locations/global/workloadIdentityPools/<pool>`.
    pub pool: String,
    /// Issuer, without `https://`.
    pub issuer: String,
    /// Audiences that a token may be for; the cloud's default is the provider's own name.
    pub audiences: Vec<String>,
    /// Attribute to expression: `google.subject`, `attribute.<name>`.
    pub mapping: BTreeMap<String, String>,
    /// Which tokens are accepted at all.
    pub condition: Option<String>,
}

impl Provider {
    /// The value that a mapped attribute has for a token.
    ///
    /// # Errors
    /// When the mapping is not an expression.
    pub fn attribute(&self, attribute: &str, token: &Token) -> Result<Result<Value, Stop>, CelError> {
        let Some(text) = self.mapping.get(attribute) else {
            return Ok(Err(Stop::Fails(format!("{attribute} is not mapped"))));
        };
        // A mapping reads the assertion alone; one that refers to an attribute, perhaps to itself, is not followed.
        Ok(Expr::parse(text)?.evaluate(&|path: &[String]| claim(path, token)))
    }

    /// Whether the provider accepts a token: issuer, audience and condition.
    ///
    /// # Errors
    /// When the condition is not an expression.
    pub fn accepts(&self, token: &Token) -> Result<Verdict, CelError> {
        let audience = token
            .claims
            .get("aud")
            .is_some_and(|aud| self.audiences.contains(aud));
        if token.name != self.issuer || !audience {
            return Ok(Verdict::No);
        }
        let Some(condition) = &self.condition else {
            return Ok(Verdict::Yes);
        };
        Ok(Expr::parse(condition)?.holds(&|path: &[String]| self.name(path, token)))
    }

    fn name(&self, path: &[String], token: &Token) -> Result<Value, Stop> {
        match path {
            [root, _] if root == "attribute" || root == "google" => {
                let attribute = path.join(".");
                match self.attribute(&attribute, token) {
                    Ok(value) => value,
                    Err(error) => Err(Stop::Unknown(Doubt::new(error.to_string()))),
                }
            }
            _ => claim(path, token),
        }
    }
}

fn claim(path: &[String], token: &Token) -> Result<Value, Stop> {
    match path {
        [root, claim] if root == "assertion" => token
            .claims
            .get(claim)
            .map(|value| Value::Text(value.clone()))
            .ok_or_else(|| Stop::Fails(format!("the token has no claim {claim}"))),
        _ => Err(Stop::Unknown(Doubt::new(format!(
            "{} is not known here",
            path.join(".")
        )))),
    }
}

/// A member of a policy that stands for federated tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkloadMember {
    /// One subject of a pool.
    Subject {
        /// `projects/…/workloadIdentityPools/<pool>`
        pool: String,
        /// The subject.
        subject: String,
    },
    /// Everyone in a pool whose attribute has a value.
    Attribute {
        /// The pool.
        pool: String,
        /// `attribute.<name>`, `google.groups`.
        attribute: String,
        /// The value; may hold slashes.
        value: String,
    },
    /// Everyone in a pool.
    Everyone {
        /// The pool.
        pool: String,
    },
    /// Pods of a GKE workload pool: one service account, or all of a namespace when none is named, or all.
    Pods {
        /// `<project>.svc.id.goog`
        workload_pool: String,
        /// The namespace.
        namespace: Option<String>,
        /// The service account.
        service_account: Option<String>,
    },
}

impl WorkloadMember {
    /// Reads a member; none when it is another kind of member or not well formed
    /// (<https://cloud.google.com/iam/docs/principal-identifiers>).
    ///
    /// ```
    /// use mlops_access::gcp::WorkloadMember;
    /// let pod = WorkloadMember::parse("serviceAccount:acme.svc.id.goog[churn-prod/churn-sa]");
    /// assert!(matches!(pod, Some(WorkloadMember::Pods { .. })));
    /// ```
    #[must_use]
    pub fn parse(member: &str) -> Option<Self> {
        if let Some(rest) = member.strip_prefix("serviceAccount:") {
            let (pool, pod) = rest.strip_suffix(']')?.split_once('[')?;
            let (namespace, account) = pod.split_once('/')?;
            return Some(Self::Pods {
                workload_pool: pool.to_owned(),
                namespace: Some(namespace.to_owned()),
                service_account: Some(account.to_owned()),
            });
        }
        let (set, rest) = match member.strip_prefix("principal://iam.googleapis.com/") {
            Some(rest) => (false, rest),
            None => (true, member.strip_prefix("principalSet://iam.googleapis.com/")?),
        };
        let (location, rest) = rest.split_once("/workloadIdentityPools/")?;
        let (pool_id, which) = rest.split_once('/')?;
        let pool = format!("{location}/workloadIdentityPools/{pool_id}");
        let kubernetes = pool_id.ends_with(".svc.id.goog");
        let pods = |namespace: Option<&str>, account: Option<&str>| Self::Pods {
            workload_pool: pool_id.to_owned(),
            namespace: namespace.map(str::to_owned),
            service_account: account.map(str::to_owned),
        };
        Some(match (set, which.split_once('/')) {
            (true, None) if which == "*" && kubernetes => pods(None, None),
            (true, None) if which == "*" => Self::Everyone { pool },
            (false, Some(("subject", subject))) if kubernetes => {
                let (namespace, account) = subject.strip_prefix("ns/")?.split_once("/sa/")?;
                pods(Some(namespace), Some(account))
            }
            (false, Some(("subject", subject))) => Self::Subject {
                pool,
                subject: subject.to_owned(),
            },
            (true, Some(("namespace", namespace))) if kubernetes => pods(Some(namespace), None),
            (true, Some(("kubernetes.cluster", _))) if kubernetes => pods(None, None),
            (true, Some(("group", group))) => Self::Attribute {
                pool,
                attribute: "google.groups".to_owned(),
                value: group.to_owned(),
            },
            (true, Some((attribute, value))) if attribute.starts_with("attribute.") => Self::Attribute {
                pool,
                attribute: attribute.to_owned(),
                value: value.to_owned(),
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by fuzzing: it overflowed the stack.
    #[test]
    fn a_mapping_that_refers_to_itself_is_a_doubt() {
        let provider = Provider {
            pool: "projects/1/locations/global/workloadIdentityPools/p".to_owned(),
            issuer: "issuer.example".to_owned(),
            audiences: vec!["me".to_owned()],
            mapping: BTreeMap::from([("attribute.gate".to_owned(), "\"a\" + attribute.gate".to_owned())]),
            condition: Some("attribute.gate == \"aa\"".to_owned()),
        };
        let token = Token::oidc("issuer.example").with("aud", "me");
        assert!(provider.accepts(&token).unwrap().is_unknown());
        assert!(matches!(
            provider.attribute("attribute.gate", &token),
            Ok(Err(Stop::Unknown(_)))
        ));
    }
}

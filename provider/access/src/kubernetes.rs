//! Kubernetes RBAC: what a role's rules allow (<https://kubernetes.io/docs/reference/access-authn-authz/rbac/>).

use serde::{Deserialize, Serialize};

/// One rule of a Role or ClusterRole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// API groups; the empty text is the core group, `*` all.
    pub api_groups: Vec<String>,
    /// Resources, with a subresource after a slash; `*` all.
    pub resources: Vec<String>,
    /// Only objects of these names, when there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
    /// Verbs; `*` all.
    pub verbs: Vec<String>,
}

/// What is asked of the Kubernetes API, in one namespace or for the whole cluster, as the rules' binding says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// Verb.
    pub verb: &'a str,
    /// API group.
    pub group: &'a str,
    /// Resource, plural.
    pub resource: &'a str,
    /// Subresource.
    pub subresource: Option<&'a str>,
    /// Name of the object, where the request has one.
    pub name: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// A request for any object of a resource of the core group, such as `get secrets` or `create pods/exec`.
    #[must_use]
    pub fn core(verb: &'a str, resource: &'a str) -> Self {
        Self::of("", verb, resource)
    }

    /// A request for any object of a resource of a group; the resource may be followed by `/` and a subresource.
    #[must_use]
    pub fn of(group: &'a str, verb: &'a str, resource: &'a str) -> Self {
        let (resource, subresource) = match resource.split_once('/') {
            Some((resource, sub)) => (resource, Some(sub)),
            None => (resource, None),
        };
        Self {
            verb,
            group,
            resource,
            subresource,
            name: None,
        }
    }
}

/// Whether one of the rules allows the request. RBAC only adds; there is no deny.
///
/// A rule for names does not allow requests without one (list, create), as the API server judges.
///
/// ```
/// use mlops_access::{generate::kubernetes::deployer_rules, kubernetes::{Request, allows}};
/// let rules = deployer_rules();
/// assert!(allows(&rules, &Request::of("apps", "patch", "deployments")));
/// assert!(!allows(&rules, &Request::core("get", "secrets")));
/// assert!(!allows(&rules, &Request::core("create", "pods/exec")));
/// ```
#[must_use]
pub fn allows(rules: &[Rule], request: &Request<'_>) -> bool {
    rules.iter().any(|rule| {
        let named = rule.resource_names.is_empty()
            || request
                .name
                .is_some_and(|name| rule.resource_names.iter().any(|n| n == name));
        named
            && any(&rule.verbs, request.verb)
            && any(&rule.api_groups, request.group)
            && rule.resources.iter().any(|r| resource_matches(r, request))
    })
}

fn any(list: &[String], wanted: &str) -> bool {
    list.iter().any(|item| item == "*" || item == wanted)
}

fn resource_matches(rule: &str, request: &Request<'_>) -> bool {
    match request.subresource {
        None => rule == "*" || rule == request.resource,
        Some(sub) => {
            rule == "*"
                || rule.split_once('/').is_some_and(|(resource, s)| {
                    s == sub && (resource == "*" || resource == request.resource)
                })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(groups: &[&str], resources: &[&str], names: &[&str], verbs: &[&str]) -> Rule {
        let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Rule {
            api_groups: own(groups),
            resources: own(resources),
            resource_names: own(names),
            verbs: own(verbs),
        }
    }

    #[test]
    fn a_subresource_is_a_resource_of_its_own() {
        let pods = [rule(&[""], &["pods"], &[], &["*"])];
        assert!(!allows(&pods, &Request::core("create", "pods/exec")));
        let every_log = [rule(&[""], &["*/log"], &[], &["get"])];
        assert!(allows(&every_log, &Request::core("get", "pods/log")));
        let all = [rule(&["*"], &["*"], &[], &["*"])];
        assert!(allows(&all, &Request::core("create", "serviceaccounts/token")));
    }

    #[test]
    fn names_limit_and_do_not_list() {
        let one = [rule(&[""], &["namespaces"], &["churn"], &["get", "list"])];
        assert!(allows(
            &one,
            &Request {
                name: Some("churn"),
                ..Request::core("get", "namespaces")
            }
        ));
        assert!(!allows(
            &one,
            &Request {
                name: Some("kube-system"),
                ..Request::core("get", "namespaces")
            }
        ));
        assert!(!allows(&one, &Request::core("list", "namespaces")));
    }
}

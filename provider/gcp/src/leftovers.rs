//! What services in a cluster made outside of it and would outlive it: load balancers. Each opens the cluster's nodes with firewall
//! rules, which say whose they are; forwarding rules and network endpoint groups do not name the cluster.
//!
//! The rules: <https://cloud.google.com/kubernetes-engine/docs/concepts/firewall-rules>; that load balancers stay behind:
//! <https://cloud.google.com/kubernetes-engine/docs/how-to/deleting-a-cluster>. Descriptions: of Services as the controller in
//! Kubernetes writes them (`makeFirewallDescription` in `cloud-provider-gcp`), of Ingresses as `ingress-gce` does. A cluster whose
//! firewall rules are managed by hand leaves none, and is not seen.

use http::Method;
use mlops_environment::driver::Reason;
use serde_json::Value;

use crate::driver::Gcp;
use crate::failure::{Outcome, failure};
use crate::name::{parent, short};

/// Members of a rule's description that name a Service, by controller.
const SERVICE: [&str; 2] = ["kubernetes.io/service-name", "networking.gke.io/service-name"];

/// Description of the rule that all Ingresses of a cluster share.
const INGRESS: &str = "GCE L7 firewall rule";

/// Either of them.
const FILTER: &str = r#"description eq ".*(service-name|GCE L7 firewall rule).*""#;

/// Load balancers of a cluster's services, in words with the way to be rid of them. `id` is the cluster's own, by which its nodes
/// are tagged.
pub(crate) async fn load_balancers(gcp: &Gcp, network: &str, id: &str) -> Outcome<Vec<String>> {
    const OPERATION: &str = "compute:ListFirewalls";
    // The network's project, which for a shared one is not the cluster's.
    let global = parent(network);
    let url = gcp
        .clients
        .url("compute", &format!("compute/v1/{global}/firewalls"));
    let mut found = Vec::new();
    let mut page = String::new();
    loop {
        let query = [("filter", FILTER), ("pageToken", &page)];
        let query = if page.is_empty() { &query[..1] } else { &query };
        let answer = gcp
            .clients
            .rest(OPERATION, Method::GET, &url, query, None)
            .await?;
        let rules = answer.get("items").and_then(Value::as_array);
        found.extend(
            rules
                .into_iter()
                .flatten()
                .filter_map(|rule| told(rule, network, id)),
        );
        match answer.get("nextPageToken").and_then(Value::as_str) {
            None | Some("") => break,
            Some(next) if next == page => {
                return Err(failure(
                    OPERATION,
                    Reason::Unavailable,
                    "gives the same page again and again",
                ));
            }
            Some(next) => page = next.to_owned(),
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Whose load balancer a firewall rule belongs to, if to one of this cluster's.
fn told(rule: &Value, network: &str, id: &str) -> Option<String> {
    let text = |member: &str| rule.get(member).and_then(Value::as_str).unwrap_or_default();
    let node = format!("-{}-node", id.get(..8)?);
    let tags = rule.get("targetTags").and_then(Value::as_array)?;
    let ours = tags
        .iter()
        .filter_map(Value::as_str)
        .any(|tag| tag.starts_with("gke-") && tag.ends_with(&node));
    if !ours || short(text("network")) != short(network) {
        return None;
    }
    let (what, delete) = if text("description") == INGRESS {
        let delete = "kubectl delete ingress --all --all-namespaces".to_owned();
        ("an ingress".to_owned(), delete)
    } else {
        let described: Value = serde_json::from_str(text("description")).ok()?;
        let service = SERVICE
            .iter()
            .find_map(|member| described.get(*member)?.as_str())?;
        let (namespace, name) = service.split_once('/')?;
        let delete = format!("kubectl -n {namespace} delete service {name}");
        (format!("service {service}"), delete)
    };
    Some(format!(
        "the load balancer of {what} still stands and would outlive the cluster: {delete} (firewall rule {})",
        text("name")
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NETWORK: &str = "projects/p/global/networks/ml";
    const ID: &str = "0123abcd4567";

    fn rule(description: &str, tag: &str) -> Value {
        json!({
            "name": "k8s-fw-a1",
            "description": description,
            "network": format!("https://www.googleapis.com/compute/v1/{NETWORK}"),
            "targetTags": [tag],
        })
    }

    #[test]
    fn tells_services_and_ingresses_of_this_cluster_only() {
        let ours = "gke-shop-0123abcd-node";
        for service in [
            r#"{"kubernetes.io/service-name":"churn/web", "kubernetes.io/service-ip":"192.0.2.1"}"#,
            r#"{"networking.gke.io/service-name":"churn/web","networking.gke.io/api-version":"v1"}"#,
        ] {
            let said = told(&rule(service, ours), NETWORK, ID).unwrap();
            assert!(
                said.contains("service churn/web") && said.contains("kubectl -n churn delete service web"),
                "{said}"
            );
            assert_eq!(told(&rule(service, "gke-shop-ffffffff-node"), NETWORK, ID), None);
            assert_eq!(told(&rule(service, "shop-0123abcd-node"), NETWORK, ID), None);
            assert_eq!(
                told(&rule(service, ours), "projects/p/global/networks/other", ID),
                None
            );
            assert_eq!(
                told(&rule(service, ours), NETWORK, "0123"),
                None,
                "no id of a cluster"
            );
        }
        let said = told(&rule(INGRESS, ours), NETWORK, ID).unwrap();
        assert!(
            said.contains("an ingress") && said.contains("k8s-fw-a1"),
            "{said}"
        );
        for other in [
            "service-name",
            "{\"kubernetes.io/service-name\":1}",
            "nodes to pods",
        ] {
            assert_eq!(told(&rule(other, ours), NETWORK, ID), None, "{other}");
        }
    }
}

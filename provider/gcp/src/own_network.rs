//! The network of the environment's own: a VPC network, one subnetwork with secondary ranges for pods and services, and a
//! router with Cloud NAT. None of them has labels: the mark is in their descriptions.
//!
//! <https://cloud.google.com/compute/docs/reference/rest/v1/networks>

use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use mlops_environment::component::{Component, Observation, Outputs, Owner, Present, Status};
use mlops_environment::driver::{Failure, Monitor, Reason};
use mlops_environment::gcp::{Router, Subnetwork, Vpc};
use serde::Serialize;
use serde_json::{Value, json};

use crate::driver::Gcp;
use crate::failure::{Outcome, failure, gone, missing, optional};
use crate::mark::owner_by;
use crate::name::{parent, short};
use crate::object::{Changes, Object, Wanted, outputs, ready};
use crate::retry::Created;
use crate::wait::{LONG, Look, Pace, patiently, until};

/// How long what uses a network may take to let go: Kubernetes Engine removes its firewall rules and endpoint groups after
/// the cluster.
const RELEASING: Pace = LONG.within(Duration::from_secs(10 * 60));

/// One object of Compute Engine under the names of its calls.
struct Place<'a> {
    /// Full name.
    name: &'a str,
    get: &'static str,
    insert: &'static str,
    patch: &'static str,
    delete: &'static str,
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// The full name in a link: `https://www.googleapis.com/compute/v1/projects/…`.
fn named(link: &str) -> &str {
    link.find("projects/").map_or(link, |at| &link[at..])
}

/// It is being made, by a request whose answer was lost.
fn not_ready(failure: &Failure) -> bool {
    failure.message.contains("is not ready")
}

/// Something still hangs on it.
fn used(failure: &Failure) -> bool {
    failure.message.contains("is already being used by")
}

impl Place<'_> {
    fn url(&self, gcp: &Gcp, path: &str) -> String {
        gcp.clients.url("compute", &format!("compute/v1/{path}"))
    }

    /// What stands there, or that it is being made.
    async fn look(&self, gcp: &Gcp) -> Outcome<Option<Result<Value, BeingMade>>> {
        let url = self.url(gcp, self.name);
        let found = gcp.clients.rest(self.get, Method::GET, &url, &[], None).await;
        match found {
            Err(failure) if not_ready(&failure) => Ok(Some(Err(BeingMade))),
            found => Ok(optional(found)?.map(Ok)),
        }
    }

    /// `projects/<project>/global`, `projects/<project>/regions/<region>`.
    fn scope(&self) -> &str {
        parent(self.name)
    }

    /// Waits for what a request began.
    async fn awaited(
        &self,
        gcp: &Gcp,
        operation: &'static str,
        answer: &Value,
        monitor: &dyn Monitor,
    ) -> Outcome<()> {
        const GET: &str = "compute:GetOperation";
        let name = text(answer, "name");
        if name.is_empty() {
            return Err(missing(operation, "operation name"));
        }
        let url = self.url(gcp, &format!("{}/operations/{name}", self.scope()));
        until(operation, short(self.name), LONG, monitor, || {
            let url = &url;
            async move {
                let found = gcp.clients.rest(GET, Method::GET, url, &[], None).await?;
                if text(&found, "status") != "DONE" {
                    return Ok(Look::Busy(text(&found, "status").to_lowercase()));
                }
                let error = found.pointer("/error/errors/0");
                match error {
                    None => Ok(Look::Done(())),
                    Some(error) => Err(Failure {
                        code: text(error, "code").to_owned(),
                        ..failure(
                            operation,
                            Reason::Failed,
                            format!("{}: {}", short(self.name), text(error, "message")),
                        )
                    }),
                }
            }
        })
        .await
    }

    async fn insert(&self, gcp: &Gcp, body: &Value, monitor: &dyn Monitor) -> Outcome<()> {
        let collection = self
            .name
            .rsplit_once('/')
            .map_or(self.name, |(collection, _)| collection);
        let url = self.url(gcp, collection);
        // What it stands in was made a moment ago.
        let made = patiently(short(self.name), RELEASING, monitor, not_ready, || {
            gcp.clients.rest_make(self.insert, &url, &[], body)
        })
        .await?;
        match made {
            Created::Answered(answer) => self.awaited(gcp, self.insert, &answer, monitor).await,
            Created::Unanswered => self.made(gcp, monitor).await,
        }
    }

    /// Waits until what is being made stands.
    async fn made(&self, gcp: &Gcp, monitor: &dyn Monitor) -> Outcome<()> {
        until(self.get, short(self.name), LONG, monitor, || async {
            Ok(match self.look(gcp).await? {
                Some(Ok(_)) => Look::Done(()),
                Some(Err(BeingMade)) => Look::Busy("being made".to_owned()),
                None => Look::Busy("not seen yet".to_owned()),
            })
        })
        .await
    }

    async fn change(
        &self,
        gcp: &Gcp,
        (operation, method): (&'static str, Method),
        suffix: &str,
        body: &Value,
        monitor: &dyn Monitor,
    ) -> Outcome<()> {
        let url = self.url(gcp, &format!("{}{suffix}", self.name));
        let answer = gcp.clients.rest(operation, method, &url, &[], Some(body)).await?;
        self.awaited(gcp, operation, &answer, monitor).await
    }

    async fn delete(&self, gcp: &Gcp, monitor: &dyn Monitor) -> Outcome<()> {
        let url = self.url(gcp, self.name);
        let removed = patiently(short(self.name), RELEASING, monitor, used, || async {
            let answer = gcp
                .clients
                .rest(self.delete, Method::DELETE, &url, &[], None)
                .await?;
            self.awaited(gcp, self.delete, &answer, monitor).await
        })
        .await;
        gone(removed)
    }
}

/// An object that is not there yet.
struct BeingMade;

/// What a look found, as an observation.
fn observation<T: Serialize>(
    name: &str,
    found: Option<Result<Value, BeingMade>>,
    wanted: &T,
    typed: impl FnOnce(&Value) -> T,
    known: Outputs,
) -> Observation {
    match found {
        None => Observation::Absent,
        Some(Ok(found)) => {
            let owner = owner_by(text(&found, "description"));
            Observation::Present(ready(name, owner, &typed(&found), known))
        }
        Some(Err(BeingMade)) => Observation::Present(Present {
            status: Status::InProgress {
                what: "being made".to_owned(),
                operation: None,
            },
            ..ready(name, Owner::Unmarked, wanted, known)
        }),
    }
}

impl Wanted<Vpc> {
    fn place(&self) -> Place<'_> {
        Place {
            name: &self.name,
            get: "compute:GetNetwork",
            insert: "compute:InsertNetwork",
            patch: "compute:PatchNetwork",
            delete: "compute:DeleteNetwork",
        }
    }

    fn known(&self) -> Outputs {
        outputs([("network", self.name.clone())])
    }
}

#[async_trait]
impl Object for Wanted<Vpc> {
    async fn observe(&self, gcp: &Gcp, _: &Component) -> Outcome<Observation> {
        let found = self.place().look(gcp).await?;
        let typed = |found: &Value| Vpc {
            name: self.name.clone(),
            description: text(found, "description").to_owned(),
        };
        Ok(observation(&self.name, found, &self.0, typed, self.known()))
    }

    async fn create(&self, gcp: &Gcp, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        let body = json!({
            "name": short(&self.name),
            "description": self.description,
            "autoCreateSubnetworks": false,
            "routingConfig": { "routingMode": "REGIONAL" },
        });
        self.place().insert(gcp, &body, monitor).await?;
        Ok(ready(
            &self.name,
            owner_by(&self.description),
            &self.0,
            self.known(),
        ))
    }

    async fn update(&self, _: &Gcp, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse(self.place().patch, &["name", "description"])
    }

    async fn settle(&self, gcp: &Gcp, _: &Component, _: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        self.place().made(gcp, monitor).await
    }

    async fn delete(&self, gcp: &Gcp, _: &Component, _: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        self.place().delete(gcp, monitor).await
    }
}

impl Wanted<Subnetwork> {
    fn place(&self) -> Place<'_> {
        Place {
            name: &self.name,
            get: "compute:GetSubnetwork",
            insert: "compute:InsertSubnetwork",
            patch: "compute:SetPrivateIpGoogleAccess",
            delete: "compute:DeleteSubnetwork",
        }
    }

    fn known(&self) -> Outputs {
        outputs([("subnetwork", self.name.clone())])
    }

    fn found(&self, found: &Value) -> Subnetwork {
        let range = |name: &str| {
            let ranges = found.get("secondaryIpRanges").and_then(Value::as_array);
            let range = ranges
                .into_iter()
                .flatten()
                .find(|range| text(range, "rangeName") == name);
            range.map_or("", |range| text(range, "ipCidrRange")).to_owned()
        };
        Subnetwork {
            name: self.name.clone(),
            network: named(text(found, "network")).to_owned(),
            cidr: text(found, "ipCidrRange").to_owned(),
            pods_range: self.pods_range.clone(),
            pods_cidr: range(&self.pods_range),
            services_range: self.services_range.clone(),
            services_cidr: range(&self.services_range),
            private_google_access: found.get("privateIpGoogleAccess").and_then(Value::as_bool) == Some(true),
            description: text(found, "description").to_owned(),
        }
    }
}

#[async_trait]
impl Object for Wanted<Subnetwork> {
    async fn observe(&self, gcp: &Gcp, _: &Component) -> Outcome<Observation> {
        let found = self.place().look(gcp).await?;
        let typed = |found: &Value| self.found(found);
        Ok(observation(&self.name, found, &self.0, typed, self.known()))
    }

    async fn create(&self, gcp: &Gcp, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        let range = |name: &str, cidr: &str| json!({ "rangeName": name, "ipCidrRange": cidr });
        let body = json!({
            "name": short(&self.name),
            "description": self.description,
            "network": self.network,
            "ipCidrRange": self.cidr,
            "privateIpGoogleAccess": self.private_google_access,
            "secondaryIpRanges": [
                range(&self.pods_range, &self.pods_cidr),
                range(&self.services_range, &self.services_cidr),
            ],
        });
        self.place().insert(gcp, &body, monitor).await?;
        Ok(ready(
            &self.name,
            owner_by(&self.description),
            &self.0,
            self.known(),
        ))
    }

    async fn update(&self, gcp: &Gcp, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        let place = self.place();
        let fixed = [
            "name",
            "network",
            "cidr",
            "pods_cidr",
            "services_cidr",
            "description",
        ];
        change.refuse("compute:PatchSubnetwork", &fixed)?;
        if change.any(&["private_google_access"]) {
            let body = json!({ "privateIpGoogleAccess": self.private_google_access });
            let call = (place.patch, Method::POST);
            place
                .change(gcp, call, "/setPrivateIpGoogleAccess", &body, change.monitor)
                .await?;
        }
        Ok(())
    }

    async fn settle(&self, gcp: &Gcp, _: &Component, _: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        self.place().made(gcp, monitor).await
    }

    async fn delete(&self, gcp: &Gcp, _: &Component, _: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        self.place().delete(gcp, monitor).await
    }
}

impl Wanted<Router> {
    fn place(&self) -> Place<'_> {
        Place {
            name: &self.name,
            get: "compute:GetRouter",
            insert: "compute:InsertRouter",
            patch: "compute:PatchRouter",
            delete: "compute:DeleteRouter",
        }
    }

    /// Everybody in the network's subnetworks of this region gets out, under addresses that Google picks.
    fn nats(&self) -> Value {
        json!([{
            "name": self.nat,
            "natIpAllocateOption": "AUTO_ONLY",
            "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
        }])
    }

    fn found(&self, found: &Value) -> Router {
        let wanted = self.nats();
        let nats = found.get("nats").and_then(Value::as_array);
        let stands = nats.into_iter().flatten().any(|nat| {
            ["name", "natIpAllocateOption", "sourceSubnetworkIpRangesToNat"]
                .iter()
                .all(|member| nat.get(*member) == wanted[0].get(*member))
        });
        Router {
            name: self.name.clone(),
            network: named(text(found, "network")).to_owned(),
            nat: if stands { self.nat.clone() } else { String::new() },
            description: text(found, "description").to_owned(),
        }
    }
}

#[async_trait]
impl Object for Wanted<Router> {
    async fn observe(&self, gcp: &Gcp, _: &Component) -> Outcome<Observation> {
        let found = self.place().look(gcp).await?;
        let typed = |found: &Value| self.found(found);
        Ok(observation(&self.name, found, &self.0, typed, Outputs::new()))
    }

    async fn create(&self, gcp: &Gcp, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        let body = json!({
            "name": short(&self.name),
            "description": self.description,
            "network": self.network,
            "nats": self.nats(),
        });
        self.place().insert(gcp, &body, monitor).await?;
        Ok(ready(
            &self.name,
            owner_by(&self.description),
            &self.0,
            Outputs::new(),
        ))
    }

    async fn update(&self, gcp: &Gcp, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        let place = self.place();
        change.refuse(place.patch, &["name", "network"])?;
        let body = json!({ "nats": self.nats(), "description": self.description });
        let call = (place.patch, Method::PATCH);
        place.change(gcp, call, "", &body, change.monitor).await
    }

    async fn settle(&self, gcp: &Gcp, _: &Component, _: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        self.place().made(gcp, monitor).await
    }

    async fn delete(&self, gcp: &Gcp, _: &Component, _: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        self.place().delete(gcp, monitor).await
    }
}

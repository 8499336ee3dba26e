//! The sandbox's own endpoint: what the Rust API can do, for everybody else.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::account::Registered;
use crate::exchange::{Reply, Request};
use crate::fault::Fault;
use crate::shared::Shared;
use crate::snapshot::{compare, marked};
use crate::world::Behaviour;

/// What the endpoint can do.
pub(crate) const HELP: &str = "\
GET    /_sandbox/health                     whether it lives, its time, its mistakes
POST   /_sandbox/clock                      {\"skip\": 720}  moves time ahead, in seconds
GET    /_sandbox/behaviour                  durations, their scale, lag, pages
PUT    /_sandbox/behaviour                  {\"scale\": 0.01}  members that are left out stay
GET    /_sandbox/enforcement                whether callers need permission
PUT    /_sandbox/enforcement                {\"on\": true}
GET    /_sandbox/accounts                   registered access keys
PUT    /_sandbox/accounts/<key>             {\"account\": \"222233334444\", \"principal\": \"arn:…\"}
GET    /_sandbox/projects                   Google Cloud projects, by id with their number
PUT    /_sandbox/projects/<id>              makes one
GET    /_sandbox/faults                     faults, with the calls that they matched and struck
POST   /_sandbox/faults                     {\"service\": \"eks\", \"operation\": \"Create*\", \"only\": \"writes\", \"from\": 2,
                                             \"count\": 1, \"probability\": 1, \"effect\": {\"kind\": \"reset_after\"}}
       kinds: refused (status, code, message, retry_after), throttled (retry_after), unavailable (retry_after),
       expired_token, reset_before, reset_after, truncated, slow (seconds), hang, lag (seconds), hold_before, hold_after
DELETE /_sandbox/faults                     takes all away
GET    /_sandbox/hold                       whether calls are held back, and how many wait
DELETE /_sandbox/hold                       lets them go on; with ?drop drops them
GET    /_sandbox/journal                    all calls; ?counts for how often each operation was called
DELETE /_sandbox/journal                    forgets them
GET    /_sandbox/snapshot                   everything that stands
PUT    /_sandbox/snapshot                   puts it back
POST   /_sandbox/compare                    a snapshot; answers what changed since
GET    /_sandbox/inventory?key=K&value=V    everything whose tags or labels hold the key (and the value)
";

/// Answers a request to `/_sandbox/…`.
pub(crate) fn answer(shared: &Arc<Shared>, request: &Request) -> Reply {
    // A page in the user's browser can reach loopback too; it cannot leave this header out of anything but a plain GET.
    if request.headers.contains_key("origin") {
        return Reply::json(403, &json!({"error": "not for browsers"}));
    }
    let path = request.path.trim_start_matches("/_sandbox").trim_matches('/');
    if path.is_empty() {
        return Reply::new(200, "text/plain; charset=utf-8", HELP);
    }
    match asked(shared, request, path) {
        Ok(value) => Reply::json(200, &value),
        Err(Wrong::Unknown) => Reply::json(
            404,
            &json!({"error": format!("{} {} is unknown; GET /_sandbox lists what there is", request.method, request.path)}),
        ),
        Err(Wrong::Body(error)) => Reply::json(400, &json!({"error": error.to_string()})),
    }
}

enum Wrong {
    Unknown,
    Body(serde_json::Error),
}

impl From<serde_json::Error> for Wrong {
    fn from(error: serde_json::Error) -> Self {
        Self::Body(error)
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Skip {
    skip: f64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    on: bool,
}

fn asked(shared: &Shared, request: &Request, path: &str) -> Result<Value, Wrong> {
    let (path, rest) = path.split_once('/').unwrap_or((path, ""));
    let body = &request.body;
    Ok(match (request.method.clone(), path) {
        (Method::GET, "health") => json!({
            "status": "ok",
            "version": env!("CARGO_PKG_VERSION"),
            "time": shared.clock.now(),
            "mistakes": *shared.mistakes(),
        }),
        (Method::POST, "clock") => {
            let Skip { skip } = serde_json::from_slice(body)?;
            shared
                .clock
                .skip(SignedDuration::from_secs_f64(skip.clamp(0.0, 1e9)));
            json!({"time": shared.clock.now()})
        }
        (Method::GET, "behaviour") => serde_json::to_value(&shared.world().behaviour)?,
        (Method::PUT, "behaviour") => {
            let mut world = shared.world();
            let mut whole = serde_json::to_value(&world.behaviour)?;
            let change: serde_json::Map<String, Value> = serde_json::from_slice(body)?;
            if let Some(members) = whole.as_object_mut() {
                members.extend(change);
            }
            let behaviour: Behaviour = serde_json::from_value(whole)?;
            world.behaviour = behaviour;
            shared.save(&world);
            serde_json::to_value(&world.behaviour)?
        }
        (Method::GET, "enforcement") => json!({"on": shared.enforce.load(Ordering::Relaxed)}),
        (Method::PUT, "enforcement") => {
            let Switch { on } = serde_json::from_slice(body)?;
            shared.enforce.store(on, Ordering::Relaxed);
            json!({"on": on})
        }
        (Method::GET, "accounts") => serde_json::to_value(&*shared.accounts())?,
        (Method::PUT, "accounts") if !rest.is_empty() => {
            let registered: Registered = serde_json::from_slice(body)?;
            shared.accounts().0.insert(rest.to_owned(), registered);
            shared.save(&shared.world());
            serde_json::to_value(&*shared.accounts())?
        }
        (Method::GET | Method::PUT, "projects") => {
            let mut world = shared.world();
            if request.method == Method::PUT && !rest.is_empty() {
                world.gcp.add_project(rest);
                shared.save(&world);
            }
            let projects = world.gcp.projects.iter();
            projects
                .map(|(id, project)| (id.clone(), json!(project.number)))
                .collect()
        }
        (Method::GET, "faults") => shared
            .faults()
            .list()
            .map(|(fault, matched, struck)| json!({"fault": fault, "matched": matched, "struck": struck}))
            .collect(),
        (Method::POST, "faults") => {
            let fault: Fault = serde_json::from_slice(body)?;
            shared.faults().add(fault);
            json!({})
        }
        (Method::DELETE, "faults") => {
            shared.faults().clear();
            json!({})
        }
        (Method::GET, "hold") => json!({"held": shared.hold.held(), "waiting": shared.hold.waiting()}),
        (Method::DELETE, "hold") => {
            shared.hold.end(request.parameter("drop").is_some());
            json!({})
        }
        (Method::GET, "journal") if request.parameter("counts").is_some() => {
            serde_json::to_value(shared.journal().counts())?
        }
        (Method::GET, "journal") => serde_json::to_value(shared.journal().entries())?,
        (Method::DELETE, "journal") => {
            shared.journal().clear();
            json!({})
        }
        (Method::GET, "snapshot") => serde_json::to_value(&*shared.world())?,
        (Method::PUT, "snapshot") => {
            let mut world = shared.world();
            *world = serde_json::from_slice(body)?;
            shared.save(&world);
            json!({})
        }
        (Method::POST, "compare") => {
            let before: Value = serde_json::from_slice(body)?;
            let after = serde_json::to_value(&*shared.world())?;
            serde_json::to_value(compare(&before, &after))?
        }
        (Method::GET, "inventory") => {
            let key = request.parameter("key").unwrap_or("mlops:environment");
            let world = serde_json::to_value(&*shared.world())?;
            serde_json::to_value(marked(&world, key, request.parameter("value")))?
        }
        _ => return Err(Wrong::Unknown),
    })
}

//! From a request to a reply, without a connection: the way that every call of either cloud takes.
//!
//! A cloud's own edge recognises the request ([`Received`]); faults come before and after; between them the call is let in
//! or refused, answered by its service, saved, and written to the journal. Calls go through the world one after another.

mod aws;
mod gcp;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::exchange::{Reply, Request};
use crate::fault::{Effect, words};
use crate::journal::{Entry, Permission};
use crate::shared::Shared;
use crate::world::World;

/// Whose API a call speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cloud {
    /// Amazon's.
    Aws,
    /// Google's.
    Gcp,
}

/// What writes an answer or a refusal as a reply. An error is what is wrong with an answer that breaks the API's
/// description: a mistake of the sandbox's.
pub type Write = Box<dyn Fn(Result<&Answer, &Refusal>) -> Result<Reply, String> + Send>;

/// A request that a cloud's edge recognised.
pub struct Received {
    /// Whose API it speaks.
    pub cloud: Cloud,
    /// The service, as in [`Call::service`].
    pub service: String,
    /// The operation; empty where the request names none that is known.
    pub operation: String,
    /// Whether the operation leaves everything as it is.
    pub reads: bool,
    /// What the call is about, for the journal: a name or an ARN.
    pub resource: Option<String>,
    /// The call, read and checked, or the refusal of a request that breaks the description.
    pub call: Result<Call, Refusal>,
    /// Writes the reply.
    pub write: Write,
}

/// What an edge is told about a request beside the request.
#[derive(Debug, Clone)]
pub struct Context {
    /// The time.
    pub at: jiff::Timestamp,
    /// Names the call.
    pub request_id: String,
    /// `http://127.0.0.1:<port>`.
    pub origin: String,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Fate {
    /// A reply is sent.
    Reply(Reply),
    /// The connection is reset.
    Reset,
    /// The reply's body ends in its middle.
    Truncated(Reply),
}

/// Answers one request.
pub(crate) async fn answer(shared: &Shared, request: &Request) -> Fate {
    let request_id = shared.request_id();
    let received = {
        let context = Context {
            at: shared.clock.now(),
            request_id: request_id.clone(),
            origin: shared.origin.clone(),
        };
        let world = shared.world();
        if google(request) {
            gcp::receive(&world, request, context)
        } else {
            aws::receive(&world, &shared.accounts(), request, context)
        }
    };
    if !shared.latency.is_zero() {
        tokio::time::sleep(shared.latency).await;
    }
    through_faults(shared, received, request_id).await
}

/// Google's endpoints are given as `http://127.0.0.1:<port>/gcp/<service>`; gRPC leaves no room for a prefix, nor do uploads of
/// Cloud Storage's own libraries (`STORAGE_EMULATOR_HOST`), which keep the host alone. Those who sign are Amazon's, those
/// who show a bearer's token Google's.
fn google(request: &Request) -> bool {
    let storage = ["/storage/v1/", "/upload/storage/v1/"];
    let authorized = |scheme: &str| {
        let value = request.header("authorization");
        value.is_some_and(|value| value.starts_with(scheme))
    };
    let signed = authorized("AWS4") || request.parameter("X-Amz-Signature").is_some();
    let bare = !signed && storage.iter().any(|prefix| request.path.starts_with(prefix));
    bare || authorized("Bearer ")
        || request.path.starts_with("/gcp/")
        || request
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("application/grpc"))
}

async fn through_faults(shared: &Shared, mut received: Received, request_id: String) -> Fate {
    let effects = shared.faults().strike(&received);
    let mut entry = Entry::of(&received, shared.clock.now(), request_id);
    entry.faults = effects.iter().map(|effect| effect.name().to_owned()).collect();
    // A call that waits in a hold goes on, or is dropped, when the hold ends.
    let holding = effects.iter().any(|effect| matches!(effect, Effect::HoldBefore));
    if holding {
        shared.hold.begin();
    }
    if !shared.hold.pass().await {
        return reset(shared, entry);
    }
    for effect in &effects {
        match effect {
            Effect::Hang => std::future::pending().await,
            Effect::Slow { seconds } => {
                tokio::time::sleep(Duration::from_secs_f64(seconds.clamp(0.0, 3600.0))).await;
            }
            Effect::ResetBefore => return reset(shared, entry),
            Effect::Lag { seconds } => shared.world().behaviour.lag = *seconds,
            Effect::ResetAfter | Effect::Truncated | Effect::HoldBefore | Effect::HoldAfter => {}
            refusing => {
                if let Some(refusal) = words(refusing, &received) {
                    let retry_after = refusing.retry_after();
                    return refuse(shared, &received, entry, &refusal, retry_after);
                }
            }
        }
    }
    let until = match (&received.call, received.cloud) {
        (Ok(call), Cloud::Gcp) => gcp::waits(&shared.world(), call),
        _ => None,
    };
    keep_waiting(shared, until).await;
    if let Ok(call) = &mut received.call {
        call.at = shared.clock.now();
        entry.at = call.at;
    }
    let reply = carried(shared, &received, &mut entry);
    if effects.iter().any(|effect| matches!(effect, Effect::HoldAfter)) {
        shared.hold.begin();
        shared.journal().add(entry.clone());
        return if shared.hold.pass().await {
            Fate::Reply(reply)
        } else {
            Fate::Reset
        };
    }
    shared.journal().add(entry);
    if effects.contains(&Effect::ResetAfter) {
        return Fate::Reset;
    }
    if effects.contains(&Effect::Truncated) {
        return Fate::Truncated(reply);
    }
    Fate::Reply(reply)
}

/// Holds a call that asks for the end of something until then.
async fn keep_waiting(shared: &Shared, until: Option<jiff::Timestamp>) {
    /// Real time, for clocks that stand still.
    const LONGEST: Duration = Duration::from_secs(120);
    const LOOK: Duration = Duration::from_millis(2);
    let begun = std::time::Instant::now();
    while until.is_some_and(|until| shared.clock.now() < until) && begun.elapsed() < LONGEST {
        tokio::time::sleep(LOOK).await;
    }
}

fn reset(shared: &Shared, mut entry: Entry) -> Fate {
    entry.status = 0;
    shared.journal().add(entry);
    Fate::Reset
}

fn refuse(
    shared: &Shared,
    received: &Received,
    mut entry: Entry,
    refusal: &Refusal,
    retry_after: Option<u64>,
) -> Fate {
    let mut reply = written(shared, received, Err(refusal), &mut entry);
    if let Some(seconds) = retry_after {
        reply.set("retry-after", &seconds.to_string());
    }
    shared.journal().add(entry);
    Fate::Reply(reply)
}

/// Lets a call in, has it answered, saves what it changed.
fn carried(shared: &Shared, received: &Received, entry: &mut Entry) -> Reply {
    let outcome = match &received.call {
        Err(refusal) => Err(refusal.clone()),
        Ok(call) => {
            let mut world = shared.world();
            entry.needs = needs(shared, &world, received.cloud, call);
            let outcome = allowed(shared, &world, received.cloud, call)
                .and_then(|()| answered(shared, &mut world, received.cloud, call));
            if !received.reads && outcome.is_ok() {
                shared.save(&world);
            }
            outcome
        }
    };
    written(shared, received, outcome.as_ref(), entry)
}

/// A call of AWS's operator from inside the process.
pub(crate) fn ask_aws(
    shared: &Shared,
    region: &str,
    service: &str,
    operation: &str,
    input: serde_json::Value,
) -> Result<serde_json::Value, Refusal> {
    let context = Context {
        at: shared.clock.now(),
        request_id: shared.request_id(),
        origin: shared.origin.clone(),
    };
    let call = aws::inside(region, service, operation, input, context)?;
    let mut world = shared.world();
    let answer = answered(shared, &mut world, Cloud::Aws, &call)?;
    shared.save(&world);
    aws::fits(&call, &answer).map_err(|wrong| {
        let words =
            format!("the sandbox's answer to {service}:{operation} breaks the API's description: {wrong}");
        shared.mistake(&words);
        Refusal::new(500, "InternalFailure", words)
    })?;
    Ok(answer.output)
}

/// What a call has to be allowed, where callers need permission.
fn needs(shared: &Shared, world: &World, cloud: Cloud, call: &Call) -> Vec<Permission> {
    if !shared.enforce.load(Ordering::Relaxed) {
        return Vec::new();
    }
    match cloud {
        Cloud::Aws => crate::aws::authorize::permissions(world, call),
        Cloud::Gcp => crate::gcp::permissions(world, call),
    }
}

/// A request of a Google Cloud project's operator from inside the process; `path` as in a URL below `/gcp/`, with its query.
pub(crate) fn ask_gcp(
    shared: &Shared,
    verb: &http::Method,
    path: &str,
    body: Option<&serde_json::Value>,
) -> Result<serde_json::Value, Refusal> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let request = Request {
        method: verb.clone(),
        path: format!("/gcp/{path}"),
        query: crate::exchange::parameters(query),
        headers: http::HeaderMap::new(),
        body: body.map_or_else(bytes::Bytes::new, |body| body.to_string().into()),
    };
    let context = Context {
        at: shared.clock.now(),
        request_id: shared.request_id(),
        origin: shared.origin.clone(),
    };
    let mut world = shared.world();
    let received = gcp::receive(&world, &request, context);
    let answer = answered(
        shared,
        &mut world,
        Cloud::Gcp,
        received.call.as_ref().map_err(Clone::clone)?,
    )?;
    if !received.reads {
        shared.save(&world);
    }
    let reply = (received.write)(Ok(&answer)).map_err(|wrong| {
        let words = format!("the sandbox's answer to {path} breaks the API's description: {wrong}");
        shared.mistake(&words);
        Refusal::new(500, "InternalFailure", words)
    })?;
    Ok(serde_json::from_slice(&reply.body).unwrap_or_default())
}

fn allowed(shared: &Shared, world: &World, cloud: Cloud, call: &Call) -> Result<(), Refusal> {
    let enforce = shared.enforce.load(Ordering::Relaxed);
    match cloud {
        Cloud::Aws => aws::allowed(world, call, enforce),
        Cloud::Gcp => gcp::allowed(world, call, enforce),
    }
}

fn answered(shared: &Shared, world: &mut World, cloud: Cloud, call: &Call) -> Result<Answer, Refusal> {
    // A service that panics must not take the others with it; that it did is a mistake that tests fail on.
    let caught = catch_unwind(AssertUnwindSafe(|| match cloud {
        Cloud::Aws => crate::aws::answer(world, call),
        Cloud::Gcp => crate::gcp::answer(world, call),
    }));
    caught.unwrap_or_else(|_| {
        let words = format!("{}:{} panicked in the sandbox", call.service, call.operation);
        shared.mistake(&words);
        Err(Refusal::new(500, "InternalFailure", words))
    })
}

fn written(
    shared: &Shared,
    received: &Received,
    outcome: Result<&Answer, &Refusal>,
    entry: &mut Entry,
) -> Reply {
    if let Err(refusal) = outcome {
        entry.code = Some(refusal.code.clone());
    }
    let reply = (received.write)(outcome).unwrap_or_else(|wrong| {
        let words = format!(
            "the sandbox's answer to {}:{} breaks the API's description: {wrong}",
            received.service, received.operation
        );
        shared.mistake(&words);
        entry.code = Some("InternalFailure".to_owned());
        let refusal = Refusal::new(500, "InternalFailure", words.clone());
        (received.write)(Err(&refusal)).unwrap_or_else(|_| Reply::new(500, "text/plain", words))
    });
    entry.status = reply.status.as_u16();
    reply
}

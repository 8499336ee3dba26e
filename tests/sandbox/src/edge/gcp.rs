//! Between HTTP and calls: which service and method are meant, who calls, and how the reply is written.

use super::{Cloud, Context, Received};
use crate::answer::Refusal;
use crate::call::Call;
use crate::exchange::{Reply, Request};
use crate::world::World;

/// Recognises a request: one whose path begins with `/gcp/<service>/`, or a gRPC call. Its body is read whole.
pub(crate) fn receive(_world: &World, request: &Request, _context: Context) -> Received {
    let words = format!("{} is not carried by this sandbox", request.path);
    Received {
        cloud: Cloud::Gcp,
        service: String::new(),
        operation: String::new(),
        reads: true,
        resource: None,
        call: Err(Refusal::new(501, "UNIMPLEMENTED", words)),
        write: Box::new(|outcome| match outcome {
            Ok(answer) => Ok(Reply::json(200, &answer.output)),
            Err(refusal) => Ok(Reply::json(
                refusal.status,
                &serde_json::json!({"error": {
                    "code": refusal.status,
                    "status": refusal.code,
                    "message": refusal.message,
                }}),
            )),
        }),
    }
}

/// Whether the caller may.
pub(crate) fn allowed(_world: &World, _call: &Call, _enforce: bool) -> Result<(), Refusal> {
    Ok(())
}

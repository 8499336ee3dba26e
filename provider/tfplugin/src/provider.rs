//! What a provider author implements.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::path::Path;
use crate::schema::Schema;
use crate::ty::Type;
use crate::value::Value;

/// What a call knows of its surroundings.
///
/// `cancelled` fires when Terraform was interrupted (StopProvider), when our own SIGTERM arrived or when the call's
/// [timeout](Resource::timeout) ran out: stop between steps and answer within seconds with the state reached so far.
/// [`checkpoint`](Self::checkpoint) records that state as work goes on; if the handler panics or outlives its grace after
/// a cancellation, the last checkpoint is answered with an error, so that nothing built is ever lost.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// Fires on interruption.
    pub cancelled: CancellationToken,
    /// Terraform's capabilities for this call: may the provider [`defer`](Self::defer)?
    pub deferral_allowed: bool,
    recorded: Arc<Mutex<Recorded>>,
}

/// What handler and server tell each other during a call.
#[derive(Debug, Default)]
struct Recorded {
    checkpoint: Option<(Value, Vec<u8>)>,
    deferred: Option<DeferReason>,
    stopped: Option<StopReason>,
}

/// Why a call was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The user pressed Ctrl-C, or Terraform is gone.
    Interrupted,
    /// It took longer than its timeout.
    TimedOut(Duration),
}

/// Why an object can only be planned or read in a later run (Terraform 1.9 and later, experimental).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeferReason {
    /// Its configuration holds unknown values that must be known.
    ResourceConfigUnknown,
    /// The provider block does.
    ProviderConfigUnknown,
    /// Something it needs does not exist yet.
    AbsentPrerequisite,
}

impl CallContext {
    /// A context for a call, cancelled by `cancelled`.
    pub fn new(cancelled: CancellationToken) -> Self {
        Self {
            cancelled,
            deferral_allowed: false,
            recorded: Arc::default(),
        }
    }

    /// Records the state reached so far (with private data). Unknown values in it are saved as null.
    pub fn checkpoint(&self, state: Value, private: Vec<u8>) {
        self.recorded().checkpoint = Some((state, private));
    }

    /// The last recorded state, if any.
    pub fn last_checkpoint(&self) -> Option<(Value, Vec<u8>)> {
        self.recorded().checkpoint.clone()
    }

    /// Says that the answer of this call is provisional and must be sought again in a later run. An error unless
    /// [`deferral_allowed`](Self::deferral_allowed).
    pub fn defer(&self, reason: DeferReason) {
        self.recorded().deferred = Some(reason);
    }

    /// What [`defer`](Self::defer) was called with.
    pub fn deferred(&self) -> Option<DeferReason> {
        self.recorded().deferred
    }

    /// Why `cancelled` fired: for the message to the user.
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.recorded()
            .stopped
            .or_else(|| self.cancelled.is_cancelled().then_some(StopReason::Interrupted))
    }

    /// Fires `cancelled`, for `reason`.
    pub(crate) fn stop(&self, reason: StopReason) {
        self.recorded().stopped.get_or_insert(reason);
        self.cancelled.cancel();
    }

    fn recorded(&self) -> MutexGuard<'_, Recorded> {
        // Fields are replaced whole: a poisoned lock still holds good ones.
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A provider: its own configuration and what it offers.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// Version, for `--version` and the log.
    fn version(&self) -> &str;
    /// Schema of the provider block.
    fn schema(&self) -> Schema;
    /// The managed resources.
    fn resources(&self) -> Vec<Arc<dyn Resource>>;
    /// The data sources.
    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        Vec::new()
    }
    /// The functions.
    fn functions(&self) -> Vec<Arc<dyn Function>> {
        Vec::new()
    }
    /// The ephemeral resources.
    fn ephemeral_resources(&self) -> Vec<Arc<dyn EphemeralResource>> {
        Vec::new()
    }
    /// Checks the provider block; values may be unknown. No I/O.
    async fn validate(&self, config: &Value) -> Diagnostics;
    /// Takes the provider block. Called again and again in one process (reattach): keep no "already configured".
    async fn configure(&self, context: &CallContext, config: Value, terraform_version: &str) -> Diagnostics;
    /// Terraform has taken every answer and lets go of this process: the last moment to say something elsewhere, a second long. Not called
    /// where the process ends in another way.
    async fn released(&self) {}
}

/// ReadResource's question.
#[derive(Debug, Clone)]
pub struct ReadRequest {
    /// The stored state, never null.
    pub state: Value,
    /// The private data stored with it.
    pub private: Vec<u8>,
}

/// ReadResource's answer.
#[derive(Debug, Clone)]
pub struct ReadResponse {
    /// What stands now; null when gone.
    pub state: Value,
    /// Private data to store.
    pub private: Vec<u8>,
    /// Messages.
    pub diagnostics: Diagnostics,
}

/// PlanResourceChange's question. The engine has already applied defaults and marked computed values.
#[derive(Debug, Clone)]
pub struct PlanRequest {
    /// The prior state; null on create.
    pub prior: Value,
    /// The configuration; null on destroy.
    pub config: Value,
    /// What the engine proposes: configuration, defaults, kept and unknown computed values; null on destroy.
    pub proposed: Value,
    /// Private data stored with the prior state (empty for a tainted object).
    pub private: Vec<u8>,
}

/// PlanResourceChange's answer.
#[derive(Debug, Clone)]
pub struct PlanResponse {
    /// The planned state; null on destroy.
    pub planned: Value,
    /// Paths whose change replaces the resource, beside those of the schema.
    pub requires_replace: Vec<Path>,
    /// Private data for the apply.
    pub private: Vec<u8>,
    /// Messages.
    pub diagnostics: Diagnostics,
}

/// ApplyResourceChange's question.
#[derive(Debug, Clone)]
pub struct ApplyRequest {
    /// The prior state; null on create.
    pub prior: Value,
    /// The planned state; null on destroy.
    pub planned: Value,
    /// The configuration; null on destroy. Only place of write-only values.
    pub config: Value,
    /// Private data from the plan.
    pub private: Vec<u8>,
}

/// ApplyResourceChange's answer. Unknown values left in `state` are an error on success and saved as null on failure.
#[derive(Debug, Clone)]
pub struct ApplyResponse {
    /// The state reached; null only when nothing stands.
    pub state: Value,
    /// Private data to store.
    pub private: Vec<u8>,
    /// Messages.
    pub diagnostics: Diagnostics,
}

/// One imported object.
#[derive(Debug, Clone)]
pub struct Imported {
    /// State as far as it is known; it is read next.
    pub state: Value,
    /// Private data to store.
    pub private: Vec<u8>,
}

/// What names an object to import.
#[derive(Debug, Clone)]
pub enum ImportTarget {
    /// `terraform import ADDRESS ID`.
    Id(String),
    /// An `import` block with `identity` (Terraform 1.12 and later).
    Identity(Value),
}

/// A managed resource.
#[async_trait]
pub trait Resource: Send + Sync + 'static {
    /// Full type name, for example `example_thing`.
    fn type_name(&self) -> &str;
    /// Its schema.
    fn schema(&self) -> Schema;
    /// Attributes of its identity (Terraform 1.12 and later), if it has one.
    fn identity_schema(&self) -> Option<Schema> {
        None
    }
    /// The identity of an object, out of its state.
    fn identity(&self, state: &Value) -> Option<Value> {
        let _ = state;
        None
    }
    /// Checks the configuration; values may be unknown; called before configure. No I/O.
    async fn validate(&self, config: &Value) -> Diagnostics;
    /// Brings state of an older version to the current schema. No I/O. `state` is typed loosely, from the stored JSON; numbers
    /// beyond 64 bits are rounded in it.
    async fn upgrade(
        &self,
        from_version: u64,
        state: serde_json::Value,
    ) -> Result<serde_json::Value, Diagnostic> {
        let _ = from_version;
        Ok(state)
    }
    /// Brings an identity of an older version to the current identity schema.
    async fn upgrade_identity(
        &self,
        from_version: u64,
        identity: serde_json::Value,
    ) -> Result<serde_json::Value, Diagnostic> {
        let _ = from_version;
        Ok(identity)
    }
    /// Reads what stands.
    async fn read(&self, context: &CallContext, request: ReadRequest) -> ReadResponse;
    /// Plans create, update and destroy. Called twice per apply: must be deterministic.
    async fn plan(&self, context: &CallContext, request: PlanRequest) -> PlanResponse;
    /// Creates, updates or destroys.
    async fn apply(&self, context: &CallContext, request: ApplyRequest) -> ApplyResponse;
    /// Finds an existing object.
    async fn import(&self, context: &CallContext, target: ImportTarget) -> Result<Imported, Diagnostic> {
        let _ = (context, target);
        Err(Diagnostic::error(
            "Import is not supported",
            format!("{} cannot be imported.", self.type_name()),
        ))
    }
    /// Takes over the state of another resource type (`moved` blocks). Called before configure: no I/O; a read follows.
    async fn move_from(&self, source: MoveSource) -> Result<Imported, Diagnostic> {
        Err(Diagnostic::error(
            "Move is not supported",
            format!(
                "{} cannot take over {} of {}.",
                self.type_name(),
                source.type_name,
                source.provider
            ),
        ))
    }

    /// How long this apply may take: a create has no `prior`, a destroy nothing `planned`.
    fn timeout(&self, prior: &Value, planned: &Value) -> Option<Duration> {
        let _ = (prior, planned);
        None
    }
}

/// What a `moved` block hands over.
#[derive(Debug, Clone)]
pub struct MoveSource {
    /// Address of the source's provider.
    pub provider: String,
    /// Type of the source.
    pub type_name: String,
    /// State version of the source.
    pub version: u64,
    /// The stored state.
    pub state: serde_json::Value,
    /// The private data stored with it.
    pub private: Vec<u8>,
}

/// A data source.
#[async_trait]
pub trait DataSource: Send + Sync + 'static {
    /// Full type name.
    fn type_name(&self) -> &str;
    /// Its schema.
    fn schema(&self) -> Schema;
    /// Checks the configuration. No I/O.
    async fn validate(&self, config: &Value) -> Diagnostics;
    /// Reads it; the answer is wholly known.
    async fn read(&self, context: &CallContext, config: Value) -> Result<(Value, Diagnostics), Diagnostics>;
}

/// A function of the provider. Pure.
pub trait Function: Send + Sync + 'static {
    /// Name without namespace.
    fn name(&self) -> &str;
    /// Parameters in order: name, type, description.
    fn parameters(&self) -> Vec<Parameter>;
    /// The last parameter that may be repeated, if any.
    fn variadic(&self) -> Option<Parameter> {
        None
    }
    /// Type of the result.
    fn returns(&self) -> Type;
    /// One line.
    fn summary(&self) -> String;
    /// Markdown.
    fn description(&self) -> String;
    /// Computes it. An error names the argument it is about.
    fn call(&self, arguments: Vec<Value>) -> Result<Value, FunctionError>;
}

/// A parameter of a [`Function`].
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Name.
    pub name: String,
    /// Type.
    pub ty: Type,
    /// Markdown.
    pub description: String,
    /// Null is passed on to the function.
    pub allow_null: bool,
}

/// Why a function failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// What is wrong.
    pub text: String,
    /// Which argument, counted from 0.
    pub argument: Option<i64>,
}

/// What opening an ephemeral resource gives.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The value; agrees with the configuration.
    pub result: Value,
    /// Handed back on renew and close.
    pub private: Vec<u8>,
    /// When Terraform must renew it, seconds since the epoch.
    pub renew_at: Option<i64>,
}

/// An ephemeral resource: opened, renewed, closed; never in plan or state.
#[async_trait]
pub trait EphemeralResource: Send + Sync + 'static {
    /// Full type name.
    fn type_name(&self) -> &str;
    /// Its schema.
    fn schema(&self) -> Schema;
    /// Checks the configuration. No I/O.
    async fn validate(&self, config: &Value) -> Diagnostics;
    /// Opens it.
    async fn open(&self, context: &CallContext, config: Value) -> Result<Opened, Diagnostics>;
    /// Renews it: new private data and time.
    async fn renew(
        &self,
        context: &CallContext,
        private: Vec<u8>,
    ) -> Result<(Vec<u8>, Option<i64>), Diagnostics>;
    /// Closes it.
    async fn close(&self, context: &CallContext, private: Vec<u8>) -> Diagnostics;
}

//! `mlops_state_backend`: what bootstrap made, described from then on.
//!
//! It keeps nothing of its own: names are deterministic and ownership is on the objects, so a read looks at them and
//! compares, and an apply does what `terraform-provider-mlops bootstrap` does.

mod forge;
mod schema;
mod wanted;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use mlops_environment::bootstrap::{Found, Place, Spec, candidates};
use mlops_environment::component::{Component, Management, Observation, OnDestroy, Present};
use mlops_environment::names::EnvironmentId;
use mlops_environment::spec::{CloudFacts, TextError};
use tfplugin::provider::ImportTarget;
use tfplugin::schema::Schema;
use tfplugin::{
    ApplyRequest, ApplyResponse, CallContext, Diagnostic, Diagnostics, Imported, Path, PlanRequest,
    PlanResponse, ReadRequest, ReadResponse, Resource, Value,
};
use tokio_util::sync::CancellationToken;

use self::wanted::{Settings, attributes, computed, settings};
use crate::bootstrap::{Finding, bring_about, known, look, place};
use crate::clouds::{Cloud, Clouds};
use crate::executor::{Destroy, Executor};

/// The resource.
#[derive(Debug)]
pub(crate) struct StateBackend {
    clouds: Arc<Clouds>,
    schema: Schema,
}

impl StateBackend {
    /// The resource over these clouds.
    pub(crate) fn new(clouds: Arc<Clouds>) -> Self {
        Self {
            clouds,
            schema: schema::schema(),
        }
    }

    /// The cloud of a configuration or state, and what shall stand there.
    async fn opened(&self, value: &Value) -> Result<(Cloud, Settings, Spec), Diagnostics> {
        let settings = settings(value)?;
        let complaints = settings.complaints();
        let Some(which) = settings.cloud().filter(|_| !complaints.has_errors()) else {
            return Err(complaints);
        };
        let id = id_of(value);
        let region = id.as_ref().map(EnvironmentId::region);
        let cloud = self.clouds.within(which, region).await?;
        let mut place = placed(&cloud)?;
        if let Some(id) = &id {
            // In another account there is nothing of that name, which is not to say that it is gone.
            here(&cloud, id).map_err(|error| Diagnostics(vec![error]))?;
            place = in_region(place, id);
        }
        let spec = settings.spec(place)?;
        Ok((cloud, settings, spec))
    }

    async fn try_plan(&self, request: &PlanRequest) -> Result<(Value, Vec<Path>), Diagnostics> {
        // An address in the state does not bind a configuration: the provider block says where.
        let mut wanted = request.proposed.clone();
        wanted.set_entry("id", Value::Null);
        if !request.config.is_wholly_known() {
            let mut planned = request.proposed.clone();
            for name in ["id", "bucket", "key", "environments"] {
                planned.set_entry(name, Value::unknown());
            }
            planned.set_entry("deviations", Value::List(Vec::new()));
            return Ok((planned, Vec::new()));
        }
        let (_, _, spec) = self.opened(&wanted.unknown_as_null()).await?;
        let components = components(&spec)?;
        let prior = |name: &str| request.prior.get(name).and_then(Value::as_str);
        let id = spec.system().to_string();
        let elsewhere = prior("id").is_some_and(|prior| prior != id);
        let key = prior("key").filter(|_| !elsewhere);
        let mut planned = request.proposed.clone();
        for (name, value) in computed(&spec, &components, key) {
            planned.set_entry(name, value);
        }
        let replaces = elsewhere.then(|| Path::root().attribute("id"));
        Ok((planned, replaces.into_iter().collect()))
    }

    async fn try_apply(&self, context: &CallContext, request: &ApplyRequest) -> Result<Value, Failed> {
        let (cloud, _, spec) = self.opened(&request.planned.unknown_as_null()).await?;
        let components = components(&spec)?;
        let executor = executor(&cloud, &context.cancelled);
        let findings = look(&executor, &spec, &components).await;
        if let Some(refused) = findings.iter().find(|finding| finding.refused()) {
            return Err(Diagnostics(vec![Diagnostic::error(
                format!("{} is in the way", refused.address()),
                format!("{refused}\n\nNothing was changed."),
            )])
            .into());
        }
        if findings.iter().all(Finding::settled) {
            return Ok(self.reached(&request.planned, &spec, &components, &findings));
        }
        let made = bring_about(&executor, &spec, &components, |address| {
            tracing::info!("{address}: ready")
        })
        .await;
        let standing = look(&executor, &spec, &components).await;
        let state = self.reached(&request.planned, &spec, &components, &standing);
        match made {
            Ok(()) => Ok(state),
            Err(why) => Err(Failed {
                state: Some(state),
                diagnostics: Diagnostics(vec![Diagnostic::error(
                    format!("Not everything of {} stands yet", spec.system()),
                    format!("{why}\n\nWhat stands is kept. Apply again: it goes on from here."),
                )]),
            }),
        }
    }

    /// The state that these findings give.
    fn reached(&self, wanted: &Value, spec: &Spec, components: &[Component], findings: &[Finding]) -> Value {
        let mut state = wanted.clone();
        let key = findings.iter().find_map(Finding::key);
        let kept = wanted.get("key").and_then(Value::as_str).map(str::to_owned);
        for (name, value) in computed(spec, components, key.or(kept).as_deref()) {
            state.set_entry(name, value.unknown_as_null());
        }
        let deviations: Vec<String> = findings
            .iter()
            .filter(|finding| !finding.settled())
            .map(ToString::to_string)
            .collect();
        state.set_entry("deviations", Value::list(deviations));
        state
    }

    async fn try_read(
        &self,
        context: &CallContext,
        request: &ReadRequest,
    ) -> Result<(Value, Diagnostics), Diagnostics> {
        let (cloud, _, spec) = self.opened(&request.state).await?;
        let components = components(&spec)?;
        let executor = executor(&cloud, &context.cancelled);
        let findings = look(&executor, &spec, &components).await;
        let unseen: Vec<String> = findings.iter().filter_map(Finding::unseen).collect();
        if !unseen.is_empty() {
            return Err(Diagnostics(vec![Diagnostic::error(
                format!("{} cannot be looked at", spec.system()),
                unseen.join("\n"),
            )]));
        }
        if !findings.iter().any(Finding::stands) {
            return Ok((Value::Null, Diagnostics::new()));
        }
        Ok((
            self.reached(&request.state, &spec, &components, &findings),
            Diagnostics::new(),
        ))
    }

    /// Deletes what stands, where that is asked for and no state is in the bucket; else lets go of it.
    async fn release(&self, context: &CallContext, request: &ApplyRequest) -> ApplyResponse {
        let gone = |diagnostics| ApplyResponse {
            state: Value::Null,
            private: Vec::new(),
            diagnostics,
        };
        let kept = |diagnostics| ApplyResponse {
            state: request.prior.clone(),
            private: request.private.clone(),
            diagnostics,
        };
        let allowed = settings(&request.prior).is_ok_and(|settings| settings.allow_destroy());
        if !allowed {
            return gone(Diagnostics(vec![released(&request.prior)]));
        }
        match self.delete(context, &request.prior).await {
            Ok(diagnostics) => gone(diagnostics),
            Err(diagnostics) => kept(diagnostics),
        }
    }

    async fn delete(&self, context: &CallContext, prior: &Value) -> Result<Diagnostics, Diagnostics> {
        let (cloud, _, spec) = self.opened(prior).await?;
        let mut components = components(&spec)?;
        let executor = executor(&cloud, &context.cancelled);
        let bucket = components
            .iter()
            .find(|one| one.address.as_str() == "state.bucket")
            .cloned();
        if let Some(bucket) = bucket {
            empty(&executor, &spec, &bucket).await?;
        }
        for component in &mut components {
            // What cannot be deleted is retained: key rings and keys of Google Cloud, and its APIs.
            if !component.kind.lasts() && component.management == Management::Create {
                component.on_destroy = OnDestroy::Delete;
            }
        }
        // What was seen can be deleted by its id; what it builds on is named by what it told.
        let (mut seen, mut world) = (BTreeMap::new(), known(&components));
        for (address, sighting) in executor.observe(&components, &known(&components)).await {
            if let Ok(Observation::Present(present)) = sighting.found {
                let outputs = world.entry(address.clone()).or_default();
                outputs.extend(present.outputs.clone());
                seen.insert(address, present);
            }
        }
        let work = Destroy {
            components: components.iter().collect(),
            seen,
            world,
            decision: Arc::new(spec.decision()),
        };
        let results = executor
            .destroy(work, |address| tracing::info!("{address}: gone"))
            .await;
        if results.complete() {
            return Ok(Diagnostics::new());
        }
        let problems: Vec<String> = results
            .problems
            .iter()
            .map(|(address, why)| format!("{address}: {why}"))
            .collect();
        Err(Diagnostics(vec![Diagnostic::error(
            format!("Not everything of {} is gone", spec.system()),
            format!(
                "{}\n\nRun terraform destroy again: it goes on with the rest.",
                problems.join("\n")
            ),
        )]))
    }
}

/// What an apply could not do, and what it reached.
struct Failed {
    state: Option<Value>,
    diagnostics: Diagnostics,
}

impl From<Diagnostics> for Failed {
    fn from(diagnostics: Diagnostics) -> Self {
        Self {
            state: None,
            diagnostics,
        }
    }
}

fn executor(cloud: &Cloud, cancelled: &CancellationToken) -> Executor {
    Executor {
        driver: Arc::clone(&cloud.driver),
        limit: cloud.concurrency,
        cancelled: cancelled.child_token(),
    }
}

fn components(spec: &Spec) -> Result<Vec<Component>, Diagnostics> {
    spec.components().map_err(|error| too_long(&error))
}

fn too_long(error: &TextError) -> Diagnostics {
    Diagnostics(vec![
        Diagnostic::error("A name becomes too long", format!("{error}.")).at(Path::root().attribute("name")),
    ])
}

fn placed(cloud: &Cloud) -> Result<Place, Diagnostics> {
    place(&cloud.facts.cloud).ok_or_else(|| {
        Diagnostics(vec![
            Diagnostic::error(
                "No region",
                "The provider block names no region of this cloud, and neither does the environment: the bucket is made there. \
                 Set it in the provider block.",
            )
            .at(Path::root().attribute("cloud")),
        ])
    })
}

fn id_of(value: &Value) -> Option<EnvironmentId> {
    value.get("id")?.as_str()?.parse().ok()
}

/// Refuses where the bucket holds anything: a state, or an old version of one.
async fn empty(executor: &Executor, spec: &Spec, bucket: &Component) -> Result<(), Diagnostics> {
    let present = Present {
        id: bucket.handle(),
        owner: mlops_environment::component::Owner::Unmarked,
        status: mlops_environment::component::Status::Ready,
        properties: bucket.properties.clone(),
        outputs: bucket.outputs.clone(),
        foreign: Vec::new(),
    };
    for (address, found) in executor.obstacles(&[(bucket.clone(), present)]).await {
        let obstacles = match found {
            Ok(obstacles) => obstacles,
            Err(problem) => vec![problem.to_string()],
        };
        if !obstacles.is_empty() {
            return Err(Diagnostics(vec![Diagnostic::error(
                format!("{} still holds states", bucket.handle()),
                format!(
                    "{address}: {}. Nothing was deleted. Without allow_destroy, a destroy only removes {} from this state and \
                     leaves everything as it is.",
                    obstacles.join("; "),
                    spec.system()
                ),
            )]));
        }
    }
    Ok(())
}

fn released(prior: &Value) -> Diagnostic {
    let id = prior.get("id").and_then(Value::as_str).unwrap_or("It");
    Diagnostic::warning(
        format!("{id} was only removed from the state"),
        "The bucket, its key and the workers stand as before, and states are kept. Import it again to go on with it; with \
         allow_destroy = true and an empty bucket, a destroy deletes it.",
    )
}

#[async_trait]
impl Resource for StateBackend {
    fn type_name(&self) -> &str {
        "mlops_state_backend"
    }

    fn schema(&self) -> Schema {
        self.schema.clone()
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        if !config.is_wholly_known() {
            return Diagnostics::new();
        }
        match settings(config) {
            Ok(settings) => settings.complaints(),
            Err(errors) => errors,
        }
    }

    async fn upgrade(&self, _: u64, state: serde_json::Value) -> Result<serde_json::Value, Diagnostic> {
        Ok(state)
    }

    async fn read(&self, context: &CallContext, request: ReadRequest) -> ReadResponse {
        let (state, diagnostics) = match self.try_read(context, &request).await {
            Ok(read) => read,
            Err(errors) => (request.state.clone(), errors),
        };
        ReadResponse {
            state,
            private: request.private,
            diagnostics,
        }
    }

    async fn plan(&self, _: &CallContext, request: PlanRequest) -> PlanResponse {
        let mut response = PlanResponse {
            planned: request.proposed.clone(),
            requires_replace: Vec::new(),
            private: request.private.clone(),
            diagnostics: Diagnostics::new(),
        };
        if request.config.is_null() {
            response.planned = Value::Null;
            let allowed = settings(&request.prior).is_ok_and(|settings| settings.allow_destroy());
            if !allowed {
                let id = request.prior.get("id").and_then(Value::as_str).unwrap_or("It");
                response.diagnostics.warning(
                    format!("{id} will only be removed from the state"),
                    "The bucket, its key and the workers stay, and every state in the bucket with them.",
                );
            }
            return response;
        }
        match self.try_plan(&request).await {
            Ok((planned, replaces)) => {
                response.planned = planned;
                response.requires_replace = replaces;
            }
            Err(errors) => response.diagnostics = errors,
        }
        response
    }

    async fn apply(&self, context: &CallContext, request: ApplyRequest) -> ApplyResponse {
        if request.planned.is_null() {
            return self.release(context, &request).await;
        }
        match self.try_apply(context, &request).await {
            Ok(state) => ApplyResponse {
                state,
                private: request.private,
                diagnostics: Diagnostics::new(),
            },
            Err(failed) => ApplyResponse {
                state: failed.state.unwrap_or_else(|| request.prior.clone()),
                private: request.private,
                diagnostics: failed.diagnostics,
            },
        }
    }

    async fn import(&self, context: &CallContext, target: ImportTarget) -> Result<Imported, Diagnostic> {
        let ImportTarget::Id(text) = target else {
            return Err(Diagnostic::error(
                "Import by id",
                "This resource is imported by its id.",
            ));
        };
        let id: EnvironmentId = text.parse().map_err(|_| {
            Diagnostic::error(
                "Nothing can be imported by this id",
                format!(
                    "\"{text}\" is neither aws/<account>/<region>/<name> nor gcp/<project>/<region>/<name>, where <name> is the \
                     --name that bootstrap was given."
                ),
            )
        })?;
        let first = |errors: Diagnostics| {
            let errors = errors.0.into_iter().next();
            errors.unwrap_or_else(|| Diagnostic::error("The cloud cannot be opened", text.clone()))
        };
        let cloud = self
            .clouds
            .within(id.cloud(), Some(id.region()))
            .await
            .map_err(first)?;
        here(&cloud, &id)?;
        let place = in_region(placed(&cloud).map_err(first)?, &id);
        let components = candidates(&id.name, &place)
            .map_err(|error| too_long(&error))
            .map_err(first)?;
        let executor = executor(&cloud, &context.cancelled);
        let mut found = Found::new();
        for (address, sighting) in executor.observe(&components, &known(&components)).await {
            if let Ok(Observation::Present(present)) = sighting.found {
                found.insert(address, present.properties);
            }
        }
        let spec = Spec::recovered(id.name.clone(), place, &found).ok_or_else(|| {
            Diagnostic::error(
                format!("There is no state backend {id}"),
                "Its bucket was not found. Make it first: terraform-provider-mlops bootstrap prints the block that imports it.",
            )
        })?;
        let components = self::components(&spec).map_err(first)?;
        let mut state = Value::Object(attributes(&spec));
        for (name, value) in computed(&spec, &components, None) {
            state.set_entry(name, value.unknown_as_null());
        }
        Ok(Imported {
            state,
            private: Vec::new(),
        })
    }
}

/// Whether the credentials and the provider block lead to where an id is.
fn here(cloud: &Cloud, id: &EnvironmentId) -> Result<(), Diagnostic> {
    let ours = match &cloud.facts.cloud {
        CloudFacts::Aws { account, .. } => account.as_str(),
        CloudFacts::Gcp { project, .. } => project.as_str(),
    };
    if ours == id.account() {
        return Ok(());
    }
    Err(Diagnostic::error(
        format!("{id} is elsewhere"),
        format!(
            "It belongs to {}, the credentials and the provider block to {ours}. Use a provider of {}; to begin anew in {ours}, \
             remove this one from the state first: terraform state rm deletes nothing.",
            id.account(),
            id.account()
        ),
    ))
}

/// The place with the region of the id: clients of Google Cloud are for all regions.
fn in_region(place: Place, id: &EnvironmentId) -> Place {
    match place {
        Place::Gcp(mut place) => {
            if let Ok(region) = id.region().parse() {
                place.region = region;
            }
            Place::Gcp(place)
        }
        aws @ Place::Aws(_) => aws,
    }
}

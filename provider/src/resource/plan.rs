//! PlanResourceChange: the truth about what an apply would do, without a call to the cloud but for who we are,
//! what is to be taken over, and a cluster of somebody else.

use std::collections::{BTreeMap, BTreeSet};

use mlops_environment::Environment as Model;
use mlops_environment::component::{Address, Component, Management, Observation, Properties, Reference};
use mlops_environment::driver::Driver;
use mlops_environment::plan::{self, Action, Decision, Deviation, Finding, Foresight, Step};
use mlops_environment::reference::{self, World};
use mlops_environment::spec::{Cloud as CloudName, CloudSpec};
use serde_json::{Value as Json, json};
use tfplugin::{Diagnostic, Diagnostics, Path, PlanRequest, PlanResponse, Value};

use super::assemble::{self, Unresolved, unknown};
use super::kept::with_kept;
use super::private::{Operation, Private};
use super::wanted::{self, Wanted};
use super::{Environment, read, state};
use crate::clouds::Cloud;

/// Plans create, update and destroy.
pub(super) async fn plan(resource: &Environment, request: PlanRequest) -> PlanResponse {
    let mut private = Private::read(&request.private);
    if request.config.is_null() {
        private.operation = Some(Operation::Destroy);
        return PlanResponse {
            diagnostics: protection(&request.prior, "destroyed"),
            planned: Value::Null,
            requires_replace: Vec::new(),
            private: private.bytes(),
        };
    }
    private.operation = Some(if request.prior.is_null() {
        Operation::Create
    } else {
        Operation::Update
    });
    let answer = |planned: Value, diagnostics: Diagnostics, private: &Private| PlanResponse {
        planned,
        requires_replace: Vec::new(),
        private: private.bytes(),
        diagnostics,
    };

    let settings = with_kept(&resource.schema, &request.config, &request.prior);
    let cloud = match resource.clouds.of(&settings).await {
        Ok(cloud) => cloud,
        Err(errors) => return answer(request.proposed, errors, &private),
    };
    let next = match wanted::wanted(&resource.schema, &settings, &cloud.facts) {
        Ok(Wanted::Environment(next)) => next,
        Ok(Wanted::Open(paths)) => {
            let planned = assemble::object(
                &resource.schema,
                &request.config,
                &BTreeMap::new(),
                &request.prior,
                &assemble::Unknown,
            );
            return answer(planned, open(&paths), &private);
        }
        Err(errors) => return answer(request.proposed, errors, &private),
    };
    let mut diagnostics = wanted::warnings(&next.spec.warnings);
    if let Some(judgement) = cloud.judge(next.spec.tier) {
        diagnostics.push(judgement);
    }

    // A changed address is another environment: Terraform asks again, with nothing before.
    let moved = if request.prior.is_null() {
        Vec::new()
    } else {
        address_changes(&request.prior, &next)
    };
    if !moved.is_empty() {
        diagnostics.0.extend(protection(&request.prior, "replaced").0);
        let mut response = answer(request.proposed, diagnostics, &private);
        response.requires_replace = moved;
        return response;
    }

    let prior = match prior_model(resource, &request.prior, &cloud.facts) {
        Ok(prior) => prior,
        Err(errors) => return answer(request.proposed, errors, &private),
    };
    let (standing, unseen) = standing(&cloud, prior.as_deref(), &next, &request.prior, &private).await;
    diagnostics.0.extend(unseen.0);
    let steps = match steps(prior.as_deref(), &next, &request.prior, &private, &standing) {
        Ok(steps) => steps,
        Err(errors) => {
            diagnostics.0.extend(errors.0);
            return answer(request.proposed, diagnostics, &private);
        }
    };
    diagnostics.0.extend(disruptions(&steps).0);
    let reported = reported(&next, &request.prior, &private);
    diagnostics.0.extend(left_alone(&reported).0);
    diagnostics
        .0
        .extend(sameness(cloud.driver.as_ref(), &next, &steps).await.0);

    let fresh: BTreeSet<Address> = steps
        .iter()
        .filter(|step| renews(step))
        .map(|step| step.address.clone())
        .collect();
    let unresolved = KeepPrior { fresh: &fresh };
    let changing = Changing {
        steps: &steps,
        hedged: request.prior.is_null()
            && next.spec.partial_create == mlops_environment::spec::PartialCreate::Warn,
    };
    let same = resolved(&next, &request.prior, &reported, None);
    let unchanged = assemble::object(
        &resource.schema,
        &request.config,
        &same,
        &request.prior,
        &unresolved,
    );
    let ready = state::phase(&request.prior) == Some("READY");
    if steps.is_empty() && ready && unchanged == request.prior {
        return answer(request.prior, diagnostics, &private);
    }
    let values = resolved(&next, &request.prior, &reported, Some(&changing));
    let mut planned = assemble::object(
        &resource.schema,
        &request.config,
        &values,
        &request.prior,
        &unresolved,
    );
    // Known only when everything is done: an incomplete apply says INCOMPLETE.
    planned.set_entry("phase", unknown());
    planned.set_entry("generation", unknown());
    answer(planned, diagnostics, &private)
}

/// What the prior state asked for; nothing on create.
pub(super) fn prior_model(
    resource: &Environment,
    prior: &Value,
    facts: &mlops_environment::Facts,
) -> Result<Option<Box<Model>>, Diagnostics> {
    if prior.is_null() {
        return Ok(None);
    }
    match wanted::remembered(&resource.schema, prior, facts)? {
        Wanted::Environment(model) => Ok(Some(model)),
        // A state is wholly known; what an incomplete create left open is made anew.
        Wanted::Open(_) => Ok(None),
    }
}

/// What stands in the place of components that are to be taken over, or to be used for the first time.
pub(super) type Standing = BTreeMap<Address, Observation>;

/// Looks at what is to be taken over, so that the plan can say what will change on it, and at a cluster of somebody else before
/// its first use, so that nothing is made for one that will not do. Nothing else is looked at while planning.
async fn standing(
    cloud: &Cloud,
    prior: Option<&Model>,
    next: &Model,
    state: &Value,
    private: &Private,
) -> (Standing, Diagnostics) {
    let looked_at = |component: &Component| match component.management {
        Management::Adopted => true,
        Management::Existing => component.kind.looked_at(),
        Management::Create | Management::Shared => false,
    };
    let known_already = |component: &Component| {
        let before = prior.and_then(|prior| prior.component(component.address.as_str()));
        before.is_some_and(|before| before.management == component.management)
    };
    let mut world = known_world(next, state);
    for (address, outputs) in private.world() {
        world.entry(address).or_default().extend(outputs);
    }
    let looks = next
        .components
        .iter()
        .filter(|component| looked_at(component) && !known_already(component))
        .map(|component| reference::fill_component(component, &world).0)
        // One that is not named yet is looked at when it is used.
        .filter(|component| reference::is_resolved(&component.handle()))
        .map(|component| async move {
            let found = cloud.driver.observe(&component).await;
            (component, found)
        });
    let mut standing = Standing::new();
    let mut unseen = Diagnostics::new();
    for (component, found) in futures::future::join_all(looks).await {
        let address = component.address;
        match found {
            Ok(found) => {
                standing.insert(address, found);
            }
            Err(failure) => {
                let blind = if component.management == Management::Adopted {
                    "It is to be taken over, but this plan cannot say what will change on it."
                } else {
                    "It is to be used, but this plan cannot say whether it will do."
                };
                unseen.push(Diagnostic::warning(
                    format!("{address} cannot be looked at"),
                    format!(
                        "{}: {}. {blind} Use credentials that may read it to see that.",
                        failure.operation, failure.message
                    ),
                ));
            }
        }
    }
    (standing, unseen)
}

/// The steps from what was wanted, and what was found since, to what is wanted now.
pub(super) fn steps(
    prior: Option<&Model>,
    next: &Model,
    state: &Value,
    private: &Private,
    standing: &Standing,
) -> Result<Vec<Step>, Diagnostics> {
    let world = read::world(private, state);
    let filled = |components: &[Component]| -> Vec<Component> {
        components
            .iter()
            .map(|component| reference::fill_component(component, &world).0)
            .collect()
    };
    let before = filled(&wanted_before(prior, private));
    let mut after = filled(&next.components);
    let known = known_world(next, state);
    for component in &mut after {
        if standing.contains_key(&component.address) {
            *component = reference::fill_component(component, &known).0;
        }
    }
    let mut drift = private.drift.clone();
    let known: BTreeSet<Address> = drift.iter().map(|deviation| deviation.address.clone()).collect();
    drift.extend(
        state::not_ready(state)
            .into_iter()
            .filter(|address| !known.contains(address) && !private.seen.contains_key(address))
            .map(|address| Deviation {
                address,
                finding: Finding::Missing,
            }),
    );
    let decision = Decision {
        recorded: read::recorded(private, state),
        before: properties(&before),
        ..decision(next, state)
    };
    let summaries = next.summaries();
    let foresight = Foresight {
        prior: &before,
        next: &after,
        drift: &drift,
        standing,
        summaries: &summaries,
    };
    let mut refusals = prior
        .map(|prior| plan::fixed_settings(&prior.spec, &next.spec))
        .unwrap_or_default();
    let steps = plan::plan_change(&foresight, &decision).unwrap_or_else(|more| {
        refusals.extend(more);
        Vec::new()
    });
    let steps = match prior.filter(|_| refusals.is_empty()) {
        Some(prior) => {
            plan::follow(&prior.components, &next.components, steps, &decision).unwrap_or_else(|more| {
                refusals.extend(more);
                Vec::new()
            })
        }
        None => steps,
    };
    if refusals.is_empty() {
        return Ok(steps);
    }
    Err(Diagnostics(
        refusals
            .iter()
            .map(|refusal| {
                Diagnostic::error(format!("{} is not touched", refusal.address), refusal.to_string())
            })
            .collect(),
    ))
}

pub(super) fn properties(components: &[Component]) -> BTreeMap<Address, Properties> {
    let of = |component: &Component| (component.address.clone(), component.properties.clone());
    components.iter().map(of).collect()
}

fn decision(model: &Model, state: &Value) -> Decision {
    Decision::new(&model.spec, state::text(state, "uid").unwrap_or_default())
}

/// Lines of drift that an apply leaves as they are.
fn reported(next: &Model, state: &Value, private: &Private) -> Vec<String> {
    plan::reported(&private.drift, &next.components, &decision(next, state))
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// Components as wanted when each was last finished, and those that are still to go.
pub(super) fn wanted_before(prior: Option<&Model>, private: &Private) -> Vec<Component> {
    let prior = prior.map(|model| model.components.as_slice()).unwrap_or_default();
    let finished = |component: &Component| {
        let wishes = private.unfinished.get(&component.address);
        wishes
            .and_then(|wishes| wishes.first())
            .unwrap_or(component)
            .clone()
    };
    let mut before: Vec<Component> = prior.iter().map(finished).collect();
    before.extend(private.leftovers(prior));
    before
}

/// Whether a step gives its component new outputs.
pub(super) fn renews(step: &Step) -> bool {
    matches!(step.action, Action::Create | Action::Rotate { .. })
}

struct Changing<'a> {
    steps: &'a [Step],
    /// States of components must stay open: an incomplete create may end without an error.
    hedged: bool,
}

/// Everything that is not the user's word, as JSON by attribute; references are left where nothing is known.
fn resolved(
    next: &Model,
    prior: &Value,
    reported: &[String],
    changing: Option<&Changing<'_>>,
) -> BTreeMap<String, Json> {
    let world = known_world(next, prior);
    let mut values = state::settings(&next.spec);
    values.extend(state::computed(next));
    values.insert("phase".into(), json!("READY"));
    values.insert("generation".into(), state::json(prior, "generation"));
    values.insert("drift".into(), json!(reported));
    match changing {
        Some(changing) => {
            values.insert(
                "last_change".into(),
                json!(changing.steps.iter().map(ToString::to_string).collect::<Vec<_>>()),
            );
            if changing.hedged {
                for component in values
                    .get_mut("components")
                    .and_then(Json::as_object_mut)
                    .into_iter()
                    .flatten()
                {
                    component.1["state"] = json!("@{environment:state}");
                }
            }
        }
        None => {
            values.insert("last_change".into(), state::json(prior, "last_change"));
        }
    }
    if next.incomplete {
        values.remove("components");
    }
    values
        .iter()
        .map(|(name, value)| (name.clone(), reference::fill_value(value, &world)))
        .collect()
}

/// Outputs that can be computed, and the environment's own values as far as they were given before.
fn known_world(next: &Model, prior: &Value) -> World {
    let mut world: World = next
        .components
        .iter()
        .map(|component| (component.address.clone(), component.outputs.clone()))
        .collect();
    let own = ["uid", "owner"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), prior.get(name)?.as_str()?.to_owned())))
        .collect();
    world.insert(Address::new(&[reference::ENVIRONMENT]), own);
    world
}

/// A value that cannot be computed keeps its prior unless what it comes from is made anew.
struct KeepPrior<'a> {
    fresh: &'a BTreeSet<Address>,
}

impl Unresolved for KeepPrior<'_> {
    fn value(&self, references: &[Reference], prior: &Value) -> Value {
        let renewed = references
            .iter()
            .any(|reference| self.fresh.contains(&reference.address));
        if renewed || prior.is_null() {
            unknown()
        } else {
            prior.clone()
        }
    }
}

fn id_of(state: &Value) -> Option<&str> {
    state.get("id")?.as_str()
}

/// Which parts of the address differ. The cluster's location is one: nothing of it can move.
fn address_changes(prior: &Value, next: &Model) -> Vec<Path> {
    let id = &next.spec.id;
    let cloud = id.cloud().as_str();
    let block = Path::root().attribute(cloud);
    let Some(before) = prior.get(cloud).filter(|block| !block.is_null()) else {
        return vec![block];
    };
    let mut expected = match &next.spec.cloud {
        CloudSpec::Aws(_) => vec![("account_id", id.account()), ("region", id.region())],
        CloudSpec::Gcp(gcp) => vec![
            ("project", id.account()),
            ("region", id.region()),
            ("location", gcp.location.as_str()),
        ],
    };
    expected.retain(|(name, text)| before.get(name).and_then(Value::as_str) != Some(text));
    let name = prior.get("name").and_then(Value::as_str) != Some(id.name.as_str());
    let changed = expected
        .into_iter()
        .map(|(name, _)| block.clone().attribute(name));
    name.then(|| Path::root().attribute("name"))
        .into_iter()
        .chain(changed)
        .collect()
}

/// A protected environment is neither destroyed nor replaced. What a failed create left behind is not protected from
/// being resumed: that deletes nothing, and comes without a prior state.
pub(super) fn protection(prior: &Value, what: &str) -> Diagnostics {
    let protected = prior
        .get("protection")
        .and_then(|block| block.get("deletion"))
        .and_then(Value::as_bool)
        .unwrap_or(false);
    if !protected {
        return Diagnostics::new();
    }
    let id = id_of(prior).unwrap_or_default();
    Diagnostics(vec![
        Diagnostic::error(
            format!("{id} is protected"),
            format!(
                "The environment would be {what}, and protection.deletion is true. Nothing was changed. If that is what \
                 you want, apply protection = {{ deletion = false }} first, then run this again."
            ),
        )
        .at(Path::root().attribute("protection")),
    ])
}

/// Says aloud why everything is known only after apply.
fn open(paths: &[Path]) -> Diagnostics {
    let list = paths
        .iter()
        .map(crate::decode::dotted)
        .collect::<Vec<_>>()
        .join(", ");
    Diagnostics(vec![Diagnostic::warning(
        "The environment can be judged only while it is applied",
        format!(
            "These settings are not known yet: {list}. So neither names nor permissions can be shown or checked in this \
             plan. They are checked before the first write. Use values that are known at plan to see them now."
        ),
    )])
}

/// Says what was found and stays.
fn left_alone(reported: &[String]) -> Diagnostics {
    if reported.is_empty() {
        return Diagnostics::new();
    }
    Diagnostics(vec![Diagnostic::warning(
        "Foreign grants are reported and left alone",
        format!(
            "{}\n\nThey stay because enforcement says \"report\". To have them removed, set it to \"exclusive\".",
            reported.join("\n")
        ),
    )])
}

/// Refuses what would be one and the same as something of another environment. Asked only of what is to be made.
async fn sameness(driver: &dyn Driver, next: &Model, steps: &[Step]) -> Diagnostics {
    let made: Vec<Component> = next
        .components
        .iter()
        .filter(|component| {
            let fresh =
                |step: &Step| step.address == component.address && matches!(step.action, Action::Create);
            steps.iter().any(fresh) || component.kind.looked_at()
        })
        .cloned()
        .collect();
    let (shared, way_out) = match next.spec.id.cloud() {
        CloudName::Aws => ("for all who use one cluster", "or another cluster"),
        CloudName::Gcp => ("in all clusters of a project", "or use another project"),
    };
    let rivals = match driver.rivals(&made).await {
        Ok(rivals) => rivals,
        Err(failure) => {
            return Diagnostics(vec![Diagnostic::warning(
                "Whether another environment has the same pods cannot be looked up",
                format!(
                    "{failure}. Pods of the same namespace and ServiceAccount are one identity {shared}: make sure that no other \
                     environment has yours."
                ),
            )]);
        }
    };
    let id = &next.spec.id;
    Diagnostics(
        rivals
            .iter()
            .map(|rival| {
                let (what, other) = (&rival.what, &rival.environment);
                Diagnostic::error(
                    format!("Pods of {what} would be those of {other} (identity sameness)"),
                    format!(
                        "{} of {id} lets pods of namespace/ServiceAccount {what} in, and so does {other}. They are one identity \
                         {shared}: each of the two could act as the other. Give the service another namespace, for example \
                         services = {{ … = {{ namespace = \"{}-…\" }} }}, {way_out}.",
                        rival.address, id.name
                    ),
                )
                .at(Path::root().attribute("services"))
            })
            .collect(),
    )
}

/// Warns of steps that users notice.
fn disruptions(steps: &[Step]) -> Diagnostics {
    let felt: Vec<String> = steps
        .iter()
        .filter(|step| step.disruption > plan::Disruption::None)
        .map(ToString::to_string)
        .collect();
    if felt.is_empty() {
        return Diagnostics::new();
    }
    Diagnostics(vec![Diagnostic::warning(
        "Users will notice this change",
        felt.join("\n"),
    )])
}

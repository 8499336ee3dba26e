use proptest::prelude::*;

use super::*;
use crate::arbitrary::{Dice, any_value, fill, known_config, some_config, some_schema};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::plan::propose;
use crate::provider::{
    ApplyRequest, ApplyResponse, Imported, PlanRequest, PlanResponse, ReadRequest, ReadResponse,
};
use crate::rules;
use crate::schema::Attribute;
use crate::ty::Type;

fn schema() -> Schema {
    Schema::new()
        .attribute("name", Attribute::string().required())
        .attribute("arn", Attribute::string().computed())
        .attribute("key", Attribute::string().sensitive())
        .attribute("password", Attribute::string().write_only())
        .attribute("zones", Attribute::set_of(Type::String))
}

fn object(name: &str, arn: impl Into<Value>) -> Value {
    Value::object([
        ("name", name.into()),
        ("arn", arn.into()),
        ("key", Value::Null),
        ("password", Value::Null),
        ("zones", Value::Null),
    ])
}

fn failed() -> Diagnostics {
    Diagnostic::error("The cloud said no", "429").into()
}

/// What the user reads, all together.
fn told(diagnostics: &Diagnostics) -> String {
    diagnostics
        .iter()
        .map(|diagnostic| format!("{diagnostic}\n"))
        .collect()
}

fn create() -> ApplyRequest {
    ApplyRequest {
        prior: Value::Null,
        planned: object("n", Value::unknown()),
        config: object("n", Value::Null),
        private: b"planned".to_vec(),
    }
}

fn update() -> ApplyRequest {
    ApplyRequest {
        prior: object("old", "a"),
        ..create()
    }
}

fn delete() -> ApplyRequest {
    ApplyRequest {
        planned: Value::Null,
        config: Value::Null,
        ..update()
    }
}

fn answer(state: Value, diagnostics: Diagnostics) -> ApplyResponse {
    ApplyResponse {
        state,
        private: b"answered".to_vec(),
        diagnostics,
    }
}

fn guarded(request: &ApplyRequest, response: ApplyResponse, checkpoint: Option<Value>) -> ApplyResponse {
    let schema = schema();
    let checkpoint = checkpoint.map(|state| (state, b"checkpoint".to_vec()));
    apply(Subject::new("test_thing", &schema), request, response, checkpoint)
}

mod apply_ {
    use super::*;

    #[test]
    fn a_good_answer_passes_unchanged() {
        let response = guarded(&create(), answer(object("n", "a"), Diagnostics::new()), None);
        assert_eq!(response.state, object("n", "a"));
        assert_eq!(response.private, b"answered");
        assert!(response.diagnostics.is_empty());
        let gone = guarded(&delete(), answer(Value::Null, Diagnostics::new()), None);
        assert_eq!((gone.state, gone.diagnostics), (Value::Null, Diagnostics::new()));
    }

    #[test]
    fn a_failed_create_saves_what_it_made() {
        let response = guarded(&create(), answer(object("n", Value::unknown()), failed()), None);
        assert_eq!(response.state, object("n", Value::Null));
        assert_eq!(response.diagnostics, failed());
    }

    #[test]
    fn a_failed_create_without_state_takes_the_checkpoint() {
        let response = guarded(
            &create(),
            answer(Value::Null, failed()),
            Some(object("n", "half")),
        );
        assert_eq!(response.state, object("n", "half"));
        assert_eq!(response.private, b"checkpoint");
    }

    #[test]
    fn a_failed_create_that_made_nothing_saves_nothing() {
        let response = guarded(&create(), answer(Value::Null, failed()), None);
        assert_eq!(response.state, Value::Null);
        let undone = guarded(&create(), answer(Value::Null, failed()), Some(Value::Null));
        assert_eq!(undone.state, Value::Null);
    }

    #[test]
    fn null_after_a_create_that_succeeded_keeps_the_plan() {
        let response = guarded(&create(), answer(Value::Null, Diagnostics::new()), None);
        assert_eq!(response.state, object("n", Value::Null));
        let told = told(&response.diagnostics);
        assert!(
            told.contains("a null value was returned after create or update"),
            "{told}"
        );
        assert!(
            told.contains("test_thing") && told.contains("bug in the provider"),
            "{told}"
        );
        assert!(told.contains("terraform untaint"), "{told}");
    }

    #[test]
    fn an_update_without_state_keeps_the_prior_one() {
        for diagnostics in [failed(), Diagnostics::new()] {
            let response = guarded(&update(), answer(Value::Null, diagnostics), None);
            assert_eq!(response.state, object("old", "a"));
            assert!(response.diagnostics.has_errors());
        }
        let response = guarded(&update(), answer(Value::Null, failed()), Some(object("n", "b")));
        assert_eq!(response.state, object("n", "b"));
    }

    #[test]
    fn a_failed_delete_keeps_what_is_still_there() {
        let response = guarded(&delete(), answer(Value::Null, failed()), None);
        assert_eq!(response.state, object("old", "a"));
        let half = guarded(&delete(), answer(object("old", Value::Null), failed()), None);
        assert_eq!(half.state, object("old", Value::Null));
    }

    #[test]
    fn something_left_after_a_delete_is_kept_and_an_error() {
        let response = guarded(&delete(), answer(object("old", "a"), Diagnostics::new()), None);
        assert_eq!(response.state, object("old", "a"));
        assert!(told(&response.diagnostics).contains("after the object was destroyed"));
    }

    #[test]
    fn a_wrong_attribute_set_is_saved_as_far_as_it_fits() {
        let state = Value::object([
            ("name", Value::from("n")),
            ("arn", "a".into()),
            ("extra", 1.into()),
        ]);
        let response = guarded(&create(), answer(state, Diagnostics::new()), None);
        assert_eq!(response.state, object("n", "a"));
        let told = told(&response.diagnostics);
        assert!(
            told.contains(r#"unsupported attribute "extra""#)
                && told.contains(r#"attribute "key" is missing"#)
        );
    }

    #[test]
    fn an_unknown_value_after_success_is_an_error_and_saved_as_null() {
        let response = guarded(
            &create(),
            answer(object("n", Value::unknown()), Diagnostics::new()),
            None,
        );
        assert_eq!(response.state, object("n", Value::Null));
        assert!(told(&response.diagnostics).contains("arn: still unknown after apply"));
        assert_eq!(
            response.diagnostics.0[0].path,
            Some(Path::root().attribute("arn"))
        );
    }

    #[test]
    fn write_only_values_never_reach_the_state() {
        let mut state = object("n", "a");
        state.set_entry("password", "hunter2");
        let response = guarded(&create(), answer(state, Diagnostics::new()), None);
        assert_eq!(response.state, object("n", "a"));
        assert!(response.diagnostics.is_empty());
    }

    #[test]
    fn another_value_than_planned_is_an_error_without_secrets() {
        let mut request = create();
        request.planned.set_entry("key", "hunter1");
        let mut state = object("m", "a");
        state.set_entry("key", "hunter2");
        let response = guarded(&request, answer(state.clone(), Diagnostics::new()), None);
        assert_eq!(response.state, state);
        let told = told(&response.diagnostics);
        assert!(told.contains(r#"name: was "n", but now "m""#), "{told}");
        assert!(
            told.contains("key: was (sensitive value)") && !told.contains("hunter"),
            "{told}"
        );
        assert!(
            told.contains("Provider produced inconsistent result after apply"),
            "{told}"
        );
    }

    #[test]
    fn a_list_is_taken_for_a_set() {
        let mut request = create();
        request.planned.set_entry("zones", Value::set(["a", "b"]));
        let mut state = object("n", "a");
        state.set_entry("zones", Value::list(["b", "a"]));
        let response = guarded(&request, answer(state, Diagnostics::new()), None);
        assert!(response.diagnostics.is_empty(), "{}", told(&response.diagnostics));
        assert_eq!(response.state.get("zones"), Some(&Value::set(["a", "b"])));
    }

    #[test]
    fn an_interrupted_create_never_loses_what_may_stand() {
        let schema = schema();
        let subject = Subject::new("test_thing", &schema);
        let why = || Diagnostic::error("The provider crashed", "It panicked.");
        let response = interrupted_apply(subject, &create(), None, why());
        assert_eq!(response.state, object("n", Value::Null));
        assert!(told(&response.diagnostics).contains("something may have been created"));
        let checkpoint = Some((object("n", Value::unknown()), b"checkpoint".to_vec()));
        let response = interrupted_apply(subject, &create(), checkpoint, why());
        assert_eq!(
            (response.state, response.private),
            (object("n", Value::Null), b"checkpoint".to_vec())
        );
        assert_eq!(
            interrupted_apply(subject, &update(), None, why()).state,
            object("old", "a")
        );
        assert_eq!(
            interrupted_apply(subject, &delete(), None, why()).state,
            object("old", "a")
        );
    }
}

mod plan_ {
    use super::*;

    fn guarded(request: &PlanRequest, planned: Value, requires_replace: Vec<Path>) -> PlanResponse {
        let schema = schema();
        let response = PlanResponse {
            planned,
            requires_replace,
            private: Vec::new(),
            diagnostics: Diagnostics::new(),
        };
        plan(Subject::new("test_thing", &schema), request, response)
    }

    fn request() -> PlanRequest {
        let (prior, config) = (object("n", "a"), object("m", Value::Null));
        PlanRequest {
            proposed: propose(&schema(), &prior, &config),
            prior,
            config,
            private: Vec::new(),
        }
    }

    #[test]
    fn a_good_plan_passes() {
        let response = guarded(&request(), object("m", "a"), vec![Path::root().attribute("name")]);
        assert_eq!(response.planned, object("m", "a"));
        assert_eq!(response.requires_replace, [Path::root().attribute("name")]);
        assert!(response.diagnostics.is_empty());
    }

    #[test]
    fn a_plan_against_the_configuration_is_an_error() {
        let response = guarded(&request(), object("x", "a"), Vec::new());
        assert!(told(&response.diagnostics).contains(r#"planned value "x" does not match config value "m""#));
        assert_eq!(response.planned, request().proposed);
    }

    #[test]
    fn a_destroy_plans_nothing_else() {
        let request = PlanRequest {
            config: Value::Null,
            proposed: Value::Null,
            ..request()
        };
        let response = guarded(&request, object("n", "a"), Vec::new());
        assert_eq!(response.planned, Value::Null);
        assert!(response.diagnostics.has_errors());
    }

    #[test]
    fn a_path_into_a_set_is_cut_to_the_set() {
        let response = guarded(
            &request(),
            object("m", "a"),
            vec![Path::root().attribute("zones").index(0)],
        );
        assert_eq!(response.requires_replace, [Path::root().attribute("zones")]);
        let nonsense = guarded(&request(), object("m", "a"), vec![Path::root().attribute("zone")]);
        assert!(nonsense.diagnostics.has_errors());
        assert_eq!(nonsense.requires_replace, []);
    }

    #[test]
    fn the_providers_own_error_is_not_talked_over() {
        let schema = schema();
        let response = PlanResponse {
            planned: Value::Null,
            requires_replace: Vec::new(),
            private: Vec::new(),
            diagnostics: failed(),
        };
        let response = plan(Subject::new("test_thing", &schema), &request(), response);
        assert_eq!(response.diagnostics, failed());
        assert_eq!(schema.ty().check(&response.planned), Ok(()));
    }
}

mod lookups {
    use super::*;

    fn read_(state: Value, diagnostics: Diagnostics) -> ReadResponse {
        let schema = schema();
        let request = ReadRequest {
            state: object("n", "a"),
            private: b"stored".to_vec(),
        };
        let response = ReadResponse {
            state,
            private: b"answered".to_vec(),
            diagnostics,
        };
        read(Subject::new("test_thing", &schema), &request, response)
    }

    #[test]
    fn a_refresh_reports_what_stands_or_nothing() {
        assert_eq!(
            read_(object("n", "b"), Diagnostics::new()).state,
            object("n", "b")
        );
        assert_eq!(read_(Value::Null, Diagnostics::new()).state, Value::Null);
    }

    #[test]
    fn a_refresh_that_failed_keeps_the_stored_state() {
        let response = read_(Value::Null, failed());
        assert_eq!(
            (response.state, response.private),
            (object("n", "a"), b"stored".to_vec())
        );
        assert_eq!(response.diagnostics, failed());
    }

    #[test]
    fn a_refresh_with_unknown_values_is_an_error_and_keeps_the_stored_state() {
        let response = read_(object("n", Value::unknown()), Diagnostics::new());
        assert_eq!(response.state, object("n", "a"));
        let told = told(&response.diagnostics);
        assert!(
            told.contains("arn: unknown where only known values are allowed"),
            "{told}"
        );
        assert!(told.contains("The stored state was kept."), "{told}");
    }

    #[test]
    fn upgrades_imports_and_data_that_break_a_rule_are_refused() {
        let schema = schema();
        let subject = Subject::new("test_thing", &schema);
        assert_eq!(upgrade(subject, object("n", "a")), Ok(object("n", "a")));
        assert!(upgrade(subject, Value::object([("name", "n")])).is_err());
        let imported = |state| Imported {
            state,
            private: Vec::new(),
        };
        assert!(import(subject, "ImportResourceState", imported(object("n", "a"))).is_ok());
        assert!(import(subject, "ImportResourceState", imported(Value::Null)).is_err());
        assert!(data(subject, object("n", "a"), Diagnostics::new()).is_ok());
        assert!(data(subject, object("n", Value::unknown()), Diagnostics::new()).is_err());
        assert_eq!(data(subject, Value::Null, failed()), Err(failed()));
        assert!(ephemeral(subject, &object("n", Value::Null), object("n", "a")).is_ok());
        assert!(ephemeral(subject, &object("n", Value::Null), object("m", "a")).is_err());
        let id = Schema::new().attribute("id", Attribute::string().required());
        let subject = Subject::new("test_thing", &id);
        assert!(identity(subject, Value::object([("id", "x")]), true).is_ok());
        assert!(identity(subject, Value::object([("id", Value::unknown())]), true).is_err());
    }
}

/// Any answer a broken provider might give: right, nearly right, or nonsense.
fn garbled(schema: &Schema, right: &Value, nonsense: &Value, dice: &mut Dice) -> Value {
    let mut value = right.clone();
    match dice.roll(6) {
        0 => return Value::Null,
        1 => return nonsense.clone(),
        2 => {}
        _ => {
            let names: Vec<String> = schema.ty_names();
            for name in names {
                match dice.roll(8) {
                    0 => value.set_entry(name, Value::Null),
                    1 => value.set_entry(name, Value::unknown()),
                    2 => value.set_entry(name, nonsense.clone()),
                    3 => {
                        value.entries_mut().map(|entries| entries.remove(&name));
                    }
                    _ => {}
                }
            }
            if dice.one_in(4) {
                value.set_entry("stranger", nonsense.clone());
            }
        }
    }
    value
}

impl Schema {
    fn ty_names(&self) -> Vec<String> {
        self.attributes
            .keys()
            .chain(self.blocks.keys())
            .cloned()
            .collect()
    }
}

fn any_nonsense() -> BoxedStrategy<Value> {
    any_value(
        &Type::object([("alpha", Type::list(Type::Dynamic)), ("x", Type::Number)]),
        true,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_answer_to_an_apply_loses_state(seed in any::<u64>(), nonsense in any_nonsense()) {
        let mut dice = Dice::new(seed);
        let schema = some_schema(&mut dice);
        let ty = schema.ty();
        let known = known_config(&schema, &mut dice);
        let before = rules::write_only_as_null(&schema, fill(&ty, &propose(&schema, &Value::Null, &known), &mut dice));
        let prior = if dice.one_in(2) { Value::Null } else { before };
        let config = if !prior.is_null() && dice.one_in(4) { Value::Null } else { known_config(&schema, &mut dice) };
        let planned = propose(&schema, &prior, &config);
        let right = rules::write_only_as_null(&schema, fill(&ty, &planned, &mut dice));
        let state = garbled(&schema, &right, &nonsense, &mut dice);
        let checkpoint = dice.one_in(3).then(|| (garbled(&schema, &right, &nonsense, &mut dice), Vec::new()));
        let diagnostics = if dice.one_in(2) { failed() } else { Diagnostics::new() };
        let request = ApplyRequest { prior: prior.clone(), planned: planned.clone(), config, private: Vec::new() };

        let subject = Subject::new("test_thing", &schema);
        let answered_null = state.is_null();
        let recorded = checkpoint.as_ref().is_some_and(|(state, _)| !state.is_null());
        let did_fail = diagnostics.has_errors();
        let response = apply(subject, &request, ApplyResponse { state, private: Vec::new(), diagnostics }, checkpoint);

        // Terraform can always decode and save it.
        prop_assert_eq!(rules::check_state(&schema, &response.state), []);
        prop_assert!(crate::codec::msgpack::encode(&ty, &response.state).is_ok());
        // Without an error it breaks no rule.
        if !response.diagnostics.has_errors() {
            prop_assert_eq!(rules::check_apply(&schema, &planned, &response.state), []);
        }
        // Null only where nothing can stand.
        if response.state.is_null() {
            let deleted = planned.is_null() && !did_fail;
            let never_made = prior.is_null() && did_fail && answered_null && !recorded;
            let undone = prior.is_null() && !recorded;
            prop_assert!(deleted || never_made || undone);
        }
    }

    #[test]
    fn no_answer_to_a_plan_breaks_the_rules(seed in any::<u64>(), nonsense in any_nonsense()) {
        let mut dice = Dice::new(seed);
        let schema = some_schema(&mut dice);
        let ty = schema.ty();
        let known = known_config(&schema, &mut dice);
        let before = rules::write_only_as_null(&schema, fill(&ty, &propose(&schema, &Value::Null, &known), &mut dice));
        let prior = if dice.one_in(2) { Value::Null } else { before };
        let config = if !prior.is_null() && dice.one_in(6) { Value::Null } else { some_config(&schema, &mut dice) };
        let proposed = propose(&schema, &prior, &config);
        let request = PlanRequest { prior: prior.clone(), config: config.clone(), proposed: proposed.clone(), private: Vec::new() };
        let planned = garbled(&schema, &proposed, &nonsense, &mut dice);
        let requires_replace = if dice.one_in(2) { Vec::new() } else {
            vec![Path::root().attribute("alpha").key("alpha").attribute("beta"), Path::root().attribute("beta")]
        };
        let right = planned == proposed && requires_replace.is_empty();
        let response = PlanResponse { planned, requires_replace, private: Vec::new(), diagnostics: Diagnostics::new() };
        let response = plan(Subject::new("test_thing", &schema), &request, response);

        prop_assert_eq!(ty.check(&response.planned), Ok(()));
        prop_assert!(crate::codec::msgpack::encode(&ty, &response.planned).is_ok());
        prop_assert_eq!(rules::check_plan(&schema, &prior, &config, &response.planned), []);
        let paths = &response.requires_replace;
        prop_assert_eq!(rules::check_replace_paths(&schema, &prior, &response.planned, paths), []);
        prop_assert!(paths.is_sorted());
        if right {
            prop_assert!(!response.diagnostics.has_errors());
        }
    }

    #[test]
    fn no_answer_to_a_read_breaks_the_rules(seed in any::<u64>(), nonsense in any_nonsense()) {
        let mut dice = Dice::new(seed);
        let schema = some_schema(&mut dice);
        let known = known_config(&schema, &mut dice);
        let planned = propose(&schema, &Value::Null, &known);
        let stored = rules::write_only_as_null(&schema, fill(&schema.ty(), &planned, &mut dice));
        let state = garbled(&schema, &stored, &nonsense, &mut dice);
        let answered_null = state.is_null();
        let diagnostics = if dice.one_in(2) { failed() } else { Diagnostics::new() };
        let did_fail = diagnostics.has_errors();
        let request = ReadRequest { state: stored, private: Vec::new() };
        let response = ReadResponse { state, private: Vec::new(), diagnostics };
        let response = read(Subject::new("test_thing", &schema), &request, response);
        prop_assert_eq!(rules::check_state(&schema, &response.state), []);
        prop_assert!(!response.state.is_null() || (answered_null && !did_fail));
    }
}

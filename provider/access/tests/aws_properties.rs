//! Laws of the AWS half, on random documents: the evaluator against a naive reading of the documentation, three-valued answers
//! against every completion of what is not known, and questions about grants against every request of a small world.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests panic to fail")]

use mlops_access::aws::{
    Caller, Containment, Context, Grants, Overlap, Policies, Policy, Reach, Request, SizeLimit, actions,
    evaluate,
};
use mlops_access::pattern::Pattern;
use mlops_access::verdict::Verdict;
use proptest::prelude::*;
use serde_json::{Value, json};

const ACTIONS: [&str; 6] = [
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:ListAllMyBuckets",
    "sqs:SendMessage",
    "ecr:GetAuthorizationToken",
];
const RESOURCES: [&str; 6] = [
    "arn:aws:s3:::a/x",
    "arn:aws:s3:::a/y",
    "arn:aws:s3:::b/x",
    "arn:aws:s3:::b/log/x",
    "arn:aws:sqs:eu-west-1:123456789012:q",
    "*",
];
/// Keys and values of the small world; a key may also be absent.
const KEYS: [(&str, [&str; 2]); 2] = [
    ("aws:RequestedRegion", ["eu", "us"]),
    ("aws:SourceVpce", ["vpce-1", "vpce-2"]),
];

fn one_or_many(choices: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::sample::select(choices).prop_map(|one| json!(one)),
        prop::collection::vec(prop::sample::select(choices), 1..3).prop_map(|many| json!(many)),
    ]
}

fn condition() -> impl Strategy<Value = Value> {
    let operator = prop::sample::select(
        &[
            "StringEquals",
            "StringNotEquals",
            "StringLike",
            "StringNotLike",
            "StringEqualsIfExists",
            "StringNotEqualsIfExists",
            "stringequalsignorecase",
        ][..],
    );
    let key = prop::sample::select(&["aws:RequestedRegion", "AWS:requestedregion", "aws:SourceVpce"][..]);
    let values = one_or_many(&["eu", "us", "e*", "*", "vpce-1", "vpce-?", "EU"]);
    prop_oneof![
        3 => Just(Value::Null),
        3 => (operator, key.clone(), values).prop_map(|(operator, key, values)| json!({operator: {key: values}})),
        1 => (key, prop::sample::select(&["true", "false"][..])).prop_map(|(key, value)| json!({"Null": {key: value}})),
    ]
}

fn statement() -> impl Strategy<Value = Value> {
    statement_about(
        &[
            "s3:GetObject",
            "s3:Put*",
            "S3:*object",
            "s3:*",
            "*",
            "sqs:SendMessage",
            "ecr:*",
            "s3:?etObject",
        ],
        0.12,
    )
}

/// Without `*` and `NotAction`, which mean twenty thousand actions to a question about grants.
fn narrow_statement() -> impl Strategy<Value = Value> {
    statement_about(
        &[
            "s3:GetObject",
            "s3:Put*",
            "S3:*object",
            "s3:*",
            "sqs:SendMessage",
            "ecr:*",
            "s3:?etObject",
        ],
        0.0,
    )
}

fn statement_about(actions: &'static [&'static str], negated: f64) -> impl Strategy<Value = Value> {
    let effect = prop_oneof![3 => Just("Allow"), 1 => Just("Deny")];
    let action = one_or_many(actions);
    let resource = one_or_many(&[
        "*",
        "arn:aws:s3:::*",
        "arn:aws:s3:::a/*",
        "arn:aws:s3:::a/x",
        "arn:aws:s3:::b/*",
        "arn:aws:s3:::?/x",
        "arn:aws:sqs:*:*:q",
        "arn:aws:s3:::*log*",
    ]);
    let keys = (
        prop::bool::weighted(negated),
        prop::bool::weighted(0.12),
        any::<bool>(),
    );
    (effect, action, resource, condition(), keys).prop_map(
        |(effect, action, resource, condition, (not_action, not_resource, lower))| {
            let mut statement = serde_json::Map::new();
            let name = |key: &str| if lower { key.to_lowercase() } else { key.to_owned() };
            statement.insert(name("Effect"), json!(effect));
            statement.insert(name(if not_action { "NotAction" } else { "Action" }), action);
            statement.insert(
                name(if not_resource { "NotResource" } else { "Resource" }),
                resource,
            );
            if !condition.is_null() {
                statement.insert(name("Condition"), condition);
            }
            Value::Object(statement)
        },
    )
}

fn document() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => statement().prop_map(|one| json!({"Version": "2012-10-17", "Statement": one})),
        4 => prop::collection::vec(statement(), 1..4).prop_map(|many| json!({"Version": "2012-10-17", "Statement": many})),
    ]
}

fn narrow_document() -> impl Strategy<Value = Value> {
    prop::collection::vec(narrow_statement(), 1..4)
        .prop_map(|many| json!({"Version": "2012-10-17", "Statement": many}))
}

fn parse(value: &Value) -> Policy {
    Policy::parse(&value.to_string()).unwrap()
}

fn caller() -> Caller {
    Caller::role("arn:aws:iam::123456789012:role/app")
}

/// Every combination of values of the small world's keys, each also absent.
fn contexts() -> Vec<Vec<(&'static str, Option<&'static str>)>> {
    KEYS.iter().fold(vec![Vec::new()], |all, (key, values)| {
        let choices = [None, Some(values[0]), Some(values[1])];
        all.iter()
            .flat_map(|so_far| {
                choices
                    .iter()
                    .map(|value| [&so_far[..], &[(*key, *value)]].concat())
            })
            .collect()
    })
}

fn world() -> Vec<Request> {
    let mut requests = Vec::new();
    for context in contexts() {
        for action in ACTIONS {
            for resource in RESOURCES {
                let request = Request::new(caller(), action, resource);
                requests.push(context.iter().fold(request, |request, (key, value)| match value {
                    Some(value) => request.with(key, *value),
                    None => request,
                }));
            }
        }
    }
    requests
}

/// The documentation, word for word and without any speed.
mod naive {
    use serde_json::Value;

    pub(crate) fn glob(pattern: &str, text: &str) -> bool {
        fn go(pattern: &[char], text: &[char]) -> bool {
            match (pattern.first(), text.first()) {
                (None, None) => true,
                (Some('*'), _) => go(&pattern[1..], text) || (!text.is_empty() && go(pattern, &text[1..])),
                (Some('?'), Some(_)) => go(&pattern[1..], &text[1..]),
                (Some(p), Some(t)) if p == t => go(&pattern[1..], &text[1..]),
                _ => false,
            }
        }
        go(
            &pattern.chars().collect::<Vec<_>>(),
            &text.chars().collect::<Vec<_>>(),
        )
    }

    fn list(value: &Value) -> Vec<String> {
        match value {
            Value::Array(items) => items
                .iter()
                .map(|item| item.as_str().unwrap().to_owned())
                .collect(),
            other => vec![other.as_str().unwrap().to_owned()],
        }
    }

    fn get<'v>(object: &'v Value, key: &str) -> Option<&'v Value> {
        object
            .as_object()?
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| value)
    }

    fn condition(operator: &str, values: &[String], present: Option<&str>) -> bool {
        let operator = operator.to_lowercase();
        if operator == "null" {
            return values.iter().any(|value| (value == "true") == present.is_none());
        }
        let (operator, if_exists) = operator
            .strip_suffix("ifexists")
            .map_or((&*operator, false), |name| (name, true));
        let negated = operator.contains("not");
        let Some(present) = present else {
            return if_exists || negated;
        };
        let hit = values.iter().any(|value| match operator {
            "stringlike" | "stringnotlike" => glob(value, present),
            "stringequalsignorecase" => value.to_lowercase() == present.to_lowercase(),
            _ => value == present,
        });
        hit != negated
    }

    pub(crate) fn allowed(
        document: &Value,
        action: &str,
        resource: &str,
        context: &dyn Fn(&str) -> Option<String>,
    ) -> bool {
        let statements = match get(document, "Statement").unwrap() {
            Value::Array(items) => items.clone(),
            one => vec![one.clone()],
        };
        let mut allowed = false;
        for statement in &statements {
            let action_hit = |key| {
                get(statement, key).map(|value| {
                    list(value)
                        .iter()
                        .any(|p| glob(&p.to_lowercase(), &action.to_lowercase()))
                })
            };
            let resource_hit =
                |key| get(statement, key).map(|value| list(value).iter().any(|p| glob(p, resource)));
            let applies = action_hit("Action")
                .or(action_hit("NotAction").map(|hit| !hit))
                .unwrap()
                && resource_hit("Resource")
                    .or(resource_hit("NotResource").map(|hit| !hit))
                    .unwrap()
                && get(statement, "Condition").is_none_or(|block| {
                    block.as_object().unwrap().iter().all(|(operator, keys)| {
                        keys.as_object().unwrap().iter().all(|(key, values)| {
                            condition(operator, &list(values), context(&key.to_lowercase()).as_deref())
                        })
                    })
                });
            if applies && get(statement, "Effect").unwrap() == "Deny" {
                return false;
            }
            allowed |= applies;
        }
        allowed
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn decides_as_a_naive_reading_of_the_documentation(document in document(), boundary in prop::option::of(document())) {
        let policy = parse(&document);
        let bound = boundary.as_ref().map(parse);
        let mut policies = Policies::identity([&policy]);
        policies.boundary = bound.as_ref();
        for context in contexts() {
            let value = |key: &str| {
                context.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).and_then(|(_, value)| value.map(str::to_owned))
            };
            for action in ACTIONS {
                for resource in RESOURCES {
                    let request = Request::new(caller(), action, resource);
                    let request = context.iter().fold(request, |request, (key, value)| match value {
                        Some(value) => request.with(key, *value),
                        None => request,
                    });
                    let wanted = naive::allowed(&document, action, resource, &value)
                        && boundary.as_ref().is_none_or(|boundary| naive::allowed(boundary, action, resource, &value));
                    prop_assert_eq!(evaluate(&request, &policies).verdict(), Verdict::from(wanted), "{:?}", request);
                }
            }
        }
    }

    #[test]
    fn a_certain_answer_holds_for_every_completion(document in document()) {
        let policy = parse(&document);
        let policies = Policies::identity([&policy]);
        for action in ACTIONS {
            for resource in RESOURCES {
                let open = Request::in_context(caller(), action, resource, Context::open());
                let certain = evaluate(&open, &policies).verdict();
                if certain.is_unknown() {
                    continue;
                }
                for context in contexts() {
                    let context = context.iter().fold(Context::closed(), |context, (key, value)| match value {
                        Some(value) => context.with(key, *value),
                        None => context.absent(key),
                    });
                    let full = Request::in_context(caller(), action, resource, context);
                    prop_assert_eq!(&evaluate(&full, &policies).verdict(), &certain, "{:?}", full);
                }
            }
        }
    }

    #[test]
    fn a_document_reads_back_as_written(document in document()) {
        let policy = parse(&document);
        let text = policy.to_json();
        let again = Policy::parse(&text).unwrap();
        prop_assert_eq!(&again, &policy);
        prop_assert_eq!(again.to_json(), text);
    }

    #[test]
    fn adding_an_allow_takes_nothing_away_and_a_deny_wins(document in document(), more in statement()) {
        let policy = parse(&document);
        let mut with_more = policy.clone();
        with_more.statements.extend(parse(&json!({"Version": "2012-10-17", "Statement": more})).statements);
        let added = with_more.statements.last().unwrap();
        for request in world() {
            let before = evaluate(&request, &Policies::identity([&policy])).is_allowed();
            let after = evaluate(&request, &Policies::identity([&with_more])).is_allowed();
            match added.effect {
                mlops_access::aws::Effect::Allow => prop_assert!(after || !before),
                _ => prop_assert!(before || !after),
            }
        }
    }

    #[test]
    fn random_bytes_are_read_or_refused_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Policy::parse_bytes(&bytes);
    }

    #[test]
    fn a_damaged_document_is_read_or_refused_but_never_panics(
        document in document(), at in any::<prop::sample::Index>(), with in prop::collection::vec(any::<u8>(), 0..4), cut in 0usize..6,
    ) {
        let mut bytes = document.to_string().into_bytes();
        let at = at.index(bytes.len());
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, with);
        if let Ok(policy) = Policy::parse_bytes(&bytes) {
            let _ = policy.findings();
            let _ = evaluate(&Request::new(caller(), "s3:GetObject", "*"), &Policies::identity([&policy]));
            let _ = Policy::parse(&policy.to_json()).expect("what was read can be written and read");
            let _ = SizeLimit::Managed.check([&policy]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn reach_finds_a_request_exactly_when_there_is_one(document in document(), boundary in prop::option::of(document())) {
        let (policy, bound) = (parse(&document), boundary.as_ref().map(parse));
        let mut policies = Policies::identity([&policy]);
        policies.boundary = bound.as_ref();
        let grants = Grants::new(caller(), policies.clone());
        for action in ACTIONS {
            match grants.may(action, &Pattern::any()) {
                Reach::Granted(request) => prop_assert!(evaluate(&request, &policies).is_allowed(), "{request:?}"),
                Reach::Never => {
                    for request in world().iter().filter(|request| request.action() == action && sensible(request)) {
                        prop_assert!(!evaluate(request, &policies).is_allowed(), "{request:?}");
                    }
                }
                Reach::Unknown(_) => {}
            }
        }
    }

    #[test]
    fn containment_means_that_no_request_escapes(inner in narrow_document(), outer in narrow_document()) {
        let (inner, outer) = (parse(&inner), parse(&outer));
        let within = Grants::of_document(&inner).contained_in(&Grants::of_document(&outer));
        match within {
            Containment::Contained => {
                for request in world().iter().filter(|request| sensible(request)) {
                    let allowed = |policy| evaluate(request, &Policies::identity([policy])).is_allowed();
                    prop_assert!(!allowed(&inner) || allowed(&outer), "{request:?}");
                }
            }
            Containment::Exceeds(request) => {
                prop_assert!(evaluate(&request, &Policies::identity([&inner])).is_allowed());
                prop_assert!(evaluate(&request, &Policies::identity([&outer])).is_denied());
            }
            Containment::Unknown(_) => {}
        }
        prop_assert!(!matches!(Grants::of_document(&inner).contained_in(&Grants::of_document(&inner)), Containment::Exceeds(_)));
    }

    #[test]
    fn containment_is_transitive(a in narrow_document(), b in narrow_document(), c in narrow_document()) {
        let (a, b, c) = (parse(&a), parse(&b), parse(&c));
        let within = |x: &Policy, y: &Policy| Grants::of_document(x).contained_in(&Grants::of_document(y));
        if within(&a, &b).is_contained() && within(&b, &c).is_contained() {
            prop_assert!(!matches!(within(&a, &c), Containment::Exceeds(_)));
        }
    }

    #[test]
    fn overlap_is_symmetric_and_its_witness_enters_both(one in narrow_document(), two in narrow_document()) {
        let (one, two) = (parse(&one), parse(&two));
        let (first, second) = (Grants::of_document(&one), Grants::of_document(&two));
        let overlap = first.overlap_in_write(&second);
        prop_assert_eq!(overlap.is_none(), second.overlap_in_write(&first).is_none());
        match overlap {
            Overlap::Both { first, second } => {
                prop_assert_eq!(first.resource(), second.resource());
                prop_assert!(evaluate(&first, &Policies::identity([&one])).is_allowed());
                prop_assert!(evaluate(&second, &Policies::identity([&two])).is_allowed());
                prop_assert!(actions::lookup(first.action()).is_none_or(|action| action.level.is_write()));
            }
            Overlap::None => {
                for request in world().iter().filter(|request| sensible(request)) {
                    if actions::lookup(request.action()).is_some_and(|action| action.level.is_write()) {
                        let allowed = |policy| evaluate(request, &Policies::identity([policy])).is_allowed();
                        prop_assert!(!allowed(&one) || !allowed(&two), "{request:?}");
                    }
                }
            }
            Overlap::Unknown(_) => {}
        }
    }
}

/// Two documents between which the search once found nothing from one end, and gave up from the other: there the conditions on one
/// key shut the way before those on the other, whose values it cannot list, were met.
#[test]
fn what_one_order_leaves_open_the_other_answers() {
    let one = parse(&json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "S3:*object", "Resource": "arn:aws:s3:::*", "Condition": {"StringNotLike": {"aws:SourceVpce": "*"}}},
        {"Effect": "Deny", "Action": "s3:Put*", "Resource": "*", "Condition": {"Null": {"aws:RequestedRegion": "false"}}},
    ]}));
    let two = parse(&json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": "S3:*object", "Resource": ["*"], "Condition": {"Null": {"aws:SourceVpce": "true"}}},
        {"Effect": "Allow", "Action": "s3:Put*", "Resource": "arn:aws:s3:::a/*", "Condition": {"stringequalsignorecase": {"aws:RequestedRegion": "eu"}}},
    ]}));
    let (first, second) = (Grants::of_document(&one), Grants::of_document(&two));
    assert_eq!(first.overlap_in_write(&second), Overlap::None);
    assert_eq!(second.overlap_in_write(&first), Overlap::None);
}

/// Whether the action can be asked for on the resource at all.
fn sensible(request: &Request) -> bool {
    let action = actions::lookup(request.action()).unwrap();
    if !action.is_scopable() {
        return request.resource() == "*";
    }
    action
        .resource_types()
        .any(|(kind, _)| kind.pattern.matches(request.resource()))
}

//! `policy_allows`: whether an AWS policy allows an action, by the evaluator that judges our own.

use std::collections::BTreeMap;

use mlops_access::aws::{Arn, Caller, Context, Decision, Policies, Policy, Request, evaluate};
use tfplugin::provider::FunctionError;
use tfplugin::{Type, Value};

use super::{Arguments, Pure, optional_texts, text, wrong};

pub(super) fn function() -> Pure {
    Pure {
        name: "policy_allows",
        summary: "Whether an AWS policy allows an action on a resource",
        description: "Puts one request to an identity policy (JSON) and says whether it is allowed, by AWS's evaluation logic: \
            wildcards, `NotAction`, `NotResource`, conditions, policy variables, and explicit denials before all. For `check` \
            blocks, postconditions and `terraform test`.\n\n\
            Condition keys that `context` does not name are absent from the request. What cannot be decided (an operator that is \
            not known, a statement that cannot be read) is an error, never a quiet `true` or `false`.",
        parameters: vec![
            text("policy", "The policy document, as JSON."),
            text("action", "For example `s3:GetObject`."),
            text(
                "resource",
                "ARN of what it is done to, or `*` for actions on nothing in particular.",
            ),
            optional_texts(
                "context",
                "Condition keys of the request, for example `{ \"aws:SecureTransport\" = \"true\" }`; null for none. \
                 `aws:PrincipalArn` says who asks.",
            ),
        ],
        variadic: None,
        returns: Type::Bool,
        call,
    }
}

fn call(arguments: &Arguments) -> Result<Value, FunctionError> {
    let policy = Policy::parse(arguments.text(0)).map_err(|error| wrong(0, error))?;
    let (action, resource) = (arguments.text(1), arguments.text(2));
    if !action
        .split_once(':')
        .is_some_and(|(service, name)| plain(service) && plain(name))
    {
        return Err(wrong(
            1,
            format!(
                "{action:?} is not an action: write service:Action, without wildcards, for example s3:GetObject"
            ),
        ));
    }
    if resource != "*" && Arn::parse(resource).is_none() {
        return Err(wrong(2, format!("{resource:?} is neither an ARN nor *")));
    }
    let keys: BTreeMap<&str, &str> = arguments.texts(3).collect();
    let context = keys.iter().fold(Context::closed(), |context, (key, value)| {
        context.with(key, *value)
    });
    let who = keys
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("aws:PrincipalArn"));
    let caller = match who {
        Some((_, arn)) => {
            caller(arn).ok_or_else(|| wrong(3, format!("aws:PrincipalArn: {arn:?} is no role or user")))?
        }
        None => {
            // Some role of the account that owns the resource.
            let account = Arn::parse(resource)
                .map(|arn| arn.account)
                .filter(|account| account.len() == 12);
            Caller::role(format!(
                "arn:aws:iam::{}:role/caller",
                account.unwrap_or("000000000000")
            ))
        }
    };
    let request = Request::in_context(caller, action, resource, context);
    match evaluate(&request, &Policies::identity([&policy])) {
        Decision::Allowed { .. } => Ok(Value::from(true)),
        Decision::Denied { .. } => Ok(Value::from(false)),
        Decision::Unknown { why } => Err(wrong(
            0,
            format!("cannot tell whether {action} on {resource} is allowed: {why}"),
        )),
    }
}

fn plain(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn caller(arn: &str) -> Option<Caller> {
    let kind = Arn::parse(arn)
        .filter(|arn| arn.service == "iam")?
        .resource
        .split('/')
        .next()?;
    match kind {
        "role" => Some(Caller::role(arn)),
        "user" => Some(Caller::user(arn)),
        _ => None,
    }
}

//! Inline policies of roles.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html>

use serde_json::{Value, json};

use super::document::{self, Use};
use super::refusal;
use super::{listed, paged};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

/// What all inline policies of a role may measure together.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const SIZE: usize = 10_240;

fn unknown(name: &str) -> Refusal {
    refusal::missing(format!("The role policy with name {name} cannot be found."))
}

pub(super) fn put(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, text) = (call.required("PolicyName"), call.required("PolicyDocument"));
    let role = world
        .aws
        .account_mut(&call.account)
        .iam
        .own_role_mut(call.required("RoleName"))?;
    document::read(text, Use::Inline)?;
    let others: usize = role
        .inline
        .iter()
        .filter(|(other, _)| *other != name)
        .map(|(_, text)| document::size(text))
        .sum();
    if others + document::size(text) > SIZE {
        return Err(refusal::limit(format!(
            "Maximum policy size of {SIZE} bytes exceeded for role {}",
            role.name
        )));
    }
    role.inline.insert(name.to_owned(), text.to_owned());
    Ok(Answer::empty())
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("PolicyName");
    let role = world
        .aws
        .account(&call.account)
        .iam
        .known_role(call.required("RoleName"))?;
    let text = role.inline.get(name).ok_or_else(|| unknown(name))?;
    Ok(Answer::of(json!({
        "RoleName": role.name,
        "PolicyName": name,
        "PolicyDocument": document::encoded(text),
    })))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let role = world
        .aws
        .account(&call.account)
        .iam
        .known_role(call.required("RoleName"))?;
    let names: Vec<(String, Value)> = role
        .inline
        .keys()
        .map(|name| (name.clone(), name.as_str().into()))
        .collect();
    Ok(listed("PolicyNames", paged(world, call, names)?))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("PolicyName");
    let role = world
        .aws
        .account_mut(&call.account)
        .iam
        .own_role_mut(call.required("RoleName"))?;
    role.inline.remove(name).ok_or_else(|| unknown(name))?;
    Ok(Answer::empty())
}

//! Budgets of billing accounts (<https://cloud.google.com/billing/docs/reference/budget/rest>).

use serde_json::{Value, json};

use super::names::piece;
use super::page::page;
use super::refuse::{aborted, denied, invalid, not_carried, not_found};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

/// Answers a call.
pub(super) fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call
        .text("name")
        .or_else(|| call.text("parent"))
        .unwrap_or_default();
    let account = format!("billingAccounts/{}", piece(name, "billingAccounts"));
    if !world
        .gcp
        .projects
        .values()
        .any(|project| project.billing == account)
    {
        return Err(denied("The caller does not have permission"));
    }
    let missing = || not_found(format!("Budget {name} was not found."));
    let etag = world.random.hex(16);
    match call.operation.rsplit('.').next().unwrap_or_default() {
        "create" => {
            let mut budget = call.body().clone();
            check(world, &budget)?;
            let name = format!("{account}/budgets/{}", world.random.uuid());
            fill(&mut budget);
            budget["name"] = json!(name);
            budget["etag"] = json!(etag);
            world.gcp.budgets.insert(name, budget.clone());
            Ok(budget.into())
        }
        "list" => {
            let budgets = world
                .gcp
                .budgets
                .iter()
                .filter(|(known, _)| known.starts_with(&account))
                .map(|(_, budget)| budget.clone())
                .collect();
            page(call, &world.behaviour, "budgets", "pageSize", 100, budgets)
        }
        "get" => world
            .gcp
            .budgets
            .get(name)
            .map(|budget| budget.clone().into())
            .ok_or_else(missing),
        "patch" => {
            let mut budget = world.gcp.budgets.get(name).cloned().ok_or_else(missing)?;
            let given = call.body();
            if let Some(sent) = given.get("etag").and_then(Value::as_str)
                && budget.get("etag").and_then(Value::as_str) != Some(sent)
            {
                return Err(aborted(
                    "The budget was changed in between: its etag does not match.",
                ));
            }
            let members = given
                .as_object()
                .into_iter()
                .flatten()
                .map(|(member, _)| member.as_str());
            let mask: Vec<&str> = match call.text("updateMask").filter(|mask| !mask.is_empty()) {
                Some(mask) => mask
                    .split(',')
                    .map(|path| path.split('.').next().unwrap_or_default())
                    .collect(),
                // Without a mask what is not empty is updated (description of `updateMask`).
                None => members.collect(),
            };
            for member in mask {
                match given.get(member) {
                    Some(value) => budget[member] = value.clone(),
                    None => {
                        if let Some(budget) = budget.as_object_mut() {
                            budget.remove(member);
                        }
                    }
                }
            }
            check(world, &budget)?;
            fill(&mut budget);
            budget["name"] = json!(name);
            budget["etag"] = json!(etag);
            world.gcp.budgets.insert(name.to_owned(), budget.clone());
            Ok(budget.into())
        }
        "delete" => world
            .gcp
            .budgets
            .remove(name)
            .map(|_| Answer::empty())
            .ok_or_else(missing),
        _ => Err(not_carried(&call.operation)),
    }
}

/// Defaults (descriptions of `creditTypesTreatment`, `calendarPeriod`, `spendBasis`).
fn fill(budget: &mut Value) {
    if !budget.get("budgetFilter").is_some_and(Value::is_object) {
        budget["budgetFilter"] = json!({});
    }
    for (member, usual) in [
        ("creditTypesTreatment", "INCLUDE_ALL_CREDITS"),
        ("calendarPeriod", "MONTH"),
    ] {
        if budget["budgetFilter"].get(member).is_none() {
            budget["budgetFilter"][member] = json!(usual);
        }
    }
    if let Some(rules) = budget.get_mut("thresholdRules").and_then(Value::as_array_mut) {
        for rule in rules {
            if rule.get("spendBasis").is_none() {
                rule["spendBasis"] = json!("CURRENT_SPEND");
            }
        }
    }
}

fn check(world: &World, budget: &Value) -> Result<(), Refusal> {
    let amount = budget
        .get("amount")
        .and_then(Value::as_object)
        .map_or(0, serde_json::Map::len);
    if amount != 1 {
        return Err(invalid(
            "amount must be one of specified_amount and last_period_amount.",
        ));
    }
    let projects = budget.pointer("/budgetFilter/projects").and_then(Value::as_array);
    for project in projects.into_iter().flatten().filter_map(Value::as_str) {
        if world.gcp.project_id(project).is_err() {
            return Err(invalid(format!(
                "Project {project} does not exist or is not of this billing account."
            )));
        }
    }
    Ok(())
}

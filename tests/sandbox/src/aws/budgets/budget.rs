//! Budgets.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{Budget, State, bad_token, invalid, notification, refusal, tagging};
use crate::answer::{Answer, Refusal};
use crate::aws::input::{given, text};
use crate::aws::output::said;
use crate::aws::page::page;
use crate::call::Call;
use crate::world::World;

/// When a budget without an end ends:
/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_TimePeriod.html>
const END: &str = "2087-06-15T00:00:00Z";

pub(super) fn state<'w>(world: &'w World, call: &Call) -> &'w State {
    &world.aws.account(&call.account).budgets
}

fn absent(name: &str) -> Refusal {
    refusal(
        "NotFoundException",
        format!("Unable to get budget: {name} - the budget doesn't exist."),
    )
}

pub(super) fn find<'w>(world: &'w World, call: &Call) -> Result<&'w Budget, Refusal> {
    let name = call.required("BudgetName");
    state(world, call).budgets.get(name).ok_or_else(|| absent(name))
}

pub(super) fn change<'w>(world: &'w mut World, call: &Call, name: &str) -> Result<&'w mut Budget, Refusal> {
    if !state(world, call).budgets.contains_key(name) {
        return Err(absent(name));
    }
    world
        .aws
        .account_mut(&call.account)
        .budgets
        .budgets
        .get_mut(name)
        .ok_or_else(|| absent(name))
}

/// The first moment of the period that a budget without a start begins with.
///
/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_TimePeriod.html>
fn start(unit: &str, now: Timestamp) -> Timestamp {
    let date = now.to_zoned(TimeZone::UTC).date();
    let first = match unit {
        "DAILY" => date,
        "QUARTERLY" => jiff::civil::date(date.year(), (date.month() - 1) / 3 * 3 + 1, 1),
        "ANNUALLY" => jiff::civil::date(date.year(), 1, 1),
        _ => date.first_of_month(),
    };
    first
        .to_zoned(TimeZone::UTC)
        .map_or(now, |start| start.timestamp())
}

/// The budget of a call as it will be described.
fn read(call: &Call, member: &str) -> Result<(String, Value), Refusal> {
    let mut budget = call.input.get(member).cloned().unwrap_or_default();
    let name = text(&budget, "BudgetName").unwrap_or_default().to_owned();
    if name.is_empty() || name.contains([':', '\\']) || name.contains("/action/") {
        return Err(invalid(format!(
            "Budget name {name:?} is not valid: it is empty or contains :, \\ or /action/"
        )));
    }
    let kind = text(&budget, "BudgetType").unwrap_or_default();
    let limited = given(&budget, "BudgetLimit").is_some()
        || given(&budget, "PlannedBudgetLimits").is_some()
        || given(&budget, "AutoAdjustData").is_some();
    if matches!(kind, "COST" | "USAGE") && !limited {
        return Err(invalid("The budget must include the budget limit."));
    }
    let unit = text(&budget, "TimeUnit").unwrap_or_default().to_owned();
    let mut period = given(&budget, "TimePeriod").cloned().unwrap_or_else(|| json!({}));
    let at =
        |period: &Value, member: &str| text(period, member).and_then(|text| text.parse::<Timestamp>().ok());
    let begin = at(&period, "Start").unwrap_or_else(|| start(&unit, call.at));
    let end = at(&period, "End")
        .or_else(|| END.parse().ok())
        .unwrap_or(Timestamp::MAX);
    if begin >= end {
        return Err(invalid("The start date must come before the end date."));
    }
    if let Some(period) = period.as_object_mut() {
        period.insert("Start".into(), json!(begin.to_string()));
        period.insert("End".into(), json!(end.to_string()));
    }
    if let Some(members) = budget.as_object_mut() {
        members.insert("TimePeriod".into(), period);
        members.insert("LastUpdatedTime".into(), json!(call.at.to_string()));
        // Nothing is ever spent here.
        members.insert(
            "CalculatedSpend".into(),
            json!({"ActualSpend": {"Amount": "0.0", "Unit": "USD"}}),
        );
        if kind_is_cost(members.get("BudgetType")) {
            members.entry("CostTypes").or_insert_with(all_costs);
        }
    }
    Ok((name, budget))
}

fn kind_is_cost(kind: Option<&Value>) -> bool {
    kind.and_then(Value::as_str) == Some("COST")
}

/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_CostTypes.html>
fn all_costs() -> Value {
    json!({
        "IncludeTax": true,
        "IncludeSubscription": true,
        "UseBlended": false,
        "IncludeRefund": true,
        "IncludeCredit": true,
        "IncludeUpfront": true,
        "IncludeRecurring": true,
        "IncludeOtherSubscription": true,
        "IncludeSupport": true,
        "IncludeDiscount": true,
        "UseAmortized": false,
    })
}

/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_CreateBudget.html>
pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, shown) = read(call, "Budget")?;
    let tags = tagging::read(call)?;
    let notifications = notification::read_all(call)?;
    if state(world, call).budgets.contains_key(&name) {
        return Err(refusal(
            "DuplicateRecordException",
            format!("Error creating budget: {name} - the budget already exists."),
        ));
    }
    let budget = Budget {
        shown,
        notifications,
        tags,
    };
    world
        .aws
        .account_mut(&call.account)
        .budgets
        .budgets
        .insert(name, budget);
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_DescribeBudget.html>
pub(super) fn describe(world: &World, call: &Call) -> Result<Answer, Refusal> {
    Ok(said(json!({"Budget": find(world, call)?.shown})))
}

/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_DescribeBudgets.html>
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let budgets = &state(world, call).budgets;
    let page = page(
        budgets.iter().map(|(name, budget)| (name, budget.shown.clone())),
        call.text("NextToken"),
        call.count("MaxResults"),
        100,
        world.behaviour.page,
    )
    .map_err(|_| bad_token())?;
    Ok(said(json!({"Budgets": page.entries, "NextToken": page.next})))
}

/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_UpdateBudget.html>
pub(super) fn update(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, shown) = read(call, "NewBudget")?;
    change(world, call, &name)?.shown = shown;
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_DeleteBudget.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    find(world, call)?;
    world
        .aws
        .account_mut(&call.account)
        .budgets
        .budgets
        .remove(call.required("BudgetName"));
    Ok(Answer::empty())
}

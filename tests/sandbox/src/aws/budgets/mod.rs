//! Budgets of an account, with their notifications.
//!
//! <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_Operations_AWS_Budgets.html>

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{Answer, Refusal};
use crate::aws::not_carried;
use crate::aws::tags::Tags;
use crate::call::Call;
use crate::world::World;

mod budget;
mod notification;
mod tagging;

/// Budgets of an account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// By name.
    pub budgets: BTreeMap<String, Budget>,
}

/// A budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// The budget as it is described.
    pub shown: Value,
    /// Its notifications, each with its subscribers.
    pub notifications: Vec<(Value, Vec<Value>)>,
    /// Its tags.
    pub tags: Tags,
}

/// Answers a call.
///
/// # Errors
/// The service's refusal. Budgets answers 400 to whatever the caller did wrong.
pub fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    if let Some(account) = call.text("AccountId").filter(|account| *account != call.account) {
        return Err(refusal(
            "AccessDeniedException",
            format!(
                "User: {} is not authorized to perform: budgets:{} on resource: arn:aws:budgets::{account}:budget/*",
                call.caller.principal, call.operation
            ),
        ));
    }
    match call.operation.as_str() {
        "CreateBudget" => budget::create(world, call),
        "DescribeBudget" => budget::describe(world, call),
        "DescribeBudgets" => budget::list(world, call),
        "UpdateBudget" => budget::update(world, call),
        "DeleteBudget" => budget::delete(world, call),
        "CreateNotification" => notification::create(world, call),
        "UpdateNotification" => notification::update(world, call),
        "DeleteNotification" => notification::delete(world, call),
        "DescribeNotificationsForBudget" => notification::list(world, call),
        "CreateSubscriber" => notification::add_subscriber(world, call),
        "UpdateSubscriber" => notification::update_subscriber(world, call),
        "DeleteSubscriber" => notification::remove_subscriber(world, call),
        "DescribeSubscribersForNotification" => notification::subscribers(world, call),
        "TagResource" => tagging::tag(world, call),
        "UntagResource" => tagging::untag(world, call),
        "ListTagsForResource" => tagging::list(world, call),
        _ => Err(not_carried(call)),
    }
}

fn refusal(code: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(400, code, message)
}

fn invalid(message: impl Into<String>) -> Refusal {
    refusal("InvalidParameterException", message)
}

fn bad_token() -> Refusal {
    refusal("InvalidNextTokenException", "The pagination token is invalid.")
}

#[cfg(test)]
mod tests;

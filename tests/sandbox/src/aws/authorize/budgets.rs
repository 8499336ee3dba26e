//! Budgets: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbudgetservice.html>. Two actions for
//! everything but tags.

use serde_json::Value;

use super::need::{Need, tags_in};
use crate::call::Call;

pub(super) fn needs(call: &Call) -> Vec<Need> {
    let tags = tags_in(call.input.get("ResourceTags"));
    if let Some(resource) = call.text("ResourceARN") {
        return vec![Need::own(call, resource).requested(&tags)];
    }
    let name = ["/BudgetName", "/Budget/BudgetName", "/NewBudget/BudgetName"]
        .into_iter()
        .find_map(|place| call.input.pointer(place).and_then(Value::as_str))
        .unwrap_or("*");
    let account = call.text("AccountId").unwrap_or(&call.account);
    let resource = format!(
        "arn:{}:budgets::{account}:budget/{name}",
        crate::aws::partition::of(&call.region)
    );
    let action = if call.operation.starts_with("Describe") {
        "budgets:ViewBudget"
    } else {
        "budgets:ModifyBudget"
    };
    let mut needs = vec![Need::of(action, resource.clone()).requested(&tags)];
    if !tags.is_empty() {
        needs.push(Need::of("budgets:TagResource", resource).requested(&tags));
    }
    needs
}

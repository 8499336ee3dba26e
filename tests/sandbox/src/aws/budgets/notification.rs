//! Notifications of a budget, and who gets them.

use serde_json::{Value, json};

use super::budget::{change, find};
use super::{Budget, bad_token, invalid, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::input::{items, text};
use crate::aws::output::said;
use crate::aws::page::page;
use crate::call::Call;
use crate::world::World;

/// Notifications of a budget and subscribers of a notification at most:
/// <https://docs.aws.amazon.com/cost-management/latest/userguide/management-limits.html>
const MOST_NOTIFICATIONS: usize = 10;
const MOST_SUBSCRIBERS: usize = 11;

/// What tells notifications apart; the threshold is a percentage unless said otherwise.
fn identity(notification: &Value) -> (String, String, String, String) {
    let member = |name: &str| text(notification, name).unwrap_or_default().to_owned();
    let threshold = notification
        .get("Threshold")
        .and_then(Value::as_f64)
        .unwrap_or_default();
    let kind = match text(notification, "ThresholdType") {
        None | Some("") => "PERCENTAGE".to_owned(),
        Some(kind) => kind.to_owned(),
    };
    (
        member("NotificationType"),
        member("ComparisonOperator"),
        format!("{threshold}"),
        kind,
    )
}

/// A notification as it is described.
fn shown(notification: &Value) -> Value {
    let mut shown = notification.clone();
    if let Some(members) = shown.as_object_mut() {
        members
            .entry("ThresholdType")
            .or_insert_with(|| "PERCENTAGE".into());
        members.insert("NotificationState".into(), "OK".into());
    }
    shown
}

/// The subscribers of a notification: at least one.
///
/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_NotificationWithSubscribers.html>
fn read_subscribers(list: &[Value]) -> Result<Vec<Value>, Refusal> {
    if list.is_empty() {
        return Err(invalid("A notification must have at least one subscriber."));
    }
    if list.len() > MOST_SUBSCRIBERS {
        return Err(refusal(
            "CreationLimitExceededException",
            "A notification can have 11 subscribers.",
        ));
    }
    for subscriber in list {
        let address = text(subscriber, "Address").unwrap_or_default();
        let fits = match text(subscriber, "SubscriptionType") {
            Some("SNS") => address.starts_with("arn:"),
            _ => address.contains('@'),
        };
        if !fits {
            return Err(invalid(format!(
                "{address} is not an address of its subscription type"
            )));
        }
    }
    Ok(list.to_vec())
}

/// Notifications that come with a new budget.
pub(super) fn read_all(call: &Call) -> Result<Vec<(Value, Vec<Value>)>, Refusal> {
    let list = items(&call.input, "NotificationsWithSubscribers");
    if list.len() > MOST_NOTIFICATIONS {
        return Err(refusal(
            "CreationLimitExceededException",
            "A budget can have 10 notifications.",
        ));
    }
    let mut notifications: Vec<(Value, Vec<Value>)> = Vec::new();
    for one in list {
        let notification = one.get("Notification").cloned().unwrap_or_default();
        if notifications
            .iter()
            .any(|(known, _)| identity(known) == identity(&notification))
        {
            return Err(duplicate());
        }
        notifications.push((shown(&notification), read_subscribers(items(one, "Subscribers"))?));
    }
    Ok(notifications)
}

fn duplicate() -> Refusal {
    refusal("DuplicateRecordException", "The notification already exists.")
}

fn absent() -> Refusal {
    refusal(
        "NotFoundException",
        "Unable to find the notification or subscriber.",
    )
}

fn place(budget: &Budget, call: &Call, member: &str) -> Result<usize, Refusal> {
    let wanted = identity(call.input.get(member).unwrap_or(&Value::Null));
    budget
        .notifications
        .iter()
        .position(|(known, _)| identity(known) == wanted)
        .ok_or_else(absent)
}

fn budget<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Budget, Refusal> {
    change(world, call, call.required("BudgetName"))
}

/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_CreateNotification.html>
pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let subscribers = read_subscribers(items(&call.input, "Subscribers"))?;
    let notification = call.input.get("Notification").cloned().unwrap_or_default();
    let known = find(world, call)?;
    if place(known, call, "Notification").is_ok() {
        return Err(duplicate());
    }
    if known.notifications.len() >= MOST_NOTIFICATIONS {
        return Err(refusal(
            "CreationLimitExceededException",
            "A budget can have 10 notifications.",
        ));
    }
    budget(world, call)?
        .notifications
        .push((shown(&notification), subscribers));
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_UpdateNotification.html>
pub(super) fn update(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let known = find(world, call)?;
    let at = place(known, call, "OldNotification")?;
    if place(known, call, "NewNotification").is_ok_and(|other| other != at) {
        return Err(duplicate());
    }
    let new = shown(call.input.get("NewNotification").unwrap_or(&Value::Null));
    budget(world, call)?.notifications[at].0 = new;
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_DeleteNotification.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let at = place(find(world, call)?, call, "Notification")?;
    budget(world, call)?.notifications.remove(at);
    Ok(Answer::empty())
}

/// Numbers as keys of pages.
fn numbered(values: &[Value]) -> impl Iterator<Item = (String, Value)> + '_ {
    values
        .iter()
        .enumerate()
        .map(|(index, value)| (format!("{index:04}"), value.clone()))
}

/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_DescribeNotificationsForBudget.html>
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let all: Vec<Value> = find(world, call)?
        .notifications
        .iter()
        .map(|(notification, _)| notification.clone())
        .collect();
    let page = page(
        numbered(&all),
        call.text("NextToken"),
        call.count("MaxResults"),
        100,
        world.behaviour.page,
    )
    .map_err(|_| bad_token())?;
    Ok(said(
        json!({"Notifications": page.entries, "NextToken": page.next}),
    ))
}

/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_DescribeSubscribersForNotification.html>
pub(super) fn subscribers(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let known = find(world, call)?;
    let at = place(known, call, "Notification")?;
    let page = page(
        numbered(&known.notifications[at].1),
        call.text("NextToken"),
        call.count("MaxResults"),
        100,
        world.behaviour.page,
    )
    .map_err(|_| bad_token())?;
    Ok(said(json!({"Subscribers": page.entries, "NextToken": page.next})))
}

/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_CreateSubscriber.html>
pub(super) fn add_subscriber(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let known = find(world, call)?;
    let at = place(known, call, "Notification")?;
    let mut all = known.notifications[at].1.clone();
    let new = call.input.get("Subscriber").cloned().unwrap_or_default();
    if all.contains(&new) {
        return Err(refusal(
            "DuplicateRecordException",
            "The subscriber already exists.",
        ));
    }
    all.push(new);
    budget(world, call)?.notifications[at].1 = read_subscribers(&all)?;
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_UpdateSubscriber.html>
pub(super) fn update_subscriber(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let known = find(world, call)?;
    let at = place(known, call, "Notification")?;
    let mut all = known.notifications[at].1.clone();
    let old = call.input.get("OldSubscriber").cloned().unwrap_or_default();
    let index = all.iter().position(|one| *one == old).ok_or_else(absent)?;
    all[index] = call.input.get("NewSubscriber").cloned().unwrap_or_default();
    budget(world, call)?.notifications[at].1 = read_subscribers(&all)?;
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_DeleteSubscriber.html>: with the last one
/// the notification goes.
pub(super) fn remove_subscriber(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let known = find(world, call)?;
    let at = place(known, call, "Notification")?;
    let mut all = known.notifications[at].1.clone();
    let old = call.input.get("Subscriber").cloned().unwrap_or_default();
    let index = all.iter().position(|one| *one == old).ok_or_else(absent)?;
    all.remove(index);
    let notifications = &mut budget(world, call)?.notifications;
    if all.is_empty() {
        notifications.remove(at);
    } else {
        notifications[at].1 = all;
    }
    Ok(Answer::empty())
}

//! A budget of AWS Budgets, with its notifications and those who get them.
//!
//! The service is called by hand: its SDK crate holds every kind of budget there is, for the dozen calls that one kind takes.
//! Protocol: JSON 1.1. <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_Operations_AWS_Budgets.html>

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use futures::future::try_join_all;
use futures::try_join;
use mlops_environment::aws::{Budget, Tags};
use mlops_environment::component::{Component, Observation, Present};
use mlops_environment::driver::{Failure, Monitor, Reason};
use serde_json::{Value, json};

use crate::driver::Aws;
use crate::failure::{Outcome, classify, failure, gone, optional};
use crate::object::{Changes, Object, Wanted, as_found, outputs, ready};
use crate::signed::Request;
use crate::tags;

/// Signed for there, wherever the caller is.
const REGION: &str = "us-east-1";
const REGION_CHINA: &str = "cn-northwest-1";

/// One call. `repeatable`: twice does no more than once, or is refused.
async fn call(aws: &Aws, operation: &'static str, mut input: Value) -> Outcome<Value> {
    let Some(endpoint) = &aws.clients.budgets_endpoint else {
        return Err(failure(
            operation,
            Reason::Invalid,
            "endpoints names every service but budgets, which budget needs: name it too, or none of them",
        ));
    };
    let caller = aws.whoami().await?;
    // Tags go by ARN, everything else by account and name.
    if input.get("ResourceARN").is_none() {
        input["AccountId"] = caller.account.clone().into();
    }
    let action = operation.trim_start_matches("budgets:");
    let target = format!("AWSBudgetServiceGateway.{action}");
    let request = Request {
        operation,
        service: "budgets",
        region: if caller.partition == "aws-cn" {
            REGION_CHINA
        } else {
            REGION
        },
        endpoint,
        headers: &[
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", &target),
        ],
        body: input.to_string(),
    };
    // Creates are by name: one whose answer was lost shows as a duplicate.
    let text = request.perform(&aws.clients, true, refused).await?;
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&text).map_err(|error| {
        let words = format!("the answer is not JSON: {error}");
        failure(operation, Reason::Unavailable, words)
    })
}

/// `{"__type":"com.amazonaws.budgets#NotFoundException","Message":"…"}`
fn refused(operation: &str, status: u16, text: &str) -> Failure {
    let said: Value = serde_json::from_str(text).unwrap_or_default();
    let find = |names: [&str; 2]| names.iter().find_map(|name| said.get(*name)?.as_str());
    let code = find(["__type", "code"]).unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default().to_owned();
    let message = find(["message", "Message"]).map_or_else(
        || format!("answered HTTP {status} without a message"),
        str::to_owned,
    );
    let reason = match code.as_str() {
        "DuplicateRecordException" => Reason::AlreadyExists,
        "NotFoundException" => Reason::NotFound,
        _ => classify(status, &code, &message),
    };
    Failure {
        operation: operation.to_owned(),
        reason,
        code,
        message,
        request_id: None,
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// `100.0` and `100` are one amount.
fn amount(text: &str) -> String {
    match text.split_once('.') {
        Some((whole, part)) if part.chars().all(|c| c == '0') => whole.to_owned(),
        _ => text.to_owned(),
    }
}

/// A notification in words: `ACTUAL GREATER_THAN 80 PERCENTAGE`.
fn words(notification: &Value) -> String {
    let threshold = notification
        .get("Threshold")
        .and_then(Value::as_f64)
        .unwrap_or_default();
    let kind = match text(notification, "ThresholdType") {
        "" => "PERCENTAGE",
        kind => kind,
    };
    format!(
        "{} {} {threshold} {kind}",
        text(notification, "NotificationType"),
        text(notification, "ComparisonOperator")
    )
}

/// The notification that the words stand for.
fn notification(words: &str) -> Value {
    let parts: Vec<&str> = words.split(' ').collect();
    let [kind, operator, threshold, unit] = parts[..] else {
        return json!({});
    };
    let threshold: f64 = threshold.parse().unwrap_or_default();
    json!({ "NotificationType": kind, "ComparisonOperator": operator, "Threshold": threshold, "ThresholdType": unit })
}

/// `EMAIL ml@example.com` as the API has it.
fn subscriber(words: &str) -> Value {
    let (kind, address) = words.split_once(' ').unwrap_or(("EMAIL", words));
    json!({ "SubscriptionType": kind, "Address": address })
}

fn tag_list(tags: &Tags) -> Value {
    tags.iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect()
}

impl Wanted<Budget> {
    async fn arn(&self, aws: &Aws) -> Outcome<String> {
        let caller = aws.whoami().await?;
        let (partition, account) = (&caller.partition, &caller.account);
        Ok(format!("arn:{partition}:budgets::{account}:budget/{}", self.name))
    }

    fn body(&self) -> Value {
        json!({
            "BudgetName": self.name,
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": { "Amount": self.monthly, "Unit": self.currency },
            "CostFilters": self.filters,
        })
    }

    /// Who is told when, as it stands.
    async fn notifications(&self, aws: &Aws) -> Outcome<BTreeMap<String, BTreeSet<String>>> {
        let (mut list, mut token) = (Vec::new(), Value::Null);
        loop {
            let mut input = json!({ "BudgetName": self.name });
            if !token.is_null() {
                input["NextToken"] = token;
            }
            let answer = call(aws, "budgets:DescribeNotificationsForBudget", input).await?;
            list.extend(items(&answer, "Notifications").iter().map(words));
            token = answer.get("NextToken").cloned().unwrap_or_default();
            if token.is_null() {
                break;
            }
        }
        let told = list.into_iter().map(|words| async move {
            let input = json!({ "BudgetName": self.name, "Notification": notification(&words) });
            // At most eleven: one page.
            let answer = call(aws, "budgets:DescribeSubscribersForNotification", input).await?;
            let who = items(&answer, "Subscribers")
                .iter()
                .map(|one| format!("{} {}", text(one, "SubscriptionType"), text(one, "Address")))
                .collect();
            Ok((words, who))
        });
        Ok(try_join_all(told).await?.into_iter().collect())
    }

    /// Brings who is told when to what is wanted: first more, then less, because none may be without anybody.
    async fn tell(&self, aws: &Aws, before: &BTreeMap<String, BTreeSet<String>>) -> Outcome<()> {
        let about = |words: &str| json!({ "BudgetName": self.name, "Notification": notification(words) });
        for words in before
            .keys()
            .filter(|words| !self.notifications.contains_key(*words))
        {
            gone(
                call(aws, "budgets:DeleteNotification", about(words))
                    .await
                    .map(drop),
            )?;
        }
        for (words, wanted) in &self.notifications {
            let Some(found) = before.get(words) else {
                let mut input = about(words);
                input["Subscribers"] = wanted.iter().map(|one| subscriber(one)).collect();
                made(call(aws, "budgets:CreateNotification", input).await)?;
                continue;
            };
            for one in wanted.difference(found) {
                let mut input = about(words);
                input["Subscriber"] = subscriber(one);
                made(call(aws, "budgets:CreateSubscriber", input).await)?;
            }
            for one in found.difference(wanted) {
                let mut input = about(words);
                input["Subscriber"] = subscriber(one);
                gone(call(aws, "budgets:DeleteSubscriber", input).await.map(drop))?;
            }
        }
        Ok(())
    }

    async fn set_tags(&self, aws: &Aws, set: &Tags) -> Outcome<()> {
        let input = json!({ "ResourceARN": self.arn(aws).await?, "ResourceTags": tag_list(set) });
        call(aws, "budgets:TagResource", input).await.map(drop)
    }
}

/// An earlier attempt whose answer was lost made it.
fn made(answer: Outcome<Value>) -> Outcome<()> {
    match answer {
        Err(failure) if failure.reason == Reason::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}

#[async_trait]
impl Object for Wanted<Budget> {
    async fn observe(&self, aws: &Aws, _: &Component) -> Outcome<Observation> {
        let name = json!({ "BudgetName": self.name });
        let tags = async {
            let input = json!({ "ResourceARN": self.arn(aws).await? });
            call(aws, "budgets:ListTagsForResource", input).await
        };
        let found = try_join!(
            call(aws, "budgets:DescribeBudget", name),
            self.notifications(aws),
            tags
        );
        let Some((budget, notifications, tagged)) = optional(found)? else {
            return Ok(Observation::Absent);
        };
        let budget = budget.get("Budget").cloned().unwrap_or_default();
        let limit = budget.get("BudgetLimit").cloned().unwrap_or_default();
        let filters = budget.get("CostFilters").cloned().unwrap_or_else(|| json!({}));
        let found = Budget {
            name: self.name.clone(),
            monthly: amount(text(&limit, "Amount")),
            currency: text(&limit, "Unit").to_owned(),
            filters: serde_json::from_value(filters).unwrap_or_default(),
            notifications,
            tags: tags::found(
                items(&tagged, "ResourceTags")
                    .iter()
                    .map(|tag| (text(tag, "Key"), text(tag, "Value"))),
            ),
        };
        let known = outputs([("name", self.name.clone())]);
        let arn = self.arn(aws).await?;
        let mut present = ready(arn, &found.tags, &found, known);
        for (member, usual) in [("TimeUnit", "MONTHLY"), ("BudgetType", "COST")] {
            if text(&budget, member) != usual {
                present
                    .foreign
                    .push(format!("{member} {} in place of {usual}", text(&budget, member)));
            }
        }
        Ok(Observation::Present(present))
    }

    async fn create(&self, aws: &Aws, _: &Component, _: &dyn Monitor) -> Outcome<Present> {
        let told: Value = self
            .notifications
            .iter()
            .map(|(words, who)| {
                let who: Value = who.iter().map(|one| subscriber(one)).collect();
                json!({ "Notification": notification(words), "Subscribers": who })
            })
            .collect();
        let input = json!({
            "Budget": self.body(),
            "NotificationsWithSubscribers": told,
            "ResourceTags": tag_list(&self.tags),
        });
        call(aws, "budgets:CreateBudget", input).await?;
        let known = outputs([("name", self.name.clone())]);
        Ok(ready(self.arn(aws).await?, &self.tags, self, known))
    }

    async fn update(&self, aws: &Aws, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse("budgets:UpdateBudget", &["name"])?;
        if change.foreign() || change.any(&["monthly", "currency", "filters"]) {
            let input = json!({ "NewBudget": self.body() });
            call(aws, "budgets:UpdateBudget", input).await?;
        }
        if change.any(&["notifications"]) {
            self.tell(aws, &as_found(self, change.found)?.notifications)
                .await?;
        }
        if let Some((set, removed)) = change.tags() {
            if !set.is_empty() {
                self.set_tags(aws, &set).await?;
            }
            if !removed.is_empty() {
                let input = json!({ "ResourceARN": self.arn(aws).await?, "ResourceTagKeys": removed });
                call(aws, "budgets:UntagResource", input).await?;
            }
        }
        Ok(())
    }

    async fn delete(&self, aws: &Aws, _: &Component, _: &Present, _: &dyn Monitor) -> Outcome<()> {
        let input = json!({ "BudgetName": self.name });
        gone(call(aws, "budgets:DeleteBudget", input).await.map(drop))
    }

    async fn tag(&self, aws: &Aws, _: &Present, key: &str, value: &str) -> Outcome<()> {
        self.set_tags(aws, &[(key.to_owned(), value.to_owned())].into())
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_is_read_as_it_is_written() {
        for said in [
            "ACTUAL GREATER_THAN 80 PERCENTAGE",
            "FORECASTED GREATER_THAN 100.5 ABSOLUTE_VALUE",
        ] {
            assert_eq!(words(&notification(said)), said);
        }
        let plain =
            json!({ "NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0 });
        assert_eq!(
            words(&plain),
            "ACTUAL GREATER_THAN 80 PERCENTAGE",
            "a percentage unless said otherwise"
        );
    }

    #[test]
    fn amounts_are_compared_as_numbers() {
        assert_eq!(amount("100.0"), "100");
        assert_eq!(amount("100"), "100");
        assert_eq!(amount("100.50"), "100.50");
    }

    #[test]
    fn a_refusal_keeps_code_and_message() {
        let text = r#"{"__type":"com.amazonaws.budgets#NotFoundException","Message":"no such budget"}"#;
        let failure = refused("budgets:DescribeBudget", 400, text);
        assert_eq!(failure.reason, Reason::NotFound);
        assert_eq!(failure.to_string(), "budgets:DescribeBudget: no such budget");
        assert_eq!(
            refused("x", 503, "<html>").message,
            "answered HTTP 503 without a message"
        );
    }
}

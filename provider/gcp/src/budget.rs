//! A budget of a billing account. Its id is Google's to give: it is found by its display name.
//! <https://cloud.google.com/billing/docs/reference/budget/rest/v1/billingAccounts.budgets>

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use http::Method;
use mlops_environment::component::{Component, Observation, Present};
use mlops_environment::driver::{Failure, Monitor, Reason};
use mlops_environment::gcp::Budget;
use serde_json::{Value, json};

use crate::driver::Gcp;
use crate::failure::{Outcome, failure, gone, optional};
use crate::mark::{ENVIRONMENT, asking};
use crate::object::{Changes, Object, Wanted, outputs, ready};
use crate::wait::{SPREADING, patiently};

/// Everything of a budget that is ours to say.
const MASK: &str = "amount,budgetFilter,thresholdRules,notificationsRule";

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

impl Wanted<Budget> {
    fn url(&self, gcp: &Gcp, path: &str) -> Outcome<String> {
        if gcp.clients.may_ask_for_budgets() {
            return Ok(gcp.clients.url("billingbudgets", &format!("v1/{path}")));
        }
        Err(failure(
            "billingbudgets",
            Reason::Denied,
            "the credentials are none of Google's, and billingbudgets would be reached at Google: name its endpoint too",
        ))
    }

    fn collection(&self) -> String {
        format!("billingAccounts/{}/budgets", self.billing_account)
    }

    /// What stands under the name.
    async fn find(&self, gcp: &Gcp) -> Outcome<Option<Value>> {
        const OPERATION: &str = "billingbudgets:ListBudgets";
        let url = self.url(gcp, &self.collection())?;
        let mut page = String::new();
        loop {
            let mut query = vec![("scope", self.project.as_str())];
            if !page.is_empty() {
                query.push(("pageToken", &page));
            }
            let asked = gcp.clients.rest(OPERATION, Method::GET, &url, &query, None).await;
            let Some(answer) = optional(asked)? else {
                return Ok(None);
            };
            let ours = |budget: &&Value| text(budget, "/displayName") == self.name;
            if let Some(found) = items(&answer, "/budgets").iter().find(ours) {
                return Ok(Some(found.clone()));
            }
            page = text(&answer, "/nextPageToken").to_owned();
            if page.is_empty() {
                return Ok(None);
            }
        }
    }

    fn body(&self) -> Value {
        let rules: Value = self
            .thresholds
            .iter()
            .map(|percent| json!({ "thresholdPercent": f64::from(*percent) / 100.0, "spendBasis": "CURRENT_SPEND" }))
            .collect();
        let mut news = json!({ "monitoringNotificationChannels": self.channels });
        if let Some(topic) = &self.topic {
            news["pubsubTopic"] = topic.clone().into();
            news["schemaVersion"] = "1.0".into();
        }
        json!({
            "displayName": self.name,
            "amount": { "specifiedAmount": { "currencyCode": self.currency, "units": self.monthly } },
            "budgetFilter": {
                "projects": [self.project],
                "labels": { ENVIRONMENT: [self.label] },
                "calendarPeriod": "MONTH",
                "creditTypesTreatment": "INCLUDE_ALL_CREDITS",
            },
            "thresholdRules": rules,
            "notificationsRule": news,
        })
    }

    fn present(&self, found: &Value) -> Present {
        let nanos = found
            .pointer("/amount/specifiedAmount/nanos")
            .and_then(Value::as_i64)
            .unwrap_or(0);
        let units = text(found, "/amount/specifiedAmount/units");
        let percent = |rule: &Value| {
            let share = rule
                .get("thresholdPercent")
                .and_then(Value::as_f64)
                .unwrap_or_default();
            // Shares are hundredths: what is none rounds to its neighbour and is put right with it.
            format!("{:.0}", share * 100.0).parse::<u32>().unwrap_or_default()
        };
        let projects: Vec<&str> = items(found, "/budgetFilter/projects")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let typed = Budget {
            name: self.name.clone(),
            billing_account: self.billing_account.clone(),
            project: projects.join(","),
            label: items(found, &format!("/budgetFilter/labels/{ENVIRONMENT}"))
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(","),
            monthly: match (units, nanos) {
                ("", 0) => "0".to_owned(),
                (units, 0) => units.to_owned(),
                (units, nanos) => format!("{units} and {nanos} nanos"),
            },
            currency: text(found, "/amount/specifiedAmount/currencyCode").to_owned(),
            thresholds: items(found, "/thresholdRules").iter().map(percent).collect(),
            topic: Some(text(found, "/notificationsRule/pubsubTopic"))
                .filter(|topic| !topic.is_empty())
                .map(str::to_owned),
            channels: items(found, "/notificationsRule/monitoringNotificationChannels")
                .iter()
                .filter_map(|channel| channel.as_str().map(str::to_owned))
                .collect(),
            owner: self.owner.clone(),
        };
        let known = outputs([("name", self.name.clone())]);
        let mut present = ready(text(found, "/name"), asking(&self.owner), &typed, known);
        let period = text(found, "/budgetFilter/calendarPeriod");
        if period != "MONTH" {
            present
                .foreign
                .push(format!("calendar period {period:?} in place of MONTH"));
        }
        let forecast = |rule: &&Value| text(rule, "/spendBasis") == "FORECASTED_SPEND";
        if items(found, "/thresholdRules").iter().any(|rule| forecast(&rule)) {
            present
                .foreign
                .push("a threshold counts what is forecast".to_owned());
        }
        present
    }
}

#[async_trait]
impl Object for Wanted<Budget> {
    async fn observe(&self, gcp: &Gcp, _: &Component) -> Outcome<Observation> {
        Ok(match self.find(gcp).await? {
            Some(found) => Observation::Present(self.present(&found)),
            None => Observation::Absent,
        })
    }

    async fn create(&self, gcp: &Gcp, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        let url = self.url(gcp, &self.collection())?;
        // Its name does not keep another from being made: where an answer is lost, it is looked for before it is sent again.
        let (subject, body) = (format!("budget {}", self.name), self.body());
        let lost = |failure: &Failure| failure.reason == Reason::Unavailable;
        let sent = AtomicBool::new(false);
        let made = patiently(&subject, SPREADING, monitor, lost, || async {
            if sent.swap(true, Ordering::Relaxed)
                && let Some(found) = self.find(gcp).await?
            {
                return Ok(found);
            }
            gcp.clients
                .rest_once("billingbudgets:CreateBudget", &url, &body)
                .await
        })
        .await?;
        Ok(self.present(&made))
    }

    async fn update(&self, gcp: &Gcp, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        const OPERATION: &str = "billingbudgets:UpdateBudget";
        change.refuse(OPERATION, &["name", "billing_account", "currency"])?;
        let url = self.url(gcp, &change.found.id)?;
        let query = [("updateMask", MASK)];
        gcp.clients
            .rest(OPERATION, Method::PATCH, &url, &query, Some(&self.body()))
            .await
            .map(drop)
    }

    async fn delete(&self, gcp: &Gcp, _: &Component, found: &Present, _: &dyn Monitor) -> Outcome<()> {
        let url = self.url(gcp, &found.id)?;
        gone(
            gcp.clients
                .rest("billingbudgets:DeleteBudget", Method::DELETE, &url, &[], None)
                .await,
        )
    }
}

//! What the environment may cost a month before somebody is told.

use std::collections::BTreeSet;

use super::collector::Collector;
use super::{Arn, AttributePath, BillingAccount, BudgetChannel, Cloud, Context, Email, Late};
use crate::config;

/// Told at these shares, in percent, where nobody says others.
const THRESHOLDS: [u32; 2] = [80, 100];

/// News of one budget at most. AWS takes ten, Google Cloud more; more than these nobody reads.
/// <https://docs.aws.amazon.com/cost-management/latest/userguide/management-limits.html>
const MOST_THRESHOLDS: usize = 5;

/// Addresses and topics of one budget at most, on either cloud those of its API:
/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_Subscriber.html>,
/// <https://cloud.google.com/billing/docs/reference/budget/rest/v1/billingAccounts.budgets#notificationsrule>
const MOST_EMAILS: usize = 10;
const MOST_CHANNELS: usize = 5;

/// A budget as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetSpec {
    /// A month, in whole units of the currency.
    pub monthly: u32,
    /// `USD`.
    pub currency: String,
    /// Shares of it at which somebody is told, in percent.
    pub thresholds: BTreeSet<u32>,
    /// Who is written to.
    pub emails: BTreeSet<Late<Email>>,
    /// The SNS topic; the Pub/Sub topic and notification channels.
    pub topics: BTreeSet<Late<String>>,
    /// Who pays, where the cloud has to be told.
    pub billing_account: Option<Late<BillingAccount>>,
}

pub(super) fn build(
    config: Option<&config::Budget>,
    context: &Context<'_>,
    collector: &mut Collector,
) -> Option<BudgetSpec> {
    let config = config?;
    let path = AttributePath::root("budget");
    let aws = context.cloud == Cloud::Aws;
    if config.monthly.is_none() {
        collector.refuse(
            &path.attribute("monthly"),
            "Missing",
            "A budget has an amount: monthly = 500.",
        );
    }
    let monthly = collector.number(&path.attribute("monthly"), config.monthly, 1, 1, 1_000_000_000);
    let currency = config.currency.clone().unwrap_or_else(|| "USD".to_owned());
    let legal = currency.len() == 3 && currency.chars().all(|c| c.is_ascii_uppercase());
    if !legal || (aws && currency != "USD") {
        collector.refuse(
            &path.attribute("currency"),
            format!("{currency:?} is not possible here"),
            if aws {
                "AWS bills in USD, and so count its budgets. Remove currency."
            } else {
                "Give the billing account's currency by its three letters, for example \"EUR\"."
            },
        );
    }
    let thresholds = thresholds(config, &path.attribute("thresholds"), collector);
    let emails = emails(config, aws, &path.attribute("emails"), collector);
    let topics = topics(config, aws, &path.attribute("topics"), collector);
    if emails.is_empty() && topics.is_empty() {
        collector.refuse(
            &path,
            "Budget without subscriber",
            if aws {
                "Nobody would ever hear of it, and AWS refuses it. Name emails, or an SNS topic in topics."
            } else {
                "Nobody would ever hear of it. Name a Pub/Sub topic or notification channels in topics."
            },
        );
    }
    let at = path.attribute("billing_account");
    let billing_account = match config.billing_account.as_deref() {
        Some(_) if aws => {
            collector.refuse(
                &at,
                "AWS has no billing accounts",
                "Budgets belong to the account that the environment is in. Remove billing_account.",
            );
            None
        }
        Some(text) => collector.late(&at, text),
        None if aws => None,
        None => {
            collector.refuse(
                &at,
                "Missing",
                "Budgets of Google Cloud belong to a billing account. Give the one that pays for the project, for example \
                 billing_account = \"012345-6789AB-CDEF01\".",
            );
            None
        }
    };
    Some(BudgetSpec {
        monthly,
        currency,
        thresholds,
        emails,
        topics,
        billing_account,
    })
}

fn thresholds(config: &config::Budget, path: &AttributePath, collector: &mut Collector) -> BTreeSet<u32> {
    let Some(given) = &config.thresholds else {
        return THRESHOLDS.into();
    };
    if given.is_empty() || given.len() > MOST_THRESHOLDS {
        collector.refuse(
            path,
            format!("{} thresholds are not possible", given.len()),
            format!("Give 1 to {MOST_THRESHOLDS}, in percent, for example [80, 100]."),
        );
    }
    given
        .iter()
        .map(|percent| collector.number(path, Some(*percent), 100, 1, 1000))
        .collect()
}

fn emails(
    config: &config::Budget,
    aws: bool,
    path: &AttributePath,
    collector: &mut Collector,
) -> BTreeSet<Late<Email>> {
    let given = config.emails.clone().unwrap_or_default();
    if !aws && !given.is_empty() {
        collector.refuse(
            path,
            "Google Cloud writes to channels",
            "Make a notification channel of type email (gcloud beta monitoring channels create), and name it in topics: \
             projects/<project>/notificationChannels/<number>.",
        );
    }
    if given.len() > MOST_EMAILS {
        collector.refuse(
            path,
            format!("{} addresses are too many", given.len()),
            format!("AWS writes to {MOST_EMAILS}. Name a list, or an SNS topic in topics."),
        );
    }
    given
        .iter()
        .filter_map(|text| collector.late(path, text))
        .collect()
}

fn topics(
    config: &config::Budget,
    aws: bool,
    path: &AttributePath,
    collector: &mut Collector,
) -> BTreeSet<Late<String>> {
    let given = config.topics.clone().unwrap_or_default();
    let mut topics = BTreeSet::new();
    for text in &given {
        let topic = if aws {
            let arn = collector.late::<Arn>(path, text);
            let other = |arn: &Arn| arn.as_str().split(':').nth(2) != Some("sns");
            if arn.as_ref().and_then(Late::known).is_some_and(other) {
                collector.refuse(
                    path,
                    format!("{text} is no SNS topic"),
                    "Give the topic's ARN, arn:aws:sns:<region>:<account>:<topic>.",
                );
            }
            arn.map(|arn| arn.map(|arn| arn.to_string()))
        } else {
            let channel = collector.late::<BudgetChannel>(path, text);
            channel.map(|channel| channel.map(|channel| channel.to_string()))
        };
        topics.extend(topic);
    }
    let channels = topics
        .iter()
        .filter(|topic| topic.as_str().contains("/notificationChannels/"))
        .count();
    if topics.len() - channels > 1 || channels > MOST_CHANNELS {
        collector.refuse(
            path,
            "Too many topics",
            if aws {
                "A budget tells one SNS topic; let others subscribe to that.".to_owned()
            } else {
                format!("A budget tells one Pub/Sub topic and {MOST_CHANNELS} notification channels.")
            },
        );
    }
    topics
}

impl BudgetSpec {
    /// Few words for the line of a plan.
    pub fn summary(&self, cloud: Cloud) -> String {
        let amount = format!("{} {} a month", self.monthly, self.currency);
        match cloud {
            Cloud::Aws => {
                format!("{amount}; counts once mlops:environment is activated as a cost allocation tag")
            }
            Cloud::Gcp => amount,
        }
    }

    pub(super) fn resolved(&self) -> config::Budget {
        let texts = |list: &BTreeSet<Late<String>>| -> Option<BTreeSet<String>> {
            (!list.is_empty()).then(|| list.iter().map(ToString::to_string).collect())
        };
        config::Budget {
            monthly: Some(self.monthly.into()),
            currency: Some(self.currency.clone()),
            thresholds: Some(
                self.thresholds
                    .iter()
                    .map(|percent| i64::from(*percent))
                    .collect(),
            ),
            emails: (!self.emails.is_empty()).then(|| self.emails.iter().map(ToString::to_string).collect()),
            topics: texts(&self.topics),
            billing_account: self.billing_account.as_ref().map(ToString::to_string),
        }
    }
}

//! A log bucket and the sink that fills it. Cloud Logging's REST API: a handful of calls, for which its crate would be the
//! heaviest but one to build.

use async_trait::async_trait;
use futures::try_join;
use http::Method;
use mlops_environment::component::{Component, Observation, Present, Status};
use mlops_environment::driver::{Failure, Monitor, Reason};
use mlops_environment::gcp::LogBucket;
use serde_json::{Value, json};

use crate::driver::Gcp;
use crate::failure::{Outcome, failure, gone, optional};
use crate::mark;
use crate::name::{as_wanted, parent, required, short};
use crate::object::{Changes, Object, Wanted, outputs, ready};
use crate::wait::{SPREADING, patiently};

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Logging does not see a grant on the key that was made moments ago.
fn key_unseen(failure: &Failure) -> bool {
    matches!(failure.reason, Reason::Denied | Reason::Invalid)
        && (failure.message.contains("cryptoKey") || failure.message.contains("KMS"))
}

impl Wanted<LogBucket> {
    fn url(&self, gcp: &Gcp) -> String {
        gcp.clients.url("logging", &format!("v2/{}", self.name))
    }

    fn sinks_url(&self, gcp: &Gcp) -> Outcome<String> {
        let project = required(&self.name, "projects")?;
        Ok(gcp
            .clients
            .url("logging", &format!("v2/projects/{project}/sinks")))
    }

    fn sink_url(&self, gcp: &Gcp) -> Outcome<String> {
        Ok(format!("{}/{}", self.sinks_url(gcp)?, self.sink))
    }

    fn destination(&self) -> String {
        format!("logging.googleapis.com/{}", self.name)
    }

    fn bucket(&self) -> Value {
        let mut bucket = json!({
            "description": self.description,
            "retentionDays": self.retention_days,
        });
        if let Some(key) = &self.kms_key {
            bucket["cmekSettings"] = json!({ "kmsKeyName": key });
        }
        bucket
    }

    fn sink(&self) -> Value {
        json!({
            "name": self.sink,
            "description": self.description,
            "destination": self.destination(),
            "filter": self.filter,
        })
    }

    async fn get(&self, gcp: &Gcp) -> Outcome<Value> {
        gcp.clients
            .rest("logging:GetBucket", Method::GET, &self.url(gcp), &[], None)
            .await
    }

    async fn get_sink(&self, gcp: &Gcp) -> Outcome<Option<Value>> {
        let url = self.sink_url(gcp)?;
        optional(
            gcp.clients
                .rest("logging:GetSink", Method::GET, &url, &[], None)
                .await,
        )
    }

    async fn patch(&self, gcp: &Gcp, body: &Value, mask: &str) -> Outcome<()> {
        gcp.clients
            .rest(
                "logging:UpdateBucket",
                Method::PATCH,
                &self.url(gcp),
                &[("updateMask", mask)],
                Some(body),
            )
            .await
            .map(drop)
    }

    /// Makes the sink, or makes one that stands already as wanted: it is part of the bucket.
    async fn put_sink(&self, gcp: &Gcp) -> Outcome<()> {
        let made = gcp
            .clients
            .rest_make("logging:CreateSink", &self.sinks_url(gcp)?, &[], &self.sink())
            .await;
        match made {
            Err(refused) if refused.reason == Reason::AlreadyExists => self.patch_sink(gcp).await,
            other => other.map(drop),
        }
    }

    async fn patch_sink(&self, gcp: &Gcp) -> Outcome<()> {
        gcp.clients
            .rest(
                "logging:UpdateSink",
                Method::PATCH,
                &self.sink_url(gcp)?,
                &[("updateMask", "description,destination,filter,disabled")],
                Some(&self.sink()),
            )
            .await
            .map(drop)
    }

    fn present(&self, bucket: &Value, sink: Option<&Value>) -> Present {
        let key = text(bucket, "/cmekSettings/kmsKeyName");
        let sink_to_us = sink.is_some_and(|sink| {
            let to = text(sink, "/destination");
            let to = to.strip_prefix("logging.googleapis.com/").unwrap_or(to);
            as_wanted(to, &self.name) == self.name && sink.get("disabled") != Some(&Value::Bool(true))
        });
        let found = LogBucket {
            name: self.name.clone(),
            retention_days: bucket.get("retentionDays").and_then(Value::as_i64).unwrap_or(30),
            kms_key: (!key.is_empty()).then(|| as_wanted(key, self.kms_key.as_deref().unwrap_or_default())),
            // A sink that is gone, off or turned elsewhere is none of ours.
            sink: if sink_to_us {
                self.sink.clone()
            } else {
                String::new()
            },
            filter: sink.map_or("", |sink| text(sink, "/filter")).to_owned(),
            description: text(bucket, "/description").to_owned(),
        };
        let known = outputs([("name", self.name.clone())]);
        let mut present = ready(&self.name, mark::owner_by(&found.description), &found, known);
        if !matches!(text(bucket, "/lifecycleState"), "" | "ACTIVE") {
            present.status = Status::InProgress {
                what: text(bucket, "/lifecycleState").to_owned(),
                operation: None,
            };
        }
        present
    }
}

#[async_trait]
impl Object for Wanted<LogBucket> {
    async fn observe(&self, gcp: &Gcp, _: &Component) -> Outcome<Observation> {
        let found = try_join!(self.get(gcp), self.get_sink(gcp));
        Ok(match optional(found)? {
            // Deleted, but its name is not free: a create brings it back.
            Some((bucket, _)) if text(&bucket, "/lifecycleState") == "DELETE_REQUESTED" => {
                Observation::Absent
            }
            Some((bucket, sink)) => Observation::Present(self.present(&bucket, sink.as_ref())),
            None => Observation::Absent,
        })
    }

    async fn create(&self, gcp: &Gcp, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        const OPERATION: &str = "logging:CreateBucket";
        let subject = format!("log bucket {}", short(&self.name));
        let url = gcp
            .clients
            .url("logging", &format!("v2/{}/buckets", parent(&self.name)));
        let (body, query) = (self.bucket(), [("bucketId", short(&self.name))]);
        let made = patiently(&subject, SPREADING, monitor, key_unseen, || {
            gcp.clients.rest_make(OPERATION, &url, &query, &body)
        })
        .await;
        if let Err(refused) = made {
            if refused.reason != Reason::AlreadyExists {
                return Err(refused);
            }
            let bucket = self.get(gcp).await?;
            let ours = mark::owner_by(text(&bucket, "/description")) == mark::owner_by(&self.description)
                || same_environment(text(&bucket, "/description"), &self.description);
            if text(&bucket, "/lifecycleState") != "DELETE_REQUESTED" || !ours {
                return Err(refused);
            }
            gcp.clients
                .rest(
                    "logging:UndeleteBucket",
                    Method::POST,
                    &format!("{}:undelete", self.url(gcp)),
                    &[],
                    Some(&json!({})),
                )
                .await?;
            let mut mask = "description,retentionDays".to_owned();
            if self.kms_key.is_some() {
                mask.push_str(",cmekSettings.kmsKeyName");
            }
            self.patch(gcp, &self.bucket(), &mask).await?;
        }
        self.put_sink(gcp).await?;
        let known = outputs([("name", self.name.clone())]);
        Ok(ready(&self.name, mark::owner_by(&self.description), self, known))
    }

    async fn update(&self, gcp: &Gcp, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        const OPERATION: &str = "logging:UpdateBucket";
        change.refuse(OPERATION, &["name"])?;
        if change.any(&["kms_key"]) && self.kms_key.is_none() {
            return Err(failure(
                OPERATION,
                Reason::Invalid,
                format!(
                    "log bucket {} cannot go back to Google's own key: name one",
                    short(&self.name)
                ),
            ));
        }
        let masks = [
            ("description", "description"),
            ("retention_days", "retentionDays"),
            ("kms_key", "cmekSettings.kmsKeyName"),
        ];
        let mask: Vec<&str> = masks
            .into_iter()
            .filter(|(property, _)| change.any(&[property]))
            .map(|(_, path)| path)
            .collect();
        if !mask.is_empty() {
            self.patch(gcp, &self.bucket(), &mask.join(",")).await?;
        }
        if change.any(&["sink"]) {
            let old = change.of("sink").and_then(|change| change.from.as_str());
            if let Some(old) = old.filter(|old| !old.is_empty()) {
                let url = format!("{}/{old}", self.sinks_url(gcp)?);
                gone(
                    gcp.clients
                        .rest("logging:DeleteSink", Method::DELETE, &url, &[], None)
                        .await,
                )?;
            }
            self.put_sink(gcp).await?;
        } else if change.any(&["filter", "description"]) {
            self.patch_sink(gcp).await?;
        }
        Ok(())
    }

    async fn delete(&self, gcp: &Gcp, _: &Component, _: &Present, _: &dyn Monitor) -> Outcome<()> {
        let sink = self.sink_url(gcp)?;
        gone(
            gcp.clients
                .rest("logging:DeleteSink", Method::DELETE, &sink, &[], None)
                .await,
        )?;
        let deleted = gcp
            .clients
            .rest("logging:DeleteBucket", Method::DELETE, &self.url(gcp), &[], None)
            .await;
        match gone(deleted) {
            // Deleted by a call whose answer was lost.
            Err(refused)
                if refused.reason == Reason::Invalid && refused.message.contains("DELETE_REQUESTED") =>
            {
                Ok(())
            }
            other => other,
        }
    }

    async fn retain(&self, gcp: &Gcp, found: &Present, now: &str) -> Outcome<()> {
        let description = found
            .properties
            .get("description")
            .and_then(|description| mark::retained(description.as_str()?, now));
        match description {
            Some(description) => {
                self.patch(gcp, &json!({ "description": description }), "description")
                    .await
            }
            None => Ok(()),
        }
    }
}

/// Whether two marks are of one environment, in whichever of its lives.
fn same_environment(one: &str, other: &str) -> bool {
    use mlops_environment::component::Owner;
    matches!(
        (mark::owner_by(one), mark::owner_by(other)),
        (Owner::Environment { id: one, .. }, Owner::Environment { id: other, .. }) if one == other
    )
}

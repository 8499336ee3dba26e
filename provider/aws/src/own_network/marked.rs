//! What objects of EC2 have in common: found by their mark, made once, deleted when nothing hangs on them any more.

use std::time::{Duration, Instant};

use mlops_environment::aws::Tags;
use mlops_environment::driver::{Failure, Monitor, Reason};
use roxmltree::Node;

use crate::driver::Aws;
use crate::ec2::{self, Form, child, items, tag_set, text};
use crate::failure::{Outcome, failure, missing};
use crate::object::Changes;
use crate::tags::{COMPONENT, ENVIRONMENT};
use crate::wait::{LONG, SPREADING, patiently, says};

/// A kind of object, as the API calls it.
pub(super) struct Ec2Kind {
    /// `ec2:DescribeVpcs`.
    pub(super) describe: &'static str,
    /// List of the answer: `vpcSet`.
    pub(super) list: &'static str,
    /// Its id in an entry: `vpcId`.
    pub(super) id: &'static str,
    /// In tag specifications: `vpc`.
    pub(super) resource: &'static str,
}

/// An object as found.
pub(super) struct Found<T> {
    pub(super) id: String,
    pub(super) tags: Tags,
    pub(super) value: T,
}

/// The filter for objects of a component.
pub(super) fn by_mark(tags: &Tags) -> Form {
    let value = |key: &str| tags.get(key).cloned().unwrap_or_default();
    Form::default()
        .set("Filter.1.Name", format!("tag:{ENVIRONMENT}"))
        .set("Filter.1.Value.1", value(ENVIRONMENT))
        .set("Filter.2.Name", format!("tag:{COMPONENT}"))
        .set("Filter.2.Value.1", value(COMPONENT))
}

impl Ec2Kind {
    /// The objects that carry the mark, oldest id first.
    pub(super) async fn all<T>(
        &self,
        aws: &Aws,
        tags: &Tags,
        read: impl Fn(Node<'_, '_>) -> T + Send,
    ) -> Outcome<Vec<Found<T>>> {
        let mut found = ec2::call(&aws.clients, self.describe, by_mark(tags), |root| {
            items(root, self.list)
                .into_iter()
                .filter_map(|item| {
                    Some(Found {
                        id: text(item, self.id)?,
                        tags: tag_set(item),
                        value: read(item),
                    })
                })
                .collect::<Vec<_>>()
        })
        .await?;
        found.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(found)
    }

    /// The object that carries the mark.
    pub(super) async fn find<T>(
        &self,
        aws: &Aws,
        tags: &Tags,
        read: impl Fn(Node<'_, '_>) -> T + Send,
    ) -> Outcome<Option<Found<T>>> {
        Ok(self.all(aws, tags, read).await?.into_iter().next())
    }

    /// Makes one and returns its id, which stands in the answer at `within` or at its root. Most of these calls know no token
    /// that makes them safe to repeat: where an answer is lost, what it may have made is looked for before another is asked for.
    pub(super) async fn make(
        &self,
        aws: &Aws,
        operation: &'static str,
        form: Form,
        tags: &Tags,
        within: Option<&'static str>,
        monitor: &dyn Monitor,
    ) -> Outcome<String> {
        let form = form.tags("TagSpecification", 1, self.resource, tags);
        patiently(operation, SPREADING, monitor, unseen, || {
            self.make_once(aws, operation, &form, tags, within)
        })
        .await
    }

    async fn make_once(
        &self,
        aws: &Aws,
        operation: &'static str,
        form: &Form,
        tags: &Tags,
        within: Option<&'static str>,
    ) -> Outcome<String> {
        let retry = &aws.clients.retry;
        let (started, mut number) = (Instant::now(), 0);
        loop {
            number += 1;
            let read = |root: Node<'_, '_>| match within {
                Some(name) => child(root, name).and_then(|made| text(made, self.id)),
                None => text(root, self.id),
            };
            let lost = match ec2::call_once(&aws.clients, operation, form.clone(), read).await {
                Ok(id) => return id.ok_or_else(|| missing(operation, self.id)),
                Err(failure) if failure.reason == Reason::Unavailable => failure,
                Err(failure) => return Err(failure),
            };
            let pause = retry.pause(number, fastrand::f64());
            if !retry.goes_on(number, started.elapsed() + pause) {
                return Err(lost);
            }
            tokio::time::sleep(pause).await;
            let made = self.all(aws, tags, |item| text(item, "state")).await?;
            let going = |state: &Option<String>| matches!(state.as_deref(), Some("deleting" | "deleted"));
            if let Some(made) = made.into_iter().find(|found| !going(&found.value)) {
                return Ok(made.id);
            }
        }
    }
}

/// What was made a moment ago is not known everywhere.
fn unseen(failure: &Failure) -> bool {
    failure.code.ends_with(".NotFound") || says(failure, &["Gateway.NotAttached"], &[])
}

/// Sets and removes what an update says of tags.
pub(super) async fn retag(aws: &Aws, change: &Changes<'_>) -> Outcome<()> {
    let Some((set, removed)) = change.tags() else {
        return Ok(());
    };
    let id = &change.found.id;
    if !set.is_empty() {
        set_tags(aws, id, &set).await?;
    }
    if !removed.is_empty() {
        let mut form = Form::default().set("ResourceId.1", id);
        for (index, key) in removed.iter().enumerate() {
            form = form.set(&format!("Tag.{}.Key", index + 1), key);
        }
        ec2::call(&aws.clients, "ec2:DeleteTags", form, |_| ()).await?;
    }
    Ok(())
}

pub(super) async fn set_tags(aws: &Aws, id: &str, tags: &Tags) -> Outcome<()> {
    let mut form = Form::default().set("ResourceId.1", id);
    for (index, (key, value)) in tags.iter().enumerate() {
        form = form
            .set(&format!("Tag.{}.Key", index + 1), key)
            .set(&format!("Tag.{}.Value", index + 1), value);
    }
    ec2::call(&aws.clients, "ec2:CreateTags", form, |_| ()).await
}

pub(super) async fn set_tag(aws: &Aws, id: &str, key: &str, value: &str) -> Outcome<()> {
    set_tags(aws, id, &[(key.to_owned(), value.to_owned())].into()).await
}

/// A call that takes something away; gone is success. What hangs on it leaves within minutes: interfaces of nodes and load
/// balancers are detached after their owners are gone.
pub(super) async fn remove(
    aws: &Aws,
    operation: &'static str,
    form: Form,
    subject: &str,
    monitor: &dyn Monitor,
) -> Outcome<()> {
    let held = |failure: &Failure| says(failure, &["DependencyViolation"], &[]);
    let removed = patiently(subject, RELEASING, monitor, held, || {
        ec2::call(&aws.clients, operation, form.clone(), |_| ())
    })
    .await;
    crate::failure::gone(removed)
}

/// How long what hangs on an object may take to let go: as long as it takes, the user's timeout ends it.
const RELEASING: crate::wait::Pace = LONG.within(Duration::from_secs(10 * 60));

/// An object in a state that it does not leave by itself.
pub(super) fn ended(operation: &str, id: &str, state: &str) -> Failure {
    failure(operation, Reason::Failed, format!("{id} is {state}"))
}

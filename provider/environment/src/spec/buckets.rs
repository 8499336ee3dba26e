//! The six buckets.

use std::collections::BTreeMap;

use mlops_access::generate::aws::Bucket;

use super::collector::{Collector, word_of};
use super::{AttributePath, BucketName, Cloud, Context, Late, Tier};
use crate::config;

/// What happens to a bucket when the environment is destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketOnDestroy {
    /// Destroy is refused while it holds objects.
    Refuse,
    /// It is emptied and deleted.
    Purge,
    /// It is kept.
    Retain,
}

const ON_DESTROY: &[(&str, BucketOnDestroy)] = &[
    ("refuse", BucketOnDestroy::Refuse),
    ("purge", BucketOnDestroy::Purge),
    ("retain", BucketOnDestroy::Retain),
];

/// How overwriting is kept from losing anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOnce {
    /// Old versions stay.
    Versioned,
    /// Writers must say that they replace nothing.
    Conditional,
}

const WRITE_ONCE: &[(&str, WriteOnce)] = &[
    ("versioned", WriteOnce::Versioned),
    ("conditional", WriteOnce::Conditional),
];

/// A bucket as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSpec {
    /// Somebody else's bucket, used as it is.
    pub existing: Option<Late<BucketName>>,
    /// Old versions are kept.
    pub versioning: bool,
    /// Objects are kept so many days; for ever if none.
    pub retention_days: Option<u32>,
    /// Nobody can delete an object before `retention_days` are over, and nobody can take that back.
    pub retention_locked: bool,
    /// Old versions are kept so many days.
    pub noncurrent_days: u32,
    /// Objects move to infrequent access after so many days.
    pub transition_days: Option<u32>,
    /// How overwriting is kept from losing anything.
    pub write_once: WriteOnce,
    /// What destroy does.
    pub on_destroy: BucketOnDestroy,
}

/// Longest time that lifecycle rules take: a hundred years.
const FOREVER: u32 = 36_500;

pub(super) fn build(
    config: Option<&config::Buckets>,
    protect_data: bool,
    context: &Context<'_>,
    collector: &mut Collector,
) -> BTreeMap<Bucket, BucketSpec> {
    let path = AttributePath::root("buckets");
    let config = config.cloned().unwrap_or_default();
    Bucket::ALL
        .into_iter()
        .map(|bucket| {
            let block = block(&config, bucket).clone().unwrap_or_default();
            let at = path.attribute(bucket.as_str());
            (
                bucket,
                build_bucket(bucket, &block, protect_data, context, &at, collector),
            )
        })
        .collect()
}

fn block(config: &config::Buckets, bucket: Bucket) -> &Option<config::Bucket> {
    match bucket {
        Bucket::Data => &config.data,
        Bucket::Models => &config.models,
        Bucket::Predictions => &config.predictions,
        Bucket::Reports => &config.reports,
        Bucket::Mlflow => &config.mlflow,
        Bucket::Logs => &config.logs,
    }
}

fn build_bucket(
    bucket: Bucket,
    config: &config::Bucket,
    protect_data: bool,
    context: &Context<'_>,
    path: &AttributePath,
    collector: &mut Collector,
) -> BucketSpec {
    let defaults = context.defaults;
    let logs = bucket == Bucket::Logs;
    let existing: Option<Late<BucketName>> = config
        .existing
        .as_deref()
        .and_then(|text| collector.late(&path.attribute("existing"), text));
    if existing.is_some() && logs {
        collector.refuse(
            &path.attribute("existing"),
            "The logs bucket must be the environment's own",
            "It holds the environment's claim and takes access logs from the other buckets. Remove existing.",
        );
    }
    let retention_locked = config.retention_locked.unwrap_or(false);
    let versioning = config
        .versioning
        .unwrap_or(!retention_locked || context.cloud == Cloud::Aws);
    if retention_locked {
        check_lock(bucket, config, versioning, context.cloud, path, collector);
    }
    if !versioning
        && !retention_locked
        && context.tier != Tier::Dev
        && matches!(bucket, Bucket::Models | Bucket::Data)
    {
        collector.warn(
            &path.attribute("versioning"),
            format!("{bucket} can be overwritten for good"),
            "Without versions there is no way back to what was served or trained on. Leave versioning on.",
        );
    }
    let mut days = |attribute: &str, given: Option<i64>, default: Option<u32>| match given {
        None => default,
        Some(_) => Some(collector.number(&path.attribute(attribute), given, 1, 1, FOREVER)),
    };
    let retention_days = days(
        "retention_days",
        config.retention_days,
        defaults.retention_days.get(&bucket).copied(),
    );
    let transition_days = days("transition_days", config.transition_days, None);
    let noncurrent_days = days(
        "noncurrent_days",
        config.noncurrent_days,
        Some(defaults.noncurrent_days),
    )
    .unwrap_or(defaults.noncurrent_days);
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
    // Nearline is billed for 30 days at least: https://cloud.google.com/storage/docs/storage-classes
    if transition_days.is_some_and(|days| days < 30) {
        collector.refuse(
            &path.attribute("transition_days"),
            "Too early for infrequent access",
            match context.cloud {
                Cloud::Aws => "S3 moves objects after 30 days at the earliest: give 30 or more.",
                Cloud::Gcp => {
                    "Nearline is billed for 30 days at least: moving earlier saves nothing. Give 30 or more."
                }
            },
        );
    }
    if let (Some(transition), Some(retention)) = (transition_days, retention_days)
        && transition >= retention
    {
        collector.refuse(
            &path.attribute("transition_days"),
            "Objects expire before they move",
            format!("transition_days must be less than retention_days ({retention}), or left out."),
        );
    }
    // On Google Cloud creating is one permission and replacing another: nobody gets the other unless asked for.
    let default = match context.cloud {
        Cloud::Aws => WriteOnce::Versioned,
        Cloud::Gcp => WriteOnce::Conditional,
    };
    let write_once = collector.word(
        &path.attribute("write_once"),
        config.write_once.as_deref(),
        default,
        WRITE_ONCE,
    );
    if context.cloud == Cloud::Gcp {
        if write_once == WriteOnce::Versioned && retention_locked {
            collector.refuse(
                &path.attribute("write_once"),
                format!("Nothing is overwritten in {bucket} while its retention is locked"),
                "Cloud Storage refuses it until an object is old enough. Remove write_once, or retention_locked.",
            );
        } else if write_once == WriteOnce::Versioned && bucket != Bucket::Mlflow {
            collector.refuse(
                &path.attribute("write_once"),
                format!("Nothing is overwritten in {bucket} on Google Cloud"),
                "Whoever may overwrite an object may delete it. Only mlflow, which rewrites files of a run, can be \
                 \"versioned\". Remove write_once.",
            );
        } else if write_once == WriteOnce::Versioned && !versioning {
            collector.refuse(
                &path.attribute("versioning"),
                "write_once = \"versioned\" needs versioning",
                "Remove versioning = false, or write_once.",
            );
        }
    } else if write_once == WriteOnce::Conditional && bucket != Bucket::Predictions {
        collector.refuse(
            &path.attribute("write_once"),
            format!("Conditional writes are not possible for {bucket}"),
            "Only predictions are written by clients that can be asked for it. Remove write_once.",
        );
    }
    let on_destroy = if logs {
        defaults.logs_on_destroy
    } else {
        BucketOnDestroy::Refuse
    };
    let at = path.attribute("on_destroy");
    let on_destroy = collector.word(&at, config.on_destroy.as_deref(), on_destroy, ON_DESTROY);
    if on_destroy == BucketOnDestroy::Purge && retention_locked {
        collector.refuse(
            &at,
            "What is locked cannot be purged",
            "Nobody can delete an object before its retention is over. Use \"refuse\" or \"retain\", or remove \
             retention_locked.",
        );
    } else if on_destroy == BucketOnDestroy::Purge && context.tier == Tier::Prod {
        collector.refuse(&at, "Nothing is purged in prod", "Use \"refuse\" or \"retain\".");
    } else if on_destroy == BucketOnDestroy::Purge && protect_data && !logs {
        collector.refuse(
            &at,
            "Data is protected",
            "on_destroy = \"purge\" deletes every version of every object. Set protection = { data = false } too, if you \
             mean it.",
        );
    }
    BucketSpec {
        existing,
        versioning,
        retention_days,
        retention_locked,
        noncurrent_days,
        transition_days,
        write_once,
        on_destroy,
    }
}

/// What a lock that nobody can open again needs to be sure of.
fn check_lock(
    bucket: Bucket,
    config: &config::Bucket,
    versioning: bool,
    cloud: Cloud,
    path: &AttributePath,
    collector: &mut Collector,
) {
    let at = path.attribute("retention_locked");
    if bucket == Bucket::Logs {
        collector.refuse(
            &at,
            "The logs bucket cannot be locked",
            "No access logs are delivered into a locked bucket, and the claim in it is rewritten. Remove \
             retention_locked.",
        );
    }
    if config.existing.is_some() {
        collector.refuse(
            &at,
            "An existing bucket is never changed",
            "Let its owner lock it. Remove retention_locked.",
        );
    }
    // A default may change with a new environment of another tier; this number stays for ever.
    if config.retention_days.is_none() {
        collector.refuse(
            &path.attribute("retention_days"),
            "How long a locked bucket keeps its objects must be said",
            "It can be raised later, but never lowered nor taken off, by nobody. Write retention_days beside \
             retention_locked.",
        );
    }
    match cloud {
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
        Cloud::Aws if !versioning => collector.refuse(
            &path.attribute("versioning"),
            "S3 locks versions of objects",
            "Remove versioning = false, or retention_locked.",
        ),
        // https://cloud.google.com/storage/docs/object-versioning: not on a bucket with a retention policy.
        Cloud::Gcp if versioning => collector.refuse(
            &path.attribute("versioning"),
            "Cloud Storage keeps old versions or a retention policy, not both",
            "In a locked bucket nothing can be overwritten anyway. Remove versioning = true, or retention_locked.",
        ),
        Cloud::Aws | Cloud::Gcp => {}
    }
}

pub(super) fn resolved(buckets: &BTreeMap<Bucket, BucketSpec>) -> config::Buckets {
    let one = |bucket| buckets.get(&bucket).map(BucketSpec::resolved);
    config::Buckets {
        data: one(Bucket::Data),
        models: one(Bucket::Models),
        predictions: one(Bucket::Predictions),
        reports: one(Bucket::Reports),
        mlflow: one(Bucket::Mlflow),
        logs: one(Bucket::Logs),
    }
}

impl BucketSpec {
    /// The days that the cloud shall hold every object for, whoever asks for its deletion.
    pub fn locked_days(&self) -> Option<u32> {
        self.retention_days.filter(|_| self.retention_locked)
    }

    fn resolved(&self) -> config::Bucket {
        config::Bucket {
            existing: self.existing.as_ref().map(ToString::to_string),
            versioning: Some(self.versioning),
            retention_days: self.retention_days.map(Into::into),
            retention_locked: Some(self.retention_locked),
            noncurrent_days: Some(self.noncurrent_days.into()),
            transition_days: self.transition_days.map(Into::into),
            write_once: word_of(&self.write_once, WRITE_ONCE),
            on_destroy: word_of(&self.on_destroy, ON_DESTROY),
        }
    }
}

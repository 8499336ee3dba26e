//! What probes aim at, spelled out for an environment.

use std::{
    borrow::Cow,
    cell::{OnceCell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use super::At;
use crate::{
    Purpose,
    aws::{Asker, Caller, Context, Request},
    gcp::Resource,
    generate::{
        Secret, Service,
        aws::{self, Bucket, Principal, role_arn},
        gcp,
    },
};

/// An account and an environment that are nobody's: what belongs to them is foreign.
pub(super) const FOREIGN_ACCOUNT: &str = "999999999999";
/// A service that no environment has.
const ANOTHER_SERVICE: &str = "another-service";
/// Marks names of the other environment of the same account.
pub(super) const FOREIGN: &str = "foreign-environment";

/// One question to AWS: an action on a resource, with the keys that such a request carries.
#[derive(Debug, Clone)]
pub(super) struct Aim {
    pub(super) resource: Rc<str>,
    pub(super) keys: Vec<(&'static str, Option<String>)>,
}

impl Aim {
    pub(super) fn at(resource: impl Into<Rc<str>>) -> Self {
        Self {
            resource: resource.into(),
            keys: Vec::new(),
        }
    }

    fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.keys.push((key, Some(value.into())));
        self
    }

    fn without(mut self, key: &'static str) -> Self {
        self.keys.push((key, None));
        self
    }

    /// The request, as this caller makes it.
    pub(super) fn request(&self, asker: &Asker, action: &str) -> Request {
        let request = asker.asks(action, &self.resource);
        self.keys
            .iter()
            .fold(request, |request, (key, value)| match value {
                Some(value) => request.with(key, value.as_str()),
                None => request.without(key),
            })
    }
}

/// A role asking over TLS. A question that must be denied is asked in an open context: a grant under a condition that
/// nobody asked about answers "cannot tell" instead of hiding behind it.
pub(super) fn asker(role: &str, open: bool) -> Asker {
    let context = if open { Context::open() } else { Context::closed() }
        .with("aws:SecureTransport", "true")
        .with("aws:PrincipalIsAWSService", "false");
    Asker::new(Caller::role(role), context)
}

/// Who is asked about what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) principal: Principal<'a>,
    /// The own service, or one of all for identities of the environment.
    pub(super) service: &'a str,
    pub(super) action: &'a str,
    pub(super) at: At,
    /// This environment, or [`FOREIGN`].
    pub(super) environment: &'a str,
}

/// A text for each service, or one for all of them.
type Spelled<'s> = Rc<[(Option<&'s str>, Rc<str>)]>;

/// In which bucket, if in one; which path; in this environment or the foreign one.
type Place = (Option<Bucket>, &'static str, bool);

/// What questions to an environment on AWS aim at. The names of objects are the same whichever identity is asked, so each
/// is spelled once.
pub(super) struct Aims<'s> {
    scope: &'s aws::Scope,
    spelled: RefCell<HashMap<Place, Spelled<'s>>>,
    key_by_hand: OnceCell<Vec<Aim>>,
}

impl<'s> Aims<'s> {
    pub(super) fn new(scope: &'s aws::Scope) -> Self {
        Self {
            scope,
            spelled: RefCell::default(),
            key_by_hand: OnceCell::new(),
        }
    }

    /// A path with `{S}` or `{T}` replaced by each service, and by one that does not exist here; behind its bucket, if one
    /// is given.
    fn spell(&self, bucket: Option<(Bucket, &str)>, path: &'static str, here: bool) -> Spelled<'s> {
        let key = (bucket.map(|(bucket, _)| bucket), path, here);
        if let Some(known) = self.spelled.borrow().get(&key) {
            return Rc::clone(known);
        }
        let text = |path: &str| -> Rc<str> {
            match bucket {
                Some((_, arn)) => format!("{arn}/{path}").into(),
                None => path.into(),
            }
        };
        let spelled: Spelled<'s> = if path.contains(['{', '}']) {
            let services = self.scope.services.keys().map(String::as_str);
            services
                .chain([ANOTHER_SERVICE])
                .map(|s| (Some(s), text(&path.replace("{S}", s).replace("{T}", s))))
                .collect()
        } else {
            [(None, text(path))].into()
        };
        self.spelled.borrow_mut().insert(key, Rc::clone(&spelled));
        spelled
    }

    /// Everything an [`At`] stands for, leaving out objects that no statement can reach.
    pub(super) fn of(&self, ask: &Ask<'_>, reach: &dyn Fn(&str) -> bool) -> Cow<'_, [Aim]> {
        if ask.at == At::StorageKey {
            return Cow::Borrowed(self.key_by_hand.get_or_init(|| storage_key_by_hand(self.scope)));
        }
        Cow::Owned(self.spelled_out(ask, reach))
    }

    fn spelled_out(&self, ask: &Ask<'_>, reach: &dyn Fn(&str) -> bool) -> Vec<Aim> {
        let Ask {
            principal,
            service,
            action,
            at,
            environment,
        } = *ask;
        let scope = self.scope;
        let here = environment == scope.environment;
        let (partition, region, account) = (&scope.partition, &scope.region, &scope.account);
        let bucket = |b: Bucket| -> Option<String> {
            let name = scope.buckets.get(&b)?;
            let name = if here {
                name.clone()
            } else {
                format!("{environment}-{name}")
            };
            Some(format!("arn:{partition}:s3:::{name}"))
        };
        let everything = || Aim::at("*".to_owned());
        let role = |name: &str| format!("arn:{partition}:iam::{account}:role{}{name}", scope.role_path);
        // `{T}` is every service but the own one, `{S}` the own one.
        let chosen = |path: &str| {
            let others = path.contains("{T}");
            move |of: Option<&str>| of.is_none_or(|of| others != (of == service))
        };
        match at {
            At::Repository => {
                let names: Vec<&String> = scope
                    .services
                    .get(service)
                    .into_iter()
                    .flat_map(|s| &s.repositories)
                    .collect();
                let prefix = if here {
                    scope.registry.prefix.clone()
                } else {
                    foreign_prefix(&scope.registry.prefix)
                };
                names
                    .into_iter()
                    .map(|name| Aim::at(format!("{prefix}{name}")))
                    .collect()
            }
            At::Cluster => match &scope.cluster {
                Some(cluster) if here => vec![Aim::at(cluster.arn.clone())],
                Some(_) => vec![Aim::at(format!(
                    "arn:{partition}:eks:{region}:{account}:cluster/{environment}"
                ))],
                None => Vec::new(),
            },
            At::Object(b, path) => {
                let Some(bucket) = bucket(b) else {
                    return Vec::new();
                };
                let (mut aims, chosen) = (Vec::new(), chosen(path));
                for (of, resource) in self.spell(Some((b, &bucket)), path, here).iter() {
                    if !chosen(*of) || !reach(resource) {
                        continue;
                    }
                    let aim = || Aim::at(Rc::clone(resource)).without("s3:prefix");
                    if action != "s3:PutObject" {
                        aims.push(aim());
                        continue;
                    }
                    // The same action uploads the parts of an object and creates it.
                    aims.push(
                        aim()
                            .with("s3:if-none-match", "*")
                            .with("s3:ObjectCreationOperation", "true"),
                    );
                    aims.push(
                        aim()
                            .without("s3:if-none-match")
                            .with("s3:ObjectCreationOperation", "false"),
                    );
                }
                aims
            }
            At::List(b, path) => {
                let Some(bucket) = bucket(b) else {
                    return Vec::new();
                };
                if !reach(&bucket) {
                    return Vec::new();
                }
                let bucket: Rc<str> = bucket.into();
                let (mut aims, chosen) = (Vec::new(), chosen(path));
                for (of, prefix) in self.spell(None, path, here).iter() {
                    if !chosen(*of) {
                        continue;
                    }
                    let aim = Aim::at(Rc::clone(&bucket));
                    if prefix.is_empty() {
                        aims.push(aim.clone().with("s3:prefix", ""));
                        aims.push(aim.without("s3:prefix"));
                    } else {
                        aims.push(aim.with("s3:prefix", &**prefix));
                    }
                }
                aims
            }
            At::ListedSecret => listed(scope.services.get(service), principal.purpose)
                .map(|s| {
                    Aim::at(if here {
                        s.id.clone()
                    } else {
                        s.id.replace(&scope.environment, environment)
                    })
                })
                .collect(),
            At::OtherSecret => {
                let unlisted = format!(
                    "arn:{partition}:secretsmanager:{region}:{account}:secret:{}/{service}/unlisted-Aa1Bb2",
                    scope.environment
                );
                // A name that goes on after the random suffix of a listed one is another secret's.
                let similar = listed(scope.services.get(service), principal.purpose)
                    .map(|s| format!("{}-more-Aa1Bb2", s.id));
                other_secrets(&scope.services, principal, service)
                    .chain(similar)
                    .chain([unlisted])
                    .map(Aim::at)
                    .collect()
            }
            At::AnySecret => {
                let own = scope
                    .services
                    .get(service)
                    .into_iter()
                    .flat_map(|s| s.secrets.values());
                let any = format!(
                    "arn:{partition}:secretsmanager:{region}:{account}:secret:{}/{service}/any-Aa1Bb2",
                    scope.environment
                );
                own.map(|s| s.id.clone()).chain([any]).map(Aim::at).collect()
            }
            At::Metrics => {
                let named =
                    everything().with("cloudwatch:namespace", format!("mlops/{environment}/{service}"));
                if here {
                    vec![named]
                } else {
                    vec![named, everything().without("cloudwatch:namespace")]
                }
            }
            At::State => vec![Aim::at(format!(
                "arn:{partition}:s3:::{}-terraform-state/env.tfstate",
                scope.environment
            ))],
            At::StorageKey => Vec::new(),
            At::KeyAdministration => [&scope.storage_key_arn, &scope.secrets_key_arn]
                .into_iter()
                .flatten()
                .cloned()
                .map(Aim::at)
                .collect(),
            At::Bucket(b) => bucket(b).into_iter().map(Aim::at).collect(),
            At::OtherIdentity => {
                let mut roles: Vec<String> = [Purpose::Ci, Purpose::Deploy]
                    .map(Principal::of_environment)
                    .into_iter()
                    .chain(
                        [Purpose::Runtime, Purpose::Drift, Purpose::Retrain]
                            .map(|p| Principal::of_service(p, service)),
                    )
                    .filter(|p| *p != principal)
                    .map(|p| role_arn(scope, p))
                    .collect();
                roles.push(role("anything"));
                roles.push(format!("arn:{partition}:iam::{account}:role/elsewhere"));
                roles.into_iter().map(Aim::at).collect()
            }
            At::Everything => {
                let resource = match action.split(':').next() {
                    Some("iam") if action.contains("Policy") => {
                        format!("arn:{partition}:iam::{account}:policy/anything")
                    }
                    Some("iam") => format!("arn:{partition}:iam::{account}:user/anybody"),
                    Some("ec2") if action.contains("Route") => {
                        format!("arn:{partition}:ec2:{region}:{account}:route-table/rtb-1")
                    }
                    Some("ec2") => format!("arn:{partition}:ec2:{region}:{account}:security-group/sg-1"),
                    Some("cloudtrail") => format!("arn:{partition}:cloudtrail:{region}:{account}:trail/any"),
                    Some("logs") => format!(
                        "arn:{partition}:logs:{region}:{account}:log-group:/aws/eks/{}/cluster:*",
                        scope.environment
                    ),
                    _ => "*".to_owned(),
                };
                vec![Aim::at(resource)]
            }
        }
    }
}

/// The key without S3 in between, through another service, or for a bucket that nobody's row reads or writes.
fn storage_key_by_hand(scope: &aws::Scope) -> Vec<Aim> {
    const VIA: &str = "kms:ViaService";
    const CONTEXT: &str = "kms:EncryptionContext:aws:s3:arn";
    const SECRET: &str = "kms:EncryptionContext:SecretARN";
    let mut aims = Vec::new();
    let arn = |name: &String| format!("arn:{}:s3:::{name}", scope.partition);
    let host = |service: &str| {
        let suffix = if scope.partition == "aws-cn" {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        format!("{service}.{}.{suffix}", scope.region)
    };
    let another = format!(
        "arn:{}:kms:{}:{}:key/another",
        scope.partition, scope.region, scope.account
    );
    if let Some(key) = &scope.storage_key_arn {
        for bucket in scope.buckets.values() {
            let other = Aim::at(another.clone()).without(SECRET);
            aims.push(other.with(VIA, host("s3")).with(CONTEXT, arn(bucket)));
        }
        let key = || Aim::at(key.clone()).without(SECRET);
        aims.push(key().without(VIA).without(CONTEXT));
        for bucket in scope.buckets.values() {
            aims.push(key().without(VIA).with(CONTEXT, arn(bucket)));
            aims.push(key().with(VIA, host("ec2")).with(CONTEXT, arn(bucket)));
        }
        aims.push(key().with(VIA, host("s3")).without(CONTEXT));
        for foreign in scope
            .buckets
            .get(&Bucket::Logs)
            .map(arn)
            .into_iter()
            .chain(["arn:aws:s3:::elsewhere".into()])
        {
            aims.push(key().with(VIA, host("s3")).with(CONTEXT, foreign));
        }
    }
    if let Some(key) = &scope.secrets_key_arn {
        let key = || Aim::at(key.clone()).without(CONTEXT);
        let secrets = scope
            .services
            .values()
            .flat_map(|s| s.secrets.values())
            .map(|s| s.id.clone());
        for secret in secrets {
            aims.push(key().without(VIA).with(SECRET, secret.clone()));
            aims.push(key().with(VIA, host("ec2")).with(SECRET, secret.clone()));
            let other = Aim::at(another.clone()).without(CONTEXT);
            aims.push(other.with(VIA, host("secretsmanager")).with(SECRET, secret));
        }
        aims.push(key().with(VIA, host("secretsmanager")).without(SECRET));
        aims.push(key().with(VIA, host("secretsmanager")).with(
            SECRET,
            format!(
                "arn:aws:secretsmanager:{}:{}:secret:elsewhere-Aa1Bb2",
                scope.region, scope.account
            ),
        ));
    }
    aims
}

pub(super) fn foreign_prefix(prefix: &str) -> String {
    let trimmed = prefix.strip_suffix('/').unwrap_or(prefix);
    match trimmed.rsplit_once('/') {
        Some((front, _)) => format!(
            "{front}/{FOREIGN}{}",
            if prefix.ends_with('/') { "/" } else { "" }
        ),
        None => format!("{FOREIGN}/"),
    }
}

/// The names of all other services, and of one that does not exist here.
fn others<'a>(services: &'a std::collections::BTreeMap<String, Service>, own: &str) -> Vec<&'a str> {
    services
        .keys()
        .map(String::as_str)
        .filter(|name| *name != own)
        .chain([ANOTHER_SERVICE])
        .collect()
}

fn listed(service: Option<&Service>, purpose: Purpose) -> impl Iterator<Item = &Secret> {
    service
        .into_iter()
        .flat_map(|s| s.secrets.values())
        .filter(move |s| s.readers.contains(&purpose))
}

fn other_secrets(
    services: &std::collections::BTreeMap<String, Service>,
    principal: Principal<'_>,
    own: &str,
) -> impl Iterator<Item = String> {
    let not_listed = services.get(own).into_iter().flat_map(|s| s.secrets.values());
    let foreign = services
        .iter()
        .filter(move |(name, _)| *name != own)
        .flat_map(|(_, s)| s.secrets.values());
    let environment_wide = principal.service.is_none();
    let purpose = principal.purpose;
    not_listed
        .filter(move |s| environment_wide || !s.readers.contains(&purpose))
        .chain(foreign)
        .map(|s| s.id.clone())
        .collect::<Vec<_>>()
        .into_iter()
}

/// Everything an [`At`] stands for on Google Cloud.
pub(super) fn gcp_aims(
    scope: &gcp::Scope,
    principal: Principal<'_>,
    service: &str,
    at: At,
    environment: &str,
) -> Vec<Resource> {
    let here = environment == scope.environment;
    let bucket = |b: Bucket| -> Option<String> {
        let name = scope.buckets.get(&b)?;
        Some(if here {
            name.clone()
        } else {
            format!("{environment}-{name}")
        })
    };
    let expand = |path: &str| -> Vec<String> {
        if path.contains("{T}") {
            others(&scope.services, service)
                .into_iter()
                .map(|t| path.replace("{T}", t))
                .collect()
        } else {
            vec![path.replace("{S}", service)]
        }
    };
    match at {
        At::Repository if here => vec![Resource::Repository(scope.registry.prefix.clone())],
        At::Repository => vec![Resource::Repository(foreign_prefix(&scope.registry.prefix))],
        At::Cluster => scope
            .cluster
            .iter()
            .map(|name| Resource::Cluster(if here { name.clone() } else { foreign_prefix(name) }))
            .collect(),
        At::Object(b, path) => bucket(b)
            .into_iter()
            .flat_map(|b| {
                expand(path).into_iter().map(move |name| Resource::Object {
                    bucket: b.clone(),
                    name,
                })
            })
            .collect(),
        At::List(b, "") => bucket(b).into_iter().map(Resource::Bucket).collect(),
        At::List(b, prefix) => bucket(b)
            .into_iter()
            .flat_map(|b| {
                expand(prefix).into_iter().map(move |prefix| Resource::Folder {
                    bucket: b.clone(),
                    prefix,
                })
            })
            .collect(),
        At::ListedSecret => listed(scope.services.get(service), principal.purpose)
            .map(|s| {
                Resource::Secret(if here {
                    s.id.clone()
                } else {
                    format!("{environment}-{}", s.id)
                })
            })
            .collect(),
        At::OtherSecret => other_secrets(&scope.services, principal, service)
            .chain([format!("{}-{service}-unlisted", scope.environment)])
            .map(Resource::Secret)
            .collect(),
        At::AnySecret => {
            let own = scope
                .services
                .get(service)
                .into_iter()
                .flat_map(|s| s.secrets.values());
            own.map(|s| s.id.clone())
                .chain([format!("{}-{service}-any", scope.environment)])
                .map(Resource::Secret)
                .collect()
        }
        At::State => vec![Resource::Object {
            bucket: format!("{}-terraform-state", scope.environment),
            name: "env.tfstate".to_owned(),
        }],
        At::StorageKey | At::KeyAdministration => {
            scope.storage_key.iter().cloned().map(Resource::Key).collect()
        }
        At::Bucket(b) => bucket(b).into_iter().map(Resource::Bucket).collect(),
        At::OtherIdentity => {
            let own = scope.account(principal);
            scope
                .accounts
                .values()
                .filter(|email| Some(email.as_str()) != own)
                .cloned()
                .chain([format!("anything@{}.iam.gserviceaccount.com", scope.project)])
                .map(Resource::ServiceAccount)
                .collect()
        }
        At::Metrics | At::Everything => vec![Resource::Project(scope.project.clone())],
    }
}

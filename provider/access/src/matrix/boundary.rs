//! Boundaries and bucket policies: what holds even when somebody attaches more.

use super::{
    AwsDocuments, Breach, Expected,
    resource::{Aim, Aims, Ask, FOREIGN_ACCOUNT, asker},
};
use crate::{
    Purpose,
    aws::{Asker, Caller, Context, Decision, Denial, Policies, Policy, Request, Statement, evaluate},
    generate::aws::{Bucket, Principal, Scope, role_arn},
};

/// One action of every kind that no boundary lets through.
const NEVER: &[&str] = &[
    "iam:CreateUser",
    "organizations:LeaveOrganization",
    "account:CloseAccount",
    "sts:AssumeRole",
    "sts:GetFederationToken",
    "kms:CreateGrant",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:DisableKey",
    "s3:PutBucketPolicy",
    "s3:PutBucketAcl",
    "s3:PutObjectAcl",
    "s3:PutBucketPublicAccessBlock",
    "s3:DeleteBucket",
    "s3:BypassGovernanceRetention",
    "ecr:SetRepositoryPolicy",
    "ecr:DeleteRepository",
    "ecr:PutLifecyclePolicy",
    "eks:CreateAccessEntry",
    "eks:UpdateClusterConfig",
    "eks:DeleteCluster",
    "eks:AssociateAccessPolicy",
    "ec2:RunInstances",
    "cloudtrail:StopLogging",
    "logs:DeleteLogGroup",
    "logs:PutRetentionPolicy",
];

pub(super) fn check(scope: &Scope, documents: &AwsDocuments, aims: &Aims<'_>, breaches: &mut Vec<Breach>) {
    let everything = Policy::new([Statement::allow(["*"]).on(["*"])]);
    for (purpose, boundary) in &documents.boundaries {
        never(*purpose, boundary, breaches);
        let bounded = Bounded {
            scope,
            purpose: *purpose,
            asker: asker(&role_arn(scope, judged(scope, *purpose)), true),
            policies: Policies::identity([&everything]).bounded_by(boundary),
        };
        bounded.check(documents, aims, breaches);
    }
    for (bucket, policy) in &documents.buckets {
        bucket_policy(scope, *bucket, policy, &everything, documents, breaches);
    }
}

/// The boundary's own Deny: explicit, so that it also holds against resource policies, which a boundary's mere silence
/// does not stop for sessions.
fn never(purpose: Purpose, boundary: &Policy, breaches: &mut Vec<Breach>) {
    for action in NEVER {
        let request = Request::in_context(
            Caller::role("arn:aws:iam::1:role/any"),
            action,
            "*",
            Context::open(),
        );
        let denied = matches!(
            evaluate(&request, &Policies::identity([boundary])),
            Decision::Denied {
                by: Denial::Explicit(_)
            }
        );
        if !denied {
            breaches.push(Breach {
                row: "B01",
                what: "a boundary refuses what no identity may ever do".to_owned(),
                identity: format!("the boundary of {purpose}"),
                expected: Expected::Deny,
                ask: (*action).to_owned(),
                because: "no statement of the boundary denies it".to_owned(),
            });
        }
    }
}

/// The identity of a purpose whose boundary is judged: of the first service, where it has one.
fn judged(scope: &Scope, purpose: Purpose) -> Principal<'_> {
    let service = scope.services.keys().next().map(String::as_str);
    Principal {
        purpose,
        service: service.filter(|_| purpose.per_service()),
    }
}

/// With everything attached, what remains is the purpose's own on this environment's services: the boundary is judged as if
/// it were the permissions of an identity of a service that the environment does not have.
struct Bounded<'a> {
    scope: &'a Scope,
    purpose: Purpose,
    asker: Asker,
    policies: Policies<'a>,
}

impl Bounded<'_> {
    fn check(&self, documents: &AwsDocuments, aims: &Aims<'_>, breaches: &mut Vec<Breach>) {
        let (scope, purpose) = (self.scope, self.purpose);
        let principal = judged(scope, purpose);
        let ask = |action: &'static str, at, environment| Ask {
            principal,
            service: scope.services.keys().next().map_or("", String::as_str),
            action,
            at,
            environment,
        };
        for probe in super::PROBES {
            // Rows about other services: a boundary serves all services of the environment.
            if probe.cell(purpose) != super::Cell::Deny || ["P10", "P17", "P25"].contains(&probe.id) {
                continue;
            }
            for (action, at) in probe.aws {
                if matches!(at, super::At::Object(_, path) if path.contains("{T}")) {
                    continue;
                }
                for aim in aims.of(&ask(action, *at, &scope.environment), &|_| true).iter() {
                    self.refuses(aim, action, None, (probe.id, probe.what), breaches);
                }
            }
        }
        let elsewhere = format!(
            "arn:{}:secretsmanager:{}:{}:secret:another/service/secret-Aa1Bb2",
            scope.partition, scope.region, scope.account
        );
        let row = ("P38", "read a foreign secret");
        self.refuses(
            &Aim::at(elsewhere),
            "secretsmanager:GetSecretValue",
            None,
            row,
            breaches,
        );
        // What the identity itself may do, elsewhere.
        if !documents.identities.iter().any(|i| i.principal() == principal) {
            return;
        }
        for probe in super::PROBES
            .iter()
            .filter(|p| p.cell(purpose) != super::Cell::Deny)
        {
            let row = ("P38", probe.what);
            for (action, at) in probe.aws {
                let foreign = ask(action, *at, super::resource::FOREIGN);
                for aim in aims.of(&foreign, &|_| true).iter() {
                    self.refuses(aim, action, None, row, breaches);
                }
                if matches!(at, super::At::Object(..) | super::At::List(..)) {
                    for aim in aims.of(&ask(action, *at, &scope.environment), &|_| true).iter() {
                        self.refuses(aim, action, Some(FOREIGN_ACCOUNT), row, breaches);
                        let mut ownerless = aim.clone();
                        ownerless.keys.push(("aws:ResourceAccount", None));
                        self.refuses(&ownerless, action, None, row, breaches);
                    }
                }
            }
        }
    }

    fn refuses(
        &self,
        aim: &Aim,
        action: &str,
        owner: Option<&str>,
        (row, what): (&'static str, &str),
        breaches: &mut Vec<Breach>,
    ) {
        let mut request = aim.request(&self.asker, action);
        let denied = match owner {
            None => evaluate(&request, &self.policies).is_denied(),
            Some(owner) => {
                request = request.owned_by(owner);
                let opened = self.policies.clone().on_resource_with(&super::aws::OPEN);
                evaluate(&request, &opened).is_denied()
            }
        };
        if !denied {
            breaches.push(Breach {
                row,
                what: what.to_owned(),
                identity: format!("the boundary of {}", self.purpose),
                expected: Expected::Deny,
                ask: format!("{action} on {}", aim.resource),
                because: "the boundary lets it through when AdministratorAccess is attached".to_owned(),
            });
        }
    }
}

fn bucket_policy(
    scope: &Scope,
    bucket: Bucket,
    policy: &Policy,
    everything: &Policy,
    documents: &AwsDocuments,
    breaches: &mut Vec<Breach>,
) {
    let Some(name) = scope.buckets.get(&bucket) else {
        return;
    };
    let object = format!("arn:{}:s3:::{name}/churn/x", scope.partition);
    let admin = format!(
        "arn:{}:iam::{}:role/administrator",
        scope.partition, scope.account
    );
    let foreign = format!(
        "arn:{}:iam::{FOREIGN_ACCOUNT}:role/administrator",
        scope.partition
    );
    let whole = format!("arn:{}:s3:::{name}", scope.partition);
    let mut refuse = |row, what: &str, who: &Caller, action: &str, keys: &[(&str, &str)]| {
        let object = if action == "s3:ListBucket" {
            &whole
        } else {
            &object
        };
        let mut request = Request::new(who.clone(), action, object).owned_by(&scope.account);
        for (key, value) in keys {
            request = request.with(key, *value);
        }
        let policies = Policies::identity([everything]).on_resource_with(policy);
        let denied = matches!(
            evaluate(&request, &policies),
            Decision::Denied {
                by: Denial::Explicit(_)
            }
        );
        let service = matches!(who, Caller::Service(_));
        let refused = denied || (service && evaluate(&request, &Policies::resource(policy)).is_denied());
        if !refused {
            breaches.push(Breach {
                row,
                what: what.to_owned(),
                identity: who.to_string(),
                expected: Expected::Deny,
                ask: format!("{action} on {object}"),
                because: format!("the policy of bucket {bucket} does not deny it"),
            });
        }
    };
    if scope.options.tls_only {
        for action in ["s3:GetObject", "s3:PutObject", "s3:ListBucket"] {
            let who = Caller::role(&*admin);
            refuse(
                "B02",
                "reach a bucket without TLS",
                &who,
                action,
                &[("aws:SecureTransport", "false")],
            );
        }
    }
    let tls = ("aws:SecureTransport", "true");
    for action in ["s3:GetObject", "s3:PutObject", "s3:ListBucket"] {
        refuse(
            "B03",
            "reach a bucket from another account",
            &Caller::role(&*foreign),
            action,
            &[tls],
        );
        refuse(
            "B03",
            "reach a bucket without credentials",
            &Caller::Anonymous,
            action,
            &[tls],
        );
    }
    if bucket == Bucket::Models && scope.options.exclusive_writers {
        for identity in documents
            .identities
            .iter()
            .filter(|i| i.purpose != Purpose::Retrain)
        {
            let who = Caller::role(role_arn(scope, identity.principal()));
            for action in ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"] {
                refuse("B04", "write models without being retrain", &who, action, &[tls]);
            }
        }
    }
    let delivery = Caller::Service("logging.s3.amazonaws.com".to_owned());
    let source = format!("arn:{}:s3:::elsewhere", scope.partition);
    let ours = scope
        .buckets
        .get(&Bucket::Data)
        .map(|n| format!("arn:{}:s3:::{n}", scope.partition))
        .unwrap_or_default();
    let (own_account, other_account) = (
        ("aws:SourceAccount", &*scope.account),
        ("aws:SourceAccount", FOREIGN_ACCOUNT),
    );
    refuse(
        "B05",
        "deliver logs of a foreign bucket",
        &delivery,
        "s3:PutObject",
        &[tls, own_account, ("aws:SourceArn", &source)],
    );
    refuse(
        "B05",
        "deliver logs for another account",
        &delivery,
        "s3:PutObject",
        &[tls, other_account, ("aws:SourceArn", &ours)],
    );
    refuse(
        "B05",
        "deliver logs without naming the account",
        &delivery,
        "s3:PutObject",
        &[tls, ("aws:SourceArn", &ours)],
    );
    refuse(
        "B05",
        "deliver logs without naming the bucket",
        &delivery,
        "s3:PutObject",
        &[tls, own_account],
    );
    refuse(
        "B05",
        "read delivered logs as the delivery service",
        &delivery,
        "s3:GetObject",
        &[tls, own_account, ("aws:SourceArn", &ours)],
    );
}

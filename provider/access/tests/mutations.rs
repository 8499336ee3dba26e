//! Every loosening of a generated document must be caught by the matrix: grants are widened one at a time, conditions and
//! denials dropped, trusts opened. A mutant that survives is explained by name below, or the test fails.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::collections::{BTreeMap, BTreeSet};

use mlops_access::{
    Purpose,
    aws::{
        Policy,
        actions::{self, AccessLevel},
    },
    gcp::Resource,
    generate::{
        Document, Effect, Gitlab, Principals, Statement,
        aws::{self, Principal},
        gcp,
    },
    kubernetes::Rule,
    matrix::{AwsDocuments, GcpDocuments, PROBES, check_aws, check_gcp},
    pattern::Pattern,
    trust::TokenSet,
};

/// Survivors, each with the reason why it is no loosening.
const EXPLAINED: &[(&str, &str)] = &[
    (
        "resource repository/shop/*",
        "the environment's prefix holds its own repositories only; the generator itself falls back to it",
    ),
    (
        "DeliverAccessLogs: resource *",
        "a bucket policy speaks of its own bucket, whatever it names",
    ),
    ("DeliverAccessLogs: resource */*", "as before"),
    (
        "ReadReferenceAndPredictions: action s3:GetObjectVersion",
        "older versions of what drift reads anyway",
    ),
    (
        "action kms:Encrypt",
        "in a boundary only, under its conditions: S3 and Secrets Manager could encrypt for buckets and secrets \
         that the purpose writes or reads anyway",
    ),
    (
        "attribute.gate/2/pr",
        "the provider's condition lets no pull request in, so nobody stands at this gate",
    ),
];

#[derive(Default)]
struct Score {
    killed: usize,
    survived: Vec<String>,
    by_row: BTreeMap<&'static str, usize>,
    /// Killed only by comparing with what the configuration generates, not by a row of the tables.
    only_configured: usize,
}

impl Score {
    fn count(&mut self, name: String, rows: BTreeSet<&'static str>) {
        if rows.is_empty() {
            self.survived.push(name);
        } else {
            self.killed += 1;
            self.only_configured += usize::from(rows.iter().all(|row| *row == "S0"));
            for row in rows {
                *self.by_row.entry(row).or_default() += 1;
            }
        }
    }

    fn judge(self, cloud: &str) {
        let total = self.killed + self.survived.len();
        let unexplained: Vec<&String> = self
            .survived
            .iter()
            .filter(|s| !EXPLAINED.iter().any(|(name, _)| s.ends_with(name)))
            .collect();
        println!(
            "{cloud}: {} of {total} mutants killed ({:.2} %), {} survivors explained, {} not",
            self.killed,
            100.0 * self.killed as f64 / total as f64,
            self.survived.len() - unexplained.len(),
            unexplained.len()
        );
        println!("{cloud}: kills by row {:?}", self.by_row);
        println!(
            "{cloud}: {} of the kills rest on row S0 alone",
            self.only_configured
        );
        for survivor in &self.survived {
            println!("{cloud}: survived: {survivor}");
        }
        assert!(total > 100, "{cloud}: only {total} mutants");
        assert!(
            unexplained.is_empty(),
            "{cloud}: unexplained survivors: {unexplained:#?}"
        );
    }
}

/// Actions that a widening may add: every one the matrix asks about, everything that manages permissions, every write in
/// the services that the matrix governs, and whole services.
fn addable() -> Vec<String> {
    let mut all: BTreeSet<String> = PROBES
        .iter()
        .flat_map(|p| p.aws)
        .map(|(action, _)| (*action).to_owned())
        .collect();
    for service in ["s3", "ecr", "eks", "kms", "secretsmanager", "sts", "iam"] {
        all.insert(format!("{service}:*"));
        for action in actions::matching(&format!("{service}:*")) {
            let writes = action.level.is_write() && service != "iam";
            if action.level == AccessLevel::PermissionsManagement || writes {
                all.insert(action.id().to_owned());
            }
        }
    }
    all.insert("*".to_owned());
    all.into_iter().collect()
}

fn wider(resource: &str, scope: &aws::Scope) -> Vec<String> {
    let mut all = vec!["*".to_owned()];
    if let Some((bucket, key)) = resource.split_once('/').filter(|_| resource.contains(":s3:::")) {
        let parts: Vec<&str> = key.split('/').collect();
        for keep in 0..parts.len().saturating_sub(1) {
            all.push(format!(
                "{bucket}/{}",
                [&parts[..keep], &["*"]].concat().join("/")
            ));
        }
        if parts.len() > 1 {
            all.push(format!("{bucket}/*/{}", parts[1..].join("/")));
        }
        all.push("arn:aws:s3:::*/*".to_owned());
    } else if resource.contains(":s3:::") {
        all.push("arn:aws:s3:::*".to_owned());
    } else if resource != "*" {
        let (front, _) = resource.rsplit_once('/').unwrap_or((resource, ""));
        all.push(format!("{front}/*"));
        if resource.contains(":repository/") {
            all.push(format!(
                "arn:aws:ecr:{}:{}:repository/*",
                scope.region, scope.account
            ));
        }
        if resource.contains(":secret:") {
            all.push(format!(
                "arn:aws:secretsmanager:{}:{}:secret:*",
                scope.region, scope.account
            ));
            if !resource.ends_with('*') {
                all.push(format!("{resource}*"));
            }
        }
    }
    all.retain(|r| r != resource);
    all
}

/// Whether an action can apply to a resource at all: others are no widening.
fn applies(action: &str, resource: &str) -> bool {
    if resource == "*" || action == "*" {
        return true;
    }
    let service = action.split(':').next().unwrap_or_default();
    if resource.split(':').nth(2) != Some(service) {
        return false;
    }
    let Some(known) = actions::lookup(action) else {
        return true;
    };
    let concrete = resource.replace('*', "x");
    // One that takes no resource is granted by nothing but `*`.
    known.resource_types().any(|(kind, _)| {
        // A bucket's pattern also matches its objects.
        kind.pattern.matches(&concrete) && (kind.name.as_ref() != "bucket" || !concrete.contains('/'))
    })
}

/// Every document that differs from this one by one loosening.
fn loosened(document: &Document, scope: &aws::Scope, addable: &[String]) -> Vec<(String, Document)> {
    let mut mutants = Vec::new();
    for (index, statement) in document.statements.iter().enumerate() {
        let sid = &statement.sid;
        let mut mutant = |name: String, change: &dyn Fn(&mut Statement)| {
            let mut copy = document.clone();
            change(&mut copy.statements[index]);
            mutants.push((format!("{sid}: {name}"), copy));
        };
        if statement.effect == Effect::Deny {
            for action in &statement.actions {
                mutant(format!("deny without {action}"), &|s| {
                    s.actions.retain(|a| a != action)
                });
            }
            mutant("denies nothing".to_owned(), &|s| {
                s.actions = vec!["iam:NoSuchAction".to_owned()]
            });
            for resource in statement
                .resources
                .iter()
                .filter(|_| statement.resources.len() > 1)
            {
                mutant(format!("deny without {resource}"), &|s| {
                    s.resources.retain(|r| r != resource)
                });
            }
            continue;
        }
        let new = |a: &&String| {
            !document.statements.iter().any(|s| s.actions.contains(a))
                && statement.resources.iter().any(|r| applies(a, r))
        };
        for action in addable.iter().filter(new) {
            mutant(format!("action {action}"), &|s| s.actions.push(action.clone()));
        }
        for (place, resource) in statement.resources.iter().enumerate() {
            for wide in wider(resource, scope) {
                let name = wide.rsplit(':').next().unwrap_or_default();
                mutant(format!("resource {name}"), &|s| s.resources[place] = wide.clone());
            }
        }
        for (operator, keys) in &statement.conditions {
            for key in keys.keys() {
                mutant(format!("without {operator} {key}"), &|s| {
                    s.conditions.get_mut(operator).unwrap().remove(key);
                    s.conditions.retain(|_, keys| !keys.is_empty());
                });
                // A negated operator holds for a missing key anyway; one that already says so stays the same.
                if operator.contains("Not") || operator.ends_with("IfExists") || operator == "Null" {
                    continue;
                }
                mutant(format!("with {operator}IfExists {key}"), &|s| {
                    let values = s.conditions.get_mut(operator).unwrap().remove(key).unwrap();
                    s.conditions
                        .entry(format!("{operator}IfExists"))
                        .or_default()
                        .insert(key.clone(), values);
                    s.conditions.retain(|_, keys| !keys.is_empty());
                });
                if operator.starts_with("String") && !operator.contains("Not") {
                    mutant(format!("with StringLike {key} *"), &|s| {
                        s.conditions.get_mut(operator).unwrap().remove(key);
                        s.conditions.retain(|_, keys| !keys.is_empty());
                        s.conditions
                            .entry("StringLike".to_owned())
                            .or_default()
                            .insert(key.clone(), vec!["*".into()]);
                    });
                }
            }
        }
    }
    mutants
}

fn rows(scope: &aws::Scope, documents: &AwsDocuments) -> BTreeSet<&'static str> {
    check_aws(scope, documents).iter().map(|b| b.row).collect()
}

#[test]
fn every_wider_grant_on_aws_breaks_a_cell() {
    let mut score = Score::default();
    let addable = addable();
    for write_once in [false, true] {
        let mut scope = aws::Scope::example();
        scope.options.write_once = write_once;
        let good = AwsDocuments::generated(&scope).unwrap();
        assert!(rows(&scope, &good).is_empty());
        for (place, identity) in good.identities.iter().enumerate() {
            let relevant = !write_once || identity.purpose == Purpose::Runtime;
            if identity.service.as_deref() == Some("fraud") || !relevant {
                continue;
            }
            let principal = Principal {
                purpose: identity.purpose,
                service: identity.service.as_deref(),
            };
            let document = aws::permissions(&scope, principal);
            // One identity at a time is checked alone; what two of them share is checked on the whole below.
            for (name, mutant) in loosened(&document, &scope, if write_once { &[] } else { &addable }) {
                let mut documents = AwsDocuments {
                    identities: vec![identity.clone()],
                    boundaries: BTreeMap::new(),
                    buckets: BTreeMap::new(),
                    deployer_rules: good.deployer_rules.clone(),
                };
                documents.identities[0].permissions = vec![Policy::parse(&mutant.to_string()).unwrap()];
                let _ = place;
                score.count(format!("{principal} {name}"), rows(&scope, &documents));
            }
        }
    }
    score.judge("AWS grants");
}

#[test]
fn every_wider_boundary_and_bucket_policy_breaks_a_cell() {
    let mut score = Score::default();
    let scope = aws::Scope::example();
    let good = AwsDocuments::generated(&scope).unwrap();
    let empty = AwsDocuments {
        identities: good.identities.clone(),
        boundaries: BTreeMap::new(),
        buckets: BTreeMap::new(),
        deployer_rules: good.deployer_rules.clone(),
    };
    let asked: Vec<String> = PROBES
        .iter()
        .flat_map(|p| p.aws)
        .map(|(action, _)| (*action).to_owned())
        .collect();
    for purpose in Purpose::FIVE {
        let boundary = aws::boundary(&scope, purpose);
        // What the boundary denies stays denied, whatever it allows besides.
        let denied: Vec<Pattern> = boundary
            .statements
            .iter()
            .filter(|s| s.effect == Effect::Deny)
            .flat_map(|s| s.actions.iter().map(|a| Pattern::parse(a)))
            .collect();
        let open: Vec<String> = asked
            .iter()
            .filter(|a| !denied.iter().any(|d| d.matches(a)))
            .cloned()
            .collect();
        for (name, mutant) in loosened(&boundary, &scope, &open) {
            let mut documents = empty.clone();
            documents.identities.retain(|i| i.purpose == purpose);
            documents
                .boundaries
                .insert(purpose, Policy::parse(&mutant.to_string()).unwrap());
            score.count(format!("boundary of {purpose} {name}"), rows(&scope, &documents));
        }
    }
    for bucket in aws::Bucket::ALL {
        for (name, mutant) in loosened(&aws::bucket_policy(&scope, bucket), &scope, &[]) {
            let mut documents = empty.clone();
            documents
                .buckets
                .insert(bucket, Policy::parse(&mutant.to_string()).unwrap());
            score.count(format!("policy of {bucket} {name}"), rows(&scope, &documents));
        }
    }
    score.judge("AWS guards");
}

/// Trust documents that let in more than this one.
fn opened(document: &Document) -> Vec<(String, Document)> {
    let mut mutants = Vec::new();
    for (index, statement) in document.statements.iter().enumerate() {
        let mut mutant = |name: String, change: &dyn Fn(&mut Statement)| {
            let mut copy = document.clone();
            change(&mut copy.statements[index]);
            mutants.push((format!("{}: {name}", statement.sid), copy));
        };
        for (operator, keys) in &statement.conditions {
            for (key, values) in keys {
                mutant(format!("without {key}"), &|s| {
                    s.conditions.get_mut(operator).unwrap().remove(key);
                    s.conditions.retain(|_, keys| !keys.is_empty());
                });
                mutant(format!("ForAllValues:{operator} {key}"), &|s| {
                    let values = s.conditions.get_mut(operator).unwrap().remove(key).unwrap();
                    s.conditions
                        .entry(format!("ForAllValues:{operator}"))
                        .or_default()
                        .insert(key.clone(), values);
                    s.conditions.retain(|_, keys| !keys.is_empty());
                });
                mutant(format!("{operator}IfExists {key}"), &|s| {
                    let values = s.conditions.get_mut(operator).unwrap().remove(key).unwrap();
                    s.conditions
                        .entry(format!("{operator}IfExists"))
                        .or_default()
                        .insert(key.clone(), values);
                    s.conditions.retain(|_, keys| !keys.is_empty());
                });
                mutant(format!("StringNotEquals {key}"), &|s| {
                    s.conditions.get_mut(operator).unwrap().remove(key);
                    s.conditions.retain(|_, keys| !keys.is_empty());
                    s.conditions
                        .entry("StringNotEquals".into())
                        .or_default()
                        .insert(key.clone(), vec!["x".into()]);
                });
                let mut patterns = vec!["*".to_owned()];
                for value in values {
                    let parts: Vec<&str> = value.split(':').collect();
                    for keep in 1..parts.len() {
                        patterns.push(format!("{}:*", parts[..keep].join(":")));
                    }
                    if let Some((owner, _)) = value.split_once('/') {
                        patterns.push(format!("{owner}/*"));
                    }
                    if let Some((repository, _)) =
                        value.split_once(":ref:").or(value.split_once(":environment:"))
                    {
                        patterns.push(format!("{repository}:pull_request"));
                        patterns.push(format!("{repository}:ref:refs/heads/*"));
                        patterns.push(format!("{repository}:ref:refs/heads/main"));
                        patterns.push(format!("{repository}:environment:*"));
                        patterns.push(format!("{repository}:environment:aws-prod"));
                    }
                    if let Some(project) = value
                        .strip_prefix("project_path:")
                        .and_then(|p| p.split(':').next())
                    {
                        let project = format!("project_path:{project}");
                        patterns.push(format!("{project}:ref_type:branch:ref:*"));
                        patterns.push(format!("{project}:ref_type:branch:ref:main"));
                        patterns.push(format!("{project}:environment_protected:*"));
                        patterns.push(format!(
                            "{project}:environment_protected:false:deployment_tier:production:*"
                        ));
                        patterns.push(format!(
                            "{project}:environment_protected:true:deployment_tier:staging:*"
                        ));
                        patterns.push("project_path:acme/*:ref_type:tag:ref:v*".to_owned());
                    }
                    patterns.push(value.replace("acme@1/churn@2", "acme/churn"));
                    patterns.push(format!("{value}*"));
                }
                patterns.sort();
                patterns.dedup();
                // A tag pattern that is closed by a further star is the same pattern.
                patterns.retain(|p| !values.contains(p) && !p.ends_with("**"));
                for pattern in patterns {
                    mutant(format!("{key} also like {pattern}"), &|s| {
                        let mut values = s.conditions.get_mut(operator).unwrap().remove(key).unwrap();
                        values.push(pattern.clone());
                        s.conditions.retain(|_, keys| !keys.is_empty());
                        s.conditions
                            .entry("StringLike".into())
                            .or_default()
                            .entry(key.clone())
                            .or_default()
                            .extend(values);
                    });
                }
            }
        }
        mutant("no conditions".to_owned(), &|s| s.conditions.clear());
    }
    let extra: [(&str, Principals); 4] = [
        ("everyone", Principals::Everyone),
        (
            "the account",
            Principals::Aws(vec!["arn:aws:iam::111122223333:root".into()]),
        ),
        (
            "a user",
            Principals::Aws(vec!["arn:aws:iam::111122223333:user/ann".into()]),
        ),
        ("a service", Principals::Service("lambda.amazonaws.com".into())),
    ];
    for (name, principals) in extra {
        let mut copy = document.clone();
        copy.statements
            .push(Statement::allow("Extra", &["sts:AssumeRole"]).to(principals));
        mutants.push((format!("also {name}"), copy));
    }
    mutants
}

#[test]
fn every_looser_trust_on_aws_breaks_a_cell() {
    let mut score = Score::default();
    let mut scope = aws::Scope::example();
    scope.github.as_mut().unwrap().retrain_environment = Some("aws-prod-retrain".into());
    scope.gitlab = Some(Gitlab::example(
        "arn:aws:iam::111122223333:oidc-provider/gitlab.com",
    ));
    let good = AwsDocuments::generated(&scope).unwrap();
    assert!(rows(&scope, &good).is_empty());
    for (place, identity) in good.identities.iter().enumerate() {
        if identity.purpose == Purpose::Node {
            continue;
        }
        let principal = Principal {
            purpose: identity.purpose,
            service: identity.service.as_deref(),
        };
        for (name, mutant) in opened(&aws::trust(&scope, principal)) {
            let mut documents = good.clone();
            documents.identities[place].trust = TokenSet::of_aws_trust(&mutant.to_string()).unwrap();
            score.count(format!("{principal} {name}"), rows(&scope, &documents));
        }
    }
    score.judge("AWS trusts");
}

#[test]
fn every_wider_grant_or_entrance_on_google_cloud_breaks_a_cell() {
    const WIDER: &[&str] = &[
        "roles/owner",
        "roles/editor",
        "roles/viewer",
        "roles/storage.admin",
        "roles/storage.objectAdmin",
        "roles/storage.objectUser",
        "roles/storage.objectCreator",
        "roles/storage.objectViewer",
        "roles/artifactregistry.writer",
        "roles/artifactregistry.repoAdmin",
        "roles/artifactregistry.admin",
        "roles/container.admin",
        "roles/container.developer",
        "roles/secretmanager.admin",
        "roles/secretmanager.secretAccessor",
        "roles/iam.serviceAccountUser",
        "roles/iam.serviceAccountTokenCreator",
        "roles/cloudkms.cryptoKeyEncrypterDecrypter",
        "roles/resourcemanager.projectIamAdmin",
        "roles/logging.admin",
        "roles/brandnew.unknownRole",
    ];
    let mut score = Score::default();
    let mut scope = gcp::Scope::example();
    scope.github.as_mut().unwrap().retrain_environment = Some("gcp-prod-retrain".into());
    scope.gitlab = Some(Gitlab::example("gitlab"));
    let good = GcpDocuments::generated(&scope);
    let rows = |documents: &GcpDocuments| -> BTreeSet<&'static str> {
        check_gcp(&scope, documents)
            .unwrap()
            .iter()
            .map(|b| b.row)
            .collect()
    };
    assert!(rows(&good).is_empty());
    for (place, identity) in good.identities.iter().enumerate() {
        let label = identity.member.as_str();
        for grant in &identity.grants {
            let mut mutant = |name: String, change: &dyn Fn(&mut gcp::Grant)| {
                let mut documents = good.clone();
                // A wider grant stands beside the one that is there.
                let mut wider = grant.clone();
                change(&mut wider);
                documents.identities[place].grants.push(wider);
                score.count(format!("{label} {grant}: {name}"), rows(&documents));
            };
            let service = match &grant.resource {
                Resource::Folder { .. } => "roles/storage.",
                Resource::Repository(_) => "roles/artifactregistry.",
                Resource::Secret(_) => "roles/secretmanager.",
                _ => "roles/",
            };
            let held = |role: &str| {
                identity
                    .grants
                    .iter()
                    .any(|g| g.resource.covers(&grant.resource) && g.role == role)
            };
            let basic = ["roles/owner", "roles/editor", "roles/brandnew.unknownRole"];
            for role in WIDER
                .iter()
                .filter(|r| (r.starts_with(service) || basic.contains(r)) && !held(r))
            {
                mutant(format!("role {role}"), &|g| (*role).clone_into(&mut g.role));
            }
            let wide = match &grant.resource {
                Resource::Folder { bucket, prefix } => {
                    let front = prefix
                        .trim_end_matches('/')
                        .rsplit_once('/')
                        .map(|(front, _)| format!("{front}/"));
                    let mut all = vec![
                        Resource::Bucket(bucket.clone()),
                        Resource::Project(scope.project.clone()),
                    ];
                    all.extend(front.map(|prefix| Resource::Folder {
                        bucket: bucket.clone(),
                        prefix,
                    }));
                    all
                }
                Resource::Project(_) => Vec::new(),
                _ => vec![Resource::Project(scope.project.clone())],
            };
            for resource in wide {
                mutant(format!("on {resource}"), &|g| g.resource = resource.clone());
            }
            if grant.condition.is_some() {
                mutant("without condition".into(), &|g| g.condition = None);
                mutant("with condition true".into(), &|g| {
                    g.condition.as_mut().unwrap().expression = "true".into()
                });
            }
        }
        if identity.purpose == Purpose::Node {
            continue;
        }
        let pool = gcp::workload_pool(&scope);
        let entrances = [
            "allUsers".to_owned(),
            "allAuthenticatedUsers".to_owned(),
            "user:ann@acme.example".to_owned(),
            format!("principalSet://iam.googleapis.com/{pool}/*"),
            format!("principalSet://iam.googleapis.com/{pool}/attribute.gate/2/pr"),
            format!("principalSet://iam.googleapis.com/{pool}/attribute.gate/2/ref/refs/heads/main"),
            format!("principalSet://iam.googleapis.com/{pool}/attribute.gate/2/env/another"),
            format!("principalSet://iam.googleapis.com/{pool}/attribute.gate/gl/42/ref/refs/heads/main"),
            format!("principalSet://iam.googleapis.com/{pool}/attribute.gate/gl/42/env/another"),
            format!(
                "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/{}.svc.id.goog/*",
                scope.project
            ),
            format!(
                "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/{}.svc.id.goog/namespace/churn-prod",
                scope.project
            ),
            format!("serviceAccount:{}.svc.id.goog[churn-prod/default]", scope.project),
            "serviceAccount:another@acme-ml-prod.iam.gserviceaccount.com".to_owned(),
        ];
        for member in entrances {
            let mut documents = good.clone();
            let mut entrance = documents.identities[place].entrances[0].clone();
            entrance.member.clone_from(&member);
            documents.identities[place].entrances.push(entrance);
            let kills = rows(&documents);
            score.count(format!("{label} also enters {member}"), kills);
        }
    }
    for (name, expression) in [
        ("no condition", None),
        ("condition true", Some("true")),
        ("owner only", Some(r#"assertion.repository_owner_id == "1""#)),
        (
            "repository name only",
            Some(r#"assertion.repository == "acme/churn""#),
        ),
        (
            "any event",
            Some(r#"assertion.repository_owner_id == "1" && assertion.repository_id == "2""#),
        ),
        (
            "not this owner",
            Some(r#"assertion.repository_owner_id != "666""#),
        ),
        (
            "a regular expression",
            Some(r#"assertion.repository.matches("acme/.*")"#),
        ),
    ] {
        let mut documents = good.clone();
        documents.providers[0].condition = expression.map(str::to_owned);
        score.count(format!("provider: {name}"), rows(&documents));
    }
    let gitlab = |rest: &str| Some(format!(r#"assertion.project_id == "42"{rest}"#));
    let source = r#" && assertion.pipeline_source in ["push", "web", "schedule", "api"]"#;
    let environment = r#" && (!has(assertion.environment) || assertion.environment_protected == "true")"#;
    let protected = r#" && assertion.ref_protected == "true""#;
    for (name, condition) in [
        ("no condition", None),
        ("project only", gitlab("")),
        ("any source", gitlab(&format!("{protected}{environment}"))),
        ("any environment", gitlab(&format!("{protected}{source}"))),
        ("any ref", gitlab(&format!("{source}{environment}"))),
    ] {
        let mut documents = good.clone();
        documents.providers[1].condition = condition;
        score.count(format!("provider of GitLab: {name}"), rows(&documents));
    }
    for (name, gate) in [
        (
            "environments ignored",
            r#""gl/" + assertion.project_id + "/ref/" + assertion.ref_path"#,
        ),
        ("one gate for all", r#""gl/42/env/production""#),
        (
            "the gates of GitHub",
            r#"has(assertion.environment) ? "2/env/gcp-prod" : "gl/42/ref/" + assertion.ref_path"#,
        ),
    ] {
        let mut documents = good.clone();
        documents.providers[1]
            .mapping
            .insert("attribute.gate".into(), gate.into());
        score.count(format!("mapping of GitLab: {name}"), rows(&documents));
    }
    for (name, gate) in [
        (
            "environments ignored",
            r#"assertion.repository_id + "/ref/" + assertion.ref"#,
        ),
        ("one gate for all", r#""2/env/gcp-prod""#),
        (
            "any branch named v",
            r#"has(assertion.environment) ? assertion.repository_id + "/env/" + assertion.environment : assertion.ref.contains("v") ? assertion.repository_id + "/ref/refs/tags/v" : assertion.repository_id + "/ref/" + assertion.ref"#,
        ),
    ] {
        let mut documents = good.clone();
        documents.providers[0]
            .mapping
            .insert("attribute.gate".into(), gate.into());
        score.count(format!("mapping: {name}"), rows(&documents));
    }
    score.judge("Google Cloud");
}

#[test]
fn every_wider_rbac_rule_breaks_a_cell() {
    let mut score = Score::default();
    let scope = aws::Scope::example();
    let good = AwsDocuments {
        identities: Vec::new(),
        ..AwsDocuments::generated(&scope).unwrap()
    };
    let rule = |group: &str, resource: &str, verb: &str| Rule {
        api_groups: vec![group.to_owned()],
        resources: vec![resource.to_owned()],
        resource_names: Vec::new(),
        verbs: vec![verb.to_owned()],
    };
    let denied = PROBES
        .iter()
        .filter(|p| ["P07", "P08"].contains(&p.id))
        .flat_map(|p| p.kubernetes);
    let mut added: Vec<Rule> = denied
        .map(|(group, verb, resource)| rule(group, resource, verb))
        .collect();
    added.extend([
        rule("*", "*", "*"),
        rule("", "*", "*"),
        rule("", "secrets", "*"),
        rule("*", "*", "get"),
        rule("", "*/exec", "*"),
    ]);
    for extra in added {
        let mut documents = good.clone();
        documents.deployer_rules.push(extra.clone());
        score.count(format!("{extra:?}"), rows(&scope, &documents));
    }
    for (place, original) in good.deployer_rules.iter().enumerate() {
        // In groups of workloads every resource is a workload; in the core group live secrets and namespaces.
        if original.api_groups == [""] {
            let mut documents = good.clone();
            documents.deployer_rules[place].resources = vec!["*".to_owned()];
            score.count(
                format!("{:?}: all resources", original.resources),
                rows(&scope, &documents),
            );
        }
        let mut documents = good.clone();
        documents.deployer_rules[place].api_groups = vec!["*".to_owned()];
        documents.deployer_rules[place].resources = vec!["*".to_owned()];
        score.count(
            format!("{:?}: everything", original.resources),
            rows(&scope, &documents),
        );
    }
    assert!(score.survived.is_empty(), "{:#?}", score.survived);
    println!("RBAC: {} of {} mutants killed", score.killed, score.killed);
}

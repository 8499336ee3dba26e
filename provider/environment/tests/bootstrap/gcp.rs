//! On Google Cloud: names that fit, doors, roles, and what each worker can and cannot do.

use std::collections::{BTreeMap, BTreeSet};

use mlops_access::gcp::cel::{Expr, Stop, Value as Cel};
use mlops_access::gcp::{Binding, Condition, Policy, Provider, Question, Resource, Role, allows};
use mlops_access::trust::{Overlap, Token, TokenSet};
use mlops_access::verdict::Verdict;
use mlops_environment::bootstrap::{Forge, Place, Project, Repository, Spec, TIERS, Worker, gcp};
use mlops_environment::component::{Component, Kind};
use mlops_environment::gcp::{CustomRole, Grant, ProjectGrants, Trust, WorkloadIdentityProvider};
use mlops_environment::names::EnvironmentId;
use mlops_environment::names::gcp::Names;
use mlops_environment::provisioner::permissions;
use mlops_environment::spec::{Bucket as Use, Cloud, Tier};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The longest that everything can be: sizes must hold for it.
pub(super) fn spec() -> Spec {
    Spec {
        name: "abcdefghijkl".parse().expect("a name"),
        place: Place::Gcp(gcp::Place {
            project: "acme-machine-learning-platform".parse().expect("a project"),
            number: "123456789012".to_owned(),
            region: "northamerica-northeast1".parse().expect("a region"),
        }),
        tiers: TIERS.into_iter().collect(),
        forge: Forge::Github(Repository {
            name: "acme/infrastructure".to_owned(),
            ids: Some(("123456789".to_owned(), "987654321".to_owned())),
        }),
        retention_days: 365,
    }
}

/// The same from a project of GitLab's.
pub(super) fn of_gitlab() -> Spec {
    Spec {
        forge: Forge::Gitlab(Project {
            url: "https://gitlab.acme.example".parse().expect("an instance"),
            path: "acme/platform/infrastructure".to_owned(),
            id: Some("42".parse().expect("an id")),
        }),
        ..spec()
    }
}

fn components() -> Vec<Component> {
    components_of(&spec())
}

fn components_of(spec: &Spec) -> Vec<Component> {
    spec.components().expect("components")
}

fn typed<T: DeserializeOwned>(component: &Component) -> T {
    serde_json::from_value(json!(component.properties)).expect("typed properties")
}

fn of<T: DeserializeOwned>(address: &str) -> T {
    within(&spec(), address)
}

fn within<T: DeserializeOwned>(spec: &Spec, address: &str) -> T {
    let found = components_of(spec);
    let component = found.iter().find(|one| one.address.as_str() == address);
    typed(component.unwrap_or_else(|| panic!("no {address}")))
}

#[test]
fn everything_fits_whatever_the_names_are() {
    for component in components().into_iter().chain(components_of(&of_gitlab())) {
        let address = component.address.to_string();
        let text = |name: &str| {
            let value = component.properties.get(name).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let most = |name: &str, most: usize| {
            assert!(
                text(name).len() <= most,
                "{address} {name}: {} of {most}",
                text(name).len()
            );
        };
        // https://cloud.google.com/iam/quotas and the reference of each API.
        most("description", 256);
        match component.kind {
            Kind::GcpServiceAccount => {
                most("account_id", 30);
                most("display_name", 100);
            }
            Kind::GcpWorkloadIdentityPool | Kind::GcpWorkloadIdentityProvider => most("display_name", 32),
            Kind::GcpCustomRole => {
                most("title", 100);
                assert!(text("name").rsplit('/').next().is_some_and(|id| id.len() <= 64));
            }
            Kind::GcpBucket => most("name", 63),
            _ => {}
        }
        for value in component
            .properties
            .get("tags")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|tags| tags.values())
        {
            assert!(
                value.as_str().is_some_and(|value| value.len() <= 63),
                "{address}: {value}"
            );
        }
        for mapped in component
            .properties
            .get("attribute_mapping")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|map| map.values())
        {
            assert!(mapped.as_str().is_some_and(|text| text.len() <= 2048));
        }
    }
}

/// The roles are what applying needs, parted: nothing is lost and nothing is twice.
#[test]
fn the_roles_are_what_applying_needs_and_no_more() {
    let parts = ["reader", "keeper", "writer", "granter"]
        .map(|part| of::<CustomRole>(&format!("roles.{part}")).permissions);
    let all: Vec<&String> = parts.iter().flatten().collect();
    let once: BTreeSet<&str> = all.iter().map(|permission| permission.as_str()).collect();
    assert_eq!(all.len(), once.len(), "no permission is in two roles");
    let left: BTreeSet<&str> = permissions()
        .into_iter()
        .filter(|permission| !once.contains(permission))
        .collect();
    assert_eq!(
        left,
        ["storage.objects.create", "storage.objects.get"].into(),
        "what objects hold is bound to the claim"
    );
    assert!(once.iter().all(|permission| permissions().contains(permission)));
    let reader = &parts[0];
    let writes = |permission: &&String| {
        !["get", "list", "getIamPolicy"]
            .iter()
            .any(|verb| permission.ends_with(&format!(".{verb}")))
    };
    assert_eq!(reader.iter().find(writes), None, "the reader writes nothing");
}

/// What environments grant on the project is what their provisioner may grant there.
#[test]
fn a_provisioner_may_grant_what_environments_want() {
    let grants: ProjectGrants = of("project_grants");
    let condition = |part: &str| {
        let found = grants.grants.iter().find(|grant| grant.role.ends_with(part));
        found
            .and_then(|grant| grant.condition.clone())
            .expect("a condition")
            .expression
    };
    let allowed = condition("_granter");
    for file in ["full", "minimal"] {
        let snapshot = format!(
            "{}/tests/snapshots/gcp__the_components_of_a_{file}_environment.snap",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = std::fs::read_to_string(snapshot).expect("a snapshot");
        let part = text
            .split("address: project_grants")
            .nth(1)
            .expect("grants on the project");
        let part = part.split("- address:").next().unwrap_or_default();
        let roles: BTreeSet<&str> = part
            .lines()
            .filter_map(|line| line.split_once("role: "))
            .map(|(_, role)| role.trim())
            .collect();
        assert!(!roles.is_empty());
        for role in roles {
            assert!(
                allowed.contains(&format!("\"{role}\"")),
                "{role} is not in {allowed}"
            );
        }
    }
    for role in [
        "roles/owner",
        "roles/editor",
        "roles/iam.serviceAccountTokenCreator",
    ] {
        assert!(!allowed.contains(role));
    }
}

/// The condition on what is granted, put to the evaluator with what a call would change.
#[test]
fn a_provisioner_cannot_make_itself_an_owner() {
    let grants: ProjectGrants = of("project_grants");
    let granter = grants
        .grants
        .iter()
        .find(|grant| grant.role.ends_with("_granter"));
    let condition = granter
        .and_then(|grant| grant.condition.clone())
        .expect("a condition");
    let asked = "api.getAttribute(\"iam.googleapis.com/modifiedGrantsByRole\", [])";
    assert!(
        condition.expression.starts_with(asked),
        "{}",
        condition.expression
    );
    let nothing = |path: &[String]| Err(Stop::Fails(format!("there is no {}", path.join("."))));
    let holds = |changed: Value| {
        let expression = condition.expression.replace(asked, &changed.to_string());
        Expr::parse(&expression).expect("an expression").holds(&nothing)
    };
    assert_eq!(holds(json!(["roles/monitoring.metricWriter"])), Verdict::Yes);
    assert_eq!(holds(json!([])), Verdict::Yes, "a call that grants nothing");
    for role in ["roles/owner", "roles/iam.serviceAccountTokenCreator"] {
        assert_eq!(holds(json!([role])), Verdict::No, "{role}");
        assert_eq!(
            holds(json!(["roles/monitoring.metricWriter", role])),
            Verdict::No,
            "{role} among others"
        );
    }
}

fn token(environment: Option<&str>, event: &str) -> Token {
    let mut token = Token::oidc("token.actions.githubusercontent.com")
        .with("aud", "https://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/bootstrap-abcdefghijkl/providers/github")
        .with("repository", "acme/infrastructure")
        .with("repository_id", "987654321")
        .with("repository_owner_id", "123456789")
        .with("run_id", "7")
        .with("ref", "refs/heads/main")
        .with("event_name", event);
    if let Some(environment) = environment {
        token = token.with("environment", environment);
    }
    token
}

fn provider(spec: &Spec) -> Provider {
    let wanted: WorkloadIdentityProvider = within(spec, &format!("federation.{}", spec.forge.as_str()));
    Provider {
        pool: "projects/123456789012/locations/global/workloadIdentityPools/bootstrap-abcdefghijkl"
            .to_owned(),
        issuer: wanted.issuer.trim_start_matches("https://").to_owned(),
        audiences: wanted.audiences.into_iter().collect(),
        mapping: wanted.attribute_mapping,
        condition: Some(wanted.attribute_condition),
    }
}

/// The gate that a token passes, if it is let in at all.
fn gate(spec: &Spec, token: &Token) -> Option<String> {
    let provider = provider(spec);
    if provider.accepts(token).expect("a condition") != Verdict::Yes {
        return None;
    }
    match provider.attribute("attribute.gate", token).expect("a mapping") {
        Ok(Cel::Text(gate)) => Some(gate),
        other => panic!("{other:?}"),
    }
}

fn trust(spec: &Spec, worker: Worker, tier: Tier) -> Trust {
    within(spec, &format!("trust.{}.{}", worker.plural(), tier.as_str()))
}

fn enters(spec: &Spec, worker: Worker, tier: Tier, token: &Token) -> bool {
    let Some(gate) = gate(spec, token) else {
        return false;
    };
    trust(spec, worker, tier)
        .members
        .iter()
        .any(|member| member.ends_with(&format!("/attribute.gate/{gate}")))
}

fn workers() -> Vec<(Worker, Tier)> {
    TIERS
        .into_iter()
        .flat_map(|tier| Worker::ALL.map(|worker| (worker, tier)))
        .collect()
}

#[test]
fn every_worker_has_a_door_of_its_own() {
    let (spec, workers) = (spec(), workers());
    for (worker, tier) in &workers {
        let door = worker.environment(Cloud::Gcp, *tier);
        for (other, of) in &workers {
            let same = (worker, tier) == (other, of);
            assert_eq!(
                enters(&spec, *other, *of, &token(Some(&door), "push")),
                same,
                "{other:?} {of:?} by {door}"
            );
        }
        let proposed = token(Some(&door), "pull_request");
        assert_eq!(
            enters(&spec, *worker, *tier, &proposed),
            *worker == Worker::Planner,
            "what is proposed is planned, not applied"
        );
        for stranger in [
            token(None, "push"),
            token(Some("gcp-prod"), "push"),
            token(Some(&door), "pull_request_target"),
            token(Some(&door), "push").with("repository_id", "1"),
            token(Some(&door), "push").with("repository_owner_id", "1"),
        ] {
            assert!(!enters(&spec, *worker, *tier, &stranger), "{stranger:?}");
        }
    }
}

/// A job of GitLab's in an environment; protected is what protects: environment and ref.
fn job(environment: Option<&str>, protected: bool, source: &str) -> Token {
    let audience = provider(&of_gitlab()).audiences.remove(0);
    let mut token = Token::oidc("gitlab.acme.example")
        .with("aud", &audience)
        .with("project_path", "acme/platform/infrastructure")
        .with("project_id", "42")
        .with("job_id", "7")
        .with("ref_path", "refs/heads/main")
        .with("ref_protected", &protected.to_string())
        .with("pipeline_source", source);
    if let Some(environment) = environment {
        token = token
            .with("environment", environment)
            .with("environment_protected", &protected.to_string());
    }
    token
}

#[test]
fn every_worker_has_a_door_of_its_own_from_gitlab() {
    let (spec, workers) = (of_gitlab(), workers());
    for (worker, tier) in &workers {
        let door = worker.environment(Cloud::Gcp, *tier);
        let own = job(Some(&door), true, "push");
        for (other, of) in &workers {
            let same = (worker, tier) == (other, of);
            assert_eq!(
                enters(&spec, *other, *of, &own),
                same,
                "{other:?} {of:?} by {door}"
            );
        }
        for open in [
            job(Some(&door), false, "push"),
            job(Some(&door), true, "push").with("ref_protected", "false"),
            job(Some(&door), true, "push").with("environment_protected", "false"),
            job(Some(&door), true, "merge_request_event"),
        ] {
            assert_eq!(
                enters(&spec, *worker, *tier, &open),
                *worker == Worker::Planner,
                "what nobody protected is planned, not applied: {open:?}"
            );
        }
        for stranger in [
            job(None, true, "push"),
            job(Some("gcp-prod"), true, "push"),
            job(Some(&door), true, "trigger"),
            job(Some(&door), true, "pipeline"),
            own.clone().with("project_id", "43"),
            own.clone().with("aud", "https://gitlab.acme.example"),
            Token {
                name: "gitlab.com".to_owned(),
                ..own.clone()
            },
        ] {
            assert!(!enters(&spec, *worker, *tier, &stranger), "{stranger:?}");
        }
    }
}

/// What the algebra says: each lets a token in, which it shows, and no token at all enters two of them.
#[test]
fn no_token_at_all_enters_two_workers() {
    for spec in [spec(), of_gitlab()] {
        let providers = [provider(&spec)];
        let workers: Vec<(String, TokenSet)> = workers()
            .into_iter()
            .map(|(worker, tier)| {
                let members = trust(&spec, worker, tier).members;
                let tokens = members.iter().fold(TokenSet::default(), |all, member| {
                    all.union(TokenSet::of_gcp_member(member, &providers).expect("a member"))
                });
                (format!("{worker:?} of {}", tier.as_str()), tokens)
            })
            .collect();
        for (at, (worker, tokens)) in workers.iter().enumerate() {
            let Overlap::Token(own) = tokens.witness() else {
                panic!("nobody enters {worker}: {:?}", tokens.witness())
            };
            assert_eq!(tokens.accepts(&own), Verdict::Yes, "{worker}: {own:?}");
            assert!(gate(&spec, &own).is_some(), "{worker}: {own:?}");
            for (other, others) in &workers[at + 1..] {
                assert_eq!(tokens.overlap(others), Overlap::None, "{worker} and {other}");
            }
        }
    }
}

fn email(spec: &Spec, worker: Worker, tier: Tier) -> String {
    let Place::Gcp(place) = &spec.place else {
        panic!("on Google Cloud")
    };
    gcp::Names::new(spec, place).email(worker, tier)
}

/// Every policy that bootstrap would write.
fn policies(spec: &Spec) -> Vec<(Resource, Policy)> {
    let policy = |grants: &BTreeSet<Grant>| Policy {
        version: 3,
        etag: None,
        bindings: grants
            .iter()
            .map(|grant| Binding {
                role: grant.role.clone(),
                members: vec![grant.member.clone()],
                condition: grant.condition.as_ref().map(|condition| Condition {
                    title: condition.title.clone(),
                    expression: condition.expression.clone(),
                }),
            })
            .collect(),
    };
    let bucket: mlops_environment::gcp::Bucket = within(spec, "state.bucket");
    let project: ProjectGrants = within(spec, "project_grants");
    let mut all = vec![
        (
            Resource::Project(project.project.clone()),
            policy(&project.grants),
        ),
        (Resource::Bucket(bucket.name.clone()), policy(&bucket.grants)),
    ];
    all.extend(bucket.folders.iter().map(|(prefix, grants)| {
        let folder = Resource::Folder {
            bucket: bucket.name.clone(),
            prefix: prefix.clone(),
        };
        (folder, policy(grants))
    }));
    all
}

fn may(spec: &Spec, worker: Worker, tier: Tier, permission: &str, resource: &Resource) -> Verdict {
    let roles: BTreeMap<String, Role> = components_of(spec)
        .iter()
        .filter(|component| component.kind == Kind::GcpCustomRole)
        .map(|component| {
            let role: CustomRole = typed(component);
            let held = Role::custom(&role.name, role.permissions.iter().map(String::as_str));
            (role.name.clone(), held)
        })
        .collect();
    let principals = BTreeSet::from([format!("serviceAccount:{}", email(spec, worker, tier))]);
    let question = Question {
        principals: &principals,
        permission,
        resource,
    };
    allows(&policies(spec), &[], &roles, &question)
}

/// A bucket of an environment.
fn bucket(environment: &EnvironmentId, usage: Use) -> String {
    Names::new(environment, "123456789012", environment.region()).bucket(usage)
}

/// `churn-dev` is an environment of one system, and the name of another: names begin alike, and nothing else is shared.
#[test]
fn a_provisioner_reaches_nothing_of_a_system_that_is_called_like_its_environment() {
    let other = Spec {
        name: "abcdefg-dev".parse().expect("a name"),
        ..spec()
    };
    let own = Spec {
        name: "abcdefg".parse().expect("a name"),
        ..spec()
    };
    let Place::Gcp(place) = &other.place else {
        panic!("on Google Cloud")
    };
    let states = gcp::Names::new(&other, place).bucket();
    let theirs = other.environment(Tier::Dev).expect("an environment");
    let ours = own.environment(Tier::Dev).expect("an environment");
    for (bucket, expected) in [
        (bucket(&ours, Use::Data), true),
        (states, false),
        (bucket(&theirs, Use::Data), false),
    ] {
        let found = may(
            &own,
            Worker::Provisioner,
            Tier::Dev,
            "storage.buckets.setIamPolicy",
            &Resource::Bucket(bucket.clone()),
        );
        assert_eq!(found == Verdict::Yes, expected, "{bucket}: {found}");
    }
}

#[test]
fn each_worker_may_what_it_is_for_and_nothing_else() {
    let state: mlops_environment::gcp::Bucket = of("state.bucket");
    let object = |bucket: &str, name: &str| Resource::Object {
        bucket: bucket.to_owned(),
        name: name.to_owned(),
    };
    let states = |name: &str| object(&state.name, name);
    let environment = spec().environment(Tier::Dev).expect("an environment");
    let dev = |usage: Use| bucket(&environment, usage);
    let project = Resource::Project("acme-machine-learning-platform".to_owned());
    let ring = |environment: &str| {
        Resource::Key(format!(
            "projects/acme-machine-learning-platform/locations/northamerica-northeast1/keyRings/{environment}/cryptoKeys/storage"
        ))
    };
    let (planner, provisioner) = (Worker::Planner, Worker::Provisioner);
    let yes = Verdict::Yes;
    for (worker, permission, resource, expected) in [
        (
            planner,
            "storage.objects.get",
            states("abcdefghijkl-dev/default.tfstate"),
            true,
        ),
        (
            planner,
            "storage.objects.create",
            states("abcdefghijkl-dev/default.tfstate"),
            true,
        ),
        (
            planner,
            "storage.objects.create",
            states("abcdefghijkl-dev/other.tfstate"),
            false,
        ),
        (
            planner,
            "storage.objects.create",
            states("abcdefghijkl-prod/default.tfstate"),
            false,
        ),
        (
            planner,
            "storage.objects.delete",
            states("abcdefghijkl-dev/default.tfstate"),
            false,
        ),
        (
            planner,
            "storage.objects.create",
            states("abcdefghijkl-dev/default.tflock"),
            true,
        ),
        (
            planner,
            "storage.objects.delete",
            states("abcdefghijkl-dev/default.tflock"),
            true,
        ),
        (
            planner,
            "storage.objects.get",
            states("abcdefghijkl-prod/default.tfstate"),
            false,
        ),
        (
            planner,
            "storage.objects.delete",
            states("abcdefghijkl-prod/default.tflock"),
            false,
        ),
        (
            planner,
            "storage.objects.get",
            object(&dev(Use::Data), "churn/reference/r"),
            false,
        ),
        (
            planner,
            "storage.buckets.get",
            Resource::Bucket(dev(Use::Data)),
            true,
        ),
        (
            planner,
            "storage.buckets.update",
            Resource::Bucket(dev(Use::Data)),
            false,
        ),
        (planner, "container.clusters.create", project.clone(), false),
        (planner, "secretmanager.versions.access", project.clone(), false),
        (
            provisioner,
            "storage.objects.create",
            states("abcdefghijkl-dev/default.tfstate"),
            true,
        ),
        (
            provisioner,
            "storage.objects.get",
            states("abcdefghijkl-prod/default.tfstate"),
            false,
        ),
        (
            provisioner,
            "storage.objects.delete",
            states("abcdefghijkl-prod/default.tfstate"),
            false,
        ),
        (
            provisioner,
            "storage.buckets.update",
            Resource::Bucket(state.name.clone()),
            false,
        ),
        (
            provisioner,
            "storage.buckets.setIamPolicy",
            Resource::Bucket(state.name.clone()),
            false,
        ),
        (
            provisioner,
            "storage.buckets.delete",
            Resource::Bucket(state.name.clone()),
            false,
        ),
        (
            provisioner,
            "storage.buckets.setIamPolicy",
            Resource::Bucket(dev(Use::Models)),
            true,
        ),
        (
            provisioner,
            "storage.objects.get",
            object(&dev(Use::Models), "churn/m"),
            false,
        ),
        (
            provisioner,
            "storage.objects.delete",
            object(&dev(Use::Models), "churn/m"),
            true,
        ),
        (
            provisioner,
            "cloudkms.cryptoKeys.setIamPolicy",
            ring("abcdefghijkl-dev"),
            true,
        ),
        (
            provisioner,
            "cloudkms.cryptoKeys.setIamPolicy",
            ring("abcdefghijkl-prod"),
            false,
        ),
        (
            provisioner,
            "cloudkms.cryptoKeys.setIamPolicy",
            ring("abcdefghijkl-tfstate"),
            false,
        ),
        (provisioner, "container.clusters.create", project.clone(), true),
        (
            provisioner,
            "secretmanager.versions.access",
            project.clone(),
            false,
        ),
        (
            provisioner,
            "iam.serviceAccountKeys.create",
            project.clone(),
            false,
        ),
        (
            provisioner,
            "iam.serviceAccounts.getAccessToken",
            project.clone(),
            false,
        ),
        (provisioner, "iam.roles.update", project.clone(), false),
        // Only under the condition on what is granted, which cannot be judged without the call.
        (
            provisioner,
            "resourcemanager.projects.setIamPolicy",
            project,
            false,
        ),
    ] {
        let found = may(&spec(), worker, Tier::Dev, permission, &resource);
        assert_eq!(
            found == yes,
            expected,
            "{worker:?} {permission} on {resource}: {found}"
        );
    }
}

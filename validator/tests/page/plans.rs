//! Plans with as many identities as wanted.

use serde_json::{Value, json};

use super::harness::{created, plan};

const TRUST: &str = "sts:AssumeRoleWithWebIdentity";

fn role(name: &str, subject: &str) -> Value {
    let pod = subject.starts_with("system:");
    let issuer = if pod {
        "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
    } else {
        "token.actions.githubusercontent.com"
    };
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": TRUST,
        "Principal": { "Federated": format!("arn:aws:iam::111122223333:oidc-provider/{issuer}") },
        "Condition": { "StringEquals": { format!("{issuer}:aud"): "sts.amazonaws.com", format!("{issuer}:sub"): subject } },
    }] });
    created(
        "aws_iam_role",
        &name.replace('-', "_"),
        json!({ "name": name, "assume_role_policy": trust.to_string() }),
    )
}

fn policy(role: &str, statements: &Value) -> Value {
    let document = json!({ "Version": "2012-10-17", "Statement": statements });
    created(
        "aws_iam_role_policy",
        &role.replace('-', "_"),
        json!({ "name": role, "role": role, "policy": document.to_string() }),
    )
}

fn allow(sid: &str, actions: &[&str], resources: &[String]) -> Value {
    json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources })
}

/// What a purpose of a service needs in an environment; of every tenth service retraining pushes images too, and of every fourteenth
/// drift reads every object there is.
fn statements(purpose: &str, service: &str, environment: &str, number: usize) -> Value {
    let on = |bucket: &str| vec![format!("arn:aws:s3:::acme-{environment}-{bucket}/{service}/*")];
    let repository = vec![format!(
        "arn:aws:ecr:eu-west-1:111122223333:repository/{environment}/{service}"
    )];
    let mut all = match purpose {
        "ci" => vec![
            allow("Login", &["ecr:GetAuthorizationToken"], &["*".to_owned()]),
            allow(
                "Push",
                &[
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:InitiateLayerUpload",
                    "ecr:UploadLayerPart",
                    "ecr:CompleteLayerUpload",
                    "ecr:PutImage",
                ],
                &repository,
            ),
        ],
        "deploy" => vec![allow(
            "Cluster",
            &["eks:DescribeCluster", "eks:AccessKubernetesApi"],
            &[format!(
                "arn:aws:eks:eu-west-1:111122223333:cluster/acme-{environment}"
            )],
        )],
        "runtime" => vec![
            allow("Models", &["s3:GetObject"], &on("models")),
            allow("Predictions", &["s3:PutObject"], &on("predictions")),
        ],
        "drift" => vec![
            allow("Read", &["s3:GetObject"], &on("predictions")),
            allow("Reports", &["s3:PutObject"], &on("reports")),
        ],
        _ => vec![
            allow("Data", &["s3:GetObject"], &on("data")),
            allow("Models", &["s3:PutObject"], &on("models")),
        ],
    };
    if purpose == "retrain" && number % 10 == 1 {
        all.push(allow("Images", &["ecr:PutImage"], &repository));
    }
    if purpose == "drift" && number % 14 == 1 {
        all.push(allow("Everything", &["s3:GetObject"], &["*".to_owned()]));
    }
    json!(all)
}

/// A plan with `n` identities: the five purposes of one service after the other, in three environments by turns.
pub fn identities(n: usize) -> String {
    let mut changes = Vec::new();
    for i in 0..n {
        let (service, purpose) = (i / 5, ["ci", "deploy", "runtime", "drift", "retrain"][i % 5]);
        let environment = ["dev", "staging", "prod"][service % 3];
        let name = format!(
            "{}-{environment}-{purpose}",
            SERVICES[service % SERVICES.len()].to_owned() + &number(service / SERVICES.len())
        );
        let of = name.split('-').next().unwrap().to_owned();
        let subject = match purpose {
            "ci" => format!("repo:acme/{of}:ref:refs/heads/main"),
            "deploy" => format!("repo:acme/{of}:environment:{environment}"),
            p => format!("system:serviceaccount:{of}-{environment}:{of}-{p}"),
        };
        changes.push(role(&name, &subject));
        changes.push(policy(&name, &statements(purpose, &of, environment, service + 1)));
    }
    plan(&changes)
}

fn number(n: usize) -> String {
    if n == 0 {
        String::new()
    } else {
        (n + 1).to_string()
    }
}

const SERVICES: [&str; 10] = [
    "churn", "pricing", "fraud", "ranking", "search", "forecast", "vision", "speech", "credit", "routing",
];

/// Names as somebody writes them who wants the page to do something.
pub const ATTACKS: [&str; 8] = [
    "</code><script>window.owned=1</script>",
    "\"><img src=x onerror=window.owned=1>",
    "' onmouseover='window.owned=1",
    "<svg/onload=window.owned=1>",
    "</style></script><script>window.owned=1</script><!--",
    "javascript:window.owned=1",
    "&lt;b&gt;&#x3c;script&#x3e;",
    "deploy\u{202e}tnitnuh\u{202c}\u{200b}",
];

/// A plan whose every name is one of those.
pub fn hostile() -> String {
    let mut changes = Vec::new();
    for (i, a) in ATTACKS.iter().enumerate() {
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": TRUST, "Principal": { "Federated": format!("arn:aws:iam::111122223333:oidc-provider/{a}") },
            "Condition": { "StringLike": { format!("{a}:sub"): format!("repo:{a}/*") } },
        }, { "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": a, "Service": a } }] });
        let mut r = created(
            "aws_iam_role",
            "r",
            json!({ "name": a, "assume_role_policy": trust.to_string(), "permissions_boundary": format!("arn:aws:iam::111122223333:policy/{a}") }),
        );
        r["address"] = format!("aws_iam_role.r[{:?}]", a).into();
        r["index"] = (*a).into();
        changes.push(r);
        let document = json!({ "Version": "2012-10-17", "Statement": [
            { "Sid": a, "Effect": "Allow", "Action": ["*", a], "Resource": ["*", a], "Condition": { "StringLike": { *a: a } } },
            { "Sid": a, "Effect": "Allow", "Action": "*", "Resource": "*" },
        ] });
        let mut p = created(
            "aws_iam_role_policy",
            "p",
            json!({ "name": a, "role": a, "policy": document.to_string() }),
        );
        p["address"] = format!("aws_iam_role_policy.p[{i}]").into();
        changes.push(p);
        let mut g = created(
            "google_project_iam_member",
            "g",
            json!({
                "project": a, "role": format!("roles/{a}"), "member": format!("serviceAccount:{a}@acme.iam.gserviceaccount.com"),
                "condition": [{ "title": a, "expression": a }],
            }),
        );
        g["address"] = format!("google_project_iam_member.g[{i}]").into();
        changes.push(g);
    }
    plan(&changes)
}

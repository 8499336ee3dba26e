//! The identity graph is one picture even while every ARN is unknown.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use tfplan_check::backend::Evidence;
use tfplan_check::config::Config;
use tfplan_check::context::Context;
use tfplan_check::graph::{Boundary, Graph, UseKind};
use tfplan_check::source::{Sources, build};

fn graph<T>(source: &str, check: impl FnOnce(&Context<'_>, &Graph) -> T) -> T {
    let sources = Sources::from_text(source);
    assert!(sources.files[0].error.is_none(), "{:?}", sources.files[0].error);
    let plan = build::sketch(&sources);
    let evidence = Evidence::default();
    let config = Config::default();
    let cx = Context::new(&plan, &evidence, &sources, &config);
    check(&cx, &Graph::build(&cx))
}

#[test]
fn a_role_is_one_thing_with_its_policies_boundary_trust_and_uses() {
    let source = r#"
        resource "aws_iam_role" "runtime" {
          name_prefix          = "runtime-"
          permissions_boundary = aws_iam_policy.boundary.arn
          assume_role_policy   = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }] })
        }
        resource "aws_iam_policy" "boundary" {
          name_prefix = "b"
          policy      = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "*" }] })
        }
        resource "aws_iam_policy" "own" {
          name_prefix = "own"
          policy      = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "${aws_kms_alias.x.arn}/*" }] })
        }
        resource "aws_kms_alias" "x" {}
        resource "aws_iam_role_policy_attachment" "own" {
          role       = aws_iam_role.runtime.name
          policy_arn = aws_iam_policy.own.arn
        }
        resource "aws_iam_role_policy_attachment" "aws" {
          role       = aws_iam_role.runtime.name
          policy_arn = "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"
        }
        resource "aws_iam_role_policy" "inline" {
          role   = aws_iam_role.runtime.id
          policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sqs:*", Resource = "*" }] })
        }
        resource "aws_iam_instance_profile" "p" {
          name_prefix = "p"
          role        = aws_iam_role.runtime.name
        }
        resource "aws_launch_template" "t" {
          iam_instance_profile {
            arn = aws_iam_instance_profile.p.arn
          }
        }
        resource "aws_eks_pod_identity_association" "a" {
          namespace       = "churn"
          service_account = "churn-sa"
          role_arn        = aws_iam_role.runtime.arn
        }
        resource "kubernetes_service_account" "k" {
          metadata {
            name      = "other"
            namespace = "churn"
            annotations = { "eks.amazonaws.com/role-arn" = "arn:aws:iam::111122223333:role/elsewhere" }
          }
        }"#;
    graph(source, |cx, g| {
        let role = &g.identities[g.identity_at("aws_iam_role.runtime").unwrap()];
        assert_eq!(role.policies.len(), 2, "inline and attached");
        assert_eq!(
            role.managed.iter().map(|(_, a)| a.as_str()).collect::<Vec<_>>(),
            ["arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"]
        );
        assert!(matches!(role.boundary, Some(Boundary::Planned(_))));
        assert!(role.trust.is_some() && g.policy(cx, role.trust.unwrap()).is_ok());
        let mut uses: Vec<String> = role.uses.iter().map(|u| u.place.address.clone()).collect();
        uses.sort();
        assert_eq!(
            uses,
            ["aws_eks_pod_identity_association.a", "aws_launch_template.t"]
        );
        assert!(role.uses.iter().any(|u| u.kind
            == UseKind::Pod {
                namespace: Some("churn".into()),
                account: Some("churn-sa".into())
            }));
        assert!(role.uses.iter().any(|u| u.kind == UseKind::Node));
        let own = role
            .policies
            .iter()
            .find(|p| g.policies[**p].place.address == "aws_iam_policy.own")
            .unwrap();
        assert_eq!(g.policies[*own].unknown, ["aws_kms_alias.x.arn"]);
        assert_eq!(g.policy(cx, *own).unwrap().statements.len(), 1);
        let elsewhere = g
            .identities
            .iter()
            .find(|i| i.name.as_deref() == Some("elsewhere"))
            .unwrap();
        assert!(elsewhere.address.is_none() && elsewhere.uses.len() == 1);
    });
}

#[test]
fn google_grants_find_their_service_account_while_its_email_is_unknown() {
    let source = r#"
        resource "google_service_account" "ci" {
          for_each   = toset(["a", "b"])
          account_id = "ci-${each.key}"
        }
        resource "google_project_iam_member" "ci" {
          for_each = google_service_account.ci
          project  = "p"
          role     = "roles/storage.admin"
          member   = "serviceAccount:${each.value.email}"
        }
        resource "google_service_account_iam_member" "wi" {
          service_account_id = google_service_account.ci["a"].name
          role               = "roles/iam.workloadIdentityUser"
          member             = "serviceAccount:p.svc.id.goog[churn/churn-sa]"
        }
        data "google_iam_policy" "all" {
          binding {
            role    = "roles/owner"
            members = ["user:someone@example.com", google_service_account.ci["b"].member]
          }
        }
        resource "google_project_iam_policy" "p" {
          project     = "p"
          policy_data = data.google_iam_policy.all.policy_data
        }"#;
    graph(source, |_, g| {
        let a = &g.identities[g.identity_at("google_service_account.ci[\"a\"]").unwrap()];
        let b = &g.identities[g.identity_at("google_service_account.ci[\"b\"]").unwrap()];
        let roles = |i: &tfplan_check::graph::Identity| {
            i.grants
                .iter()
                .map(|x| g.grants[*x].role.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(roles(a), ["roles/storage.admin"]);
        assert_eq!(roles(b), ["roles/storage.admin", "roles/owner"]);
        assert_eq!(a.entered_by.len(), 1);
        let wide = g.grants.iter().find(|x| x.role == "roles/storage.admin").unwrap();
        assert!(wide.scope.is_wide() && wide.scope.name.as_deref() == Some("p"));
    });
}

#[test]
fn names_join_what_references_cannot() {
    let source = r#"
        resource "aws_iam_role" "ci" {
          name               = "ci"
          assume_role_policy = "{}"
        }
        resource "aws_iam_role_policy_attachment" "x" {
          role       = "ci"
          policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
        }"#;
    graph(source, |_, g| {
        assert_eq!(g.identities.len(), 1);
        assert_eq!(g.identities[0].managed.len(), 1);
    });
}

/// The worked example: policies with constants beside unknown references, in the root, in a heredoc, in modules with `for_each`.
#[test]
fn policies_that_the_json_loses_are_decided_from_the_saved_plan() {
    use tfplan_check::plan::input::{self, Input};
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/saved-plans/unknown-policy");
    let text = std::fs::read_to_string(folder.join("plan.json")).unwrap();
    let json = tfplan_check::plan::json::read(&text).unwrap();
    let evidence = Evidence::default();
    let config = Config::default();

    let alone = build::sources_of(&json.configuration);
    let cx = Context::new(&json, &evidence, &alone, &config);
    let g = Graph::build(&cx);
    assert_eq!(
        g.policies.iter().filter(|d| d.undecided).count(),
        4,
        "JSON alone shows none of the four"
    );

    let Ok(Input::Saved(saved)) = input::recognise(std::fs::read(folder.join("saved.tfplan")).unwrap())
    else {
        panic!("not a saved plan")
    };
    let saved = tfplan_check::plan::saved::read(&saved.message, saved.rest).unwrap();
    for plan in [&json, &saved.plan] {
        let cx = Context::new(plan, &evidence, &saved.sources, &config);
        let g = Graph::build(&cx);
        assert_eq!(g.policies.iter().filter(|d| d.undecided).count(), 0);
        let actions = |address: &str| -> Vec<String> {
            let id = g
                .policies
                .iter()
                .position(|d| d.place.address == address)
                .unwrap();
            let p = g.policy(&cx, id).unwrap();
            p.statements[0]
                .actions
                .items()
                .iter()
                .map(|a| a.text().to_owned())
                .collect()
        };
        assert_eq!(actions("aws_iam_role_policy.literal"), ["*"]);
        assert_eq!(actions("aws_iam_role_policy.heredoc"), ["*"]);
        assert_eq!(
            actions("module.role[\"a\"].aws_iam_role_policy.in_module"),
            ["s3:*", "kms:Decrypt"]
        );
        let role = &g.identities[g.identity_at("aws_iam_role.r").unwrap()];
        assert_eq!(
            role.policies.len(),
            4,
            "both module instances attach to the one role"
        );
    }
}

#[test]
fn each_value_of_another_resource_is_followed_without_source() {
    let text = r#"{"format_version":"1.2","resource_changes":[
        {"address":"aws_iam_role.r[\"a\"]","mode":"managed","type":"aws_iam_role","name":"r","index":"a","change":{"actions":["create"],"after":{},"after_unknown":{"name":true}}},
        {"address":"aws_iam_role.r[\"b\"]","mode":"managed","type":"aws_iam_role","name":"r","index":"b","change":{"actions":["create"],"after":{},"after_unknown":{"name":true}}},
        {"address":"aws_iam_role_policy.p[\"a\"]","mode":"managed","type":"aws_iam_role_policy","name":"p","index":"a","change":{"actions":["create"],"after":{"policy":"{\"Statement\":[]}"},"after_unknown":{"role":true}}}
      ],"configuration":{"root_module":{"resources":[
        {"address":"aws_iam_role.r","type":"aws_iam_role","expressions":{},"for_each_expression":{}},
        {"address":"aws_iam_role_policy.p","type":"aws_iam_role_policy","expressions":{"role":{"references":["each.value.name","each.value"]}},"for_each_expression":{"references":["aws_iam_role.r"]}}
      ]}}}"#;
    let plan = tfplan_check::plan::json::read(text).unwrap();
    let sources = build::sources_of(&plan.configuration);
    let (evidence, config) = (Evidence::default(), Config::default());
    let cx = Context::new(&plan, &evidence, &sources, &config);
    let g = Graph::build(&cx);
    assert_eq!(
        g.identities[g.identity_at("aws_iam_role.r[\"a\"]").unwrap()]
            .policies
            .len(),
        1
    );
    assert_eq!(
        g.identities[g.identity_at("aws_iam_role.r[\"b\"]").unwrap()]
            .policies
            .len(),
        0
    );
}

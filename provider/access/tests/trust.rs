//! Trusts as sets of tokens: what enters, what two trusts share, and the separation rules.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::collections::BTreeMap;

use mlops_access::{
    Purpose,
    gcp::Provider,
    generate::aws::{self, Principal, Scope},
    trust::{Caller, Constraint, Containment, Entry, Overlap, Token, TokenSet, Trusts, separation},
};
use proptest::prelude::*;

const GITHUB: &str = "token.actions.githubusercontent.com";

fn github_trust(conditions: &str) -> TokenSet {
    let text = format!(
        r#"{{"Statement": [{{"Effect": "allow", "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
        "Principal": {{"Federated": "arn:aws:iam::111122223333:oidc-provider/{GITHUB}"}}, "Condition": {conditions}}}]}}"#
    );
    TokenSet::of_aws_trust(&text).unwrap()
}

fn subject(sub: &str) -> Token {
    Token::oidc(GITHUB)
        .with("aud", "sts.amazonaws.com")
        .with("sub", sub)
}

#[test]
fn for_all_values_and_if_exists_let_tokens_without_the_claim_in() {
    let without = Token::oidc(GITHUB).with("aud", "x");
    for operator in ["ForAllValues:StringEquals", "StringEqualsIfExists"] {
        let set = github_trust(&format!(
            r#"{{"{operator}": {{"{GITHUB}:sub": "repo:a/b:ref:refs/heads/main"}}}}"#
        ));
        assert!(set.accepts(&without).is_yes(), "{operator}");
    }
    let set = github_trust(&format!(
        r#"{{"ForAnyValue:StringEquals": {{"{GITHUB}:sub": "repo:a/b:x"}}}}"#
    ));
    assert!(set.accepts(&without).is_no());
}

#[test]
fn string_not_like_leaves_everything_else_in() {
    let set = github_trust(&format!(
        r#"{{"StringNotLike": {{"{GITHUB}:sub": "repo:evil/*"}}}}"#
    ));
    assert!(set.accepts(&subject("repo:anyone/else:pull_request")).is_yes());
    assert!(set.accepts(&subject("repo:evil/x:ref:refs/heads/main")).is_no());
}

#[test]
fn conditions_on_another_issuer_never_hold() {
    let set =
        github_trust(r#"{"StringEquals": {"gitlab.com:sub": "project_path:a/b:ref_type:branch:ref:main"}}"#);
    assert_eq!(set.witness(), Overlap::None);
}

#[test]
fn what_is_not_understood_is_a_doubt() {
    let set = github_trust(&format!(
        r#"{{"IpAddress": {{"aws:SourceIp": "10.0.0.0/8"}}, "StringEquals": {{"{GITHUB}:sub": "s"}}}}"#
    ));
    let answer = set.accepts(&subject("s"));
    assert!(
        answer.is_unknown() && answer.to_string().contains("IpAddress aws:SourceIp"),
        "{answer}"
    );
    assert!(
        set.accepts(&subject("t")).is_no(),
        "the doubt does not matter here"
    );
}

#[test]
fn deny_takes_away_and_an_account_stands_for_its_principals() {
    let text = r#"{"Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "111122223333"}},
        {"Effect": "Deny", "Action": "sts:*", "Principal": {"AWS": "arn:aws:iam::111122223333:user/mallory"}}]}"#;
    let set = TokenSet::of_aws_trust(text).unwrap();
    assert!(
        set.accepts(&Token::principal("arn:aws:iam::111122223333:role/anything"))
            .is_yes()
    );
    assert!(
        set.accepts(&Token::principal("arn:aws:iam::111122223333:user/mallory"))
            .is_no()
    );
    assert!(
        set.accepts(&Token::principal("arn:aws:iam::999999999999:role/anything"))
            .is_no()
    );
}

#[test]
fn documents_that_are_not_policies_say_where() {
    for (text, needle) in [
        ("[]", "line 1, column 1: a policy must be an object, not a list"),
        (
            "{\n \"Statement\": [7]}",
            "line 2, column 16: a statement must be an object, not a number",
        ),
        ("{\"Statement\": [],,}", "line 1, column 18"),
        (
            r#"{"Statement": {"Effect": "Allow", "effect": "Deny"}}"#,
            "line 1, column 35: the element effect is written twice",
        ),
    ] {
        let error = TokenSet::of_aws_trust(text).unwrap_err().to_string();
        assert!(error.contains(needle), "{error}");
    }
}

#[test]
fn an_element_that_is_not_understood_is_a_doubt_with_its_place() {
    let role = Token::principal("arn:aws:iam::111122223333:role/any");
    for (text, needle) in [
        (
            r#"{"Statement": {"Effect": "Allow", "Action": 7, "Principal": "*"}}"#,
            "Action at line 1, column 35: a string was expected, not a number",
        ),
        (
            r#"{"Statement": {"Effect": "Maybe", "Action": "*", "Principal": "*"}}"#,
            "Effect at line 1, column 16: Effect is neither Allow nor Deny",
        ),
        (
            r#"{"Statement": {"Effect": "Allow", "Action": "*", "Principal": {"Azure": "*"}}}"#,
            "whom the principal Azure \"*\" means is not known",
        ),
        (
            r#"{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::111122223333:role/*"}}}"#,
            "whom the principal AWS \"arn:aws:iam::111122223333:role/*\" means is not known",
        ),
        (
            r#"{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "NotPrincipal": {"AWS": "111122223333"}}}"#,
            "names whom it does not mean (NotPrincipal)",
        ),
        (
            r#"{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole"}}"#,
            "names no Principal",
        ),
    ] {
        let answer = TokenSet::of_aws_trust(text).unwrap().accepts(&role);
        assert!(
            answer.is_unknown() && answer.to_string().contains(needle),
            "{text}: {answer}"
        );
    }
}

#[test]
fn an_effect_that_is_not_understood_may_also_deny() {
    let text = r#"{"Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "111122223333"}},
        {"Effect": "Maybe", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::111122223333:user/ann"}}]}"#;
    let set = TokenSet::of_aws_trust(text).unwrap();
    let user = |name: &str| Token::principal(&format!("arn:aws:iam::111122223333:user/{name}"));
    assert!(set.accepts(&user("ann")).is_unknown());
}

#[test]
fn text_not_known_before_apply_leaves_the_rest_in_force() {
    let set = github_trust(&format!(
        r#"{{"StringEquals": {{"{GITHUB}:sub": "repo:acme/\ufffc:environment:prod"}}}}"#
    ));
    assert!(
        set.accepts(&subject("repo:acme/churn:environment:prod"))
            .is_unknown()
    );
    assert!(set.accepts(&subject("repo:evil/churn:environment:prod")).is_no());
}

#[test]
fn the_seeds_shared_subject_list_overlaps_with_a_witness() {
    let list = format!(
        r#"{{"StringLike": {{"{GITHUB}:sub": ["repo:acme/churn:ref:refs/heads/main", "repo:acme/churn:environment:prod"]}}}}"#
    );
    let (ci, deploy) = (github_trust(&list), github_trust(&list));
    let Overlap::Token(token) = ci.overlap(&deploy) else {
        panic!("they are the same list")
    };
    assert!(
        ci.accepts(&token).is_yes() && deploy.accepts(&token).is_yes(),
        "{token}"
    );
}

#[test]
fn unresolved_issuers_are_equal_only_by_the_same_text() {
    let mut scope = Scope::example();
    scope.cluster.as_mut().unwrap().oidc_issuer = "@{cluster:issuer_host}".to_owned();
    scope.cluster.as_mut().unwrap().oidc_provider_arn = "@{oidc.cluster:arn}".to_owned();
    let set = |p| TokenSet::of_aws_trust(&aws::trust(&scope, p).to_string()).unwrap();
    let runtime = set(Principal::of_service(Purpose::Runtime, "churn"));
    assert!(matches!(runtime.overlap(&runtime), Overlap::Token(_)));
    assert_eq!(
        runtime.overlap(&set(Principal::of_service(Purpose::Drift, "churn"))),
        Overlap::None
    );
    assert_eq!(
        runtime.overlap(&set(Principal::of_environment(Purpose::Deploy))),
        Overlap::None
    );
}

fn gate_provider() -> Provider {
    let gate = r#"assertion.event_name in ["pull_request", "pull_request_target"] ? assertion.repository_id + "/pr"
        : has(assertion.environment) ? assertion.repository_id + "/env/" + assertion.environment
        : assertion.ref.startsWith("refs/tags/v") ? assertion.repository_id + "/ref/refs/tags/v"
        : assertion.repository_id + "/ref/" + assertion.ref"#;
    Provider {
        pool: "projects/1/locations/global/workloadIdentityPools/mlops-shop".to_owned(),
        issuer: GITHUB.to_owned(),
        audiences: vec!["aud".to_owned()],
        mapping: BTreeMap::from([
            ("google.subject".to_owned(), r#""gh:" + assertion.repository_id + ":" + assertion.run_id"#.to_owned()),
            ("attribute.gate".to_owned(), gate.to_owned()),
            ("attribute.repository".to_owned(), "assertion.repository".to_owned()),
        ]),
        condition: Some(
            r#"assertion.repository_owner_id == "1" && assertion.repository_id == "2" && assertion.event_name in ["push", "release"]"#
                .to_owned(),
        ),
    }
}

fn member(which: &str) -> String {
    format!(
        "principalSet://iam.googleapis.com/{}/{which}",
        gate_provider().pool
    )
}

#[test]
fn gates_of_a_provider_are_disjoint_and_their_witnesses_really_enter() {
    let provider = gate_provider();
    let set = |which: &str| TokenSet::of_gcp_member(&member(which), std::slice::from_ref(&provider)).unwrap();
    let main = set("attribute.gate/2/ref/refs/heads/main");
    let tags = set("attribute.gate/2/ref/refs/tags/v");
    let prod = set("attribute.gate/2/env/gcp-prod");
    for (one, two) in [(&main, &tags), (&main, &prod), (&tags, &prod)] {
        assert_eq!(one.overlap(two), Overlap::None);
    }
    assert_eq!(
        set("attribute.gate/2/pr").witness(),
        Overlap::None,
        "the condition lets no pull request in"
    );
    assert_eq!(
        set("attribute.gate/3/ref/refs/heads/main").witness(),
        Overlap::None,
        "another repository"
    );
    for (set, gate) in [
        (&main, "2/ref/refs/heads/main"),
        (&tags, "2/ref/refs/tags/v"),
        (&prod, "2/env/gcp-prod"),
    ] {
        let Overlap::Token(token) = set.witness() else {
            panic!("{gate} admits somebody")
        };
        assert!(provider.accepts(&token).unwrap().is_yes(), "{token}");
        let value = provider.attribute("attribute.gate", &token).unwrap().unwrap();
        assert_eq!(
            value,
            mlops_access::gcp::cel::Value::Text(gate.to_owned()),
            "{token}"
        );
    }
    let whole_repository = set("attribute.repository/acme/churn");
    let Overlap::Token(shared) = whole_repository.overlap(&prod) else {
        panic!("the wide binding takes all gates in")
    };
    assert_eq!(shared.claims["environment"], "gcp-prod");
    assert!(matches!(prod.within(&set("*")), Containment::Yes));
}

/// Found by fuzzing: a text joined from a number has no value, so nobody stands behind it for sure.
#[test]
fn what_joins_values_of_different_kinds_is_a_doubt() {
    let mut provider = gate_provider();
    provider
        .mapping
        .insert("attribute.gate".into(), "\"a\" + 1".into());
    let set = TokenSet::of_gcp_member(&member("attribute.gate/a1"), &[provider]).unwrap();
    assert!(matches!(set.witness(), Overlap::None | Overlap::Unknown(..)));
}

/// Found by fuzzing: one item that has no value spoils the list, so nobody passes for sure.
#[test]
fn a_list_with_an_item_that_may_fail_is_a_doubt() {
    let mut provider = gate_provider();
    provider.condition = Some(r#"assertion.event_name in ["push", !"x"]"#.into());
    let set = TokenSet::of_gcp_member(&member("attribute.gate/2/env/prod"), &[provider]).unwrap();
    assert!(matches!(set.witness(), Overlap::Unknown(..)));
}

#[test]
fn the_same_pod_in_two_clusters_of_a_project_is_one_identity() {
    let set = |member: &str| TokenSet::of_gcp_member(member, &[]).unwrap();
    let account = set("serviceAccount:acme.svc.id.goog[churn-prod/churn-sa]");
    let direct = set(
        "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/churn-prod/sa/churn-sa",
    );
    assert!(matches!(account.overlap(&direct), Overlap::Token(_)));
    let namespace = set(
        "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/acme.svc.id.goog/namespace/churn-prod",
    );
    assert_eq!(account.within(&namespace), Containment::Yes);
    assert!(matches!(namespace.within(&account), Containment::No(_)));
}

fn generated(scope: &Scope) -> Vec<Trusts> {
    scope
        .principals()
        .into_iter()
        .map(|p| Trusts {
            environment: scope.environment.clone(),
            purpose: p.purpose,
            service: p.service.map(str::to_owned),
            tokens: TokenSet::of_aws_trust(&aws::trust(scope, p).to_string()).unwrap(),
            ci_environment: scope
                .github
                .as_ref()
                .filter(|_| p.purpose.per_service())
                .and_then(|g| g.environment_of(p.purpose))
                .map(str::to_owned),
        })
        .collect()
}

#[test]
fn generated_trusts_are_separate() {
    let mut scope = Scope::example();
    assert_eq!(separation(&generated(&scope)), []);
    scope.github.as_mut().unwrap().retrain_environment = Some("aws-prod-retrain".to_owned());
    assert_eq!(separation(&generated(&scope)), []);
}

#[test]
fn one_environment_for_deploy_and_retrain_is_refused_with_both_names() {
    let mut scope = Scope::example();
    scope.github.as_mut().unwrap().retrain_environment = Some("aws-prod".to_owned());
    let violations = separation(&generated(&scope));
    let first = violations
        .iter()
        .find(|v| v.rule == 1)
        .expect("deploy and retrain share a subject");
    let text = first.to_string();
    assert!(
        text.contains("deploy of shop") && text.contains("retrain/churn of shop"),
        "{text}"
    );
    assert!(
        text.contains("repo:acme@1/churn@2:environment:aws-prod"),
        "{text}"
    );
}

#[test]
fn two_services_under_one_account_are_refused() {
    let mut scope = Scope::example();
    let churn = scope.services["churn"].clone();
    scope.services.get_mut("fraud").unwrap().namespace = churn.namespace.clone();
    scope.services.get_mut("fraud").unwrap().service_accounts.runtime =
        churn.service_accounts.runtime.clone();
    let violations = separation(&generated(&scope));
    assert!(violations.iter().any(|v| {
        v.rule == 1
            && v.to_string()
                .contains("system:serviceaccount:churn-prod:churn-sa")
    }));
}

#[test]
fn every_rule_refuses_something() {
    let sub = |operator: &str, value: &str| {
        format!(
            r#"{{"StringEquals": {{"{GITHUB}:aud": "sts.amazonaws.com"}}, "{operator}": {{"{GITHUB}:sub": "{value}"}}}}"#
        )
    };
    let rules = |purpose, tokens: TokenSet| -> Vec<u8> {
        let trusts = Trusts {
            environment: "e".to_owned(),
            purpose,
            service: None,
            tokens,
            ci_environment: None,
        };
        separation(&[trusts]).into_iter().map(|v| v.rule).collect()
    };
    let tags = github_trust(&sub("StringLike", "repo:acme/churn:ref:refs/tags/v*"));
    assert!(rules(Purpose::Ci, tags).is_empty());
    assert_eq!(
        rules(
            Purpose::Ci,
            github_trust(&sub("StringLike", "repo:acme/*:ref:refs/heads/main"))
        ),
        [2, 3]
    );
    assert_eq!(
        rules(
            Purpose::Ci,
            github_trust(&sub("ForAnyValue:StringLike", "repo:a/b:ref:refs/heads/*"))
        ),
        [2]
    );
    assert_eq!(
        rules(
            Purpose::Deploy,
            github_trust(&sub("StringLike", "repo:a/b:ref:refs/heads/main"))
        ),
        [3]
    );
    assert_eq!(
        rules(
            Purpose::Ci,
            github_trust(&sub("StringLike", "repo:a/b:environment:x"))
        ),
        [3]
    );
    let no_aud = format!(r#"{{"StringLike": {{"{GITHUB}:sub": "repo:a/b:environment:x"}}}}"#);
    assert_eq!(rules(Purpose::Deploy, github_trust(&no_aud)), [4]);
    let pods = Entry::new(Caller::Oidc, Constraint::equals(["oidc.eks.example/id/1"]))
        .with("aud", Constraint::equals(["sts.amazonaws.com"]))
        .with("sub", Constraint::like(["system:serviceaccount:ns:*"]));
    assert_eq!(rules(Purpose::Runtime, TokenSet { entries: vec![pods] }), [5]);
    let root = r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::1:root"}}}"#;
    assert_eq!(
        rules(Purpose::Runtime, TokenSet::of_aws_trust(root).unwrap()),
        [7]
    );
    assert_eq!(
        rules(
            Purpose::Retrain,
            github_trust(&sub("StringLike", "repo:a/b:environment:x"))
        ),
        [6]
    );
}

fn constraint() -> impl Strategy<Value = Constraint> {
    let text = "[ab*]{0,3}";
    let list = || prop::collection::vec(text, 1..3);
    prop_oneof![
        list().prop_map(|v| Constraint::like(v.iter().map(String::as_str))),
        list().prop_map(|v| Constraint::not_like(v.iter().map(String::as_str))),
        list().prop_map(|v| Constraint::like(v.iter().map(String::as_str)).or_absent()),
        (list(), list()).prop_map(|(v, w)| Constraint::like(v.iter().map(String::as_str))
            .and(Constraint::not_like(w.iter().map(String::as_str)))),
    ]
}

fn set() -> impl Strategy<Value = TokenSet> {
    let entry = (constraint(), constraint()).prop_map(|(sub, env)| {
        Entry::new(Caller::Oidc, Constraint::equals(["issuer"]))
            .with("sub", sub)
            .with("environment", env)
    });
    prop::collection::vec(entry, 0..3).prop_map(|entries| TokenSet { entries })
}

fn token() -> impl Strategy<Value = Token> {
    (prop::option::of("[abc]{0,3}"), prop::option::of("[abc]{0,3}")).prop_map(|(sub, env)| {
        let mut token = Token::oidc("issuer");
        token.claims.extend(sub.map(|v| ("sub".to_owned(), v)));
        token.claims.extend(env.map(|v| ("environment".to_owned(), v)));
        token
    })
}

proptest! {
    #[test]
    fn overlap_is_symmetric_and_its_witness_enters_both(a in set(), b in set(), t in token()) {
        match (a.overlap(&b), b.overlap(&a)) {
            (Overlap::Token(one), Overlap::Token(two)) => {
                for witness in [one, two] {
                    prop_assert!(a.accepts(&witness).is_yes() && b.accepts(&witness).is_yes(), "{}", witness);
                }
            }
            (Overlap::None, Overlap::None) => {
                prop_assert!(!(a.accepts(&t).is_yes() && b.accepts(&t).is_yes()), "{} enters both", t);
            }
            (one, two) => prop_assert!(false, "{one:?} against {two:?}"),
        }
    }

    #[test]
    fn containment_is_right_and_transitive(a in set(), b in set(), c in set(), t in token()) {
        let within = a.within(&b);
        match &within {
            Containment::Yes => prop_assert!(a.accepts(&t).is_no() || b.accepts(&t).is_yes()),
            Containment::No(token) => prop_assert!(a.accepts(token).is_yes() && b.accepts(token).is_no()),
            Containment::Unknown(doubt) => prop_assert!(false, "{doubt}"),
        }
        if within == Containment::Yes && b.within(&c) == Containment::Yes {
            prop_assert_eq!(a.within(&c), Containment::Yes);
        }
        prop_assert_eq!(a.within(&a.clone().union(b)), Containment::Yes);
    }

    #[test]
    fn reading_a_trust_never_panics(text in "\\PC{0,60}") {
        let _ = TokenSet::of_aws_trust(&text);
        let _ = TokenSet::of_gcp_member(&text, &[]);
        let _ = mlops_access::gcp::cel::Expr::parse(&text);
    }
}

use super::*;
use base64::Engine as _;
use proptest::prelude::*;

/// Made here, letter by letter, so that no scanner of this repository takes a test for a leak.
fn body(n: usize) -> String {
    "q7Xk2LmR9vTz4WbJ8sHcN3fYdG6pAeU5iQoKtVyM"
        .chars()
        .cycle()
        .take(n)
        .collect()
}

fn key_id() -> String {
    format!("AKIA{}", "R5TQ2ZLD7XWK4MVJ")
}

fn pem() -> String {
    format!(
        "-----BEGIN {} KEY-----\n{}\n-----END {} KEY-----\n",
        "RSA PRIVATE",
        body(64),
        "RSA PRIVATE"
    )
}

fn kinds(name: &str, value: &str) -> Vec<Kind> {
    inspect(name, value).into_iter().map(|f| f.kind).collect()
}

#[track_caller]
fn silent(name: &str, value: &str) {
    assert_eq!(inspect(name, value), [], "{name} = {value}");
}

#[test]
fn tells_tokens_by_their_structure_under_any_name() {
    for (value, kind) in [
        (key_id(), Kind::AwsAccessKeyId),
        (format!("ASIA{}", "R5TQ2ZLD7XWK4MVJ"), Kind::AwsTemporaryKeyId),
        (format!("AIza{}", body(35)), Kind::GoogleApiKey),
        (format!("ya29.{}", body(60)), Kind::GoogleAccessToken),
        (format!("ghp_{}", body(36)), Kind::GitHubToken),
        (format!("github_pat_{}", body(82)), Kind::GitHubToken),
        (format!("glpat-{}", body(20)), Kind::GitLabToken),
        (format!("xoxb-{}", body(40)), Kind::Slack),
        (
            format!(
                "https://hooks.slack.com/services/T{}/B{}/{}",
                "0ABCDEF12",
                "0ABCDEF34",
                body(24)
            ),
            Kind::Slack,
        ),
        (format!("sk_live_{}", body(24)), Kind::StripeKey),
        (format!("SG.{}.{}", body(22), body(43)), Kind::SendGridKey),
        (format!("npm_{}", body(36)), Kind::NpmToken),
        (format!("hf_{}", body(34)), Kind::HuggingFaceToken),
        (format!("dckr_pat_{}", body(27)), Kind::DockerToken),
        (format!("hvs.{}", body(24)), Kind::VaultToken),
        (
            format!("dapi{}", "0123456789abcdef0123456789abcdef"),
            Kind::DatabricksToken,
        ),
        (pem(), Kind::PrivateKey),
        (
            format!("postgres://app:{}@db.internal:5432/churn", "s3cr3tW0rd"),
            Kind::ConnectionString,
        ),
    ] {
        assert_eq!(kinds("description", &value), [kind], "{kind:?}");
        assert_eq!(
            kinds("", &format!("text before {value} and after")),
            [kind],
            "{kind:?} in prose"
        );
    }
}

#[test]
fn a_signed_token_is_told_by_its_decoded_header() {
    let e = |s: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(s);
    let jwt = |header: &str, payload: &str| format!("{}.{}.{}", e(header), e(payload), body(43));
    assert_eq!(
        kinds(
            "x",
            &jwt(
                r#"{"alg":"RS256","kid":"a"}"#,
                r#"{"sub":"system:serviceaccount:a:b"}"#
            )
        ),
        [Kind::Jwt]
    );
    silent("x", &jwt(r#"{"alg":"none"}"#, r#"{"sub":"someone"}"#));
    silent(
        "x",
        &jwt(r#"{"alg":"HS256"}"#, r#"{"sub":"1234567890","name":"John Doe"}"#),
    );
}

#[test]
fn a_key_file_is_one_finding_and_a_federation_file_is_none() {
    let file = serde_json::json!({"type": "service_account", "project_id": "p", "private_key_id": body(40), "private_key": pem(), "client_email": "a@p.iam.gserviceaccount.com"});
    assert_eq!(
        kinds("credentials", &file.to_string()),
        [Kind::GoogleServiceAccountKey]
    );
    let encoded = base64::engine::general_purpose::STANDARD.encode(file.to_string());
    let found = inspect("private_key", &encoded);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].kind, &found[0].trail[..]),
        (Kind::GoogleServiceAccountKey, &["in base64".to_owned()][..])
    );
    silent(
        "credentials",
        r#"{"type":"external_account","audience":"//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/g","token_url":"https://sts.googleapis.com/v1/token"}"#,
    );
}

#[test]
fn names_speak_only_with_values_that_can_be_secrets() {
    assert_eq!(kinds("DB_PASSWORD", "hunter2"), [Kind::Password]);
    assert_eq!(kinds("masterPassword", "Correct-Horse7"), [Kind::Password]);
    assert_eq!(kinds("API_TOKEN", &body(24)), [Kind::Named]);
    assert_eq!(
        kinds("AWS_SECRET_ACCESS_KEY", &body(40)),
        [Kind::AwsSecretAccessKey]
    );
    for (name, value) in [
        ("DB_PASSWORD_SECRET_NAME", "prod/churn/db"),
        (
            "DB_PASSWORD_ARN",
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/churn/db-AbCdEf",
        ),
        (
            "db_password",
            "arn:aws:ssm:eu-west-1:111122223333:parameter/churn/password",
        ),
        ("DB_PASSWORD", "${DB_PASSWORD}"),
        ("DB_PASSWORD", "$(cat /run/secrets/db)"),
        ("DB_PASSWORD", "prod/churn/db-password"),
        ("password", "CHANGE_ME"),
        ("password", "<set by hand>"),
        ("password", ""),
        ("token", "projects/p/secrets/token/versions/latest"),
        ("http_tokens", "required"),
        ("token", "required"),
        ("auth_token", "Authorization"),
        ("token", "X-Auth-Token"),
        ("token_ttl", "3600"),
        ("partition_key", "customerId4711AbCdEfGh"),
        ("range_key", "a1B2c3D4e5F6g7H8"),
        (
            "public_key",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7Xk2LmR9vTz4WbJ8sHcN3fYdG6pAeU5iQoKtVyM a@b",
        ),
        ("kms_key_id", "1234abcd-12ab-34cd-56ef-1234567890ab"),
        ("secret", "my-app-secret"),
        ("api_key", "{{ .Values.apiKey }}"),
        ("enable_password", "false"),
        ("client_secret", "op://vault/item/field"),
    ] {
        silent(name, value);
    }
}

#[test]
fn look_alikes_stay_silent() {
    silent("access_key", "AKIAIOSFODNN7EXAMPLE");
    silent("description", "like AKIAIOSFODNN7EXAMPLE, which is an example");
    silent("secret_key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    silent("x", "AKIAXXXXXXXXXXXXXXXX");
    silent("x", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    silent(
        "certificate",
        &format!(
            "-----BEGIN {}-----\n{}\n-----END {}-----",
            "CERTIFICATE",
            body(64),
            "CERTIFICATE"
        ),
    );
    silent(
        "x",
        &format!(
            "-----BEGIN {} KEY-----\n{}\n-----END {} KEY-----",
            "PUBLIC",
            body(64),
            "PUBLIC"
        ),
    );
    silent("source_code_hash", "q7Xk2LmR9vTz4WbJ8sHcN3fYdG6pAeU5iQoKtVyM123=");
    silent(
        "image",
        "111122223333.dkr.ecr.eu-west-1.amazonaws.com/a@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    );
    silent(
        "logo",
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    );
    silent("thumbprint", "6938fd4d98bab03faadb97b34396831e3780aea1");
    silent("token", "6938fd4d98bab03faadb97b34396831e3780aea1");
    silent("url", "https://user@example.org/repo.git");
    silent("url", "https://x-access-token:${TOKEN}@github.com/a/b");
    silent("url", "postgres://user:password@localhost/db");
    silent("note", "GRAKIAR5TQ2ZLD7XWK4MVJ");
    silent("sa", "arn:aws:iam::111122223333:role/hf_reader");
}

#[test]
fn looks_into_scripts_and_says_where() {
    let script = format!(
        "#!/bin/bash\nset -e\nexport AWS_ACCESS_KEY_ID={}\nexport AWS_SECRET_ACCESS_KEY=\"{}\"\ndocker login -u ci --password {} registry.local\n",
        key_id(),
        body(40),
        "Qz81kdPw"
    );
    let found = inspect("user_data", &script);
    let mut got: Vec<Kind> = found.iter().map(|f| f.kind).collect();
    got.sort();
    assert_eq!(
        got,
        [Kind::AwsAccessKeyId, Kind::AwsSecretAccessKey, Kind::Password]
    );
    assert!(
        found
            .iter()
            .any(|f| f.describe().contains("line 4, under AWS_SECRET_ACCESS_KEY")),
        "{found:?}"
    );
    let encoded = base64::engine::general_purpose::STANDARD.encode(&script);
    assert_eq!(inspect("user_data_base64", &encoded).len(), 3);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gz, script.as_bytes()).unwrap();
    assert_eq!(
        inspect(
            "user_data_base64",
            &base64::engine::general_purpose::STANDARD.encode(gz.finish().unwrap())
        )
        .len(),
        3
    );
    silent(
        "user_data",
        "#!/bin/bash\nTOKEN=$(curl -X PUT http://169.254.169.254/latest/api/token)\nexport DB_PASSWORD=\"$(aws secretsmanager get-secret-value --secret-id prod/db --query SecretString --output text)\"\n",
    );
}

#[test]
fn looks_into_json_and_yaml() {
    let containers = r#"[{"name":"api","image":"a:1","environment":[{"name":"DB_PASSWORD","value":"hunter22"},{"name":"REGION","value":"eu-west-1"}],"secrets":[{"name":"API_TOKEN","valueFrom":"arn:aws:ssm:eu-west-1:1:parameter/x"}]}]"#;
    let found = inspect("container_definitions", containers);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].describe(), "a password (under DB_PASSWORD)");
    let yaml = "auth:\n  adminPassword: hunter22\n  existingSecret: churn-db\nimage:\n  tag: v1\n";
    assert_eq!(kinds("values", yaml), [Kind::Password]);
    let docker = r#"{"auths":{"ghcr.io":{"auth":"Y2k6cTdYazJMbVI5dlR6"}}}"#;
    assert_eq!(kinds(".dockerconfigjson", docker), [Kind::RegistryCredentials]);
}

#[test]
fn a_password_has_no_fingerprint_and_a_key_always_the_same() {
    assert_eq!(inspect("password", "hunter2")[0].fingerprint, None);
    let (a, b) = (
        inspect("a", &key_id()),
        inspect("b", &format!("key {}", key_id())),
    );
    assert!(a[0].fingerprint.is_some());
    assert_eq!(a[0].fingerprint, b[0].fingerprint);
}

#[test]
fn the_prefilter_lets_pass_everything_with_a_structure() {
    assert!(may_hold(key_id().as_bytes()) && may_hold(pem().as_bytes()));
    assert!(!may_hold(b"aws_iam_role.runtime"));
}

proptest! {
    #[test]
    fn never_panics_and_never_repeats_what_it_read(name in ".{0,20}", value in "(?s).{0,300}") {
        for f in inspect(&name, &value) {
            prop_assert!(f.trail.len() < 20);
        }
    }

    #[test]
    fn no_output_holds_the_secret(secret in "[A-Za-z0-9]{20,40}", key in "(DB_PASSWORD|api_token|AWS_SECRET_ACCESS_KEY)", shape in 0..4usize) {
        let value = match shape {
            0 => secret.clone(),
            1 => format!("export {key}={secret}\n"),
            2 => serde_json::json!({ &key: &secret }).to_string(),
            _ => base64::engine::general_purpose::STANDARD.encode(format!("{key}: {secret}\n")),
        };
        for f in inspect(&key, &value) {
            let debug = format!("{f:?}");
            prop_assert!(!f.describe().contains(&secret) && !debug.contains(&secret));
        }
    }

    #[test]
    fn key_ids_are_found_wherever_they_stand(before in "[ a-z\n\"'=:,]{0,40}", after in "[ \n\"',;]{0,40}") {
        let text = format!("{before} {} {after}", key_id());
        prop_assert!(inspect("x", &text).iter().any(|f| f.kind == Kind::AwsAccessKeyId));
    }

    #[test]
    fn digests_and_uuids_are_never_secrets(hex in "[0-9a-f]{64}", name in "(token|secret_key|api_key|hash|image)") {
        prop_assert_eq!(inspect(&name, &hex), vec![]);
        prop_assert_eq!(inspect(&name, &hex[..40]), vec![]);
    }
}

#[test]
fn the_name_of_a_secret_that_exists_elsewhere_is_none() {
    for (name, value) in [
        ("artifactRoot.s3.existingSecret", "mlflow-s3"),
        ("auth.existingSecret", "q7Xk2LmR9vTz4WbJ8sHc"),
        ("api_token", "prod/k8s/ec2-v1"),
    ] {
        assert_eq!(inspect(name, value), vec![], "{name}");
    }
    assert!(!inspect("artifactRoot.s3.secret", "q7Xk2LmR9vTz4WbJ8sHc").is_empty());
}

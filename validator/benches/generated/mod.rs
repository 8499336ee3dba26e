//! Generates plans of any size, as `terraform show -json` writes them.
//!
//! Three mixes, all of about 3.5 kB a resource (50,000 resources: 170 to 180 MB):
//!
//! - [`Mix::Families`]: what a large plan looks like. `for_each` families of services, each with roles, inline policies, attachments,
//!   a bucket with its settings, functions, task definitions, log groups, rules of security groups, alarms. Three resources in ten hold a
//!   policy document; three families out of four give all their members the same text, the fourth writes each member's name into it.
//! - [`Mix::First`]: the same before anything exists: what refers to a role, a bucket or a document is unknown and told by references.
//! - [`Mix::Distinct`]: the worst case. Two resources out of three hold a policy document and no two documents are the same.

#![allow(dead_code, reason = "the bench and the examples each use a part")]

pub(crate) mod bare;
mod saved;

use std::fmt::Write;

/// What a generated plan is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mix {
    /// `for_each` families: policies repeat, and most resources hold none.
    Families,
    /// The same on a first plan: references are unknown.
    First,
    /// Policies in most resources, all different.
    Distinct,
}

impl Mix {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Families, Self::First, Self::Distinct];

    /// The word on the command line and in reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Families => "families",
            Self::First => "first",
            Self::Distinct => "distinct",
        }
    }

    fn resource(self, i: usize) -> Made {
        match self {
            Self::Families | Self::First => family(i),
            Self::Distinct => distinct(i),
        }
    }

    /// The key of an instance: what belongs together has the same one on a first plan, where keys pair references.
    fn key(self, i: usize) -> usize {
        match self {
            Self::First => i / 48 * 48 + OFFSETS[i % 48],
            _ => i,
        }
    }

    fn kinds(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Families | Self::First => &FAMILY,
            Self::Distinct => &DISTINCT,
        }
    }
}

/// Arguments that refer to others: type, argument, and what it refers to.
const REFERENCES: [(&str, &str, &str); 5] = [
    ("aws_iam_role_policy", "role", "aws_iam_role.service"),
    ("aws_iam_role_policy_attachment", "role", "aws_iam_role.service"),
    ("aws_lambda_function", "role", "aws_iam_role.service"),
    ("aws_s3_bucket_versioning", "bucket", "aws_s3_bucket.service"),
    (
        "aws_s3_bucket_policy",
        "policy",
        "data.aws_iam_policy_document.service",
    ),
];

/// Takes an attribute out of planned values.
fn remove(after: &mut String, attribute: &str) {
    #[allow(clippy::unwrap_used, reason = "the values were generated")]
    let mut values: serde_json::Map<String, serde_json::Value> = serde_json::from_str(after).unwrap();
    values.remove(attribute);
    *after = serde_json::Value::Object(values).to_string();
}

/// The same as a saved plan. What is unknown on a first plan stays known here.
pub(crate) fn saved(n: usize, mix: Mix) -> Vec<u8> {
    let resources = (0..n).map(|i| {
        let (kind, name, after) = mix.resource(i);
        (format!("{kind}.{name}[\"k{}\"]", mix.key(i)), after)
    });
    let mut source = String::from(
        "terraform {\n  backend \"s3\" {\n    bucket = \"acme-prod-tfstate\"\n    key = \"platform/prod/terraform.tfstate\"\n    region = \"eu-west-1\"\n    encrypt = true\n    kms_key_id = \"alias/tfstate\"\n    use_lockfile = true\n  }\n}\n",
    );
    for (kind, name) in mix.kinds() {
        let _ = write!(
            source,
            "resource \"{kind}\" \"{name}\" {{\n  for_each = local.all\n"
        );
        for (_, attribute, to) in REFERENCES.iter().filter(|(k, ..)| k == kind) {
            let _ = writeln!(source, "  {attribute} = {to}[each.key]");
        }
        source.push_str("}\n");
    }
    saved::pack(resources, &source)
}

/// Type, name, and planned values.
type Made = (&'static str, &'static str, String);

const HEAD: &str = r#"{"format_version":"1.2","terraform_version":"1.11.4","timestamp":"2026-01-01T00:00:00Z","complete":true,"errored":false,"variables":{"env":{"value":"prod"}},"planned_values":{"root_module":{"resources":["#;

/// A plan of `n` resources, as JSON.
pub(crate) fn plan(n: usize, mix: Mix) -> String {
    let mut out = String::with_capacity(n * 3900 + 8192);
    out.push_str(HEAD);
    // A plan says everything twice.
    for i in 0..n {
        let (kind, name, after) = mix.resource(i);
        let _ = write!(
            out,
            r#"{}{{"address":"{kind}.{name}[\"k{i}\"]","mode":"managed","type":"{kind}","name":"{name}","index":"k{i}","provider_name":"registry.terraform.io/hashicorp/aws","schema_version":0,"values":{after},"sensitive_values":{{"tags":{{}}}}}}"#,
            if i > 0 { "," } else { "" }
        );
    }
    out.push_str(r#"]}},"resource_changes":["#);
    for i in 0..n {
        let (kind, name, mut after) = mix.resource(i);
        let mut unknown = String::new();
        if mix == Mix::First {
            for (_, attribute, _) in REFERENCES.iter().filter(|(k, ..)| *k == kind) {
                remove(&mut after, attribute);
                let _ = write!(unknown, r#""{attribute}":true,"#);
            }
        }
        let _ = write!(
            out,
            r#"{}{{"address":"{kind}.{name}[\"k{}\"]","mode":"managed","type":"{kind}","name":"{name}","index":"k{i}","provider_name":"registry.terraform.io/hashicorp/aws","change":{{"actions":["create"],"before":null,"after":{after},"after_unknown":{{{unknown}"id":true,"arn":true,"tags_all":{{}}}},"before_sensitive":false,"after_sensitive":{{"tags":{{}}}}}}}}"#,
            if i > 0 { "," } else { "" },
            mix.key(i)
        );
        if mix == Mix::First && kind == "aws_s3_bucket_policy" {
            let _ = write!(
                out,
                r#",{{"address":"data.aws_iam_policy_document.service[\"k{}\"]","mode":"data","type":"aws_iam_policy_document","name":"service","index":"k{i}","provider_name":"registry.terraform.io/hashicorp/aws","change":{{"actions":["read"],"before":null,"after":{{"statement":[{{"sid":"TlsOnly","effect":"Deny","actions":["s3:*"],"resources":[null,null],"principals":[{{"type":"*","identifiers":["*"]}}],"condition":[{{"test":"Bool","variable":"aws:SecureTransport","values":["false"]}}]}},{{"sid":"Read","effect":"Allow","actions":["s3:GetObject"],"resources":[null],"principals":[{{"type":"AWS","identifiers":["arn:aws:iam::111122223333:role/services/reader-{i}"]}}],"condition":[]}}]}},"after_unknown":{{"json":true,"statement":[{{"resources":[true,true]}},{{"resources":[true]}}]}},"before_sensitive":false,"after_sensitive":{{}}}}}}"#,
                mix.key(i)
            );
        }
    }
    out.push_str(r#"],"configuration":{"provider_config":{"aws":{"name":"aws","full_name":"registry.terraform.io/hashicorp/aws","expressions":{"region":{"constant_value":"eu-west-1"}}}},"root_module":{"resources":["#);
    for (i, (kind, name)) in mix.kinds().iter().enumerate() {
        let _ = write!(
            out,
            r#"{}{{"address":"{kind}.{name}","mode":"managed","type":"{kind}","name":"{name}","provider_config_key":"aws","expressions":{{"name":{{"references":["each.key"]}}"#,
            if i > 0 { "," } else { "" }
        );
        for (_, attribute, to) in REFERENCES.iter().filter(|(k, ..)| k == kind) {
            let _ = write!(out, r#","{attribute}":{{"references":["{to}","each.key"]}}"#);
        }
        out.push_str(r#"},"schema_version":0,"for_each_expression":{"references":["local.all"]}}"#);
    }
    out.push_str(r#",{"address":"data.aws_iam_policy_document.service","mode":"data","type":"aws_iam_policy_document","name":"service","provider_config_key":"aws","expressions":{"statement":[{"actions":{"constant_value":["s3:*"]},"resources":{"references":["aws_s3_bucket.service","each.key"]}}]},"schema_version":0,"for_each_expression":{"references":["local.all"]}}"#);
    out.push_str("]}}}");
    out
}

/// Of each place among 48, the place of the role or bucket it belongs to; itself where it belongs to none.
const OFFSETS: [usize; 48] = {
    let mut all = [0; 48];
    let mut i = 0;
    while i < 48 {
        all[i] = match i {
            7..14 => i - 7,
            14..17 => i - 14,
            20..23 => i - 3,
            26 => 17,
            27..31 => i - 27,
            _ => i,
        };
        i += 1;
    }
    all
};

const FAMILY: [(&str, &str); 16] = [
    ("aws_iam_role", "service"),
    ("aws_iam_role_policy", "service"),
    ("aws_iam_role_policy_attachment", "service"),
    ("aws_s3_bucket", "service"),
    ("aws_s3_bucket_versioning", "service"),
    ("aws_s3_bucket_public_access_block", "service"),
    ("aws_s3_bucket_policy", "service"),
    ("aws_lambda_function", "service"),
    ("aws_ecs_task_definition", "service"),
    ("aws_cloudwatch_log_group", "service"),
    ("aws_security_group", "service"),
    ("aws_vpc_security_group_ingress_rule", "service"),
    ("aws_cloudwatch_metric_alarm", "service"),
    ("aws_sqs_queue", "service"),
    ("aws_db_instance", "service"),
    ("aws_route53_record", "service"),
];

/// Of 48 resources: 7 roles, 7 inline policies, 1 bucket policy, the rest holds none.
fn family(i: usize) -> Made {
    // Three families of four share their text; a family has some hundred members.
    let (member, of) = (i / 48, i / 48 % 40);
    let name = if of.is_multiple_of(4) {
        format!("service-{member}")
    } else {
        format!("family-{of}")
    };
    let pick = match i % 48 {
        0..7 => 0,
        7..14 => 1,
        14..17 => 2,
        17..20 => 3,
        20..23 => 4,
        23..26 => 5,
        26 => 6,
        27..31 => 7,
        31..34 => 8,
        34..37 => 9,
        37..39 => 10,
        39..41 => 11,
        41..44 => 12,
        44 => 13,
        45..47 => 14,
        _ => 15,
    };
    let (kind, label) = FAMILY[pick];
    let tags = tags(member);
    let after = match pick {
        0 => format!(
            r#"{{"name":"service-{i}","path":"/services/","description":"what service {member} runs as","max_session_duration":3600,"force_detach_policies":false,"permissions_boundary":null,{tags},"assume_role_policy":{}}}"#,
            quoted(&trust(i))
        ),
        1 => format!(
            r#"{{"name":"service-{i}","role":"service-{}","policy":{}}}"#,
            i - 7,
            quoted(&policy(&name))
        ),
        2 => format!(
            r#"{{"role":"service-{}","policy_arn":"arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}}"#,
            i - 14
        ),
        3 => format!(
            r#"{{"bucket":"acme-{i}","bucket_prefix":null,"force_destroy":false,"object_lock_enabled":false,{tags},"timeouts":null}}"#
        ),
        4 => format!(
            r#"{{"bucket":"acme-{}","expected_bucket_owner":null,"mfa":null,"versioning_configuration":[{{"mfa_delete":null,"status":"Enabled"}}]}}"#,
            i - 3
        ),
        5 => format!(
            r#"{{"bucket":"acme-{}","block_public_acls":true,"block_public_policy":true,"ignore_public_acls":true,"restrict_public_buckets":true}}"#,
            i - 6
        ),
        6 => format!(
            r#"{{"bucket":"acme-{}","policy":{}}}"#,
            i - 9,
            quoted(&bucket_policy(&name))
        ),
        7 => format!(
            r#"{{"function_name":"service-{i}","role":"arn:aws:iam::111122223333:role/services/service-{}","handler":"app.main","runtime":"python3.13","memory_size":512,"timeout":30,"architectures":["arm64"],"package_type":"Zip","filename":"build/service-{i}.zip","source_code_hash":"w5aHNpXJVxLmJyX2VTmIqYvVYZJhZVh2JYHJrZ0ThcU=","publish":false,"reserved_concurrent_executions":-1,"skip_destroy":false,"code_signing_config_arn":null,"dead_letter_config":[],"environment":[{{"variables":{{"LOG_LEVEL":"info","TABLE":"table-{i}","STAGE":"prod","POWERTOOLS_SERVICE_NAME":"service-{i}","ENDPOINT":"https://service-{i}.internal.example.com/v1","QUEUE_URL":"https://sqs.eu-west-1.amazonaws.com/111122223333/service-{i}"}}}}],"file_system_config":[],"image_config":[],"image_uri":null,"kms_key_arn":null,"layers":["arn:aws:lambda:eu-west-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-python313-arm64:7"],"replace_security_groups_on_destroy":null,"s3_bucket":null,"s3_key":null,"snap_start":[],"timeouts":null,"tracing_config":[{{"mode":"Active"}}],"vpc_config":[{{"ipv6_allowed_for_dual_stack":false,"security_group_ids":["sg-0a1b2c3d4e5f60718"],"subnet_ids":["subnet-0a1b2c3d4e5f60718","subnet-1a1b2c3d4e5f60718","subnet-2a1b2c3d4e5f60718"]}}],{tags}}}"#,
            i - 27
        ),
        8 => {
            let containers = format!(
                r#"[{{"name":"app","image":"111122223333.dkr.ecr.eu-west-1.amazonaws.com/service-{member}@sha256:9b2cf1f4d2c0f0b1b3a8a0b9d1c52b6c6c3a2f8e6b4ac1a7d9e8f7a6b5c4d3e2","cpu":256,"memory":512,"essential":true,"portMappings":[{{"containerPort":8080,"protocol":"tcp"}}],"environment":[{{"name":"LOG_LEVEL","value":"info"}},{{"name":"STAGE","value":"prod"}},{{"name":"SERVICE","value":"service-{member}"}},{{"name":"OTEL_EXPORTER_OTLP_ENDPOINT","value":"http://localhost:4317"}}],"secrets":[{{"name":"DATABASE_URL","valueFrom":"arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/service-{member}/database-AbCdEf"}}],"logConfiguration":{{"logDriver":"awslogs","options":{{"awslogs-group":"/ecs/service-{member}","awslogs-region":"eu-west-1","awslogs-stream-prefix":"app"}}}},"healthCheck":{{"command":["CMD-SHELL","curl -f http://localhost:8080/healthz || exit 1"],"interval":30,"timeout":5,"retries":3}}}},{{"name":"collector","image":"public.ecr.aws/aws-observability/aws-otel-collector:v0.43.1","cpu":64,"memory":128,"essential":false,"command":["--config=/etc/ecs/ecs-default-config.yaml"],"logConfiguration":{{"logDriver":"awslogs","options":{{"awslogs-group":"/ecs/service-{member}","awslogs-region":"eu-west-1","awslogs-stream-prefix":"otel"}}}}}}]"#
            );
            format!(
                r#"{{"family":"service-{i}","container_definitions":{},"cpu":"512","memory":"1024","network_mode":"awsvpc","requires_compatibilities":["FARGATE"],"execution_role_arn":"arn:aws:iam::111122223333:role/ecs-execution","task_role_arn":"arn:aws:iam::111122223333:role/services/task-{i}","ephemeral_storage":[],"inference_accelerator":[],"ipc_mode":null,"pid_mode":null,"placement_constraints":[],"proxy_configuration":[],"runtime_platform":[{{"cpu_architecture":"ARM64","operating_system_family":"LINUX"}}],"skip_destroy":false,"track_latest":false,"volume":[],{tags}}}"#,
                quoted(&containers)
            )
        }
        9 => format!(
            r#"{{"name":"/aws/lambda/service-{i}","name_prefix":"","retention_in_days":30,"skip_destroy":false,"log_group_class":"STANDARD","kms_key_id":"arn:aws:kms:eu-west-1:111122223333:key/1b4d3c2a-0f9e-4d8c-b7a6-5f4e3d2c1b0a",{tags}}}"#
        ),
        10 => format!(
            r#"{{"name":"service-{i}","name_prefix":null,"description":"traffic of service {member}","egress":[{{"cidr_blocks":["0.0.0.0/0"],"description":"","from_port":443,"ipv6_cidr_blocks":[],"prefix_list_ids":[],"protocol":"tcp","security_groups":[],"self":false,"to_port":443}}],"revoke_rules_on_delete":false,"vpc_id":"vpc-0a1b2c3d4e5f60718","timeouts":null,{tags}}}"#
        ),
        11 => format!(
            r#"{{"security_group_id":"sg-0a1b2c3d4e5f60718","description":"from the load balancer to service {member}","cidr_ipv4":null,"cidr_ipv6":null,"from_port":8080,"to_port":8080,"ip_protocol":"tcp","prefix_list_id":null,"referenced_security_group_id":"sg-1a1b2c3d4e5f60718",{tags}}}"#
        ),
        12 => format!(
            r#"{{"alarm_name":"service-{i}-errors","alarm_description":"errors of service {member} above one per cent over five minutes: see the runbook of the service","comparison_operator":"GreaterThanThreshold","evaluation_periods":5,"datapoints_to_alarm":3,"metric_name":"Errors","namespace":"AWS/Lambda","period":60,"statistic":"Sum","threshold":1,"treat_missing_data":"notBreaching","actions_enabled":true,"alarm_actions":["arn:aws:sns:eu-west-1:111122223333:on-call"],"ok_actions":["arn:aws:sns:eu-west-1:111122223333:on-call"],"insufficient_data_actions":null,"dimensions":{{"FunctionName":"service-{i}"}},"extended_statistic":null,"metric_query":[],"threshold_metric_id":null,"unit":null,{tags}}}"#
        ),
        13 => format!(
            r#"{{"name":"service-{i}","fifo_queue":false,"content_based_deduplication":false,"delay_seconds":0,"max_message_size":262144,"message_retention_seconds":345600,"receive_wait_time_seconds":20,"visibility_timeout_seconds":60,"kms_master_key_id":null,"sqs_managed_sse_enabled":true,"redrive_policy":"{{\"deadLetterTargetArn\":\"arn:aws:sqs:eu-west-1:111122223333:service-{member}-dead\",\"maxReceiveCount\":5}}",{tags}}}"#
        ),
        14 => format!(
            r#"{{"identifier":"service-{i}","engine":"postgres","engine_version":"17.2","instance_class":"db.t4g.small","allocated_storage":20,"max_allocated_storage":100,"storage_type":"gp3","storage_encrypted":true,"kms_key_id":"arn:aws:kms:eu-west-1:111122223333:key/1b4d3c2a-0f9e-4d8c-b7a6-5f4e3d2c1b0a","username":"app","password":null,"manage_master_user_password":true,"db_subnet_group_name":"private","vpc_security_group_ids":["sg-2a1b2c3d4e5f60718"],"multi_az":true,"publicly_accessible":false,"deletion_protection":true,"backup_retention_period":14,"copy_tags_to_snapshot":true,"auto_minor_version_upgrade":true,"iam_database_authentication_enabled":true,"enabled_cloudwatch_logs_exports":["postgresql","upgrade"],"performance_insights_enabled":true,"skip_final_snapshot":false,"final_snapshot_identifier":"service-{i}-final","blue_green_update":[],"restore_to_point_in_time":[],"s3_import":[],"timeouts":null,{tags}}}"#
        ),
        _ => format!(
            r#"{{"name":"service-{i}.internal.example.com","type":"A","zone_id":"Z0123456789ABCDEFGHIJ","ttl":null,"records":null,"set_identifier":null,"health_check_id":null,"alias":[{{"evaluate_target_health":true,"name":"internal-lb-123456789.eu-west-1.elb.amazonaws.com","zone_id":"Z32O12XQLNTSW2"}}],"allow_overwrite":null,"geolocation_routing_policy":[],"latency_routing_policy":[],"weighted_routing_policy":[]}}"#
        ),
    };
    (kind, label, after)
}

fn tags(member: usize) -> String {
    let tags = format!(
        r#"{{"Name":"service-{member}","Environment":"prod","CostCentre":"cc-{}","Owner":"team-{}@example.com","ManagedBy":"terraform","Repository":"https://git.example.com/acme/platform","DataClassification":"internal","Runbook":"https://runbooks.example.com/services/service-{member}"}}"#,
        member % 90,
        member % 17
    );
    format!(r#""tags":{tags},"tags_all":{tags}"#)
}

const DISTINCT: [(&str, &str); 4] = [
    ("aws_iam_role", "role"),
    ("aws_iam_role_policy", "policy"),
    ("aws_s3_bucket", "bucket"),
    ("aws_lambda_function", "function"),
];

/// Of 50 resources: 12 roles, 20 inline policies of about 2.7 kB, 10 buckets, 8 functions.
fn distinct(i: usize) -> Made {
    match i % 50 {
        0..12 => (
            "aws_iam_role",
            "role",
            format!(
                r#"{{"name":"role-{i}","path":"/","max_session_duration":3600,"force_detach_policies":false,"permissions_boundary":null,"tags":{{"team":"t{}"}},"assume_role_policy":{}}}"#,
                i % 9,
                quoted(&trust(i))
            ),
        ),
        12..32 => (
            "aws_iam_role_policy",
            "policy",
            format!(
                r#"{{"name":"policy-{i}","role":"role-{}","policy":{}}}"#,
                i / 50 * 50 + i % 12,
                quoted(&policy(&i.to_string()))
            ),
        ),
        32..42 => (
            "aws_s3_bucket",
            "bucket",
            format!(
                r#"{{"bucket":"bucket-{i}","force_destroy":false,"tags":{{"team":"t{}","purpose":"models of service {i}"}},"timeouts":null}}"#,
                i % 9
            ),
        ),
        _ => (
            "aws_lambda_function",
            "function",
            format!(
                r#"{{"function_name":"function-{i}","role":"arn:aws:iam::111122223333:role/role-{}","handler":"main","runtime":"python3.13","memory_size":512,"environment":[{{"variables":{{"LOG_LEVEL":"info","TABLE":"table-{i}","ENDPOINT":"https://service-{i}.internal.example.com/v1"}}}}],"tags":null}}"#,
                i / 50 * 50 + i % 12
            ),
        ),
    }
}

fn quoted(s: &str) -> String {
    serde_json::Value::String(s.to_owned()).to_string()
}

fn trust(i: usize) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"}},"Condition":{{"StringEquals":{{"oidc.eks.eu-west-1.amazonaws.com/id/ABC:aud":"sts.amazonaws.com","oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub":"system:serviceaccount:ns{i}:sa{i}"}}}}}}]}}"#
    )
}

fn policy(name: &str) -> String {
    let mut s = String::from(r#"{"Version":"2012-10-17","Statement":["#);
    for k in 0..9 {
        if k > 0 {
            s.push(',');
        }
        let _ = write!(
            s,
            r#"{{"Sid":"Statement{k}","Effect":"Allow","Action":["s3:GetObject","s3:GetObjectVersion","s3:ListBucket"],"Resource":["arn:aws:s3:::bucket-{name}-{k}/models/*","arn:aws:s3:::bucket-{name}-{k}/data/{k}/*"],"Condition":{{"StringEquals":{{"aws:ResourceAccount":"111122223333","aws:PrincipalTag/team":"team-{k}"}}}}}}"#
        );
    }
    s.push_str("]}");
    s
}

fn bucket_policy(name: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"TlsOnly","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::acme-{name}","arn:aws:s3:::acme-{name}/*"],"Condition":{{"Bool":{{"aws:SecureTransport":"false"}}}}}},{{"Sid":"Read","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::111122223333:role/services/reader-{name}"}},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-{name}/*"}}]}}"#
    )
}

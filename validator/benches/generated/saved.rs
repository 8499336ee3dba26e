//! The same plan as `terraform plan -out` keeps it: a zip with the plan as protobuf (values in msgpack), source and state.

use std::io::{Cursor, Write};

use prost::Message;
use zip::write::SimpleFileOptions;

#[derive(Clone, PartialEq, Message)]
struct Dynamic {
    #[prost(bytes = "vec", tag = "1")]
    msgpack: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Plan {
    #[prost(uint64, tag = "1")]
    version: u64,
    #[prost(message, repeated, tag = "3")]
    resource_changes: Vec<Change>,
    #[prost(message, optional, tag = "13")]
    backend: Option<Backend>,
    #[prost(string, tag = "14")]
    terraform_version: String,
    #[prost(string, tag = "21")]
    timestamp: String,
    #[prost(bool, optional, tag = "26")]
    complete: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
struct Backend {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(message, optional, tag = "2")]
    config: Option<Dynamic>,
    #[prost(string, tag = "3")]
    workspace: String,
}

#[derive(Clone, PartialEq, Message)]
struct Change {
    #[prost(string, tag = "8")]
    provider: String,
    #[prost(message, optional, tag = "9")]
    change: Option<Body>,
    #[prost(string, tag = "13")]
    address: String,
}

#[derive(Clone, PartialEq, Message)]
struct Body {
    #[prost(int32, tag = "1")]
    action: i32,
    #[prost(message, repeated, tag = "2")]
    values: Vec<Dynamic>,
}

fn msgpack(json: &serde_json::Value) -> rmpv::Value {
    use serde_json::Value as J;
    match json {
        J::Null => rmpv::Value::Nil,
        J::Bool(b) => rmpv::Value::from(*b),
        J::Number(n) => n.as_i64().map_or_else(
            || rmpv::Value::from(n.as_f64().unwrap_or_default()),
            rmpv::Value::from,
        ),
        J::String(s) => rmpv::Value::from(s.as_str()),
        J::Array(items) => rmpv::Value::Array(items.iter().map(msgpack).collect()),
        J::Object(entries) => rmpv::Value::Map(
            entries
                .iter()
                .map(|(k, v)| (rmpv::Value::from(k.as_str()), msgpack(v)))
                .collect(),
        ),
    }
}

fn dynamic(json: &serde_json::Value) -> Dynamic {
    let mut msgpack_bytes = Vec::new();
    #[allow(clippy::unwrap_used, reason = "writing to memory does not fail")]
    rmpv::encode::write_value(&mut msgpack_bytes, &msgpack(json)).unwrap();
    Dynamic {
        msgpack: msgpack_bytes,
    }
}

/// Packs resources (address, planned values) into a saved plan with a state in S3.
#[allow(
    clippy::unwrap_used,
    reason = "the values were generated, and writing to memory does not fail"
)]
pub(crate) fn pack(resources: impl Iterator<Item = (String, String)>, source: &str) -> Vec<u8> {
    let backend = serde_json::json!({ "bucket": "acme-prod-tfstate", "key": "platform/prod/terraform.tfstate", "region": "eu-west-1", "encrypt": true, "kms_key_id": "alias/tfstate", "use_lockfile": true });
    let plan = Plan {
        version: 3,
        resource_changes: resources
            .map(|(address, after)| Change {
                provider: r#"provider["registry.terraform.io/hashicorp/aws"]"#.into(),
                address,
                change: Some(Body {
                    action: 1,
                    values: vec![dynamic(&serde_json::from_str(&after).unwrap())],
                }),
            })
            .collect(),
        backend: Some(Backend {
            kind: "s3".into(),
            config: Some(dynamic(&backend)),
            workspace: "default".into(),
        }),
        terraform_version: "1.11.4".into(),
        timestamp: "2026-01-01T00:00:00Z".into(),
        complete: Some(true),
    };
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, bytes) in [
        ("tfplan", plan.encode_to_vec()),
        ("tfconfig/m-/main.tf", source.as_bytes().to_vec()),
        (
            "tfconfig/modules.json",
            br#"[{"Key":"","Source":"","Dir":"."}]"#.to_vec(),
        ),
    ] {
        zip.start_file(name, options).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

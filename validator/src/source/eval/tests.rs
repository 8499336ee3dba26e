//! Evaluation of sources, by example.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::source::Nothing;

fn value(source: &str, local: &str) -> V {
    let s = Sources::from_text(source);
    assert!(s.files[0].error.is_none(), "{:?}", s.files[0].error);
    V::clone(&Evaluator::new(&s, Nothing).local("", local))
}

fn text(source: &str, local: &str) -> String {
    functions::with_holes(&value(source, local))
        .unwrap_or_else(|| "(not a string)".into())
        .replace(functions::UNKNOWN_TEXT, "?")
}

#[test]
fn json_with_an_unknown_reference_keeps_the_rest() {
    let src = r#"locals { p = jsonencode({ Action = "*", Resource = "${aws_kms_alias.b.arn}/*" }) }
        resource "aws_kms_alias" "b" {}"#;
    assert_eq!(text(src, "p"), r#"{"Action":"*","Resource":"?/*"}"#);
}

#[test]
fn a_reference_back_to_itself_ends() {
    assert!(value("locals {\n a = local.b\n b = local.a\n}", "a").is_unknown());
}

#[test]
fn the_arn_of_a_named_bucket_is_computed() {
    let src = "locals { p = \"${aws_s3_bucket.b.arn}/x\" }\nresource \"aws_s3_bucket\" \"b\" {\n  bucket = \"models\"\n}";
    assert_eq!(text(src, "p"), "arn:aws:s3:::models/x");
}

#[test]
fn loops_conditionals_and_functions_are_evaluated() {
    assert_eq!(
        text(
            r#"locals { x = join(",", [for k, v in { b = 2, a = 1 } : "${k}=${v}" if v > 1]) }"#,
            "x"
        ),
        "b=2"
    );
    assert_eq!(
        text(
            r#"locals { x = true ? format("%s-%03d", upper("a"), 7) : "no" }"#,
            "x"
        ),
        "A-007"
    );
    assert_eq!(
        text(
            r#"locals { x = jsonencode(merge({ a = [1] }, { b = concat(["x"], ["y"]) })) }"#,
            "x"
        ),
        r#"{"a":[1],"b":["x","y"]}"#
    );
    assert_eq!(
        text(
            "locals {\n  x = <<-EOT\n    {\"a\": \"${lower(\"B\")}\"}\n  EOT\n}",
            "x"
        )
        .trim(),
        r#"{"a": "b"}"#
    );
}

#[test]
fn a_data_document_is_built_from_its_blocks() {
    let src = r#"
        locals { p = data.aws_iam_policy_document.d.json }
        data "aws_iam_policy_document" "d" {
          statement {
            actions   = ["s3:GetObject"]
            resources = [aws_kms_alias.x.arn]
          }
          dynamic "statement" {
            for_each = toset(["a", "b"])
            content {
              sid       = statement.value
              actions   = ["${statement.key}:*"]
              resources = ["*"]
            }
          }
        }
        resource "aws_kms_alias" "x" {}"#;
    assert_eq!(
        text(src, "p"),
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["?"]},{"Sid":"a","Effect":"Allow","Action":["a:*"],"Resource":["*"]},{"Sid":"b","Effect":"Allow","Action":["b:*"],"Resource":["*"]}]}"#
    );
}

#[test]
fn sensitive_values_stay_sensitive_through_functions() {
    let v = value(
        "variable \"s\" {\n  default = \"hunter2\"\n  sensitive = true\n}\nlocals { x = upper(var.s) }",
        "x",
    );
    assert!(v.is_sensitive() && v.as_str() == Some("HUNTER2"));
    assert!(!format!("{v:?}").contains("HUNTER2"));
}

#[test]
fn deep_nesting_is_unknown_and_does_not_overflow() {
    let src = format!("locals {{ x = {}1{} }}", "!".repeat(60), "");
    assert!(matches!(value(&src, "x"), Value::Unknown(_)));
}

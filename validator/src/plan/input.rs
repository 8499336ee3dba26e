//! Recognises what was given: a plan in one of its forms, or something that people pass by mistake, which is then named.

use super::json;
use super::saved::{self, Archive};

/// What an input turned out to be.
#[derive(Debug)]
pub enum Input {
    /// The JSON text of a plan (still to be read: [`json::read`]).
    Json(String),
    /// A saved plan, unpacked (still to be read: [`saved::read`]).
    Saved(Box<Archive>),
    /// A bookmark of a run in HCP Terraform: proves that state is remote, holds no plan.
    Bookmark {
        /// The host.
        host: String,
        /// The run.
        run: String,
    },
}

/// Why an input cannot be judged; each says what it is and what to give instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// Nothing in it.
    #[error("the file is empty; write the plan with `terraform show -json PLANFILE > plan.json`")]
    Empty,
    /// Too large to read.
    #[error("the file is larger than {} GiB; that is no plan", LIMIT >> 30)]
    TooLarge,
    /// A state in JSON.
    #[error(
        "this is a state (`terraform show -json` without a plan file), not a plan; give `terraform show -json PLANFILE`"
    )]
    StateJson,
    /// A state file.
    #[error(
        "this is a state file (*.tfstate), not a plan; make one with `terraform plan -out PLANFILE` and give that file"
    )]
    StateFile,
    /// The user interface stream.
    #[error(
        "this is the log of `terraform plan -json`, which holds no values; give `terraform show -json PLANFILE`, or the saved plan itself"
    )]
    UiStream,
    /// Encrypted by OpenTofu.
    #[error(
        "this plan is encrypted by OpenTofu and cannot be read without its key; give `tofu show -json PLANFILE`"
    )]
    Encrypted,
    /// A plan of Terraform before 0.12.
    #[error(
        "this is a plan of Terraform before 0.12; plans are read from 0.12 (JSON) and 1.1 (saved plan) on"
    )]
    Ancient,
    /// Human-readable output.
    #[error(
        "this is the readable output of `terraform plan` or `show`; give `terraform show -json PLANFILE`, or the saved plan itself"
    )]
    Readable,
    /// Compressed.
    #[error("this file is compressed with gzip; unpack it first")]
    Gzip,
    /// Bytes that are no text.
    #[error("not a plan: neither a saved plan nor text (byte {0} is not UTF-8)")]
    Binary(usize),
    /// JSON that ends early.
    #[error(
        "the JSON ends before the plan does (line {line}, column {column}, {bytes} bytes read): the file is truncated, write it again"
    )]
    Truncated {
        /// Line of the end.
        line: usize,
        /// Column of the end.
        column: usize,
        /// Length of the text.
        bytes: usize,
    },
    /// JSON that cannot be read.
    #[error(transparent)]
    Json(#[from] json::ReadError),
    /// A saved plan that cannot be read.
    #[error(transparent)]
    Saved(#[from] saved::SavedError),
}

/// No plan is larger.
pub const LIMIT: u64 = 4 << 30;

/// Recognises an input by its content.
///
/// # Errors
/// When it is no plan; the error says what it is instead, as far as that can be told.
pub fn recognise(bytes: Vec<u8>) -> Result<Input, InputError> {
    if bytes.len() as u64 > LIMIT {
        return Err(InputError::TooLarge);
    }
    match bytes.as_slice() {
        [] => return Err(InputError::Empty),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => {
            return Ok(Input::Saved(Box::new(saved::unpack(&bytes)?)));
        }
        [0x1f, 0x8b, ..] => return Err(InputError::Gzip),
        [b't', b'f', b'p', b'l', b'a', b'n', ..] => return Err(InputError::Ancient),
        _ => {}
    }
    let text = decode(bytes)?;
    let trimmed = text.trim_start();
    if trimmed.is_empty() {
        return Err(InputError::Empty);
    }
    if trimmed.starts_with('{') {
        if trimmed.starts_with("{\"@level\"") || trimmed.starts_with("{ \"@level\"") {
            return Err(InputError::UiStream);
        }
        // The first bytes tell the small forms apart; a plan is not parsed twice.
        let head: String = trimmed.chars().take(400).collect();
        if head.contains("\"remote_plan_format\"") {
            return bookmark(trimmed);
        }
        if head.contains("\"encrypted_data\"") || head.contains("\"encryption_version\"") {
            return Err(InputError::Encrypted);
        }
        return Ok(Input::Json(text));
    }
    // A wrapper (setup-terraform before version 3) prints a line before the JSON and lines after it.
    if let Some(json) = unwrap(&text) {
        return Ok(Input::Json(json.to_owned()));
    }
    if [
        "Terraform will perform",
        "Terraform used the selected",
        "No changes.",
        "OpenTofu",
    ]
    .iter()
    .any(|s| text.contains(s))
    {
        return Err(InputError::Readable);
    }
    Err(json::ReadError::NotAPlan.into())
}

/// Explains why the JSON of an input is no plan.
#[must_use]
pub fn explain(text: &str, error: json::ReadError) -> InputError {
    #[derive(serde::Deserialize)]
    struct Probe<'a> {
        #[serde(borrow)]
        values: Option<&'a serde_json::value::RawValue>,
        #[serde(borrow)]
        configuration: Option<&'a serde_json::value::RawValue>,
        #[serde(borrow)]
        lineage: Option<&'a serde_json::value::RawValue>,
        #[serde(borrow)]
        encrypted_data: Option<&'a serde_json::value::RawValue>,
    }
    if let Ok(p) = serde_json::from_str::<Probe<'_>>(text) {
        if p.encrypted_data.is_some() {
            return InputError::Encrypted;
        }
        if p.lineage.is_some() {
            return InputError::StateFile;
        }
        if p.values.is_some() && p.configuration.is_none() {
            return InputError::StateJson;
        }
    }
    match &error {
        json::ReadError::Json(e) if e.is_eof() => InputError::Truncated {
            line: e.line(),
            column: e.column(),
            bytes: text.len(),
        },
        json::ReadError::Json(_) if text.lines().nth(1).is_some_and(|l| l.starts_with("{\"@level\"")) => {
            InputError::UiStream
        }
        _ => error.into(),
    }
}

fn decode(bytes: Vec<u8>) -> Result<String, InputError> {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.chunks_exact(2).map(|c| unit([c[0], c[1]])).collect();
        String::from_utf16(&units).map_err(|_| InputError::Binary(0))
    };
    match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => {
            String::from_utf8(rest.to_vec()).map_err(|e| InputError::Binary(e.utf8_error().valid_up_to() + 3))
        }
        // UTF-16 without a mark: JSON starts with an ASCII character, so its zero byte gives it away.
        [b'{', 0, ..] => utf16(&bytes, u16::from_le_bytes),
        [0, b'{', ..] => utf16(&bytes, u16::from_be_bytes),
        _ => String::from_utf8(bytes).map_err(|e| InputError::Binary(e.utf8_error().valid_up_to())),
    }
}

fn bookmark(text: &str) -> Result<Input, InputError> {
    #[derive(serde::Deserialize)]
    struct Bookmark {
        run_id: String,
        hostname: String,
    }
    let b: Bookmark = serde_json::from_str(text).map_err(json::ReadError::from)?;
    Ok(Input::Bookmark {
        host: b.hostname,
        run: b.run_id,
    })
}

/// The JSON object in a text with other lines before and after: from the first line that begins with `{` to its matching brace.
#[must_use]
pub fn unwrap(text: &str) -> Option<&str> {
    let start = if text.trim_start().starts_with('{') {
        text.len() - text.trim_start().len()
    } else {
        text.find("\n{")? + 1
    };
    let body = &text[start..];
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (i, b) in body.bytes().enumerate() {
        if quoted {
            match b {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match b {
            b'"' => quoted = true,
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return body.get(..=i);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"{"format_version":"1.2","resource_changes":[]}"#;

    fn error(bytes: &[u8]) -> String {
        match recognise(bytes.to_vec()) {
            Err(e) => e.to_string(),
            Ok(Input::Json(t)) => explain(&t, json::read(&t).expect_err("it must be refused")).to_string(),
            Ok(other) => panic!("taken for {other:?}"),
        }
    }

    #[test]
    fn names_what_people_pass_by_mistake() {
        for (bytes, part) in [
            (&b""[..], "empty"),
            (b" \n", "empty"),
            (br#"{"format_version":"1.0","terraform_version":"1.5.0","values":{"root_module":{}}}"#, "this is a state"),
            (br#"{"version":4,"terraform_version":"1.5.0","serial":1,"lineage":"x","outputs":{},"resources":[]}"#, "state file"),
            (b"{\"@level\":\"info\",\"@message\":\"Terraform 1.5\"}\n{\"@level\":\"info\"}\n", "log of `terraform plan -json`"),
            (br#"{"meta":{},"encrypted_data":"AA==","encryption_version":"v0"}"#, "encrypted"),
            (b"tfplan\x02\xff\x00", "before 0.12"),
            (b"\x1f\x8b\x08\x00", "gzip"),
            (b"Terraform will perform the following actions:\n", "readable output"),
            (br#"{"format_version":"2.0","resource_changes":[]}"#, "format 2.0"),
            (br#"{"format_version":"1.2","resource_changes":[{"address":"a"#, "truncated"),
            (b"{}", "not a plan"),
            (b"[]", "not a plan"),
            (b"\x80\x81\x82", "not UTF-8"),
            (b"PK\x03\x04rubbish", "archive"),
        ] {
            let message = error(bytes);
            assert!(message.contains(part), "{message:?} does not contain {part:?}");
        }
    }

    #[test]
    fn reads_plans_in_odd_clothes() {
        let utf16: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain(PLAN.encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        let bom = [&[0xef, 0xbb, 0xbf][..], PLAN.as_bytes()].concat();
        let wrapped = format!(
            "[command]/opt/terraform-bin show -json plan\n{PLAN}\n\n::debug::stdout: x\n::set-output name=exitcode::0\n"
        );
        for bytes in [utf16, bom, wrapped.into_bytes(), PLAN.as_bytes().to_vec()] {
            let Ok(Input::Json(text)) = recognise(bytes) else {
                panic!("not recognised")
            };
            assert!(json::read(&text).is_ok());
        }
    }

    #[test]
    fn a_bookmark_names_host_and_run() {
        let b =
            recognise(br#"{"remote_plan_format":1,"run_id":"run-1","hostname":"app.terraform.io"}"#.to_vec());
        assert!(
            matches!(b, Ok(Input::Bookmark { host, run }) if host == "app.terraform.io" && run == "run-1")
        );
    }
}

//! The `timeouts` block.

use std::time::Duration;

use tfplugin::{Diagnostic, Diagnostics, Path, Value};

/// Operations with a timeout, and how long they may take when nothing is said.
const DEFAULTS: [(&str, Duration); 4] = [
    ("create", Duration::from_secs(90 * 60)),
    ("read", Duration::from_secs(10 * 60)),
    ("update", Duration::from_secs(90 * 60)),
    ("delete", Duration::from_secs(60 * 60)),
];

/// How long an operation may take.
pub(crate) fn of(object: &Value, operation: &str) -> Duration {
    object
        .get("timeouts")
        .and_then(|timeouts| timeouts.get(operation))
        .and_then(Value::as_str)
        .and_then(parse)
        .or_else(|| {
            DEFAULTS
                .iter()
                .find(|(name, _)| *name == operation)
                .map(|(_, duration)| *duration)
        })
        .unwrap_or(Duration::from_secs(90 * 60))
}

/// Checks the block.
pub(crate) fn validate(config: &Value) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    for (operation, _) in DEFAULTS {
        let Some(text) = config
            .get("timeouts")
            .and_then(|block| block.get(operation))
            .and_then(Value::as_str)
        else {
            continue;
        };
        if parse(text).is_none() {
            diagnostics.push(
                Diagnostic::error(
                    "A timeout cannot be read",
                    format!("timeouts.{operation} is \"{text}\". Write hours, minutes and seconds, for example \"1h30m\", \"90m\" or \"45s\"."),
                )
                .at(Path::root().attribute("timeouts").attribute(operation)),
            );
        }
    }
    diagnostics
}

/// `1h30m`, `90m`, `45s`: at least one part, in this order, more than nothing.
fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = 0u64;
    let mut parts = 0;
    for (unit, seconds) in [('h', 3600), ('m', 60), ('s', 1)] {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0 && rest[digits..].starts_with(unit) {
            total = total.checked_add(rest[..digits].parse::<u64>().ok()?.checked_mul(seconds)?)?;
            rest = &rest[digits + 1..];
            parts += 1;
        }
    }
    (parts > 0 && rest.is_empty() && total > 0).then(|| Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations_as_users_write_them() {
        assert_eq!(parse("90m"), Some(Duration::from_secs(5400)));
        assert_eq!(parse("1h30m5s"), Some(Duration::from_secs(5405)));
        for bad in [
            "",
            "90",
            "m",
            "1m1h",
            "1d",
            "-5m",
            "0s",
            "1.5h",
            "99999999999999999999h",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}

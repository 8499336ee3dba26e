//! Terraform addresses as plan and configuration write them.
//!
//! An *instance address* carries keys (`module.m["a"].aws_iam_role.r[0]`) and names one object that will exist; a
//! *configuration address* carries none and names the block that makes it.

use std::borrow::Cow;

/// The address without instance keys: `module.m["a"].aws_iam_role.r[0]` becomes `module.m.aws_iam_role.r`.
///
/// Keys are strings in which brackets and escaped quotes may stand, so this is a scan, not a split.
#[must_use]
pub fn without_keys(address: &str) -> Cow<'_, str> {
    if !address.contains('[') {
        return Cow::Borrowed(address);
    }
    let mut out = String::with_capacity(address.len());
    let mut inside = false;
    let mut quoted = false;
    let mut escaped = false;
    for c in address.chars() {
        if quoted {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => quoted = false,
                _ => {}
            }
        } else if inside {
            match c {
                '"' => quoted = true,
                ']' => inside = false,
                _ => {}
            }
        } else if c == '[' {
            inside = true;
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// The parts of an address between dots that stand outside of keys: `module.m["a.b"].x.y` gives `module`, `m["a.b"]`, `x`, `y`.
#[must_use]
pub fn parts(address: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    for (i, c) in address.char_indices() {
        if quoted {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match c {
            '"' => quoted = true,
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '.' if depth == 0 => {
                out.push(&address[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    out.push(&address[start..]);
    out
}

/// Splits an address into its module path (`module.a["x"].module.b`, empty for the root) and what stands in that module.
#[must_use]
pub fn split_module(address: &str) -> (&str, &str) {
    if !address.starts_with("module.") {
        return ("", address);
    }
    let parts = parts(address);
    let mut at = 0;
    let mut i = 0;
    while i + 1 < parts.len() && parts[i] == "module" {
        at += "module.".len() + parts[i + 1].len() + 1;
        i += 2;
    }
    if at == 0 {
        return ("", address);
    }
    let at = at.min(address.len() + 1);
    (&address[..at - 1], address.get(at..).unwrap_or(""))
}

/// The instance key at the end of an address, without brackets: `x.y["a"]` gives `"a"` with its quotes, `x.y[0]` gives `0`.
#[must_use]
pub fn key(address: &str) -> Option<&str> {
    if !address.ends_with(']') {
        return None;
    }
    let last = *parts(address).last()?;
    let open = last.find('[')?;
    last.get(open + 1..last.len() - 1)
}

/// The address without its last key, when it ends in one: `module.m["a"].x.y["b"]` gives `module.m["a"].x.y`.
#[must_use]
pub fn base(address: &str) -> Option<&str> {
    let key = key(address)?;
    address.get(..address.len() - key.len() - 2)
}

/// Joins a module path and the address of something inside it.
#[must_use]
pub fn in_module(module: &str, inner: &str) -> String {
    if module.is_empty() {
        inner.to_owned()
    } else {
        format!("{module}.{inner}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_keys_even_when_they_hold_brackets_and_quotes() {
        assert_eq!(
            without_keys(r#"module.m["a]\".b"].aws_iam_role.r[0]"#),
            "module.m.aws_iam_role.r"
        );
        assert_eq!(without_keys("aws_iam_role.r"), "aws_iam_role.r");
    }

    #[test]
    fn splits_the_module_path_from_the_resource() {
        assert_eq!(
            split_module(r#"module.a["x.y"].module.b.data.t.n["k"]"#),
            (r#"module.a["x.y"].module.b"#, r#"data.t.n["k"]"#)
        );
        assert_eq!(split_module("aws_iam_role.r"), ("", "aws_iam_role.r"));
        assert_eq!(split_module("module.m"), ("module.m", ""));
    }

    #[test]
    fn takes_the_last_key_off() {
        assert_eq!(base(r#"module.m["a"].t.n["b]"]"#), Some(r#"module.m["a"].t.n"#));
        assert_eq!(base(r#"module.m["a"].t.n"#), None);
    }

    #[test]
    fn reads_the_instance_key() {
        assert_eq!(key(r#"t.n["a.b"]"#), Some(r#""a.b""#));
        assert_eq!(key("t.n[3]"), Some("3"));
        assert_eq!(key(r#"module.m["a"].t.n"#), None);
    }
}

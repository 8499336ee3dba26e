//! Assignments in text: shell, environment and credentials files, YAML, command-line options.

/// `name = value` somewhere in a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) name: String,
    pub(super) value: String,
    /// Line in the text, from 1.
    pub(super) line: usize,
}

/// The assignments of `text`, in order.
///
/// Recognised are `NAME=value` (also after `export`, `-e`, `--env`), `name: value`, `name = value`, `"name": "value"`,
/// `--name value`, `--name=value` and `aws configure set name value`. Comments are looked at too: a password in a comment is
/// a password in the plan.
pub(super) fn find(text: &str) -> Vec<Assignment> {
    let mut out = Vec::new();
    for (i, line) in text.lines().enumerate() {
        in_line(line, i + 1, &mut out);
    }
    out
}

fn in_line(line: &str, number: usize, out: &mut Vec<Assignment>) {
    let bytes = line.as_bytes();
    let mut push = |name: &str, value: &str| {
        let value = value.trim();
        if !name.is_empty() && !value.is_empty() {
            out.push(Assignment {
                name: name.to_owned(),
                value: value.to_owned(),
                line: number,
            });
        }
    };
    let mut i = 0;
    while i < bytes.len() {
        let c = bytes[i];
        if c == b'=' || c == b':' {
            let operator = i > 0 && matches!(bytes[i - 1], b'=' | b'!' | b'<' | b'>')
                || bytes.get(i + 1).is_some_and(|n| matches!(n, b'=' | b'/'));
            // `name: value` needs the blank, or the colon of a URL or image tag would do.
            let yaml = c == b':' && !bytes.get(i + 1).is_some_and(|n| matches!(n, b' ' | b'"' | b'\''));
            if !operator && !yaml {
                let name = name_before(&line[..i]);
                let (value, length) = value_after(&line[i + 1..], c == b':');
                push(name, value);
                i += if name.is_empty() { 1 } else { 1 + length };
                continue;
            }
        }
        let option = c == b'-' && bytes.get(i + 1) == Some(&b'-') && (i == 0 || bytes[i - 1] == b' ');
        if option {
            let rest = &line[i + 2..];
            let n = rest
                .bytes()
                .take_while(|b| b.is_ascii_alphanumeric() || *b == b'-' || *b == b'_')
                .count();
            if rest.as_bytes().get(n) == Some(&b' ') {
                let (value, length) = value_after(&rest[n..], false);
                if !value.starts_with('-') {
                    push(&rest[..n], value);
                    i += 2 + n + length;
                    continue;
                }
            }
        }
        i += 1;
    }
    if let Some(at) = line.find("configure set ") {
        let mut words = line[at + "configure set ".len()..].split_whitespace();
        if let (Some(name), Some(value)) = (words.next(), words.next()) {
            push(name, value.trim_matches(['"', '\'']));
        }
    }
}

/// The name that ends where the text ends: quotes and blanks before the sign do not count.
fn name_before(text: &str) -> &str {
    let t = text.trim_end().trim_end_matches(['"', '\'']);
    let n = t
        .bytes()
        .rev()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        .count();
    t[t.len() - n..].trim_start_matches('-')
}

/// The value at the beginning of `text`, and how many bytes it took. Unquoted values end at a blank; in YAML at the line's end.
fn value_after(text: &str, yaml: bool) -> (&str, usize) {
    let skipped = text.len() - text.trim_start().len();
    let t = &text[skipped..];
    if let Some(quote) = t.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let end = t[1..].find(quote).map_or(t.len(), |e| e + 1);
        return (&t[1..end.max(1)], skipped + end);
    }
    let end = t
        .find(|c: char| {
            if yaml {
                matches!(c, ',' | '}' | '#')
            } else {
                c.is_whitespace() || matches!(c, ';' | '&' | '|' | ',' | '"' | '\'')
            }
        })
        .unwrap_or(t.len());
    (&t[..end], skipped + end)
}

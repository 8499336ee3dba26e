//! Reads a large plan on several threads.
//!
//! A plan is one JSON object, and where its parts begin is known only to who has read all before them. So the beginnings are guessed (the
//! text `"resource_changes":[`, then `},{"address":"` at about every n-th part of it), each piece is read on its own, and the guess is
//! proven by the reading: a piece must end exactly where the next begins, and the first begins where the head of the plan ended. A guess
//! that fails, an error, or a spelling that Terraform does not write gives `None`, and the plan is read from its first byte to its last.

use rayon::prelude::*;
use serde::Deserialize;

use super::Resource;
use super::json::{Head, Members, RawChange, resource};
use crate::value::Text;

/// Below this size a single thread is done before the others have begun.
const LARGE: usize = 1 << 20;

/// What Terraform writes before the changes.
const OPEN: &str = "\"resource_changes\":[";

/// What Terraform writes behind the changes, the first of these that is there.
const CLOSE: [&str; 5] = [
    "],\"deferred_changes\":[{",
    "],\"output_changes\":{\"",
    "],\"prior_state\":{\"format_version\"",
    "],\"configuration\":{\"provider_config\"",
    "],\"configuration\":{\"root_module\"",
];

/// How often a cut is tried: behind the changes stands a state, which has addresses and no changes.
const TRIES: usize = 24;

/// Between two changes.
const BETWEEN: &str = "},{\"address\":\"";

/// The plan read in pieces, with its changes in order; `None` when it has to be read as a whole.
pub(super) fn read(text: &str) -> Option<(Head<'_>, Vec<Resource<'_>>)> {
    if text.len() < LARGE {
        return None;
    }
    in_pieces(text, rayon::current_num_threads() * 4)
}

fn in_pieces(text: &str, pieces: usize) -> Option<(Head<'_>, Vec<Resource<'_>>)> {
    let open = find(text, 0, &[OPEN])?;
    let first = open + OPEN.len();
    let cuts = cuts(text, first, pieces);
    let close = find(text, *cuts.last()?, &CLOSE);
    let ((head, tail), changes) = rayon::join(
        || rayon::join(|| before(text, open), || close.and_then(|c| behind(text, c))),
        || {
            let each = |i: usize| elements(text, cuts[i], cuts.get(i + 1).copied());
            (0..cuts.len())
                .into_par_iter()
                .map(each)
                .collect::<Option<Vec<_>>>()
        },
    );
    let (mut head, changes) = (head?, changes?);
    let end = changes.last().map(|(_, end)| *end)?;
    let tail = if Some(end) == close {
        tail?
    } else {
        behind(text, end)?
    };
    head.join(tail)?;
    let mut all = Vec::with_capacity(changes.iter().map(|(c, _)| c.len()).sum());
    changes.into_iter().for_each(|(mut c, _)| all.append(&mut c));
    Some((head, all))
}

/// Where the first of some texts begins. None of them can stand inside a JSON string: there every quote has a backslash before it.
fn find(text: &str, from: usize, any: &[&str]) -> Option<usize> {
    let searcher = aho_corasick::AhoCorasick::new(any).ok()?;
    searcher
        .find(aho_corasick::Input::new(text).range(from..))
        .map(|m| m.start())
}

/// Where the pieces begin: the first at `first`, the others where a change seems to begin. Objects with an address of their own stand in
/// values too, so each is tried.
fn cuts(text: &str, first: usize, pieces: usize) -> Vec<usize> {
    let end = text.len();
    let mut cuts = vec![first];
    for i in 1..pieces {
        let about = first + (end - first) / pieces * i;
        let mut at = (about..end).find(|&i| text.is_char_boundary(i)).unwrap_or(end);
        if cuts.last().is_some_and(|&last| last >= at) {
            continue;
        }
        for _ in 0..TRIES {
            let Some(found) = text[at..end].find(BETWEEN) else {
                break;
            };
            at += found + 2;
            if (Cursor { text, at }).value::<RawChange<'_>>().is_ok() {
                cuts.push(at);
                break;
            }
        }
    }
    cuts
}

/// The members before the changes.
fn before(text: &str, open: usize) -> Option<Head<'_>> {
    let mut head = Head::default();
    let mut cursor = Cursor { text, at: 0 };
    cursor.take(b'{')?;
    while cursor.skip_blanks() < open {
        let key: Text<'_> = cursor.value().ok()?;
        cursor.take(b':')?;
        head.read(&key, &mut cursor).ok()?;
        cursor.take(b',')?;
    }
    (cursor.at == open).then_some(head)
}

/// The members behind the changes, from the bracket that closes them to the end of the text.
fn behind(text: &str, close: usize) -> Option<Head<'_>> {
    let mut head = Head::default();
    let mut cursor = Cursor { text, at: close };
    cursor.take(b']')?;
    while cursor.take(b'}').is_none() {
        cursor.take(b',')?;
        let key: Text<'_> = cursor.value().ok()?;
        cursor.take(b':')?;
        head.read(&key, &mut cursor).ok()?;
    }
    (cursor.skip_blanks() == text.len()).then_some(head)
}

/// The changes from one cut to the next, or to the bracket that closes them all; and where they end.
fn elements(text: &str, from: usize, to: Option<usize>) -> Option<(Vec<Resource<'_>>, usize)> {
    let mut out = Vec::new();
    let mut cursor = Cursor { text, at: from };
    loop {
        out.push(resource(cursor.value::<RawChange<'_>>().ok()?));
        let end = cursor.skip_blanks();
        if to.is_none() && text.as_bytes().get(end) == Some(&b']') {
            return Some((out, end));
        }
        cursor.take(b',')?;
        let next = cursor.skip_blanks();
        if to == Some(next) {
            return Some((out, next));
        }
        if to.is_some_and(|to| next > to) {
            return None;
        }
    }
}

/// A place in a JSON text.
struct Cursor<'p> {
    text: &'p str,
    at: usize,
}

impl<'p> Members<'p> for Cursor<'p> {
    type Error = serde_json::Error;

    /// The value that begins here.
    fn value<T: Deserialize<'p>>(&mut self) -> Result<T, serde_json::Error> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<T>();
        let value = values
            .next()
            .unwrap_or_else(|| Err(serde::de::Error::custom("a value is missing")))?;
        self.at += values.byte_offset();
        Ok(value)
    }
}

impl Cursor<'_> {
    fn skip_blanks(&mut self) -> usize {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
        self.at
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        let at = self.skip_blanks();
        (self.text.as_bytes().get(at) == Some(&byte)).then(|| self.at += 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::json;

    /// Changes with what misleads: objects with an address inside values, and the marks of a plan inside strings.
    fn plan(n: usize) -> String {
        let changes: Vec<String> = (0..n)
            .map(|i| {
                format!(
                    r#"{{"address":"a.b[{i}]","mode":"managed","type":"a","name":"b","change":{{"actions":["create"],"after":{{"hosts":[{{"address":"10.0.0.1"}},{{"address":"10.0.0.2"}}],"text":"\"resource_changes\":[}},{{\"address\":\"x\"],\"output_changes\":{{\"","n":{i}}}}}}}"#
                )
            })
            .collect();
        format!(
            r#"{{"format_version":"1.2","planned_values":{{"outputs":{{"o":{{"value":"],\"prior_state\":{{\"format_version\""}}}}}},"resource_changes":[{}],"output_changes":{{"o":{{"actions":["create"],"after":1}}}},"configuration":{{"root_module":{{}}}},"complete":true}}"#,
            changes.join(",")
        )
    }

    fn addresses(resources: &[Resource<'_>]) -> Vec<String> {
        resources.iter().map(|r| r.address.to_string()).collect()
    }

    #[test]
    fn a_plan_in_pieces_is_the_plan_as_a_whole() {
        for n in [1, 2, 3, 50, 400] {
            let text = plan(n);
            let whole = json::read(&text).unwrap();
            for pieces in 1..9 {
                let (head, changes) = in_pieces(&text, pieces).expect("the guess holds");
                assert_eq!(
                    addresses(&changes),
                    addresses(&whole.resources),
                    "{n} in {pieces}"
                );
                assert_eq!(
                    head.told(),
                    (1, Some(true)),
                    "what stands behind the changes is read"
                );
            }
        }
        let text = plan(400);
        assert!(cuts(&text, text.find(OPEN).unwrap() + OPEN.len(), 8).len() > 4);
    }

    #[test]
    fn what_is_damaged_is_never_read_in_pieces() {
        let text = plan(40);
        for cut in (0..text.len()).step_by(97) {
            assert!(in_pieces(&text[..cut], 4).is_none(), "cut at {cut}");
        }
        for (from, to) in [
            ("\"complete\":true", "\"complete\":tru"),
            ("\"complete\":true}", "\"complete\":true}}"),
            ("\"n\":17", "\"n\":17,"),
            ("\"n\":17}", "\"n\":17"),
            (
                "\"format_version\":\"1.2\"",
                "\"format_version\":\"1.2\",\"format_version\":\"1.2\"",
            ),
            ("\"complete\":true", "\"format_version\":\"1.2\""),
            ("\"complete\":true", "\"resource_changes\":[]"),
            ("\"complete\":true", "\"resource_change\\u0073\":[]"),
        ] {
            let damaged = text.replacen(from, to, 1);
            assert_ne!(damaged, text);
            assert!(in_pieces(&damaged, 4).is_none(), "{to}");
            assert!(json::read(&damaged).is_err(), "{to}");
        }
    }

    #[test]
    fn other_spellings_are_read_as_a_whole() {
        let pretty =
            serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&plan(9)).unwrap())
                .unwrap();
        assert!(in_pieces(&pretty, 4).is_none());
        assert_eq!(json::read(&pretty).unwrap().resources.len(), 9);
    }
}

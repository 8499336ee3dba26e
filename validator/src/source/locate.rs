//! From a Terraform address and attribute path to a line of the source.

use std::ops::Range;

use super::files::{Located, Module, Sources};
use super::syntax::{Block, Body, Expr, Kind};
use crate::address;
use crate::finding::Place;
use crate::value::{Path, Step};

/// A place in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Path of the file from the root module's directory.
    pub file: String,
    /// First line, from 1.
    pub line: usize,
    /// First column in characters, from 1.
    pub column: usize,
    /// Last line.
    pub end_line: usize,
    /// Column after the last character.
    pub end_column: usize,
    /// The first line's text, as written.
    pub text: String,
    /// True when this is the block that the finding's block is called from: its own file is not in the repository.
    pub caller: bool,
    /// True when the span is the head of a block, not an attribute.
    pub header: bool,
}

impl Sources {
    /// Where a place is written: the attribute when it can be found, else its block. For a module that is not in the
    /// repository, the call of it in the nearest caller that is.
    #[must_use]
    pub fn locate(&self, place: &Place) -> Option<Span> {
        let bare = address::without_keys(&place.address);
        let (module, inner) = address::split_module(&bare);
        let parts = address::parts(inner);
        let m = self.module(module)?;
        if !m.first_party && !module.is_empty() {
            return self.call_of(module).map(|mut s| {
                s.caller = true;
                s
            });
        }
        let (file, range, header) = match parts.as_slice() {
            ["terraform", ..] => backend(m, &place.path)?,
            ["provider", name, alias @ ..] => {
                let alias = alias.first().copied();
                let p = m.providers.iter().find(|p| {
                    p.block.labels.first().is_some_and(|l| l == name)
                        && literal(&p.block.body, "alias").as_deref() == alias
                })?;
                inside(p, &place.path)
            }
            ["var", name] => inside(m.variables.get(*name)?, &place.path),
            ["output", name] => inside(m.outputs.get(*name)?, &place.path),
            ["local", name] => {
                let (file, a) = m.locals.get(*name)?;
                (*file, a.span.clone(), false)
            }
            [""] | [] => return self.call_of(module),
            _ => inside(m.resources.get(inner)?, &place.path),
        };
        self.span(file, range, header)
    }

    /// The call block of a module, or of the nearest caller that is in the repository.
    fn call_of(&self, module: &str) -> Option<Span> {
        let (caller, call) = crate::references::parent(module);
        let m = self.module(caller)?;
        if !m.first_party {
            return self.call_of(caller);
        }
        let b = m.calls.get(call?)?;
        self.span(b.file, b.block.header.clone(), true)
    }

    fn span(&self, file: usize, range: Range<usize>, header: bool) -> Option<Span> {
        let f = self.files.get(file)?;
        // JSON syntax keeps no spans: the file is known, the line is not.
        let end = range.end.min(f.text.len());
        let start = range.start.min(end);
        let at = |offset: usize| {
            let before = f.text.get(..offset).unwrap_or_default();
            let line_start = before.rfind('\n').map_or(0, |n| n + 1);
            (
                before.bytes().filter(|b| *b == b'\n').count() + 1,
                before[line_start..].chars().count() + 1,
            )
        };
        // Trailing white space and line ends do not belong to what is pointed at.
        let trimmed = start + f.text.get(start..end).unwrap_or_default().trim_end().len();
        let (line, column) = at(start);
        let (end_line, end_column) = at(trimmed);
        let text = f.text.lines().nth(line - 1).unwrap_or_default().to_owned();
        Some(Span {
            file: f.path.clone(),
            line,
            column,
            end_line,
            end_column,
            text,
            caller: false,
            header,
        })
    }
}

type Found = (usize, Range<usize>, bool);

fn inside(l: &Located, path: &Path) -> Found {
    let (range, header) = within(&l.block, &path.0);
    (l.file, range, header)
}

/// The attribute at a path, or the deepest block on the way to it.
fn within(block: &Block, steps: &[Step]) -> (Range<usize>, bool) {
    let Some(Step::Name(name)) = steps.first() else {
        return (block.header.clone(), true);
    };
    if let Some(a) = block.body.attribute(name) {
        let deeper = steps.get(1..).and_then(|rest| element(&a.value, rest));
        return (deeper.unwrap_or_else(|| a.span.clone()), false);
    }
    let index = match steps.get(1) {
        Some(Step::Index(i)) => *i,
        _ => 0,
    };
    let rest = if matches!(steps.get(1), Some(Step::Index(_))) {
        &steps[2..]
    } else {
        &steps[1..]
    };
    if let Some(b) = block
        .body
        .blocks_of(name)
        .nth(index)
        .or_else(|| block.body.blocks_of(name).last())
    {
        return within(b, rest);
    }
    let dynamic = block
        .body
        .blocks
        .iter()
        .find(|b| b.kind == "dynamic" && b.labels.first().is_some_and(|l| l == name));
    match dynamic {
        Some(d) => d
            .body
            .blocks_of("content")
            .next()
            .map_or_else(|| (d.header.clone(), true), |c| within(c, rest)),
        None => (block.header.clone(), true),
    }
}

/// An element of an object or list written out; `None` when it is not.
fn element(e: &Expr, steps: &[Step]) -> Option<Range<usize>> {
    let Some(step) = steps.first() else {
        return Some(e.span.clone()).filter(|s| !s.is_empty());
    };
    match (&e.kind, step) {
        (Kind::Object(entries), Step::Name(name)) => {
            let (k, v) = entries
                .iter()
                .find(|(k, _)| matches!(&k.kind, Kind::Literal(v) if v.as_str() == Some(name)))?;
            if steps.len() == 1 {
                let start = if k.span.is_empty() {
                    v.span.start
                } else {
                    k.span.start
                };
                return Some(start..v.span.end).filter(|s| !s.is_empty());
            }
            element(v, &steps[1..])
        }
        (Kind::List(items), Step::Index(i)) => element(items.get(*i)?, &steps[1..]),
        _ => None,
    }
}

fn backend(m: &Module, path: &Path) -> Option<Found> {
    for t in &m.terraform {
        if let Some(b) = t
            .block
            .body
            .blocks
            .iter()
            .find(|b| matches!(b.kind.as_str(), "backend" | "cloud" | "state_store"))
        {
            let (range, header) = within(b, &path.0);
            return Some((t.file, range, header));
        }
    }
    // No block: the terraform block where it belongs, else the first line of some file.
    m.terraform
        .first()
        .map(|t| (t.file, t.block.header.clone(), true))
        .or_else(|| {
            let file = m
                .resources
                .values()
                .chain(m.calls.values())
                .chain(m.providers.iter())
                .map(|l| l.file)
                .min()?;
            Some((file, 0..0, true))
        })
}

fn literal(body: &Body, name: &str) -> Option<String> {
    match body.get(name).map(|e| &e.kind) {
        Some(Kind::Literal(v)) => v.as_str().map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "terraform {\n  backend \"s3\" {\n    bucket = \"b\"\n  }\n}\n\nresource \"aws_iam_role\" \"r\" {\n  name = \"r\"\n  inline_policy {\n    policy = \"{}\"\n  }\n  tags = {\n    a = 1\n    \"b c\" = 2\n  }\n}\n\nprovider \"aws\" {\n  alias      = \"x\"\n  access_key = \"k\"\n}\n";

    fn line(address: &str, path: &str) -> (usize, String) {
        let s = Sources::from_text(SOURCE)
            .locate(&Place::new(address, path))
            .unwrap_or_else(|| panic!("{address} {path}"));
        (s.line, s.text.trim().to_owned())
    }

    #[test]
    fn the_line_is_the_one_that_is_meant() {
        assert_eq!(
            line("aws_iam_role.r[\"x\"]", ""),
            (7, "resource \"aws_iam_role\" \"r\" {".into())
        );
        assert_eq!(
            line("aws_iam_role.r", "inline_policy.0.policy"),
            (10, "policy = \"{}\"".into())
        );
        assert_eq!(line("aws_iam_role.r", "tags.a").0, 13);
        assert_eq!(
            line("aws_iam_role.r", "absent"),
            (7, "resource \"aws_iam_role\" \"r\" {".into())
        );
        assert_eq!(line("provider.aws.x", "access_key").0, 20);
        assert_eq!(line("terraform.backend", "bucket").0, 3);
        assert_eq!(line("terraform.backend", "").0, 2);
    }

    #[test]
    fn a_module_outside_the_repository_is_shown_at_its_call() {
        let s = Sources::from_parts(vec![
            (
                String::new(),
                String::new(),
                true,
                vec![(
                    "main.tf".into(),
                    "\nmodule \"role\" {\n  source = \"x/y/z\"\n}\n".into(),
                )],
            ),
            (
                "role".into(),
                ".terraform/modules/role".into(),
                false,
                vec![(
                    ".terraform/modules/role/main.tf".into(),
                    "resource \"a\" \"b\" {}\n".into(),
                )],
            ),
        ]);
        let at = s.locate(&Place::new("module.role[0].a.b", "")).unwrap();
        assert!(at.caller && at.file == "main.tf" && at.line == 2);
    }
}

//! Tables of variables and outputs in the modules' READMEs, made from the `.tf` files.
//! `UPDATE_DOCS=1` writes them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use hcl_edit::Span;
use hcl_edit::structure::{Block, Body};
use mlops_e2e::root;

const BEGIN: &str = "<!-- tables -->\n";
const END: &str = "<!-- /tables -->";
/// Longer types are cut after their outermost words.
const TYPE_WIDTH: usize = 40;

struct Source {
    text: String,
    body: Body,
}

impl Source {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let body =
            hcl_edit::parser::parse_body(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { text, body }
    }

    fn blocks(&self, kind: &'static str) -> impl Iterator<Item = (String, &Block)> {
        self.body
            .blocks()
            .filter(move |block| block.ident.as_str() == kind)
            .map(|block| (block.labels[0].as_str().to_owned(), block))
    }

    /// An attribute as it is written, white space collapsed.
    fn written(&self, block: &Block, name: &str) -> Option<String> {
        let span = block.body.get_attribute(name)?.value.span()?;
        Some(self.text[span].split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

fn described(block: &Block, name: &str) -> String {
    let text = block
        .body
        .get_attribute("description")
        .and_then(|found| found.value.as_str());
    let text = text.unwrap_or_else(|| panic!("{name} has no description"));
    text.replace('|', "\\|").replace('\n', " ")
}

/// `map(object({ purpose = … }))` as `map(object({…}))`.
fn short(written: &str) -> String {
    if written.len() <= TYPE_WIDTH {
        return written.to_owned();
    }
    let outer = written.split_once('{').map_or(written, |(outer, _)| outer);
    let closing = ")".repeat(outer.matches('(').count());
    format!("{outer}{{…}}{closing}")
}

fn tables(module: &Path) -> String {
    let mut table =
        String::from("## Variables\n\n| Name | Type | Default | Description |\n|---|---|---|---|\n");
    let source = Source::read(&module.join("variables.tf"));
    for (name, block) in source.blocks("variable") {
        let kind = source
            .written(block, "type")
            .unwrap_or_else(|| panic!("{name} has no type"));
        let default = source
            .written(block, "default")
            .map_or_else(|| "required".to_owned(), |text| format!("`{}`", short(&text)));
        let _ = writeln!(
            table,
            "| `{name}` | `{}` | {default} | {} |",
            short(&kind),
            described(block, &name)
        );
    }
    table.push_str("\n## Outputs\n\n| Name | Description |\n|---|---|\n");
    let source = Source::read(&module.join("outputs.tf"));
    for (name, block) in source.blocks("output") {
        let _ = writeln!(table, "| `{name}` | {} |", described(block, &name));
    }
    table
}

/// A README with its tables made anew.
fn renewed(readme: &str, tables: &str) -> String {
    let (before, rest) = readme.split_once(BEGIN).expect("a place for the tables");
    let (_, after) = rest.split_once(END).expect("an end of the tables");
    format!("{before}{BEGIN}{tables}{END}{after}")
}

#[test]
fn readmes_list_what_the_modules_take_and_give() {
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    for entry in fs::read_dir(root().join("modules"))
        .unwrap()
        .filter_map(Result::ok)
    {
        let path = entry.path().join("README.md");
        let readme = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let wanted = renewed(&readme, &tables(&entry.path()));
        if update {
            fs::write(&path, wanted).unwrap();
        } else {
            assert!(
                readme == wanted,
                "{} is out of date: UPDATE_DOCS=1 cargo test --workspace --test examples readmes",
                path.display()
            );
        }
    }
}

#[test]
fn long_types_are_cut_and_tables_replaced() {
    assert_eq!(short("string"), "string");
    assert_eq!(
        short("map(object({ purpose = string, size = optional(string) }))"),
        "map(object({…}))"
    );
    assert_eq!(
        renewed("a\n<!-- tables -->\nold\n<!-- /tables -->\nb", "new\n"),
        "a\n<!-- tables -->\nnew\n<!-- /tables -->\nb"
    );
}

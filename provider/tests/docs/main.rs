//! `docs`: the pages that the Terraform Registry shows, rendered from the schemas themselves.
//!
//! `UPDATE_DOCS=1 cargo test --workspace --test docs` (or `make docs`) writes them; without it the test compares. Examples stand in
//! `examples/provider` and `examples/<kind>/<name>`, where the Registry's own tool looks for them too:
//! <https://developer.hashicorp.com/terraform/registry/providers/docs>.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shows why"
)]

mod function;
mod schema;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use terraform_provider_mlops::Mlops;
use tfplugin::Provider;
use tfplugin::schema::{Attribute, Kind, Schema};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The folders of `docs` that are rendered whole: what no object is behind is an error.
const FOLDERS: [&str; 4] = ["resources", "data-sources", "ephemeral-resources", "functions"];

/// A page's head, as the Registry reads it.
fn head(title: &str, description: &str) -> String {
    let first = description.split("\n\n").next().unwrap_or_default();
    format!("---\npage_title: \"{title}\"\ndescription: |-\n  {first}\n---\n\n")
}

/// An example file in a fence, or nothing where there is none.
fn example(path: &str, language: &str) -> Option<String> {
    let text = fs::read_to_string(root().join("examples").join(path)).ok()?;
    Some(format!("```{language}\n{}\n```\n\n", text.trim_end()))
}

fn object_page(kind: &str, folder: &str, name: &str, schema: &Schema) -> String {
    let short = name.strip_prefix("mlops_").unwrap_or(name);
    let mut page = head(&format!("{name} {kind} - mlops"), &schema.description);
    page += &format!("# {name} ({kind})\n\n{}\n\n", schema.description);
    let file = match folder {
        "resources" => "resource.tf",
        "data-sources" => "data-source.tf",
        _ => "ephemeral-resource.tf",
    };
    let shown = example(&format!("{folder}/{name}/{file}"), "terraform").unwrap_or_else(|| {
        panic!("examples/{folder}/{name}/{file} is missing: every page shows {short} in use")
    });
    page += "## Example Usage\n\n";
    page += &shown;
    page += &schema::render(schema);
    if let Some(block) = example(&format!("{folder}/{name}/import.tf"), "terraform") {
        page += "\n## Import\n\nWith an `import` block:\n\n";
        page += &block;
        if let Some(command) = example(&format!("{folder}/{name}/import.sh"), "shell") {
            page += "Or by hand:\n\n";
            page += &command;
        }
    }
    page.trim_end().to_owned() + "\n"
}

fn pages() -> BTreeMap<String, String> {
    let provider = Mlops::new();
    let mut pages = BTreeMap::new();
    let settings = provider.schema();
    let mut index = head("Provider: mlops", &settings.description);
    index += &format!(
        "# mlops Provider\n\n{}\n\n## Example Usage\n\n",
        settings.description
    );
    index += &example("provider/provider.tf", "terraform").expect("examples/provider/provider.tf");
    index += &schema::render(&settings);
    pages.insert("index.md".into(), index.trim_end().to_owned() + "\n");
    let mut add = |kind: &str, folder: &str, name: &str, schema: &Schema| {
        let short = name.strip_prefix("mlops_").unwrap_or(name);
        pages.insert(
            format!("{folder}/{short}.md"),
            object_page(kind, folder, name, schema),
        );
    };
    for resource in provider.resources() {
        add("Resource", "resources", resource.type_name(), &resource.schema());
    }
    for source in provider.data_sources() {
        add(
            "Data Source",
            "data-sources",
            source.type_name(),
            &source.schema(),
        );
    }
    for ephemeral in provider.ephemeral_resources() {
        add(
            "Ephemeral Resource",
            "ephemeral-resources",
            ephemeral.type_name(),
            &ephemeral.schema(),
        );
    }
    for function in provider.functions() {
        let name = function.name().to_owned();
        let shown = example(&format!("functions/{name}/function.tf"), "terraform").unwrap_or_else(|| {
            panic!("examples/functions/{name}/function.tf is missing: every page shows its function in use")
        });
        let page = head(&format!("{name} function - mlops"), &function.summary())
            + &function::render(function.as_ref(), &shown);
        pages.insert(format!("functions/{name}.md"), page);
    }
    pages
}

#[test]
fn the_pages_are_what_the_schemas_say() {
    let docs = root().join("docs");
    let pages = pages();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        for folder in FOLDERS {
            let _ = fs::remove_dir_all(docs.join(folder));
        }
        for (path, page) in &pages {
            let path = docs.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, page).unwrap();
        }
    }
    let mut wrong = Vec::new();
    for (path, page) in &pages {
        match fs::read_to_string(docs.join(path)) {
            Ok(stands) if stands == *page => {}
            Ok(_) => wrong.push(format!("docs/{path} is not what the schema says")),
            Err(_) => wrong.push(format!("docs/{path} is missing")),
        }
    }
    for folder in FOLDERS {
        for entry in fs::read_dir(docs.join(folder)).into_iter().flatten().flatten() {
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if !pages.contains_key(&path) {
                wrong.push(format!("docs/{path} describes nothing that exists"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n\nRun: make docs", wrong.join("\n"));
}

/// Where a reader looks for it: what becomes of the environment when this value changes.
#[test]
fn every_setting_says_what_a_change_does() {
    const MARKS: [&str; 4] = ["*in place*", "*refused*", "*replaces*", "rotates the pool"];
    fn walk(prefix: &str, attributes: &BTreeMap<String, Attribute>, silent: &mut Vec<String>) {
        for (name, attribute) in attributes {
            if attribute.mode == tfplugin::schema::Mode::Computed {
                continue;
            }
            // What holds an attribute speaks for it too.
            let text = attribute.description.to_lowercase();
            if MARKS.iter().any(|mark| text.contains(mark)) {
                continue;
            }
            let path = format!("{prefix}{name}");
            match &attribute.kind {
                Kind::Nested(_, children) => walk(&format!("{path}."), children, silent),
                Kind::Plain(_) => silent.push(path),
            }
        }
    }
    let mut silent = Vec::new();
    for resource in Mlops::new().resources() {
        walk(
            &format!("{}.", resource.type_name()),
            &resource.schema().attributes,
            &mut silent,
        );
    }
    assert!(
        silent.is_empty(),
        "these do not say what a change does: {}",
        silent.join(", ")
    );
}

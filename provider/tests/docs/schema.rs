//! A schema as Markdown, in the manner of the Registry: required, optional and read-only attributes, nested ones below.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tfplugin::Type;
use tfplugin::schema::{Attribute, Block, Kind, Mode, Nesting, Schema};

/// What is still to be written: an anchor, a title and its attributes.
struct Section {
    anchor: String,
    title: String,
    attributes: BTreeMap<String, Attribute>,
}

pub(crate) fn render(schema: &Schema) -> String {
    let mut out = String::from("## Schema\n");
    let mut sections = Vec::new();
    groups(
        &mut out,
        &schema.attributes,
        &schema.blocks,
        "",
        "###",
        &mut sections,
    );
    while !sections.is_empty() {
        let Section {
            anchor,
            title,
            attributes,
        } = sections.remove(0);
        let _ = write!(out, "\n<a id=\"{anchor}\"></a>\n### `{title}`\n");
        let mut below = Vec::new();
        groups(&mut out, &attributes, &BTreeMap::new(), &title, "", &mut below);
        // Children stand right behind their parent.
        sections.splice(0..0, below);
    }
    out
}

fn groups(
    out: &mut String,
    attributes: &BTreeMap<String, Attribute>,
    blocks: &BTreeMap<String, Block>,
    parent: &str,
    heading: &str,
    sections: &mut Vec<Section>,
) {
    let optional = |mode: Mode| mode.is_optional();
    let groups: [(&str, &dyn Fn(Mode) -> bool); 3] = [
        ("Required", &|mode| mode == Mode::Required),
        ("Optional", &optional),
        ("Read-Only", &|mode| mode == Mode::Computed),
    ];
    for (title, belongs) in groups {
        let members: Vec<_> = attributes
            .iter()
            .filter(|(_, attribute)| belongs(attribute.mode))
            .collect();
        let with_blocks = title == "Optional" && !blocks.is_empty();
        if members.is_empty() && !with_blocks {
            continue;
        }
        if heading.is_empty() {
            let _ = write!(out, "\n{title}:\n\n");
        } else {
            let _ = write!(out, "\n{heading} {title}\n\n");
        }
        for (name, attribute) in members {
            let path = join(parent, name);
            let _ = write!(
                out,
                "- `{name}` ({}{}) {}",
                type_name(attribute),
                marks(attribute),
                one_line(&attribute.description)
            );
            if let Kind::Nested(_, children) = &attribute.kind {
                let anchor = anchor(&path);
                let _ = write!(out, " See [below](#{anchor}).");
                sections.push(Section {
                    anchor,
                    title: path,
                    attributes: children.clone(),
                });
            }
            out.push('\n');
        }
        if with_blocks {
            for (name, block) in blocks {
                let path = join(parent, name);
                let anchor = anchor(&path);
                let _ = writeln!(
                    out,
                    "- `{name}` (Block) {} See [below](#{anchor}).",
                    one_line(&block.description)
                );
                sections.push(Section {
                    anchor,
                    title: path,
                    attributes: block.attributes.clone(),
                });
            }
        }
    }
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() {
        name.to_owned()
    } else {
        format!("{parent}.{name}")
    }
}

fn anchor(path: &str) -> String {
    format!("nestedatt--{}", path.replace('.', "--"))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn marks(attribute: &Attribute) -> String {
    let mut marks = String::new();
    for (set, mark) in [
        (attribute.sensitive, ", Sensitive"),
        (attribute.write_only, ", Write-only"),
        (attribute.deprecated.is_some(), ", Deprecated"),
    ] {
        if set {
            marks += mark;
        }
    }
    marks
}

fn type_name(attribute: &Attribute) -> String {
    match &attribute.kind {
        Kind::Plain(ty) => plain(ty),
        Kind::Nested(Nesting::Single, _) => "Attributes".into(),
        Kind::Nested(Nesting::List, _) => "Attributes List".into(),
        Kind::Nested(Nesting::Set, _) => "Attributes Set".into(),
        Kind::Nested(Nesting::Map, _) => "Attributes Map".into(),
    }
}

/// A type as the Registry's pages write it.
pub(crate) fn plain(ty: &Type) -> String {
    match ty {
        Type::String => "String".into(),
        Type::Number => "Number".into(),
        Type::Bool => "Boolean".into(),
        Type::Dynamic => "Dynamic".into(),
        Type::List(inner) => format!("List of {}", plain(inner)),
        Type::Set(inner) => format!("Set of {}", plain(inner)),
        Type::Map(inner) => format!("Map of {}", plain(inner)),
        Type::Object(fields) => {
            let names: Vec<_> = fields.keys().map(|name| format!("`{name}`")).collect();
            format!("Object of {}", names.join(", "))
        }
        Type::Tuple(items) => format!(
            "Tuple of {}",
            items.iter().map(plain).collect::<Vec<_>>().join(", ")
        ),
    }
}

//! Bodies in XML: protocol `rest-xml` both ways, answers of `query` and `ec2`.

use roxmltree::Node;
use serde_json::{Map, Value};

use super::check::{Objection, in_body, scalar, text};
use super::description::{Kind, Member, Service, Shape};
use super::time::Format;

/// The value of an element.
///
/// # Errors
/// What is unknown or of another type.
pub fn read(
    service: &'static Service,
    shape: &'static Shape,
    node: Node<'_, '_>,
) -> Result<Value, Objection> {
    structure(service, shape, node, node.tag_name().name())
}

fn wire<'a>(service: &'static Service, name: &'a str, member: &'a Member) -> &'a str {
    let shape = service.shape(&member.shape);
    if flat(shape, member)
        && let Some(element) = shape
            .member
            .as_ref()
            .and_then(|element| element.location_name.as_deref())
    {
        return element;
    }
    member.location_name.as_deref().unwrap_or(name)
}

fn flat(shape: &Shape, member: &Member) -> bool {
    shape.kind == Kind::List && (shape.flattened || member.flattened)
}

fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

fn structure(
    service: &'static Service,
    shape: &'static Shape,
    node: Node<'_, '_>,
    path: &str,
) -> Result<Value, Objection> {
    let mut members = Map::new();
    for (name, member) in shape.members.iter().filter(|(_, member)| member.xml_attribute) {
        let wire = member.location_name.as_deref().unwrap_or(name);
        let local = wire.rsplit(':').next().unwrap_or(wire);
        if let Some(found) = node.attributes().find(|attribute| attribute.name() == local) {
            members.insert(name.clone(), found.value().into());
        }
    }
    for child in elements(node) {
        let tag = child.tag_name().name();
        let below = format!("{path}.{tag}");
        let known = shape.members.iter().find(|(name, member)| {
            in_body(member) && !member.xml_attribute && wire(service, name, member) == tag
        });
        let Some((name, member)) = known else {
            return Err(Objection::Unknown { path: below });
        };
        let inner = service.shape(&member.shape);
        if let (true, Some(element)) = (flat(inner, member), &inner.member) {
            let value = value(service, element, child, &below)?;
            if let Value::Array(list) = members
                .entry(name.clone())
                .or_insert_with(|| Value::Array(Vec::new()))
            {
                list.push(value);
            }
        } else {
            let value = value(service, member, child, &below)?;
            if members.insert(name.clone(), value).is_some() {
                return Err(Objection::Unknown {
                    path: format!("{below} (twice)"),
                });
            }
        }
    }
    if shape
        .members
        .values()
        .all(|member| !in_body(member) || member.xml_attribute)
        || members.is_empty()
    {
        let stray = node
            .children()
            .filter(Node::is_text)
            .filter_map(|node| node.text());
        if let Some(found) = stray.map(str::trim).find(|text| !text.is_empty()) {
            return Err(Objection::Type {
                path: path.to_owned(),
                expected: "structure",
                found: found.to_owned(),
            });
        }
    }
    Ok(Value::Object(members))
}

fn value(
    service: &'static Service,
    member: &'static Member,
    node: Node<'_, '_>,
    path: &str,
) -> Result<Value, Objection> {
    let shape = service.shape(&member.shape);
    match (shape.kind, &shape.member) {
        (Kind::Structure, _) => structure(service, shape, node, path),
        (Kind::List, Some(element)) => elements(node)
            .map(|child| {
                let tag = child.tag_name().name();
                if tag != element.location_name.as_deref().unwrap_or("member") {
                    return Err(Objection::Unknown {
                        path: format!("{path}.{tag}"),
                    });
                }
                value(service, element, child, &format!("{path}.{tag}"))
            })
            .collect(),
        _ => {
            if let Some(child) = elements(node).next() {
                return Err(Objection::Unknown {
                    path: format!("{path}.{}", child.tag_name().name()),
                });
            }
            scalar(service, member, node.text().unwrap_or_default(), path)
        }
    }
}

/// Writes elements into a text.
#[derive(Debug)]
pub struct Writer {
    service: &'static Service,
    format: Format,
    /// What is written.
    pub text: String,
}

impl Writer {
    /// An empty text; moments are written in `format`.
    pub fn new(service: &'static Service, format: Format) -> Self {
        Self {
            service,
            format,
            text: String::new(),
        }
    }

    /// The members of a structure, without an element around them.
    pub fn members(&mut self, shape: &'static Shape, value: &Value) {
        for (name, member) in &shape.members {
            if !in_body(member) || member.xml_attribute {
                continue;
            }
            if let Some(value) = value.get(name).filter(|value| !value.is_null()) {
                let wire = wire(self.service, name, member).to_owned();
                self.member(&wire, member, value);
            }
        }
    }

    /// A member under this element.
    pub fn member(&mut self, name: &str, member: &'static Member, value: &Value) {
        let shape = self.service.shape(&member.shape);
        match (shape.kind, value) {
            (Kind::Structure, value) => {
                let attributes = self.attributes(shape, value);
                self.open(name, &attributes);
                self.members(shape, value);
                self.close(name);
            }
            (Kind::List, Value::Array(elements)) => {
                let Some(element) = &shape.member else { return };
                if flat(shape, member) {
                    for value in elements {
                        self.member(name, element, value);
                    }
                    return;
                }
                self.open(name, "");
                for value in elements {
                    self.member(
                        element.location_name.as_deref().unwrap_or("member"),
                        element,
                        value,
                    );
                }
                self.close(name);
            }
            (Kind::Map, Value::Object(entries)) => {
                let (Some(key), Some(inner)) = (&shape.key, &shape.value) else {
                    return;
                };
                self.open(name, "");
                for (entry, value) in entries {
                    self.open("entry", "");
                    self.element(key.location_name.as_deref().unwrap_or("key"), entry);
                    self.member(inner.location_name.as_deref().unwrap_or("value"), inner, value);
                    self.close("entry");
                }
                self.close(name);
            }
            (_, value) => {
                let text = text(self.service, member, value, self.format);
                self.element(name, &text);
            }
        }
    }

    fn attributes(&self, shape: &'static Shape, value: &Value) -> String {
        let mut attributes = String::new();
        for (name, member) in shape.members.iter().filter(|(_, member)| member.xml_attribute) {
            if let Some(text) = value.get(name).and_then(Value::as_str) {
                let wire = member.location_name.as_deref().unwrap_or(name);
                // The one attribute of AWS's descriptions is `xsi:type` of a grantee.
                if wire.starts_with("xsi:") {
                    attributes.push_str(" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"");
                }
                attributes.push_str(&format!(" {wire}=\"{}\"", escaped(text)));
            }
        }
        attributes
    }

    /// Opens an element; `attributes` begin with a space.
    pub fn open(&mut self, name: &str, attributes: &str) {
        self.text.push_str(&format!("<{name}{attributes}>"));
    }

    /// Closes it.
    pub fn close(&mut self, name: &str) {
        self.text.push_str(&format!("</{name}>"));
    }

    /// An element that holds text.
    pub fn element(&mut self, name: &str, text: &str) {
        self.open(name, "");
        self.text.push_str(&escaped(text));
        self.close(name);
    }
}

/// Text as XML holds it; a carriage return would be read back as a line feed if it were not escaped.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            other => out.push(other),
        }
    }
    out
}

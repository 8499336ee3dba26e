//! Requests as forms: protocols `query` and `ec2` (`Tags.member.1.Key=a`, `TagSpecification.1.Tag.1.Key=a`).
//!
//! <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>, <https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html>

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::check::{Objection, scalar};
use super::description::{Kind, Member, Protocol, Service, Shape};

/// A form as the tree that its dotted names make.
#[derive(Debug, Default)]
struct Tree {
    text: Option<String>,
    below: BTreeMap<String, Tree>,
}

impl Tree {
    fn of(parameters: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut root = Tree::default();
        for (name, value) in parameters {
            let mut at = &mut root;
            for part in name.split('.') {
                at = at.below.entry(part.to_owned()).or_default();
            }
            at.text = Some(value);
        }
        root
    }
}

/// The input that a form holds.
///
/// # Errors
/// Parameters that are unknown or of another type.
pub fn read(
    service: &'static Service,
    shape: &'static Shape,
    parameters: impl IntoIterator<Item = (String, String)>,
) -> Result<Value, Vec<Objection>> {
    let mut reader = Reader {
        service,
        objections: Vec::new(),
    };
    let value = reader.structure(shape, Tree::of(parameters), "");
    if reader.objections.is_empty() {
        Ok(value)
    } else {
        Err(reader.objections)
    }
}

struct Reader {
    service: &'static Service,
    objections: Vec<Objection>,
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

impl Reader {
    fn ec2(&self) -> bool {
        self.service.metadata.protocol == Protocol::Ec2
    }

    /// The name of a member in forms.
    fn wire(&self, name: &str, member: &Member) -> String {
        let name = member.location_name.as_deref().unwrap_or(name);
        if self.ec2() {
            let mut letters = name.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            return first.into_iter().chain(letters).collect();
        }
        name.to_owned()
    }

    fn structure(&mut self, shape: &'static Shape, mut tree: Tree, path: &str) -> Value {
        let mut members = Map::new();
        for (name, member) in &shape.members {
            let wire = self.wire(name, member);
            if let Some(inner) = tree.below.remove(&wire) {
                let value = self.member(member, inner, &below(path, &wire));
                members.insert(name.clone(), value);
            }
        }
        self.unknown(tree, path);
        Value::Object(members)
    }

    fn member(&mut self, member: &'static Member, mut tree: Tree, path: &str) -> Value {
        let shape = self.service.shape(&member.shape);
        match shape.kind {
            Kind::Structure => {
                tree.text = None;
                self.structure(shape, tree, path)
            }
            Kind::List => {
                let Some(element) = &shape.member else {
                    return Value::Null;
                };
                let flat = self.ec2() || shape.flattened || member.flattened;
                let wire = element.location_name.as_deref().unwrap_or("member");
                let place = if flat { path.to_owned() } else { below(path, wire) };
                let numbered = if flat {
                    std::mem::take(&mut tree.below)
                } else {
                    tree.below.remove(wire).unwrap_or_default().below
                };
                // `Tags=` is how clients write an empty list.
                if tree.text.as_deref() == Some("") {
                    tree.text = None;
                }
                self.unknown(tree, path);
                self.numbered(numbered, &place)
                    .into_iter()
                    .map(|(number, tree)| self.member(element, tree, &below(&place, &number.to_string())))
                    .collect()
            }
            Kind::Map => {
                let (Some(key), Some(inner)) = (&shape.key, &shape.value) else {
                    return Value::Null;
                };
                let place = below(path, "entry");
                let entries = tree.below.remove("entry").unwrap_or_default().below;
                self.unknown(tree, path);
                let mut map = Map::new();
                for (number, mut entry) in self.numbered(entries, &place) {
                    let place = below(&place, &number.to_string());
                    let name = entry
                        .below
                        .remove(key.location_name.as_deref().unwrap_or("key"))
                        .and_then(|tree| tree.text)
                        .unwrap_or_default();
                    let value = entry
                        .below
                        .remove(inner.location_name.as_deref().unwrap_or("value"));
                    if let Some(value) = value {
                        let value = self.member(inner, value, &place);
                        map.insert(name, value);
                    }
                    self.unknown(entry, &place);
                }
                Value::Object(map)
            }
            _ => {
                let text = tree.text.take().unwrap_or_default();
                self.unknown(tree, path);
                scalar(self.service, member, &text, path).unwrap_or_else(|objection| {
                    self.objections.push(objection);
                    Value::Null
                })
            }
        }
    }

    /// Elements in the order of their numbers.
    fn numbered(&mut self, below_it: BTreeMap<String, Tree>, path: &str) -> BTreeMap<u32, Tree> {
        let mut elements = BTreeMap::new();
        for (number, tree) in below_it {
            match number.parse() {
                Ok(number) => {
                    elements.insert(number, tree);
                }
                Err(_) => self.objections.push(Objection::Unknown {
                    path: below(path, &number),
                }),
            }
        }
        elements
    }

    fn unknown(&mut self, tree: Tree, path: &str) {
        if tree.text.is_some() {
            self.objections.push(Objection::Unknown {
                path: path.to_owned(),
            });
        }
        for (name, tree) in tree.below {
            let mut deepest = (below(path, &name), tree);
            while deepest.1.text.is_none() {
                let Some((name, tree)) = deepest.1.below.pop_first() else {
                    break;
                };
                deepest = (below(&deepest.0, &name), tree);
            }
            self.objections.push(Objection::Unknown { path: deepest.0 });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::description::service;
    use super::*;
    use crate::exchange::parameters;

    fn read_as(name: &str, operation: &str, form: &str) -> Result<Value, Vec<Objection>> {
        let service = service(name).unwrap();
        let shape = service.input(&service.operations[operation]).unwrap();
        read(service, shape, parameters(form))
    }

    #[test]
    fn lists_of_structures() {
        let form =
            "RoleName=r&Tags.member.2.Key=b&Tags.member.2.Value=2&Tags.member.1.Key=a&Tags.member.1.Value=";
        assert_eq!(
            read_as("iam", "CreateRole", form).unwrap(),
            json!({"RoleName": "r", "Tags": [{"Key": "a", "Value": ""}, {"Key": "b", "Value": "2"}]})
        );
        assert_eq!(
            read_as("iam", "CreateRole", "Tags=").unwrap(),
            json!({"Tags": []})
        );
    }

    #[test]
    fn ec2_numbers_without_a_word_between() {
        let form = "SubnetId.1=s-1&SubnetId.2=s-2&Filter.1.Name=vpc-id&Filter.1.Value.1=v&MaxResults=5";
        assert_eq!(
            read_as("ec2", "DescribeSubnets", form).unwrap(),
            json!({
                "SubnetIds": ["s-1", "s-2"],
                "Filters": [{"Name": "vpc-id", "Values": ["v"]}],
                "MaxResults": 5
            })
        );
    }

    #[test]
    fn what_is_unknown_or_no_number_is_named() {
        let objections = read_as("iam", "ListRoles", "MaxItems=many&Path.1.Prefix=x").unwrap_err();
        let paths: Vec<&str> = objections.iter().map(Objection::path).collect();
        assert_eq!(paths, ["MaxItems", "Path.1.Prefix"]);
    }
}

//! Field masks: paths of members that an update is about (<https://google.aip.dev/161>).

use super::value::{Violation, camel, snake};
use super::{Api, Field};

/// The paths of a mask in camel case, each checked against the schema that it is about.
pub(super) fn checked(api: &Api, schema: &str, text: &str, violations: &mut Vec<Violation>) -> String {
    let paths: Vec<String> = text
        .split(',')
        .map(str::trim)
        .filter(|path| !path.is_empty())
        .map(|path| {
            known(api, schema, path).unwrap_or_else(|| {
                // A guess at the words: each service has its own.
                violations.push(Violation {
                    field: "update_mask".to_owned(),
                    description: format!("Invalid field mask: no such field: {}", snake(path)),
                });
                path.to_owned()
            })
        })
        .collect();
    paths.join(",")
}

fn known(api: &Api, schema: &str, path: &str) -> Option<String> {
    if path == "*" {
        return Some(path.to_owned());
    }
    let mut members = api.schemas.get(schema);
    let mut spelled: Vec<String> = Vec::new();
    let mut pieces = path.split('.');
    while let Some(piece) = pieces.next() {
        let name = camel(piece);
        let field = members?.get(&name)?;
        spelled.push(name);
        members = inner(api, field);
        if field.map.is_some() || field.kind == "any" {
            // Keys of a map are data.
            spelled.extend(pieces.by_ref().map(str::to_owned));
        }
    }
    Some(spelled.join("."))
}

fn inner<'a>(api: &'a Api, field: &Field) -> Option<&'a std::collections::BTreeMap<String, Field>> {
    let reference = field
        .reference
        .as_ref()
        .or_else(|| field.items.as_ref().and_then(|items| items.reference.as_ref()))?;
    api.schemas.get(reference)
}

//! Terraform's type system (cty), as far as it crosses the wire.

mod conform;

use std::collections::BTreeMap;
use std::fmt;

/// A type constraint. Source: `hashicorp/terraform:docs/plugin-protocol/object-wire-format.md`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// A string.
    String,
    /// A number of any size and precision.
    Number,
    /// A boolean.
    Bool,
    /// Any type; the value carries its own.
    Dynamic,
    /// An ordered sequence.
    List(Box<Type>),
    /// An unordered collection without duplicates.
    Set(Box<Type>),
    /// String keys to values of one type.
    Map(Box<Type>),
    /// Exactly these attributes.
    Object(BTreeMap<String, Type>),
    /// A fixed sequence of differently typed elements.
    Tuple(Vec<Type>),
}

/// JSON that is not a type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a type: {0}")]
pub struct NotAType(String);

impl Type {
    /// A list of `element`.
    pub fn list(element: Type) -> Self {
        Type::List(Box::new(element))
    }

    /// A set of `element`.
    pub fn set(element: Type) -> Self {
        Type::Set(Box::new(element))
    }

    /// A map of `element`.
    pub fn map(element: Type) -> Self {
        Type::Map(Box::new(element))
    }

    /// An object of these attributes.
    pub fn object<K: Into<String>>(attributes: impl IntoIterator<Item = (K, Type)>) -> Self {
        Type::Object(
            attributes
                .into_iter()
                .map(|(name, ty)| (name.into(), ty))
                .collect(),
        )
    }

    /// Reads the JSON form: `"string"`, `["list","string"]`, `["object",{"a":"bool"}]`, `["tuple",["number"]]`. The
    /// optional third element of an object, its optional attributes, is read over: values are always complete.
    ///
    /// # Errors
    /// On anything else, and on nesting deeper than the JSON parser's limit (128).
    pub fn from_json(bytes: &[u8]) -> Result<Self, NotAType> {
        let json: serde_json::Value = serde_json::from_slice(bytes).map_err(|e| NotAType(e.to_string()))?;
        Self::from_json_value(&json)
    }

    /// As [`Type::from_json`], from parsed JSON.
    ///
    /// # Errors
    /// On anything that is no type.
    pub fn from_json_value(json: &serde_json::Value) -> Result<Self, NotAType> {
        use serde_json::Value as Json;

        let unexpected = || NotAType(json.to_string().chars().take(80).collect());
        match json {
            Json::String(name) => match name.as_str() {
                "string" => Ok(Type::String),
                "number" => Ok(Type::Number),
                "bool" => Ok(Type::Bool),
                "dynamic" => Ok(Type::Dynamic),
                _ => Err(unexpected()),
            },
            Json::Array(parts) => match parts.as_slice() {
                [Json::String(kind), element] if kind == "list" => {
                    Ok(Type::list(Self::from_json_value(element)?))
                }
                [Json::String(kind), element] if kind == "set" => {
                    Ok(Type::set(Self::from_json_value(element)?))
                }
                [Json::String(kind), element] if kind == "map" => {
                    Ok(Type::map(Self::from_json_value(element)?))
                }
                [Json::String(kind), Json::Array(elements)] if kind == "tuple" => Ok(Type::Tuple(
                    elements
                        .iter()
                        .map(Self::from_json_value)
                        .collect::<Result<_, _>>()?,
                )),
                [Json::String(kind), Json::Object(attributes)]
                | [Json::String(kind), Json::Object(attributes), Json::Array(_)]
                    if kind == "object" =>
                {
                    let attributes = attributes
                        .iter()
                        .map(|(name, ty)| Ok((name.clone(), Self::from_json_value(ty)?)))
                        .collect::<Result<_, NotAType>>()?;
                    Ok(Type::Object(attributes))
                }
                _ => Err(unexpected()),
            },
            _ => Err(unexpected()),
        }
    }

    /// The JSON form.
    pub fn to_json_value(&self) -> serde_json::Value {
        use serde_json::json;

        match self {
            Type::String => json!("string"),
            Type::Number => json!("number"),
            Type::Bool => json!("bool"),
            Type::Dynamic => json!("dynamic"),
            Type::List(element) => json!(["list", element.to_json_value()]),
            Type::Set(element) => json!(["set", element.to_json_value()]),
            Type::Map(element) => json!(["map", element.to_json_value()]),
            Type::Object(attributes) => {
                let attributes: serde_json::Map<_, _> = attributes
                    .iter()
                    .map(|(name, ty)| (name.clone(), ty.to_json_value()))
                    .collect();
                json!(["object", attributes])
            }
            Type::Tuple(elements) => json!([
                "tuple",
                elements.iter().map(Type::to_json_value).collect::<Vec<_>>()
            ]),
        }
    }

    /// The JSON form as bytes, as the wire has it.
    pub fn to_json(&self) -> Vec<u8> {
        self.to_json_value().to_string().into_bytes()
    }

    /// Whether the type of some value in it is decided by the value.
    pub fn has_dynamic(&self) -> bool {
        match self {
            Type::Dynamic => true,
            Type::String | Type::Number | Type::Bool => false,
            Type::List(element) | Type::Set(element) | Type::Map(element) => element.has_dynamic(),
            Type::Object(attributes) => attributes.values().any(Type::has_dynamic),
            Type::Tuple(elements) => elements.iter().any(Type::has_dynamic),
        }
    }
}

/// As Terraform names types in messages: `list of string`.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::String => f.write_str("string"),
            Type::Number => f.write_str("number"),
            Type::Bool => f.write_str("bool"),
            Type::Dynamic => f.write_str("dynamic"),
            Type::List(element) => write!(f, "list of {element}"),
            Type::Set(element) => write!(f, "set of {element}"),
            Type::Map(element) => write!(f, "map of {element}"),
            Type::Object(_) => f.write_str("object"),
            Type::Tuple(_) => f.write_str("tuple"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_survive_their_json() {
        for json in [
            r#""string""#,
            r#"["list","number"]"#,
            r#"["map",["set","bool"]]"#,
            r#"["object",{"a":"dynamic","b":["tuple",["string","bool"]]}]"#,
            r#"["tuple",[]]"#,
            r#"["object",{}]"#,
        ] {
            let ty = Type::from_json(json.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(ty.to_json()).unwrap(), json);
        }
    }

    #[test]
    fn optional_attributes_are_read_over() {
        let ty = Type::from_json(br#"["object",{"a":"string","b":"number"},["b"]]"#).unwrap();
        assert_eq!(ty, Type::object([("a", Type::String), ("b", Type::Number)]));
    }

    #[test]
    fn refuses_what_is_no_type() {
        for json in [
            "",
            "1",
            "null",
            r#""int""#,
            r#"["list"]"#,
            r#"["list","string","x"]"#,
            r#"["object",[]]"#,
            "[]",
        ] {
            assert!(Type::from_json(json.as_bytes()).is_err(), "{json}");
        }
        let deep = format!("{}\"string\"{}", r#"["list","#.repeat(5000), "]".repeat(5000));
        assert!(Type::from_json(deep.as_bytes()).is_err());
    }
}

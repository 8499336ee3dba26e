//! From JSON to [`Policy`], in every spelling that AWS accepts.
//!
//! What is not JSON, or not a policy at all, is an error with its place. A statement with an odd element is kept, the element as
//! [`Unread`]: one strange statement must hide neither the grants nor the denials of its neighbours.

use super::condition::Condition;
use super::json::{self, Member, Node, ParseError, Place, Value};
use super::policy::{ActionPattern, Effect, Policy, Scope, Statement, Unread, Version};
use super::principal::{PrincipalName, Principals};
use super::template::Template;

impl Policy {
    /// Reads a policy document.
    ///
    /// # Errors
    /// [`ParseError`], with line and column: not JSON, a key written twice, or not the shape of a policy (no object, no
    /// statements). Elements of a statement that are not understood are no error: see [`Statement::unread`].
    ///
    /// ```
    /// use mlops_access::aws::Policy;
    ///
    /// let policy = Policy::parse(r#"{"statement": {"effect": "Allow", "action": "s3:Get*", "resource": "*"}}"#).unwrap();
    /// assert_eq!(policy.statements.len(), 1);
    /// let error = Policy::parse("{\n  \"Statement\": [],,\n}").unwrap_err();
    /// assert_eq!(error.to_string(), "line 2, column 19: expected a key in double quotes, found ','");
    /// ```
    pub fn parse(text: &str) -> Result<Policy, ParseError> {
        policy(&json::read(text)?)
    }

    /// Reads a policy document from bytes, as they come from a file or a fuzzer.
    ///
    /// # Errors
    /// As [`Policy::parse`]; also for bytes that are not UTF-8.
    pub fn parse_bytes(bytes: &[u8]) -> Result<Policy, ParseError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Policy::parse(text),
            Err(error) => {
                let good = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
                Err(ParseError {
                    place: json::place(good, good.len()),
                    what: "the document is not UTF-8 from here on".into(),
                })
            }
        }
    }
}

/// The elements of a policy, in lower case.
const OF_POLICY: [&str; 3] = ["version", "id", "statement"];

/// The elements of a statement, in lower case.
const OF_STATEMENT: [&str; 9] = [
    "sid",
    "effect",
    "action",
    "notaction",
    "resource",
    "notresource",
    "principal",
    "notprincipal",
    "condition",
];

/// Which of the known elements a key names, in any case; none is the empty text.
fn element(key: &str, known: &[&'static str]) -> &'static str {
    known
        .iter()
        .find(|element| element.eq_ignore_ascii_case(key))
        .map_or("", |element| element)
}

fn error(place: Place, what: impl Into<String>) -> ParseError {
    ParseError {
        place,
        what: what.into(),
    }
}

fn unread(member: &Member<'_>, why: impl Into<String>) -> Unread {
    Unread {
        element: member.key.clone().into_owned(),
        json: member.node.json.to_owned(),
        why: why.into(),
        at: member.at,
    }
}

/// Keys ignore case, so two of them may be the same element: AWS refuses that, and so do we.
fn members<'n, 'a>(node: &'n Node<'a>, of: &str) -> Result<&'n [Member<'a>], ParseError> {
    let Value::Object(members) = &node.value else {
        return Err(error(
            node.at,
            format!("{of} must be an object, not {}", node.value.name()),
        ));
    };
    for (place, member) in members.iter().enumerate() {
        if let Some(first) = members[..place]
            .iter()
            .find(|first| first.key.eq_ignore_ascii_case(&member.key))
        {
            let what = format!(
                "the element {} is written twice, first as {}",
                member.key, first.key
            );
            return Err(error(member.at, what));
        }
    }
    Ok(members)
}

fn policy(root: &Node<'_>) -> Result<Policy, ParseError> {
    let members = members(root, "a policy")?;
    let mut policy = Policy {
        version: Version::V2008,
        id: None,
        statements: Vec::new(),
        unread: Vec::new(),
    };
    // Variables mean something or nothing depending on the version, wherever it stands.
    for member in members {
        if member.key.eq_ignore_ascii_case("version") {
            match &member.node.value {
                Value::Text(text) if text == Version::V2012.as_str() => policy.version = Version::V2012,
                Value::Text(text) if text == Version::V2008.as_str() => {}
                _ => {
                    policy.version = Version::V2012;
                    policy
                        .unread
                        .push(unread(member, "the version is neither 2012-10-17 nor 2008-10-17"));
                }
            }
        }
    }
    let mut found = false;
    for member in members {
        match element(&member.key, &OF_POLICY) {
            "version" => {}
            "id" => match &member.node.value {
                Value::Text(text) => policy.id = Some(text.clone().into_owned()),
                other => policy
                    .unread
                    .push(unread(member, format!("Id is {}, not a string", other.name()))),
            },
            "statement" => {
                found = true;
                match &member.node.value {
                    Value::List(nodes) => {
                        policy.statements.reserve_exact(nodes.len());
                        for node in nodes {
                            policy.statements.push(statement(node, policy.version)?);
                        }
                    }
                    _ => policy.statements.push(statement(&member.node, policy.version)?),
                }
            }
            _ => policy.unread.push(unread(member, "not an element of a policy")),
        }
    }
    if !found {
        return Err(error(
            root.at,
            "a policy needs a Statement, and this object has none",
        ));
    }
    Ok(policy)
}

fn statement(node: &Node<'_>, version: Version) -> Result<Statement, ParseError> {
    let members = members(node, "a statement")?;
    let mut statement = Statement::new(Effect::Unread, Scope::Only(Vec::new()));
    statement.at = node.at;
    let mut effect = false;
    // The member that gave the actions; none in it when it could not be read.
    let mut actions: Option<Option<&Member<'_>>> = None;
    for member in members {
        let outcome = match element(&member.key, &OF_STATEMENT) {
            "sid" => match &member.node.value {
                Value::Text(text) => {
                    statement.sid = Some(text.clone().into_owned());
                    Ok(())
                }
                other => Err(format!("Sid is {}, not a string", other.name())),
            },
            "effect" => {
                effect = true;
                match &member.node.value {
                    Value::Text(text) if text.eq_ignore_ascii_case("allow") => {
                        statement.effect = Effect::Allow
                    }
                    Value::Text(text) if text.eq_ignore_ascii_case("deny") => statement.effect = Effect::Deny,
                    _ => {}
                }
                if statement.effect == Effect::Unread {
                    Err("Effect is neither Allow nor Deny".into())
                } else {
                    Ok(())
                }
            }
            key @ ("action" | "notaction") => {
                let patterns = texts(&member.node, ActionPattern::new);
                match &mut actions {
                    None => {
                        actions = Some(patterns.is_ok().then_some(member));
                        patterns.map(|patterns| statement.actions = scope(key == "notaction", patterns))
                    }
                    // Which of the two AWS would follow is not known, so neither is taken.
                    Some(first) => {
                        let either = "a statement has either Action or NotAction";
                        if let Some(first) = first.take() {
                            statement.actions = Scope::Only(Vec::new());
                            statement.unread.push(unread(first, either));
                        }
                        Err(either.to_owned())
                    }
                }
            }
            key @ ("resource" | "notresource") => texts(&member.node, |text| Template::wild(text, version))
                .and_then(|templates| {
                    if statement.resources.is_some() {
                        return Err("a statement has either Resource or NotResource".into());
                    }
                    statement.resources = Some(scope(key == "notresource", templates));
                    Ok(())
                }),
            key @ ("principal" | "notprincipal") => {
                principals(&member.node, key == "notprincipal").and_then(|principals| {
                    if statement.principals.is_some() {
                        return Err("a statement has either Principal or NotPrincipal".into());
                    }
                    statement.principals = Some(principals);
                    Ok(())
                })
            }
            "condition" => match &member.node.value {
                Value::Object(operators) => {
                    for operator in operators {
                        conditions(operator, version, &mut statement);
                    }
                    Ok(())
                }
                other => Err(format!("Condition is {}, not an object", other.name())),
            },
            _ => Err("not an element of a statement".into()),
        };
        if let Err(why) = outcome {
            statement.unread.push(unread(member, why));
        }
    }
    let mut missing = |element: &str| {
        statement.unread.push(Unread {
            element: element.into(),
            json: String::new(),
            why: format!("the statement has no {element}"),
            at: statement.at,
        });
    };
    if !effect {
        missing("Effect");
    }
    if actions.is_none() {
        missing("Action");
    }
    Ok(statement)
}

/// What a string or a list of strings holds, each of them read by `read`.
fn texts<T>(node: &Node<'_>, read: impl Fn(&str) -> T) -> Result<Vec<T>, String> {
    let nodes = match &node.value {
        Value::List(nodes) => nodes.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut found = Vec::with_capacity(nodes.len());
    for node in nodes {
        match &node.value {
            Value::Text(text) => found.push(read(text)),
            other => return Err(format!("a string was expected, not {}", other.name())),
        }
    }
    Ok(found)
}

fn principals(node: &Node<'_>, negated: bool) -> Result<Principals, String> {
    let mut names = Vec::new();
    match &node.value {
        Value::Text(text) => names.push(match &**text {
            "*" => PrincipalName::Anyone,
            other => PrincipalName::Unread {
                kind: "Principal".into(),
                name: other.into(),
            },
        }),
        Value::Object(members) => {
            for member in members {
                names.extend(texts(&member.node, |name| {
                    PrincipalName::read(&member.key, name)
                })?);
            }
        }
        other => return Err(format!("an object or \"*\" was expected, not {}", other.name())),
    }
    Ok(Principals { negated, names })
}

fn conditions(operator: &Member<'_>, version: Version, statement: &mut Statement) {
    // Kept whole, with the keys that could be read, so that writing the policy again says the same, once and in its place.
    let whole = |why: String| {
        let mut unread = unread(operator, why);
        unread.element = "Condition".into();
        unread.json = format!("{{{}:{}}}", quoted(&operator.key), operator.node.json);
        unread
    };
    let Value::Object(keys) = &operator.node.value else {
        statement
            .unread
            .push(whole("a condition operator holds an object of keys".into()));
        return;
    };
    let mut read = Vec::with_capacity(keys.len());
    for key in keys {
        match values(&key.node) {
            Ok(values) => {
                let mut condition = Condition::new(&operator.key, &key.key, values, version);
                condition.at = key.at;
                read.push(condition);
            }
            Err(why) => {
                statement.unread.push(whole(why));
                return;
            }
        }
    }
    for condition in read {
        statement.add_condition(condition);
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    json::write_string(&mut out, text);
    out
}

/// Values of a condition may be written without quotes when they are numbers or booleans.
fn values<'n>(node: &'n Node<'_>) -> Result<Vec<&'n str>, String> {
    let text = |node: &'n Node<'_>| match &node.value {
        Value::Text(text) => Ok(&**text),
        Value::Number(_) | Value::Bool(_) => Ok(node.json),
        other => Err(format!("{} is no value of a condition", other.name())),
    };
    match &node.value {
        Value::List(nodes) => nodes.iter().map(text).collect(),
        _ => Ok(vec![text(node)?]),
    }
}

fn scope<T>(negated: bool, items: Vec<T>) -> Scope<T> {
    if negated {
        Scope::AllBut(items)
    } else {
        Scope::Only(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by fuzzing: the keys that could be read were written a second time.
    #[test]
    fn an_operator_that_is_read_in_part_is_written_once() {
        let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:a":"x","aws:b":{"c":"d"}},"String\"Equals":{"aws:e":null}}}]}"#;
        let policy = Policy::parse(text).unwrap();
        let [statement] = &policy.statements[..] else {
            panic!("one statement")
        };
        assert!(statement.conditions.is_empty() && statement.unread.len() == 2);
        let written = policy.to_json();
        let again = Policy::parse(&written).unwrap();
        assert_eq!(again.to_json(), written);
    }

    /// Found by fuzzing: it was written beside the condition, where it may mean something else.
    #[test]
    fn an_operator_that_is_no_object_stays_in_the_condition() {
        let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Condition":{"Null":{"aws:a":"true"},"NotAction":"iam:*"}}]}"#;
        assert_eq!(Policy::parse(text).unwrap().to_json(), text);
    }

    /// Found by fuzzing: an unknown element whose name ends like Action took the actions' place.
    #[test]
    fn an_unknown_element_does_not_hide_the_actions() {
        let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","TransAction":"iam:*"}]}"#;
        assert_eq!(Policy::parse(text).unwrap().to_json(), text);
    }

    /// Found by fuzzing: it was written in braces, which is no JSON.
    #[test]
    fn a_condition_that_is_no_object_is_written_as_it_was() {
        let text =
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Condition":"Deny"}]}"#;
        assert_eq!(Policy::parse(text).unwrap().to_json(), text);
    }

    /// Found by fuzzing: the first of the two was lost in writing, and the second then stood alone as if nothing were amiss.
    #[test]
    fn a_statement_with_action_and_notaction_stays_in_doubt_when_written() {
        for elements in [
            r#""Action":"s3:GetObject","NotAction":"iam:*""#,
            r#""NotAction":[],"Action":"*""#,
            r#""Action":7,"NotAction":"iam:*""#,
        ] {
            let text = format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",{elements}}}]}}"#);
            let policy = Policy::parse(&text).unwrap();
            assert_eq!(policy.statements[0].unread.len(), 2, "{text}");
            assert_eq!(policy.to_json(), text);
        }
    }
}

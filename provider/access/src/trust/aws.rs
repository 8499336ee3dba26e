//! AWS trust policies as sets of tokens.

use serde_json::{Map, Value};

use super::{Caller, Constraint, Entry, Presence, TokenSet};
use crate::verdict::Doubt;

/// Stands for text that is not known before apply.
const UNKNOWN_TEXT: char = '\u{fffc}';

/// Why a document is not a trust.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// Not JSON.
    #[error("the trust policy is not JSON: {0}")]
    Json(String),
    /// JSON, but not of the form of a policy.
    #[error("the trust policy's {place} {problem}")]
    Shape {
        /// Where, for example `Statement[1].Principal`.
        place: String,
        /// What is wrong there.
        problem: &'static str,
    },
    /// An attribute condition or mapping that cannot be read.
    #[error(transparent)]
    Cel(#[from] crate::gcp::cel::CelError),
}

fn shape(place: impl Into<String>, problem: &'static str) -> TrustError {
    TrustError::Shape {
        place: place.into(),
        problem,
    }
}

impl TokenSet {
    /// The tokens that a role's trust policy accepts.
    ///
    /// Conditions that are not understood make their entry doubtful: it then says at most what is accepted. Text that is
    /// not known before apply may be written as U+FFFC.
    ///
    /// # Errors
    /// When the text is not JSON or not a policy.
    pub fn of_aws_trust(text: &str) -> Result<Self, TrustError> {
        let document: Value = serde_json::from_str(text).map_err(|e| TrustError::Json(e.to_string()))?;
        let Some(document) = document.as_object() else {
            return Err(shape("top level", "is not an object"));
        };
        let statements: Vec<&Value> = match document.get("Statement") {
            None => return Err(shape("top level", "has no Statement")),
            Some(Value::Array(list)) => list.iter().collect(),
            Some(one) => vec![one],
        };
        let (mut allowed, mut denied) = (Self::default(), Self::default());
        for (index, statement) in statements.into_iter().enumerate() {
            let place = format!("Statement[{index}]");
            let Some(statement) = statement.as_object() else {
                return Err(shape(place, "is not an object"));
            };
            let entries = statement_entries(statement, &place)?;
            match statement.get("Effect").and_then(Value::as_str) {
                Some(effect) if effect.eq_ignore_ascii_case("allow") => allowed.entries.extend(entries),
                Some(effect) if effect.eq_ignore_ascii_case("deny") => denied.entries.extend(entries),
                _ => return Err(shape(format!("{place}.Effect"), "is neither Allow nor Deny")),
            }
        }
        Ok(allowed.refuse(denied))
    }

    /// The set without what is refused; where the refusal is doubtful the entries stay, in doubt.
    fn refuse(self, denied: Self) -> Self {
        let (doubtful, exact): (Vec<Entry>, Vec<Entry>) =
            denied.entries.into_iter().partition(|e| e.doubt.is_some());
        let mut rest = match self.minus(&Self { entries: exact }) {
            Ok(rest) => rest,
            Err(error) => Self {
                entries: self
                    .entries
                    .into_iter()
                    .map(|e| e.doubting(Doubt::new(error.to_string())))
                    .collect(),
            },
        };
        for deny in doubtful {
            let alone = Self {
                entries: vec![deny.clone()],
            };
            for entry in &mut rest.entries {
                let touched = Self {
                    entries: vec![entry.clone()],
                }
                .overlap(&alone)
                    != super::Overlap::None;
                if let (true, Some(doubt)) = (touched, &deny.doubt) {
                    *entry = entry.clone().doubting(doubt.clone());
                }
            }
        }
        rest
    }
}

fn texts<'a>(value: &'a Value, place: &str) -> Result<Vec<&'a str>, TrustError> {
    let wrong = || shape(place, "is neither a text nor a list of texts");
    match value {
        Value::String(one) => Ok(vec![one]),
        Value::Array(many) => many.iter().map(|v| v.as_str().ok_or_else(wrong)).collect(),
        _ => Err(wrong()),
    }
}

/// Which ways of entering a statement speaks of.
struct Ways {
    assume: bool,
    oidc: bool,
    saml: bool,
}

fn ways(statement: &Map<String, Value>, place: &str) -> Result<Ways, TrustError> {
    let (actions, listed) = match (statement.get("Action"), statement.get("NotAction")) {
        (Some(actions), _) => (texts(actions, &format!("{place}.Action"))?, true),
        (None, Some(actions)) => (texts(actions, &format!("{place}.NotAction"))?, false),
        (None, None) => return Err(shape(place, "has no Action")),
    };
    let patterns: Vec<crate::pattern::Pattern> = actions
        .iter()
        .map(|a| crate::pattern::Pattern::parse(&a.to_ascii_lowercase()))
        .collect();
    let covers = |action: &str| patterns.iter().any(|p| p.matches(action)) == listed;
    Ok(Ways {
        assume: covers("sts:assumerole"),
        oidc: covers("sts:assumerolewithwebidentity"),
        saml: covers("sts:assumerolewithsaml"),
    })
}

fn statement_entries(statement: &Map<String, Value>, place: &str) -> Result<Vec<Entry>, TrustError> {
    let ways = ways(statement, place)?;
    let conditions = conditions(statement, place)?;
    let mut entries = Vec::new();
    match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(Value::String(all)), _) if all == "*" => entries.extend(everyone(&ways)),
        (Some(Value::Object(kinds)), _) => {
            for (kind, names) in kinds {
                let at = format!("{place}.Principal.{kind}");
                for name in texts(names, &at)? {
                    entries.extend(
                        principal(kind, name, &ways, &conditions).ok_or_else(|| {
                            shape(&at, "is not one of AWS, Service, Federated, CanonicalUser")
                        })?,
                    );
                }
            }
        }
        (Some(_), _) => {
            return Err(shape(
                format!("{place}.Principal"),
                "is neither \"*\" nor an object of kinds",
            ));
        }
        (None, Some(_)) => {
            let doubt = Doubt::new(format!("{place} names whom it does not mean (NotPrincipal)"));
            entries.extend(everyone(&ways).into_iter().map(|e| e.doubting(doubt.clone())));
        }
        (None, None) => return Err(shape(place, "has no Principal")),
    }
    let sid = statement
        .get("Sid")
        .and_then(Value::as_str)
        .filter(|s| !s.is_empty())
        .unwrap_or(place);
    Ok(entries
        .into_iter()
        .filter_map(|entry| apply(entry, &conditions))
        .map(|mut entry| {
            entry.source = sid.to_owned();
            entry
        })
        .collect())
}

fn everyone(ways: &Ways) -> Vec<Entry> {
    [
        (ways.assume, Caller::Principal),
        (ways.assume, Caller::Service),
        (ways.oidc, Caller::Oidc),
        (ways.saml, Caller::Saml),
    ]
    .into_iter()
    .filter(|(open, _)| *open)
    .map(|(_, caller)| Entry::new(caller, Constraint::presence(Presence::Present)))
    .collect()
}

fn principal(kind: &str, name: &str, ways: &Ways, conditions: &[Condition]) -> Option<Vec<Entry>> {
    Some(match kind {
        "Service" if ways.assume => vec![Entry::new(Caller::Service, exactly(name))],
        "AWS" if name == "*" => everyone(ways)
            .into_iter()
            .filter(|e| e.caller == Caller::Principal)
            .collect(),
        "AWS" if ways.assume => vec![Entry::new(Caller::Principal, account_or_arn(name))],
        "Federated" if name.contains(":saml-provider/") => {
            if ways.saml {
                vec![Entry::new(Caller::Saml, exactly(name))]
            } else {
                Vec::new()
            }
        }
        "Federated" if ways.oidc => vec![Entry::new(Caller::Oidc, issuer(name, conditions))],
        // A trust never lets a canonical user in; a kind without the fitting action grants nothing.
        "Service" | "AWS" | "Federated" | "CanonicalUser" => Vec::new(),
        _ => return None,
    })
}

fn exactly(text: &str) -> Constraint {
    Constraint::equals([text])
}

/// An account, by number or by its root, stands for every principal in it that its own policies let assume roles.
fn account_or_arn(name: &str) -> Constraint {
    let account = if name.len() == 12 && name.bytes().all(|b| b.is_ascii_digit()) {
        Some(name)
    } else {
        name.strip_suffix(":root").and_then(|arn| arn.rsplit(':').next())
    };
    match account {
        Some(account) => Constraint::like([
            format!("arn:*:iam::{account}:*").as_str(),
            &format!("arn:*:sts::{account}:*"),
        ]),
        None => exactly(name),
    }
}

/// The issuer is the end of the provider's ARN; where that is not known yet the condition keys name it.
fn issuer(provider: &str, conditions: &[Condition]) -> Constraint {
    if let Some((_, issuer)) = provider.split_once(":oidc-provider/")
        && !unresolved(issuer)
    {
        return exactly(issuer);
    }
    if !unresolved(provider) {
        return exactly(provider);
    }
    let named = conditions.iter().find_map(|c| {
        let (issuer, claim) = c.key.rsplit_once(':')?;
        ["sub", "aud"].contains(&claim).then(|| issuer.to_owned())
    });
    exactly(&named.unwrap_or_else(|| provider.to_owned()))
}

fn unresolved(text: &str) -> bool {
    text.contains("@{") || text.contains(UNKNOWN_TEXT)
}

/// One operator applied to one key.
struct Condition {
    /// As written.
    key: String,
    constraint: Result<Constraint, Doubt>,
}

fn conditions(statement: &Map<String, Value>, place: &str) -> Result<Vec<Condition>, TrustError> {
    let place = format!("{place}.Condition");
    let mut conditions = Vec::new();
    let block = match statement.get("Condition") {
        None => return Ok(conditions),
        Some(Value::Object(block)) => block,
        Some(_) => return Err(shape(place, "is not an object of operators")),
    };
    for (operator, keys) in block {
        let at = format!("{place}.{operator}");
        let Some(keys) = keys.as_object() else {
            return Err(shape(at, "is not an object of keys"));
        };
        for (key, values) in keys {
            let values = scalars(values, &format!("{at}.{key}"))?;
            conditions.push(Condition {
                key: key.clone(),
                constraint: constraint(operator, key, &values),
            });
        }
    }
    Ok(conditions)
}

fn scalars(value: &Value, place: &str) -> Result<Vec<String>, TrustError> {
    let one = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(shape(place, "is neither a value nor a list of values")),
    };
    match value {
        Value::Array(many) => many.iter().map(one).collect(),
        single => Ok(vec![one(single)?]),
    }
}

/// What an operator with these values asks of a claim.
///
/// Claims have one value, so `ForAnyValue` changes nothing; `ForAllValues` and `IfExists` also hold when the claim is
/// missing, as negated operators do
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>).
fn constraint(operator: &str, key: &str, values: &[String]) -> Result<Constraint, Doubt> {
    let lower = operator.to_ascii_lowercase();
    let (for_all, rest) = match lower.split_once(':') {
        Some(("forallvalues", rest)) => (true, rest),
        Some(("foranyvalue", rest)) => (false, rest),
        _ => (false, lower.as_str()),
    };
    let (if_exists, base) = match rest.strip_suffix("ifexists") {
        Some(base) => (true, base),
        None => (false, rest),
    };
    if let Some(variable) = values.iter().find(|v| v.contains("${")) {
        return Err(Doubt::new(format!(
            "{operator} {key} compares with {variable}, a variable of the request"
        )));
    }
    let unknown = values.iter().any(|v| v.contains(UNKNOWN_TEXT));
    let all = || values.iter().map(String::as_str);
    let found = match base {
        "stringequals" | "arnequals" if unknown => {
            return Err(Doubt::new(format!(
                "{operator} {key} compares with text not known before apply"
            )));
        }
        "stringequals" => Constraint::equals(all()),
        "stringlike" | "arnlike" | "arnequals" if !unknown => Constraint::like(all()),
        "stringnotequals" if !unknown => Constraint::not_equals(all()),
        "stringnotlike" | "arnnotlike" | "arnnotequals" if !unknown => Constraint::not_like(all()),
        "bool" if !unknown => {
            let values: Vec<String> = values.iter().map(|v| v.to_ascii_lowercase()).collect();
            Constraint::equals(values.iter().map(String::as_str))
        }
        "null" => match values {
            [one] if one.eq_ignore_ascii_case("true") => Constraint::presence(Presence::Absent),
            [one] if one.eq_ignore_ascii_case("false") => Constraint::presence(Presence::Present),
            _ => return Err(Doubt::new(format!("{operator} {key} is neither true nor false"))),
        },
        _ => return Err(Doubt::new(format!("{operator} {key} is not evaluated here"))),
    };
    Ok(if for_all || if_exists {
        found.or_absent()
    } else {
        found
    })
}

/// Puts conditions on an entry; none is left when a condition can never hold for this kind of caller.
fn apply(mut entry: Entry, conditions: &[Condition]) -> Option<Entry> {
    for condition in conditions {
        let key = condition.key.to_ascii_lowercase();
        let constraint = match &condition.constraint {
            Ok(constraint) => constraint.clone(),
            Err(doubt) => {
                entry = entry.doubting(doubt.clone());
                continue;
            }
        };
        match (entry.caller, condition.key.rsplit_once(':')) {
            (Caller::Principal, _) if key == "aws:principalarn" => entry.name = entry.name.and(constraint),
            (Caller::Oidc, Some((issuer, claim))) if !is_request_key(&key) => {
                let claim = claim.to_ascii_lowercase();
                if entry.name.accepts(Some(issuer)) {
                    entry = entry.with(&claim, constraint);
                } else if unresolved(issuer) || entry.name.groups().iter().flatten().any(is_unresolved) {
                    entry = entry.with(&claim, constraint).doubting(Doubt::new(format!(
                        "whether {issuer} is the issuer is not known before apply"
                    )));
                } else if constraint.requires_value() {
                    // Tokens of this issuer never carry the claims of another.
                    return None;
                }
            }
            (Caller::Oidc | Caller::Saml, _) if is_session_key(&key) => {}
            _ => entry = entry.with(&key, constraint),
        }
    }
    Some(entry)
}

fn is_unresolved(pattern: &crate::pattern::Pattern) -> bool {
    unresolved(&pattern.to_string())
}

fn is_request_key(key: &str) -> bool {
    key.starts_with("aws:") || key.starts_with("sts:") || key.starts_with("saml:")
}

/// Keys that the caller chooses itself: they separate nothing.
fn is_session_key(key: &str) -> bool {
    matches!(key, "sts:rolesessionname" | "sts:durationseconds") || key.starts_with("aws:requesttag/")
}

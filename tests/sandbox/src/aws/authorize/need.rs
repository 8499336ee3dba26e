//! What a call needs to be allowed: an action on a resource, with the condition keys that the call brings.
//!
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>

use serde_json::Value;

use crate::aws::tags::Tags;
use crate::call::Call;

/// One permission.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Need {
    /// `eks:CreateCluster`.
    pub(super) action: String,
    /// An ARN, or `*`.
    pub(super) resource: String,
    /// Condition keys with their values.
    pub(super) keys: Vec<(String, Vec<String>)>,
    /// The resource's own policy.
    pub(super) policy: Option<String>,
    /// The account that owns the resource, where its ARN does not say.
    pub(super) owner: Option<String>,
    /// Whether something else than a policy allows it: a grant on a key, a public access list.
    pub(super) granted: bool,
}

impl Need {
    pub(super) fn of(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            resource: resource.into(),
            ..Self::default()
        }
    }

    /// The action that is named as the operation.
    pub(super) fn own(call: &Call, resource: impl Into<String>) -> Self {
        Self::of(format!("{}:{}", call.service, call.operation), resource)
    }

    pub(super) fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.keys.push((key.to_owned(), vec![value.into()]));
        self
    }

    pub(super) fn with_all(mut self, key: &str, values: Vec<String>) -> Self {
        if !values.is_empty() {
            self.keys.push((key.to_owned(), values));
        }
        self
    }

    /// With a key whose value is a text or a switch of the input, where it is given.
    pub(super) fn with_member(self, key: &str, value: Option<&Value>) -> Self {
        match value {
            Some(Value::String(text)) => self.with(key, text.as_str()),
            Some(Value::Bool(on)) => self.with(key, on.to_string()),
            _ => self,
        }
    }

    /// With the tags that the request brings.
    pub(super) fn requested(mut self, tags: &Tags) -> Self {
        for (key, value) in tags {
            self = self.with(&format!("aws:RequestTag/{key}"), value.as_str());
        }
        self.with_all("aws:TagKeys", tags.keys().cloned().collect())
    }

    /// With the tags that the resource has, under `aws:` and under the service's own prefix.
    pub(super) fn tagged(mut self, prefix: Option<&str>, tags: &Tags) -> Self {
        for (key, value) in tags {
            self = self.with(&format!("aws:ResourceTag/{key}"), value.as_str());
            if let Some(prefix) = prefix {
                self = self.with(&format!("{prefix}:ResourceTag/{key}"), value.as_str());
            }
        }
        self
    }

    pub(super) fn under(mut self, policy: Option<&String>) -> Self {
        self.policy = policy.cloned();
        self
    }

    pub(super) fn owned_by(mut self, account: &str) -> Self {
        self.owner = Some(account.to_owned());
        self
    }

    pub(super) fn granted(mut self, granted: bool) -> Self {
        self.granted = granted;
        self
    }
}

/// The role that a call hands to a service: who calls must be allowed to.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>
pub(super) fn pass(role: &str, service: &str) -> Need {
    Need::of("iam:PassRole", role).with("iam:PassedToService", service)
}

/// The tags of an input, in a list of pairs or in a map.
pub(super) fn tags_in(value: Option<&Value>) -> Tags {
    match value {
        Some(Value::Object(map)) => map
            .iter()
            .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect(),
        Some(Value::Array(pairs)) => pairs
            .iter()
            .map(|pair| {
                let either = |names: [&str; 2]| {
                    names
                        .iter()
                        .find_map(|name| pair.get(name).and_then(Value::as_str))
                        .unwrap_or_default()
                        .to_owned()
                };
                (either(["Key", "TagKey"]), either(["Value", "TagValue"]))
            })
            .collect(),
        _ => Tags::new(),
    }
}

/// Keys of tags that an input takes away.
pub(super) fn untagged(call: &Call) -> Vec<String> {
    ["tagKeys", "TagKeys", "tags"]
        .iter()
        .flat_map(|member| crate::aws::input::strings(&call.input, member))
        .collect()
}

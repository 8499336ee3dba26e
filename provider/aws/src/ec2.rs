//! The few EC2 calls, by hand: EC2's SDK crate needs 8 GB of memory to compile.
//!
//! Protocol: parameters as a signed form, answers as XML.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html>

use mlops_environment::aws::Tags;
use mlops_environment::driver::{Failure, Reason};
use roxmltree::{Document, Node};

use crate::client::Clients;
use crate::failure::{Outcome, classify, failure};
use crate::signed::Request;

const VERSION: &str = "2016-11-15";

/// A form of parameters, in EC2's notation: `Tag.1.Key`.
#[derive(Debug, Default, Clone)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Adds a parameter.
    pub(crate) fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a list: `Name.1`, `Name.2`, ….
    pub(crate) fn list<'a>(mut self, name: &str, values: impl IntoIterator<Item = &'a String>) -> Self {
        for (index, value) in values.into_iter().enumerate() {
            self.0.push((format!("{name}.{}", index + 1), value.clone()));
        }
        self
    }

    /// Adds the tags of one kind of resource as the `number`-th specification under `prefix`.
    pub(crate) fn tags(mut self, prefix: &str, number: usize, resource: &str, tags: &Tags) -> Self {
        let specification = format!("{prefix}.{number}");
        self.0
            .push((format!("{specification}.ResourceType"), resource.to_owned()));
        for (index, (key, value)) in tags.iter().enumerate() {
            self.0
                .push((format!("{specification}.Tag.{}.Key", index + 1), key.clone()));
            self.0
                .push((format!("{specification}.Tag.{}.Value", index + 1), value.clone()));
        }
        self
    }

    fn encode(&self, action: &str) -> String {
        let mut body = format!("Action={action}&Version={VERSION}");
        for (name, value) in &self.0 {
            body.push('&');
            escape(name, &mut body);
            body.push('=');
            escape(value, &mut body);
        }
        body
    }
}

/// Percent-encodes all but the unreserved characters (RFC 3986 §2.3), as AWS wants it.
fn escape(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// Calls an operation and reads its answer.
///
/// # Errors
///
/// What EC2 answered, after all attempts if it was busy; [`Reason::Unavailable`] for an unreadable answer.
pub(crate) async fn call<T>(
    clients: &Clients,
    operation: &'static str,
    form: Form,
    read: impl FnOnce(Node<'_, '_>) -> T,
) -> Outcome<T> {
    perform(clients, operation, form, true, read).await
}

/// The same where a call must not be made twice: a failure that may have taken effect is told, not repeated.
pub(crate) async fn call_once<T>(
    clients: &Clients,
    operation: &'static str,
    form: Form,
    read: impl FnOnce(Node<'_, '_>) -> T,
) -> Outcome<T> {
    perform(clients, operation, form, false, read).await
}

async fn perform<T>(
    clients: &Clients,
    operation: &'static str,
    form: Form,
    repeatable: bool,
    read: impl FnOnce(Node<'_, '_>) -> T,
) -> Outcome<T> {
    let action = operation.strip_prefix("ec2:").unwrap_or(operation);
    let request = Request {
        operation,
        service: "ec2",
        region: &clients.region,
        endpoint: &clients.ec2_endpoint,
        headers: &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")],
        body: form.encode(action),
    };
    let text = request.perform(clients, repeatable, refused).await?;
    let unreadable = |error: roxmltree::Error| {
        failure(
            operation,
            Reason::Unavailable,
            format!("the answer is not XML: {error}"),
        )
    };
    Ok(read(Document::parse(&text).map_err(unreadable)?.root_element()))
}

/// `<Response><Errors><Error><Code/><Message/></Error></Errors><RequestID/></Response>`
fn refused(operation: &str, status: u16, text: &str) -> Failure {
    let parsed = Document::parse(text).ok();
    let find = |name: &str| {
        let node = parsed
            .as_ref()?
            .descendants()
            .find(|node| node.has_tag_name(name))?;
        node.text().map(|text| text.trim().to_owned())
    };
    let code = find("Code").unwrap_or_default();
    let message = find("Message").unwrap_or_else(|| format!("answered HTTP {status} without a message"));
    Failure {
        operation: operation.to_owned(),
        reason: classify(status, &code, &message),
        code,
        message,
        request_id: find("RequestID").or_else(|| find("RequestId")),
    }
}

/// Text of the child `name`; names are compared without their namespace, which EC2 changes with its version.
pub(crate) fn text(node: Node<'_, '_>, name: &str) -> Option<String> {
    child(node, name)
        .and_then(|child| child.text())
        .map(str::to_owned)
}

/// The child `name`.
pub(crate) fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.tag_name().name() == name)
}

/// The `item`s of the list `name`.
pub(crate) fn items<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Vec<Node<'a, 'i>> {
    child(node, name)
        .map(|list| {
            list.children()
                .filter(|item| item.tag_name().name() == "item")
                .collect()
        })
        .unwrap_or_default()
}

/// The tags of a `tagSet`.
pub(crate) fn tag_set(node: Node<'_, '_>) -> Tags {
    crate::tags::found(
        items(node, "tagSet")
            .into_iter()
            .filter_map(|item| Some((text(item, "key")?, text(item, "value").unwrap_or_default()))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_lists_tags_and_odd_characters() {
        let tags = crate::tags::found([("mlops:environment", "aws/1/r n"), ("k", "ä")]);
        let form = Form::default()
            .list("SubnetId", &["subnet-1".to_owned(), "subnet-2".to_owned()])
            .tags("TagSpecification", 1, "launch-template", &tags);
        assert_eq!(
            form.encode("X"),
            "Action=X&Version=2016-11-15&SubnetId.1=subnet-1&SubnetId.2=subnet-2\
             &TagSpecification.1.ResourceType=launch-template\
             &TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=%C3%A4\
             &TagSpecification.1.Tag.2.Key=mlops%3Aenvironment&TagSpecification.1.Tag.2.Value=aws%2F1%2Fr%20n"
        );
    }

    #[test]
    fn reads_items_and_tags_whatever_the_namespace() {
        let xml = r#"<R xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><subnetSet>
            <item><subnetId>subnet-1</subnetId><tagSet><item><key>a</key><value/></item></tagSet></item>
            </subnetSet></R>"#;
        let document = Document::parse(xml).unwrap();
        let subnets = items(document.root_element(), "subnetSet");
        assert_eq!(text(subnets[0], "subnetId").as_deref(), Some("subnet-1"));
        assert_eq!(tag_set(subnets[0]), crate::tags::found([("a", "")]));
    }

    #[test]
    fn an_error_keeps_code_message_and_request() {
        let xml = "<Response><Errors><Error><Code>InvalidSubnetID.NotFound</Code><Message>no subnet-1</Message></Error>\
                   </Errors><RequestID>r-1</RequestID></Response>";
        let failure = refused("ec2:DescribeSubnets", 400, xml);
        assert_eq!(failure.reason, Reason::NotFound);
        assert_eq!(failure.to_string(), "ec2:DescribeSubnets: no subnet-1");
        assert_eq!(failure.request_id.as_deref(), Some("r-1"));
    }

    #[test]
    fn an_error_page_is_not_a_panic() {
        let failure = refused("ec2:DescribeSubnets", 503, "<html><br>busy");
        assert_eq!(failure.reason, Reason::Unavailable);
        assert_eq!(failure.message, "answered HTTP 503 without a message");
    }
}

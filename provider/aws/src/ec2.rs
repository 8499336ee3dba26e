//! The few EC2 calls, by hand: EC2's SDK crate needs 8 GB of memory to compile.
//!
//! Protocol: parameters as a signed form, answers as XML.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html>

use std::time::{Instant, SystemTime};

use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_types::body::SdkBody;
use mlops_environment::aws::Tags;
use mlops_environment::driver::{Failure, Reason};
use roxmltree::{Document, Node};

use crate::client::Clients;
use crate::failure::{Outcome, chain, classify, failure};
use crate::retry::nobody_there;

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
    let body = form.encode(action);
    let (started, mut number) = (Instant::now(), 0);
    let text = loop {
        clients.calls.add("ec2", action);
        number += 1;
        let (failure, unreachable) = match send(clients, operation, &body).await {
            Ok(text) => break text,
            Err(refused) => refused,
        };
        let retry = if unreachable {
            clients.retry.unreachable()
        } else {
            clients.retry.clone()
        };
        let pause = retry.pause(number, fastrand::f64());
        let passing = match failure.reason {
            Reason::Throttled => true,
            Reason::Unavailable => repeatable || unreachable,
            _ => false,
        };
        if !passing || !retry.goes_on(number, started.elapsed() + pause) {
            return Err(failure);
        }
        tokio::time::sleep(pause).await;
    };
    let unreadable = |error: roxmltree::Error| {
        failure(
            operation,
            Reason::Unavailable,
            format!("the answer is not XML: {error}"),
        )
    };
    Ok(read(Document::parse(&text).map_err(unreadable)?.root_element()))
}

/// One attempt. A failure comes with whether nobody listens at the address.
async fn send(clients: &Clients, operation: &str, body: &str) -> Result<String, (Failure, bool)> {
    let broken = |words: String| (failure(operation, Reason::Unavailable, words), false);
    let identity = clients
        .credentials
        .provide_credentials()
        .await
        .map_err(|error| (failure(operation, Reason::Denied, chain(&error)), false))?
        .into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&clients.region)
        .name("ec2")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| broken(chain(&error)))?
        .into();
    let endpoint = clients.ec2_endpoint.trim_end_matches('/');
    let content = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    let mut request = http::Request::post(format!("{endpoint}/"))
        .header(content.0, content.1)
        .header(
            "user-agent",
            concat!("terraform-provider-mlops/", env!("CARGO_PKG_VERSION")),
        )
        .body(SdkBody::from(body))
        .map_err(|error| {
            let words = format!("endpoint {endpoint}: {error}");
            (failure(operation, Reason::Invalid, words), false)
        })?;
    let uri = request.uri().to_string();
    let signable = SignableRequest::new(
        "POST",
        &uri,
        [content].into_iter(),
        SignableBody::Bytes(body.as_bytes()),
    )
    .map_err(|error| broken(chain(&error)))?;
    let (instructions, _) = sign(signable, &params)
        .map_err(|error| broken(chain(&error)))?
        .into_parts();
    instructions.apply_to_request_http1x(&mut request);
    let request = request.try_into().map_err(|error| broken(format!("{error}")))?;
    use aws_smithy_runtime_api::client::http::HttpConnector;
    let mut response = clients
        .connector
        .call(request)
        .await
        .map_err(|error| (broken(chain(&error)).0, nobody_there(&error)))?;
    let status = response.status().as_u16();
    let bytes = collect(response.take_body()).await.map_err(broken)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if (200..300).contains(&status) {
        Ok(text)
    } else {
        Err((refused(operation, status, &text), false))
    }
}

async fn collect(body: SdkBody) -> Result<Vec<u8>, String> {
    let stream = aws_smithy_types::byte_stream::ByteStream::new(body);
    stream
        .collect()
        .await
        .map(|bytes| bytes.to_vec())
        .map_err(|error| chain(&error))
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

//! A small HTTP client that shows what happens to a connection.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use mlops_sandbox::Sandbox;
use serde_json::Value;

/// What came back.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Came {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    /// The error code in any of the protocols' shapes.
    pub(crate) fn code(&self) -> String {
        if let Some(code) = self.header("x-amzn-errortype") {
            return code.to_owned();
        }
        let between = |text: &str| {
            let (_, rest) = text.split_once("<Code>")?;
            rest.split_once("</Code>").map(|(code, _)| code.to_owned())
        };
        between(&self.body).unwrap_or_else(|| panic!("no code in {self:?}"))
    }
}

/// Sends a request and reads the whole answer.
pub(crate) fn send(
    sandbox: &Sandbox,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<Came> {
    send_to(&sandbox.url, method, target, headers, body)
}

/// The same, to the sandbox at this address.
pub(crate) fn send_to(
    url: &str,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<Came> {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut request = format!(
        "{method} {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    request.push_str(body);
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
    let (line, headers) = head.split_once("\r\n").unwrap_or((head, ""));
    let came = Came {
        status: line.split(' ').nth(1).unwrap().parse().unwrap(),
        headers: headers.to_owned(),
        body: body.to_owned(),
    };
    let announced = came
        .header("content-length")
        .and_then(|length| length.parse::<usize>().ok());
    if method != "HEAD" && announced.is_some_and(|length| length > came.body.len()) {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
    }
    Ok(came)
}

/// A signature's header for a service: only its scope is looked at.
pub(crate) fn scope(service: &str) -> String {
    signed_by("sandbox", service)
}

/// The same, for this access key.
pub(crate) fn signed_by(key: &str, service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={key}/20260301/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

/// A call of the query protocol.
pub(crate) fn query(sandbox: &Sandbox, service: &str, form: &str) -> io::Result<Came> {
    let version = match service {
        "iam" => "2010-05-08",
        "sts" => "2011-06-15",
        _ => "2016-11-15",
    };
    send(
        sandbox,
        "POST",
        "/",
        &[
            ("authorization", &scope(service)),
            ("content-type", "application/x-www-form-urlencoded"),
        ],
        &format!("Version={version}&{form}"),
    )
}

/// A call of the JSON protocol.
pub(crate) fn json(sandbox: &Sandbox, service: &str, target: &str, body: &str) -> io::Result<Came> {
    send(
        sandbox,
        "POST",
        "/",
        &[
            ("authorization", &scope(service)),
            ("x-amz-target", target),
            ("content-type", "application/x-amz-json-1.1"),
        ],
        body,
    )
}

/// A call of a REST protocol.
pub(crate) fn rest(
    sandbox: &Sandbox,
    service: &str,
    method: &str,
    target: &str,
    body: &str,
) -> io::Result<Came> {
    send(
        sandbox,
        method,
        target,
        &[("authorization", &scope(service))],
        body,
    )
}

/// Makes a role.
pub(crate) fn create_role(sandbox: &Sandbox, name: &str) -> io::Result<Came> {
    create_role_at(&sandbox.url, name)
}

/// The same, in the sandbox at this address.
pub(crate) fn create_role_at(url: &str, name: &str) -> io::Result<Came> {
    let trust = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A\
                 %7B%22Service%22%3A%22ec2.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D";
    send_to(
        url,
        "POST",
        "/",
        &[
            ("authorization", &scope("iam")),
            ("content-type", "application/x-www-form-urlencoded"),
        ],
        &format!("Version=2010-05-08&Action=CreateRole&RoleName={name}&AssumeRolePolicyDocument={trust}"),
    )
}

/// Whether a role stands.
pub(crate) fn role_stands(sandbox: &Sandbox, name: &str) -> bool {
    let came = query(sandbox, "iam", &format!("Action=GetRole&RoleName={name}")).unwrap();
    match came.status {
        200 => true,
        404 if came.code() == "NoSuchEntity" => false,
        _ => panic!("{came:?}"),
    }
}

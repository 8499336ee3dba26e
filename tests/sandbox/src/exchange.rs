//! A request and a reply as values, apart from the connection that carries them.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

/// A request, its body read.
#[derive(Debug, Clone)]
pub struct Request {
    /// Verb.
    pub method: Method,
    /// Path as it came, percent-encoded.
    pub path: String,
    /// Query parameters in their order, decoded; a parameter without `=` has an empty value.
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Request {
    /// A header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A query parameter; the first of that name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A reply.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// Trailers, which gRPC needs.
    pub trailers: Option<HeaderMap>,
}

impl Reply {
    /// A reply with a body.
    pub fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut reply = Self {
            // What is no status is a mistake of the sandbox, which is what 500 says.
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            body: body.into(),
            ..Self::default()
        };
        if !reply.body.is_empty() {
            reply
                .headers
                .insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        reply
    }

    /// A reply in JSON.
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::new(status, "application/json", value.to_string())
    }

    /// Sets a header; what no header can hold is left out.
    pub fn set(&mut self, name: &str, value: &str) {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_bytes(value.as_bytes()),
        ) {
            self.headers.insert(name, value);
        }
    }
}

/// Parameters of a form or a query string (`a=b&c`), decoded.
pub fn parameters(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name, true), decoded(value, true))
        })
        .collect()
}

/// Percent-decodes; in a form, `+` is a space. What is no escape stays as it is; what is no UTF-8 is replaced.
pub fn decoded(text: &str, form: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = bytes
            .get(at + 1..at + 3)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (bytes[at], escape) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', _) if form => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded() {
        assert_eq!(
            parameters("a=b%20c+d&versioning&=&x=%zz%2"),
            [("a", "b c d"), ("versioning", ""), ("", ""), ("x", "%zz%2")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        assert_eq!(decoded("a+b%2Fc", false), "a+b/c");
    }
}

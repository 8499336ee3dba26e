//! Identity tokens: JSON web tokens whose claims are read and whose signature is taken on trust.
//!
//! A sandbox cannot fetch an issuer's keys: who holds it may be anybody anyway. Everything else about a token is checked.
//! <https://www.rfc-editor.org/rfc/rfc7519>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::answer::Refusal;

/// The claims of a token that may be used now.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    /// The issuer as the token spells it.
    pub(super) issuer: String,
    /// The subject.
    pub(super) subject: String,
    /// The audience: the authorised party where there is one, else the first audience.
    pub(super) audience: String,
    /// All audiences.
    pub(super) audiences: Vec<String>,
    /// Every claim.
    pub(super) claims: Map<String, Value>,
    expires: i64,
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidIdentityToken", message)
}

/// Reads a token.
///
/// # Errors
/// `InvalidIdentityToken`.
pub(super) fn read(text: &str) -> Result<Token, Refusal> {
    let bad = || {
        invalid(
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        )
    };
    let parts: Vec<&str> = text.trim().split('.').collect();
    let [header, claims, _] = parts.as_slice() else {
        return Err(bad());
    };
    let part = |text: &str| -> Result<Map<String, Value>, Refusal> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text.trim_end_matches('='))
            .map_err(|_| bad())?;
        serde_json::from_slice(&bytes).map_err(|_| bad())
    };
    part(header)?;
    let claims = part(claims)?;
    let missing = |claim: &str| invalid(format!("Missing a required claim: {claim}"));
    let text = |claim: &str| {
        claims
            .get(claim)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .ok_or_else(|| missing(claim))
    };
    let issuer = text("iss")?;
    let subject = text("sub")?;
    let audiences: Vec<String> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let first = audiences.first().cloned().ok_or_else(|| missing("aud"))?;
    let audience = text("azp").unwrap_or(first);
    let expires = seconds(claims.get("exp")).ok_or_else(|| missing("exp"))?;
    seconds(claims.get("iat")).ok_or_else(|| missing("iat"))?;
    Ok(Token {
        issuer,
        subject,
        audience,
        audiences,
        expires,
        claims,
    })
}

fn seconds(value: Option<&Value>) -> Option<i64> {
    let value = value?;
    value
        .as_i64()
        .or_else(|| value.as_f64().map(|value| value as i64))
}

impl Token {
    /// Whether the token's time has not passed, and has come.
    ///
    /// # Errors
    /// `ExpiredTokenException`; `InvalidIdentityToken` for one that is not valid yet.
    pub(super) fn in_time(&self, at: Timestamp) -> Result<(), Refusal> {
        let now = at.as_second();
        if now >= self.expires {
            return Err(Refusal::new(
                400,
                "ExpiredTokenException",
                format!(
                    "Token expired: current date/time {now} must be before the expiration date/time {}",
                    self.expires
                ),
            ));
        }
        // Five minutes of difference between clocks are forgiven (a guess at the size).
        for claim in ["nbf", "iat"] {
            if seconds(self.claims.get(claim)).is_some_and(|from| from > now.saturating_add(300)) {
                return Err(invalid(format!("The token is not valid yet ({claim})")));
            }
        }
        Ok(())
    }
}

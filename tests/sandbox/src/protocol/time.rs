//! Moments in the formats of AWS's protocols: <https://smithy.io/2.0/spec/protocol-traits.html#timestampformat-trait>

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Number, Value};

/// How a moment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `2026-03-01T00:00:00Z`
    Iso,
    /// `2026-03-01T00:00:00.000Z`, as S3 and EC2 write.
    IsoMillis,
    /// `Sun, 01 Mar 2026 00:00:00 GMT`
    Http,
    /// Seconds since 1970.
    Epoch,
}

impl Format {
    /// By its name in a description.
    pub fn named(name: Option<&str>) -> Option<Self> {
        match name? {
            "iso8601" => Some(Self::IsoMillis),
            "rfc822" => Some(Self::Http),
            "unixTimestamp" => Some(Self::Epoch),
            _ => None,
        }
    }
}

/// The moment that a value holds: RFC 3339, or a number of seconds since 1970.
pub fn read(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => seconds(number.as_f64()?),
        _ => None,
    }
}

fn seconds(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_millisecond((seconds * 1000.0).round() as i64).ok()
}

/// The moment that a text holds, in any of the formats.
pub fn parse(text: &str) -> Option<Timestamp> {
    text.parse()
        .ok()
        .or_else(|| seconds(text.parse().ok()?))
        .or_else(|| {
            jiff::fmt::rfc2822::parse(text)
                .ok()
                .map(|zoned| zoned.timestamp())
        })
}

/// Writes a moment.
pub fn written(moment: Timestamp, format: Format) -> String {
    let utc = moment.to_zoned(TimeZone::UTC);
    match format {
        Format::Iso => utc.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Format::IsoMillis => {
            let millis = moment.as_millisecond().rem_euclid(1000);
            format!("{}.{millis:03}Z", utc.strftime("%Y-%m-%dT%H:%M:%S"))
        }
        Format::Http => utc.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        Format::Epoch => epoch(moment).to_string(),
    }
}

/// As JSON protocols write it: seconds with thousandths.
pub fn epoch(moment: Timestamp) -> Number {
    let millis = moment.as_millisecond();
    if millis % 1000 == 0 {
        return (millis / 1000).into();
    }
    Number::from_f64(millis as f64 / 1000.0).unwrap_or_else(|| (millis / 1000).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_reads_what_it_writes() {
        let moment: Timestamp = "2026-03-01T12:34:56Z".parse().unwrap();
        let written = [Format::Iso, Format::IsoMillis, Format::Http, Format::Epoch]
            .map(|format| super::written(moment, format));
        assert_eq!(
            written,
            [
                "2026-03-01T12:34:56Z",
                "2026-03-01T12:34:56.000Z",
                "Sun, 01 Mar 2026 12:34:56 GMT",
                "1772368496"
            ]
        );
        for text in written {
            assert_eq!(parse(&text), Some(moment), "{text}");
        }
        assert_eq!(read(&serde_json::json!(1772368496)), Some(moment));
        assert_eq!(
            epoch("2026-03-01T12:34:56.789Z".parse().unwrap()).to_string(),
            "1772368496.789"
        );
    }
}

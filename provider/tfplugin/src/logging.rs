//! Logs in the form Terraform reads: one JSON object per line on stderr (hclog).
//!
//! Source: `hashicorp/go-plugin:log_entry.go`, `client.go`. `@level`, `@message` and `@timestamp` must be strings (the
//! host asserts it without looking), the timestamp needs exactly six fractional digits, lines over 64 KiB are cut by
//! the host, and a line that starts with `panic: ` or `fatal error: ` switches it into crash mode.

use std::fmt::{Debug, Write as _};
use std::io::Write as _;

use serde_json::{Map, Value as Json, json};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Bytes of message in one line. Escaping makes at most six of one: the line stays below the host's 64 KiB.
const MESSAGE_CHUNK: usize = 8 * 1024;
/// Longest value of a field.
const FIELD_LIMIT: usize = 2 * 1024;
/// Longest line.
const LINE_LIMIT: usize = 60 * 1024;

/// Crates that log what goes over the wire: never below warnings, for requests carry secrets.
const WIRE_CRATES: [&str; 10] = [
    "aws_", "h2", "hyper", "mio", "reqwest", "rustls", "tonic", "tower", "tokio", "want",
];

/// Sends `tracing` events and panics to stderr for the host to read.
///
/// `name` is the provider's type name: `TF_LOG_PROVIDER_<NAME>` goes before `TF_LOG_PROVIDER` before `TF_LOG`. Without any of
/// them warnings and errors are written. Where the program has installed a subscriber already, that one stays.
pub fn init(name: &str) {
    let level = level_from(name, |variable| std::env::var(variable).ok());
    let filter = WIRE_CRATES
        .iter()
        .fold(Targets::new().with_default(level), |filter, target| {
            filter.with_target(*target, level.min(LevelFilter::WARN))
        });
    let layer = HclogLayer::new(std::io::stderr).with_filter(filter);
    // An error only says that the program has a subscriber of its own.
    let _ = tracing_subscriber::registry().with(layer).try_init();
    log_panics();
}

/// The level that the environment asks for.
fn level_from(name: &str, var: impl Fn(&str) -> Option<String>) -> LevelFilter {
    let own = format!("TF_LOG_PROVIDER_{}", name.to_uppercase().replace('-', "_"));
    [own.as_str(), "TF_LOG_PROVIDER", "TF_LOG"]
        .into_iter()
        .find_map(|variable| {
            let text = var(variable)?;
            match text.to_ascii_uppercase().as_str() {
                // `JSON` asks Terraform for JSON, at its most verbose.
                "TRACE" | "JSON" => Some(LevelFilter::TRACE),
                "DEBUG" => Some(LevelFilter::DEBUG),
                "INFO" => Some(LevelFilter::INFO),
                "WARN" => Some(LevelFilter::WARN),
                "ERROR" => Some(LevelFilter::ERROR),
                "OFF" => Some(LevelFilter::OFF),
                _ => None,
            }
        })
        .unwrap_or(LevelFilter::WARN)
}

/// Logs panics instead of printing them: a line of the message could start with the words that mean a crash.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let backtrace = std::backtrace::Backtrace::capture();
        tracing::error!(
            place,
            backtrace = %backtrace,
            "the provider panicked: {}",
            panic_text(panic.payload())
        );
    }));
}

/// The text of a panic, where it has one.
pub(crate) fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no text".to_owned())
}

/// A layer that writes hclog JSON.
#[derive(Debug)]
pub struct HclogLayer<W> {
    writer: W,
}

impl<W: for<'a> MakeWriter<'a> + 'static> HclogLayer<W> {
    /// Writes to what `writer` makes, one call a line.
    pub fn new(writer: W) -> Self {
        Self { writer }
    }

    fn write(&self, line: &Json) {
        let mut text = line.to_string();
        text.push('\n');
        // Nobody is left to tell when stderr is closed.
        let _ = self.writer.make_writer().write_all(text.as_bytes());
    }
}

impl<S, W> Layer<S> for HclogLayer<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.values.extend(of_span.values.clone());
            }
        }
        event.record(&mut fields);
        let head = |message: &str| {
            json!({
                "@level": level_name(*event.metadata().level()),
                "@message": message,
                "@module": event.metadata().target().replace("::", "."),
                "@timestamp": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
            })
        };
        let mut chunks = chunks(&fields.message, MESSAGE_CHUNK);
        let mut first = head(chunks.next().unwrap_or_default());
        if let Json::Object(line) = &mut first {
            line.extend(fields.values);
        }
        if first.to_string().len() > LINE_LIMIT
            && let Json::Object(line) = &mut first
        {
            line.retain(|key, _| key.starts_with('@'));
            line.insert("fields".to_owned(), json!("left out: too long"));
        }
        self.write(&first);
        for chunk in chunks {
            self.write(&head(chunk));
        }
    }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    }
}

/// Cuts `text` into pieces of at most `limit` bytes, between characters.
fn chunks(text: &str, limit: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (chunk, tail) = rest.split_at(rest.floor_char_boundary(limit));
        rest = tail;
        Some(chunk)
    })
}

/// Message and fields of an event or span.
#[derive(Debug, Default)]
struct Fields {
    message: String,
    values: Map<String, Json>,
}

impl Fields {
    fn insert(&mut self, field: &Field, value: Json) {
        match (field.name(), value) {
            ("message", Json::String(text)) => self.message = text,
            (name, value) => {
                let value = match value {
                    Json::String(text) if text.len() > FIELD_LIMIT => {
                        let kept = &text[..text.floor_char_boundary(FIELD_LIMIT)];
                        Json::String(format!("{kept}... ({} bytes more)", text.len() - kept.len()))
                    }
                    value => value,
                };
                // `@` marks the host's own keys.
                self.values.insert(name.trim_start_matches('@').to_owned(), value);
            }
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = write!(text, "{value:?}");
        self.insert(field, Json::String(text));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, Json::String(value.to_owned()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, json!(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, json!(value));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(log: impl FnOnce()) -> Vec<Json> {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let subscriber = tracing_subscriber::registry().with(HclogLayer::new(move || writer.clone()));
        tracing::subscriber::with_default(subscriber, log);
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes)
            .unwrap()
            .lines()
            .map(|line| {
                assert!(line.len() < 64 * 1024, "a line of {} bytes", line.len());
                serde_json::from_str(line).unwrap()
            })
            .collect()
    }

    #[test]
    fn the_hosts_keys_are_strings_and_the_time_has_six_digits() {
        let lines = logged(|| tracing::info!(count = 3, "hello"));
        let line = &lines[0];
        assert_eq!(line["@level"], "info");
        assert_eq!(line["@message"], "hello");
        assert_eq!(line["count"], 3);
        let time = line["@timestamp"].as_str().unwrap();
        assert_eq!(time.len(), "2026-01-01T00:00:00.000000Z".len(), "{time}");
        assert_eq!(time.rsplit('.').next().unwrap().len(), 7, "{time}");
    }

    #[test]
    fn fields_of_the_surrounding_call_are_repeated() {
        let lines = logged(|| {
            let span = tracing::info_span!("call", rpc = "ReadResource");
            span.in_scope(|| tracing::warn!("slow"));
        });
        assert_eq!(lines[0]["rpc"], "ReadResource");
    }

    #[test]
    fn long_messages_are_split_and_lose_nothing() {
        let text = "\"é".repeat(50_000);
        let lines = logged(|| tracing::error!("{text}"));
        let joined: String = lines
            .iter()
            .map(|line| line["@message"].as_str().unwrap())
            .collect();
        assert_eq!(joined, text);
        assert!(lines.len() > 10);
    }

    #[test]
    fn a_panics_words_never_start_a_line() {
        let lines = logged(|| tracing::error!("panic: at the disco\npanic: again"));
        assert_eq!(lines.len(), 1);
    }

    #[test]
    fn the_providers_own_variable_goes_first() {
        let var = |name: &str| {
            let value = match name {
                "TF_LOG_PROVIDER_MY_CLOUD" => "debug",
                "TF_LOG_PROVIDER" => "error",
                "TF_LOG" => "trace",
                _ => return None,
            };
            Some(value.to_owned())
        };
        assert_eq!(level_from("my-cloud", var), LevelFilter::DEBUG);
        assert_eq!(level_from("other", var), LevelFilter::ERROR);
        assert_eq!(level_from("other", |_| None), LevelFilter::WARN);
    }
}

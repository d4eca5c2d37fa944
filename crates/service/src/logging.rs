//! The log: one JSON object per line on standard error, with the fields of the enclosing spans (`request_id`)
//! at its top level.

use std::fmt;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::{SettingError, Settings};

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// What `LOG_LEVEL` asks for. A bare level is for our own crates: libraries stay at `warn`, for what they say
/// below that is about bytes on a wire, which is where secrets are. A whole tracing filter is taken as it is.
pub fn filter(settings: &Settings, service: &str) -> Result<EnvFilter, SettingError> {
    const EXPECTED: &str = "error, warn, info, debug, trace, or a tracing filter such as warn,api=debug";
    let text = settings.optional("LOG_LEVEL", EXPECTED)?.unwrap_or_else(|| "info".to_owned());
    let level = text.to_ascii_lowercase();
    if LEVELS.contains(&level.as_str()) {
        let others = if level == "error" { "error" } else { "warn" };
        return Ok(EnvFilter::new(format!(
            "{others},{service}={level},service={level},jobs={level},image_store={level}"
        )));
    }
    // A lone word would pass as the name of a target, and then silence everything.
    if !text.contains('=') {
        return Err(SettingError::invalid("LOG_LEVEL", EXPECTED));
    }
    EnvFilter::try_new(&text).map_err(|_| SettingError::invalid("LOG_LEVEL", EXPECTED))
}

/// The filter that reports a wrong `LOG_LEVEL`.
pub(crate) fn default_filter() -> EnvFilter {
    EnvFilter::new("info")
}

/// Turns the log on for the whole process and sends panics through it. A second call changes nothing.
pub fn start(service: &'static str, filter: EnvFilter) {
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .fmt_fields(JsonFields::new())
        .event_format(JsonLine { service })
        .finish();
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string);
            let said = panic.payload_as_str().unwrap_or("no message");
            tracing::error!(place, panic = said, "panicked");
        }));
    }
}

/// Writes an event as one JSON object.
struct JsonLine {
    service: &'static str,
}

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Map::new();
        let now = OffsetDateTime::now_utc();
        let now = now.replace_millisecond(now.millisecond()).unwrap_or(now);
        line.insert("timestamp".into(), now.format(&Rfc3339).map_err(|_| fmt::Error)?.into());
        line.insert("level".into(), event.metadata().level().as_str().to_ascii_lowercase().into());
        line.insert("service".into(), self.service.into());
        line.insert("target".into(), event.metadata().target().into());
        for span in context.event_scope().into_iter().flat_map(tracing_subscriber::registry::Scope::from_root)
        {
            let extensions = span.extensions();
            let Some(fields) = extensions.get::<FormattedFields<N>>() else {
                continue;
            };
            if let Ok(Value::Object(fields)) = serde_json::from_str(&fields.fields) {
                line.extend(fields);
            }
        }
        event.record(&mut Fields(&mut line));
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// Collects an event's fields; `message` is one of them.
struct Fields<'a>(&'a mut Map<String, Value>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().into(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().into(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use rstest::rstest;
    use serde_json::Value;
    use tracing_subscriber::fmt::format::JsonFields;

    use super::{JsonLine, filter};
    use crate::Settings;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn line_is_one_json_object_with_the_request_id_of_its_span() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .fmt_fields(JsonFields::new())
            .event_format(JsonLine { service: "api" })
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("request", request_id = "r-1");
            let _entered = span.enter();
            tracing::info!(status = 200, text = "a\n\"b\"", "answered");
        });
        let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written.lines().count(), 1, "{written}");
        let line: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(line["request_id"], "r-1");
        assert_eq!(line["message"], "answered");
        assert_eq!(line["status"], 200);
        assert_eq!(line["service"], "api");
        assert_eq!(line["text"], "a\n\"b\"");
    }

    #[rstest]
    #[case("loud")]
    #[case("")]
    #[case("api=loud")]
    fn log_level_that_is_no_level_is_refused(#[case] value: &str) {
        let error = filter(&Settings::from_pairs([("LOG_LEVEL", value)]), "api").unwrap_err();
        assert_eq!(error.name(), "LOG_LEVEL");
    }

    #[rstest]
    #[case("debug")]
    #[case("WARN")]
    #[case("warn,api=debug")]
    fn log_level_takes_a_level_or_a_filter(#[case] value: &str) {
        filter(&Settings::from_pairs([("LOG_LEVEL", value)]), "api").unwrap();
    }
}

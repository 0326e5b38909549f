//! Every telemetry name of Claude Code in one table: ours, the person's, or nobody's.
//!
//! The same values go into the environment and into a `--settings` file: the environment is the weakest of all
//! layers, and `--settings` beats everything but managed settings. What a checkout could bend is pinned to what the
//! person has, so that a project neither mutes nor redirects nor relabels.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use serde::{Deserialize, Serialize};

use crate::config::person::is_on;
use crate::redact::CaptureLevel;
use crate::relay::control::TOKEN_HEADER;

/// What becomes of a variable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rule {
    /// Ours, whatever anybody set.
    Ours(Value),
    /// The person's own value (environment, user settings, their `--settings`), else this default.
    Person(&'static str),
    /// Like `Person`, but only when spans are switched on: children see these names.
    PersonIfTraces,
    /// Removed from the environment, and emptied in the settings: the client takes an empty value for none.
    Nobody,
    /// Left where it is. Projects cannot set it, or it does not touch the export.
    Untouched,
}

/// Values that are known only when a run is prepared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Value {
    /// A constant.
    Word(&'static str),
    /// The relay's base URL for this run.
    Endpoint,
    /// The relay's URL for one signal.
    Path(&'static str),
    /// `otlp`, and whatever of `console` and `prometheus` the person has there.
    Exporter,
    /// The header that lets claude in.
    Token,
    /// On if what we ask for ([`Asked`]) needs it at this level.
    Opens(CaptureLevel),
    /// A person's own `file:` directory; on if they set it so and we ask for content; otherwise off.
    RawBodies,
}

/// How much claude is asked to put into its records.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Asked {
    /// The highest level that any sink is given.
    pub level: CaptureLevel,
    /// Whether the person's own destination is all there is: then no more than they have switched on themselves.
    pub as_the_person: bool,
}

use Rule::{Nobody, Ours, Person, PersonIfTraces, Untouched};

const OFF: Rule = Ours(Value::Word("0"));
const PROTOCOL: Rule = Ours(Value::Word("http/protobuf"));

/// The table. Sources: the names in the binary of 2.1.330, and its behaviour by experiment.
pub const NAMES: &[(&str, Rule)] = &[
    // Whether and how it exports.
    ("CLAUDE_CODE_ENABLE_TELEMETRY", Ours(Value::Word("1"))),
    ("OTEL_LOGS_EXPORTER", Ours(Value::Exporter)),
    ("OTEL_METRICS_EXPORTER", Ours(Value::Exporter)),
    ("OTEL_TRACES_EXPORTER", Ours(Value::Exporter)),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", Ours(Value::Endpoint)),
    ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", Ours(Value::Path("/v1/logs"))),
    ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", Ours(Value::Path("/v1/metrics"))),
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", Ours(Value::Path("/v1/traces"))),
    ("OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT", Nobody),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", PROTOCOL),
    ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", PROTOCOL),
    ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", PROTOCOL),
    ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", PROTOCOL),
    ("OTEL_EXPORTER_OTLP_PROFILES_PROTOCOL", Nobody),
    // The general header beats those of the signals, which may hold the organization's credential.
    // For each signal too: a session in the background has no `--settings` of ours, and what the user's settings say
    // of all signals would beat what the environment says of all.
    ("OTEL_EXPORTER_OTLP_HEADERS", Ours(Value::Token)),
    ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", Ours(Value::Token)),
    ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", Ours(Value::Token)),
    ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", Ours(Value::Token)),
    ("OTEL_EXPORTER_OTLP_PROFILES_HEADERS", Nobody),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", Nobody),
    ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", Nobody),
    ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", Nobody),
    ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", Nobody),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", Nobody),
    ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", Nobody),
    ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", Nobody),
    ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", Nobody),
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", Nobody),
    ("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", Nobody),
    ("OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", Nobody),
    ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", Nobody),
    ("OTEL_EXPORTER_OTLP_PROFILES_CERTIFICATE", Nobody),
    ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", Nobody),
    ("OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE", Nobody),
    ("OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE", Nobody),
    ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", Nobody),
    ("OTEL_EXPORTER_OTLP_PROFILES_CLIENT_CERTIFICATE", Nobody),
    ("OTEL_EXPORTER_OTLP_CLIENT_KEY", Nobody),
    ("OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY", Nobody),
    ("OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", Nobody),
    ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", Nobody),
    ("OTEL_EXPORTER_OTLP_PROFILES_CLIENT_KEY", Nobody),
    ("OTEL_EXPORTER_OTLP_INSECURE", Nobody),
    ("OTEL_EXPORTER_OTLP_LOGS_INSECURE", Nobody),
    ("OTEL_EXPORTER_OTLP_METRICS_INSECURE", Nobody),
    ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", Nobody),
    ("OTEL_EXPORTER_OTLP_PROFILES_INSECURE", Nobody),
    // Moves logs and traces elsewhere, whatever the exporters say.
    ("BETA_TRACING_ENDPOINT", Nobody),
    ("ENABLE_BETA_TRACING_DETAILED", Nobody),
    // What it puts into the records. Tool details are asked for at every level: the names of programs, skills, servers
    // and subagents come with them only, and what is more than a name does not leave the relay at `metadata`.
    ("OTEL_LOG_ASSISTANT_RESPONSES", Ours(Value::Opens(CaptureLevel::Content))),
    ("OTEL_LOG_MANAGED_SETTINGS", OFF),
    ("OTEL_LOG_RAW_API_BODIES", Ours(Value::RawBodies)),
    ("OTEL_LOG_TOOL_CONTENT", Ours(Value::Opens(CaptureLevel::Content))),
    ("OTEL_LOG_TOOL_DETAILS", Ours(Value::Opens(CaptureLevel::Metadata))),
    ("OTEL_LOG_USER_PROMPTS", Ours(Value::Opens(CaptureLevel::Content))),
    // Without it the events lose `session.id` as well.
    ("OTEL_METRICS_INCLUDE_SESSION_ID", Ours(Value::Word("true"))),
    ("OTEL_METRICS_INCLUDE_ACCOUNT_UUID", Person("true")),
    ("OTEL_METRICS_INCLUDE_ENTRYPOINT", Person("false")),
    ("OTEL_METRICS_INCLUDE_REPOSITORY", Person("false")),
    ("OTEL_METRICS_INCLUDE_RESOURCE_ATTRIBUTES", Person("true")),
    ("OTEL_METRICS_INCLUDE_VERSION", Person("false")),
    ("OTEL_RESOURCE_ATTRIBUTES", Person("")),
    ("OTEL_RESOURCE_INCLUDE_HOST", Person("false")),
    ("OTEL_SERVICE_NAME", Person("claude-code")),
    // When, and how much.
    ("OTEL_LOGS_EXPORT_INTERVAL", Person("5000")),
    ("OTEL_METRIC_EXPORT_INTERVAL", Person("60000")),
    ("OTEL_TRACES_EXPORT_INTERVAL", Person("5000")),
    // Whoever wants totals gets them from the relay.
    ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", Ours(Value::Word("delta"))),
    ("CLAUDE_CODE_OTEL_FLUSH_TIMEOUT_MS", Person("5000")),
    ("CLAUDE_CODE_OTEL_SHUTDOWN_TIMEOUT_MS", Person("2000")),
    ("OTEL_ATTRIBUTE_COUNT_LIMIT", Nobody),
    ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", Nobody),
    ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", Nobody),
    ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", Nobody),
    ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", Nobody),
    ("OTEL_SPAN_ATTRIBUTE_PER_EVENT_COUNT_LIMIT", Nobody),
    ("OTEL_SPAN_ATTRIBUTE_PER_LINK_COUNT_LIMIT", Nobody),
    ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", Nobody),
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", Nobody),
    ("OTEL_SPAN_LINK_COUNT_LIMIT", Nobody),
    ("OTEL_BLRP_EXPORT_TIMEOUT", Nobody),
    ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", Nobody),
    ("OTEL_BLRP_MAX_QUEUE_SIZE", Nobody),
    ("OTEL_BLRP_SCHEDULE_DELAY", Nobody),
    ("OTEL_BSP_EXPORT_TIMEOUT", Nobody),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", Nobody),
    ("OTEL_BSP_MAX_QUEUE_SIZE", Nobody),
    ("OTEL_BSP_SCHEDULE_DELAY", Nobody),
    ("OTEL_TRACES_SAMPLER", Person("")),
    ("OTEL_TRACES_SAMPLER_ARG", Person("")),
    // An unsampled parent suppresses every span of a `-p` run.
    ("TRACEPARENT", PersonIfTraces),
    ("TRACESTATE", PersonIfTraces),
    // Projects cannot set the spans' switch; the person may.
    ("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", Untouched),
    ("ENABLE_ENHANCED_TELEMETRY_BETA", Untouched),
    ("OTEL_EXPORTER_PROMETHEUS_HOST", Untouched),
    ("OTEL_EXPORTER_PROMETHEUS_PORT", Untouched),
    // Not about the export to the organization.
    ("ANT_OTEL_EXPORTER_OTLP_ENDPOINT", Untouched),
    ("ANT_OTEL_EXPORTER_OTLP_HEADERS", Untouched),
    ("ANT_OTEL_EXPORTER_OTLP_PROTOCOL", Untouched),
    ("ANT_OTEL_LOGS_EXPORTER", Untouched),
    ("ANT_OTEL_METRICS_EXPORTER", Untouched),
    ("ANT_OTEL_RESOURCE_ATTRIBUTES", Untouched),
    ("ANT_OTEL_TRACES_EXPORTER", Untouched),
    ("CLAUDE_CODE_DATADOG_FLUSH_INTERVAL_MS", Untouched),
    ("CLAUDE_CODE_DISABLE_OTEL_EVENT_SKIP", Untouched),
    ("CLAUDE_CODE_ENABLE_FEEDBACK_SURVEY_FOR_OTEL", Untouched),
    ("CLAUDE_CODE_GB_DISK_CACHE_WHEN_TELEMETRY_OFF", Untouched),
    ("CLAUDE_CODE_OTEL_CONTENT_MAX_LENGTH", Untouched),
    ("CLAUDE_CODE_OTEL_DIAG_STDERR", Untouched),
    ("CLAUDE_CODE_OTEL_HEADERS_HELPER_DEBOUNCE_MS", Untouched),
    ("CLAUDE_CODE_PERFETTO_TRACE", Untouched),
    ("CLAUDE_CODE_PERFETTO_WRITE_INTERVAL_S", Untouched),
    ("CLAUDE_CODE_PROPAGATE_TRACEPARENT", Untouched),
    ("DISABLE_TELEMETRY", Untouched),
    ("DO_NOT_TRACK", Untouched),
    ("OTEL_SDK_DISABLED", Untouched),
];

/// What the table needs to know of a run.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// `http://127.0.0.1:PORT/r/RUN`, without a slash at the end.
    pub base: &'a str,
    /// The relay's token.
    pub token: &'a str,
    /// The person's own values, by name: environment, overlaid by user settings and their `--settings`.
    pub person: &'a BTreeMap<String, String>,
    /// How much of content.
    pub asked: Asked,
}

/// A value for each name: text, or `None` where it is to be removed.
///
/// Names that are left untouched are not in it.
pub fn assignments(run: Run<'_>) -> Vec<(&'static str, Option<String>)> {
    let traces = ["CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "ENABLE_ENHANCED_TELEMETRY_BETA"]
        .iter()
        .any(|name| run.person.get(*name).is_some_and(|value| is_on(value)));
    let person = |name: &str| run.person.get(name).filter(|value| !value.is_empty());
    NAMES
        .iter()
        .filter_map(|(name, rule)| {
            let value = match rule {
                Ours(value) => Some(ours(*value, name, run)),
                Person(default) => {
                    Some(person(name).cloned().unwrap_or_else(|| (*default).to_owned())).filter(|v| !v.is_empty())
                }
                PersonIfTraces if traces => person(name).cloned(),
                Nobody => None,
                PersonIfTraces | Untouched => return None,
            };
            Some((*name, value))
        })
        .collect()
}

fn ours(value: Value, name: &str, run: Run<'_>) -> String {
    let person = run.person.get(name).map(String::as_str).unwrap_or_default();
    match value {
        Value::Word(word) => word.to_owned(),
        Value::Endpoint => run.base.to_owned(),
        Value::Path(path) => format!("{}{path}", run.base),
        Value::Exporter => exporters("otlp", person),
        Value::Token => format!("{TOKEN_HEADER}={}", run.token),
        Value::Opens(level) => {
            let open = run.asked.level >= level && (!run.asked.as_the_person || is_on(person));
            if open { "1" } else { "0" }.to_owned()
        }
        Value::RawBodies if person.starts_with("file:") => person.to_owned(),
        Value::RawBodies if run.asked.level == CaptureLevel::Content && is_on(person) => "1".to_owned(),
        Value::RawBodies => "0".to_owned(),
    }
}

/// `first`, and whatever of `console` and `prometheus` the person has.
fn exporters(first: &str, person: &str) -> String {
    let others = person.split(',').map(str::trim).filter(|name| matches!(*name, "console" | "prometheus"));
    let list: Vec<&str> = Some(first).filter(|name| !name.is_empty()).into_iter().chain(others).collect();
    if list.is_empty() { "none".to_owned() } else { list.join(",") }
}

/// The exporters of a session that cannot be observed: the person's own local ones, and no OTLP.
pub fn exporters_without_otlp(person: &BTreeMap<String, String>) -> Vec<(&'static str, Option<String>)> {
    ["OTEL_LOGS_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_TRACES_EXPORTER"]
        .into_iter()
        .map(|name| (name, Some(exporters("", person.get(name).map(String::as_str).unwrap_or_default()))))
        .chain([("BETA_TRACING_ENDPOINT", None), ("ENABLE_BETA_TRACING_DETAILED", None)])
        .collect()
}

/// The environment of the child: the one given, in its order, with the assignments in place and without our own
/// variables (one of them may be a credential).
pub fn apply(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    assignments: &[(&'static str, Option<String>)],
) -> Vec<(OsString, OsString)> {
    let mut left: Vec<&(&'static str, Option<String>)> = assignments.iter().collect();
    let mut result: Vec<(OsString, OsString)> = Vec::new();
    for (name, value) in environment {
        if is_own(&name) {
            continue;
        }
        match left.iter().position(|(ours, _)| OsStr::new(ours) == name) {
            Some(index) => {
                if let (_, Some(value)) = left.swap_remove(index) {
                    result.push((name, value.into()));
                }
            }
            None if assignments.iter().any(|(ours, _)| OsStr::new(ours) == name) => {}
            None => result.push((name, value)),
        }
    }
    let mut added: Vec<_> =
        left.into_iter().filter_map(|(name, value)| Some((OsString::from(name), value.clone()?.into()))).collect();
    added.sort();
    result.append(&mut added);
    result
}

/// Whether a variable says something of telemetry.
pub fn is_telemetry(name: &OsStr) -> bool {
    NAMES.iter().any(|(known, rule)| *rule != Untouched && OsStr::new(known) == name)
}

/// Whether a variable is one of this program's.
pub fn is_own(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b"CC_OBSERVE_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn value(person: &BTreeMap<String, String>, name: &str) -> Option<String> {
        asked(person, name, Asked::default())
    }

    fn asked(person: &BTreeMap<String, String>, name: &str, asked: Asked) -> Option<String> {
        assignments(Run { base: "http://127.0.0.1:9/r/1", token: "t", person, asked })
            .into_iter()
            .find(|(known, _)| *known == name)
            .and_then(|(_, value)| value)
    }

    #[test]
    fn every_name_stands_in_the_table_once() {
        let mut names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_persons_other_exporters_stay_theirs() {
        let person = person(&[("OTEL_LOGS_EXPORTER", "console, otlp"), ("OTEL_METRICS_EXPORTER", "none")]);
        assert_eq!(value(&person, "OTEL_LOGS_EXPORTER").as_deref(), Some("otlp,console"));
        assert_eq!(value(&person, "OTEL_METRICS_EXPORTER").as_deref(), Some("otlp"));
        let without = exporters_without_otlp(&person);
        assert!(without.contains(&("OTEL_LOGS_EXPORTER", Some("console".to_owned()))));
        assert!(without.contains(&("OTEL_METRICS_EXPORTER", Some("none".to_owned()))));
    }

    const CONTENT: [&str; 3] = ["OTEL_LOG_USER_PROMPTS", "OTEL_LOG_ASSISTANT_RESPONSES", "OTEL_LOG_TOOL_CONTENT"];

    #[test]
    fn claude_is_asked_only_for_what_the_level_needs() {
        let none = BTreeMap::new();
        for level in [CaptureLevel::Metadata, CaptureLevel::Commands, CaptureLevel::Content] {
            let wanted = Asked { level, as_the_person: false };
            let get = |name| asked(&none, name, wanted);
            assert_eq!(get("OTEL_LOG_TOOL_DETAILS").as_deref(), Some("1"), "{level:?}: names come with it");
            let content = if level == CaptureLevel::Content { "1" } else { "0" };
            for name in CONTENT {
                assert_eq!(get(name).as_deref(), Some(content), "{level:?} {name}");
            }
            assert_eq!(get("OTEL_LOG_RAW_API_BODIES").as_deref(), Some("0"), "{level:?}: only if the person set it");
        }
    }

    #[test]
    fn content_stays_closed_whatever_the_person_opened() {
        let person = person(&[
            ("OTEL_LOG_USER_PROMPTS", "1"),
            ("OTEL_LOG_ASSISTANT_RESPONSES", "1"),
            ("OTEL_LOG_TOOL_CONTENT", "1"),
            ("OTEL_LOG_RAW_API_BODIES", "1"),
        ]);
        for name in CONTENT.into_iter().chain(["OTEL_LOG_RAW_API_BODIES"]) {
            assert_eq!(value(&person, name).as_deref(), Some("0"), "{name}");
            let content = Asked { level: CaptureLevel::Content, as_the_person: false };
            assert_eq!(asked(&person, name, content).as_deref(), Some("1"), "{name}");
        }
    }

    #[test]
    fn for_their_own_destination_a_person_is_asked_for_no_more_than_they_switched_on() {
        let wanted = Asked { level: CaptureLevel::Content, as_the_person: true };
        let person = person(&[("OTEL_LOG_USER_PROMPTS", "1"), ("OTEL_LOG_TOOL_CONTENT", "0")]);
        let get = |name| asked(&person, name, wanted);
        assert_eq!(get("OTEL_LOG_USER_PROMPTS").as_deref(), Some("1"));
        for name in ["OTEL_LOG_TOOL_DETAILS", "OTEL_LOG_TOOL_CONTENT", "OTEL_LOG_RAW_API_BODIES"] {
            assert_eq!(get(name).as_deref(), Some("0"), "{name}");
        }
    }

    #[test]
    fn the_child_gets_the_environment_in_its_order_and_nothing_of_ours() {
        let environment = [
            ("A", "1"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=FAKE"),
            ("CC_OBSERVE_ENDPOINT", "https://FAKE"),
            ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "x=FAKE"),
            ("B", "2"),
        ];
        let environment = environment.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let person = BTreeMap::new();
        let run = Run { base: "http://x", token: "t", person: &person, asked: Asked::default() };
        let child = apply(environment, &assignments(run));
        let names: Vec<_> = child.iter().take(3).map(|(name, _)| name.to_str().unwrap()).collect();
        assert_eq!(names, ["A", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_LOGS_HEADERS"]);
        assert!(!format!("{child:?}").contains("FAKE"));
    }
}

//! Builds a batch anew from what a policy gives, with its secrets masked. What is not named here does not exist in the
//! result.

mod attributes;
mod configured;
mod metrics;

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use self::configured::{Configured, IsConfigured};
use super::levels::Placement;
use super::levels::table::{self, Named, Rows};
use super::outcome::MAX_FINDINGS;
use super::policy::Policy;
use super::shape::Shape;
use super::{FoundIn, Masked, Origin, Outcome, Redacted, Redactor, Withheld, labels};
use crate::otlp::{Batch, Signal};

#[cfg(test)]
pub(super) use self::configured::MAX_RESOURCE_ATTRIBUTES;

/// The scope under which this program's own records stand.
pub(super) const OWN_SCOPE: &str = "cc_observe";

/// The scopes of Claude Code: `com.anthropic.claude_code` and what stands behind a dot. `service.name` would not do: a
/// checkout can change it.
const CLIENT_SCOPE: &str = "com.anthropic.claude_code";

/// What every event, metric and span of Claude Code begins with.
const CLIENT: &str = "claude_code.";

/// The longest text that is searched for secrets, in bytes. What is longer is dropped. The client sends 200 KB in one
/// value, and bodies as long as somebody asked for.
pub(super) const MAX_TEXT_BYTES: usize = 8 << 20;

/// How deep arrays and maps may be nested in a value. What is deeper is dropped.
pub(super) const MAX_DEPTH: usize = 16;

/// One pass over one batch.
pub(super) struct Walk<'a> {
    redactor: &'a Redactor,
    policy: &'a Policy,
    origin: Origin,
    withheld: Withheld,
    findings: Vec<FoundIn>,
    /// How many findings there was no room for.
    unlisted: u64,
    configured: Configured,
    signal: Signal,
    /// Where the pass is: the event, metric or span, without `claude_code.`; or `resource` or `scope`.
    event: Cow<'static, str>,
}

/// What stands below a resource and is no event.
const RESOURCE: &str = "resource";
const SCOPE: &str = "scope";

/// Whose records a scope holds.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Owner {
    Client,
    Us,
}

impl<'a> Walk<'a> {
    pub(super) fn new(redactor: &'a Redactor, policy: &'a Policy, origin: Origin, signal: Signal) -> Self {
        Self {
            redactor,
            policy,
            origin,
            withheld: Withheld::default(),
            findings: Vec::new(),
            unlisted: 0,
            configured: Configured::default(),
            signal,
            event: Cow::Borrowed(RESOURCE),
        }
    }

    pub(super) fn batch(mut self, batch: Batch) -> Outcome {
        let batch = match batch {
            Batch::Logs(request) => Batch::Logs(self.logs(request)),
            Batch::Metrics(request) => Batch::Metrics(self.metrics(request)),
            Batch::Traces(request) => Batch::Traces(self.traces(request)),
        };
        Outcome {
            batch: Redacted(batch),
            withheld: self.withheld,
            findings: self.findings,
            findings_unlisted: self.unlisted,
        }
    }

    fn logs(&mut self, request: ExportLogsServiceRequest) -> ExportLogsServiceRequest {
        let mut resource_logs = Vec::new();
        for from in request.resource_logs {
            let resource = self.resource(from.resource);
            let mut scope_logs = Vec::new();
            for from in from.scope_logs {
                let Some((scope, owner)) = self.scope(from.scope, from.log_records.len()) else { continue };
                let schema_url = self.schema(from.schema_url);
                let log_records = from.log_records.into_iter().map(|record| self.log_record(record, owner)).collect();
                scope_logs.push(ScopeLogs { scope: Some(scope), log_records, schema_url });
            }
            if !scope_logs.is_empty() {
                let schema_url = self.schema(from.schema_url);
                resource_logs.push(ResourceLogs { resource: Some(resource), scope_logs, schema_url });
            }
        }
        ExportLogsServiceRequest { resource_logs }
    }

    fn log_record(&mut self, from: LogRecord, owner: Owner) -> LogRecord {
        let prefix = match owner {
            Owner::Client => CLIENT,
            Owner::Us => "cc_observe.",
        };
        let name = match from.body.as_ref().and_then(|body| body.value.as_ref()) {
            Some(Value::StringValue(text)) => text.strip_prefix(prefix).filter(|name| Shape::Word.matches(name)),
            _ => None,
        };
        let is_name = name.is_some();
        let name = name.or_else(|| text_of(&from.attributes, "event.name")).unwrap_or_default().to_owned();
        let named = match owner {
            Owner::Client => table::event(&name),
            Owner::Us => table::own_event(&name),
        };
        self.event = short(named, name);
        let found_before = self.findings.len();
        let labels = match (owner, self.origin) {
            (Owner::Client, Origin::Client) => self.labels(&from.attributes),
            _ => Vec::new(),
        };
        let body = if is_name {
            from.body.map(|body| AnyValue { value: body.value })
        } else {
            from.body.and_then(|body| self.any("body", body, Placement::Content))
        };
        let mut attributes = self.attributes(from.attributes, rows(named));
        attributes.extend(labels);
        let severity_text = self.word("severity_text", from.severity_text);
        let event_name = self.word("event_name", from.event_name);
        self.identify(found_before, &attributes);
        LogRecord {
            time_unix_nano: from.time_unix_nano,
            observed_time_unix_nano: from.observed_time_unix_nano,
            severity_number: from.severity_number,
            severity_text,
            body,
            attributes,
            dropped_attributes_count: from.dropped_attributes_count,
            flags: from.flags,
            trace_id: id(from.trace_id, 16),
            span_id: id(from.span_id, 8),
            event_name,
        }
    }

    /// The names that the client gives only together with the payload, where nothing is wrong with them.
    fn labels(&self, attributes: &[KeyValue]) -> Vec<KeyValue> {
        let parameters = attributes.iter().find(|attribute| attribute.key == labels::SOURCE);
        let Some(parameters) = parameters.filter(|found| self.configured.holds(found) == IsConfigured::No) else {
            return Vec::new();
        };
        let mut labels = labels::of(&self.event, parameters);
        labels.retain(|(key, label)| {
            let harmless = guarded(|| self.redactor.text(label).1.is_empty()).unwrap_or(false);
            harmless && !self.policy.drop.attribute(&self.event, key)
        });
        let attribute = |(key, label): (&str, String)| KeyValue {
            key: key.to_owned(),
            value: Some(attributes::any(Value::StringValue(label))),
            ..KeyValue::default()
        };
        labels.into_iter().map(attribute).collect()
    }

    /// Says of the findings since then to which prompt, tool call and session they belong.
    fn identify(&mut self, found_before: usize, attributes: &[KeyValue]) {
        let Some(findings) = self.findings.get_mut(found_before..).filter(|findings| !findings.is_empty()) else {
            return;
        };
        let get = |key, shape: Shape| text_of(attributes, key).filter(|text| shape.matches(text)).map(str::to_owned);
        let prompt_id = get("prompt.id", Shape::Uuid);
        let tool_use_id = get("tool_use_id", table::TOOL_USE);
        let session_id = get("session.id", Shape::Uuid);
        for found in findings {
            found.prompt_id.clone_from(&prompt_id);
            found.tool_use_id.clone_from(&tool_use_id);
            found.session_id.clone_from(&session_id);
        }
    }

    fn traces(&mut self, request: ExportTraceServiceRequest) -> ExportTraceServiceRequest {
        let mut resource_spans = Vec::new();
        for from in request.resource_spans {
            let resource = self.resource(from.resource);
            let mut scope_spans = Vec::new();
            for from in from.scope_spans {
                let Some((scope, _)) = self.scope(from.scope, from.spans.len()) else { continue };
                let schema_url = self.schema(from.schema_url);
                let spans = from.spans.into_iter().map(|span| self.span(span)).collect();
                scope_spans.push(ScopeSpans { scope: Some(scope), spans, schema_url });
            }
            if !scope_spans.is_empty() {
                let schema_url = self.schema(from.schema_url);
                resource_spans.push(ResourceSpans { resource: Some(resource), scope_spans, schema_url });
            }
        }
        ExportTraceServiceRequest { resource_spans }
    }

    fn span(&mut self, from: Span) -> Span {
        let named = table::span(&from.name);
        self.event = short(named, from.name.clone());
        let found_before = self.findings.len();
        let span = Span {
            trace_id: id(from.trace_id, 16),
            span_id: id(from.span_id, 8),
            trace_state: self.written("trace_state", from.trace_state),
            parent_span_id: id(from.parent_span_id, 8),
            flags: from.flags,
            name: self.word("name", from.name),
            kind: from.kind,
            start_time_unix_nano: from.start_time_unix_nano,
            end_time_unix_nano: from.end_time_unix_nano,
            attributes: self.attributes(from.attributes, rows(named)),
            dropped_attributes_count: from.dropped_attributes_count,
            events: Vec::new(),
            dropped_events_count: from.dropped_events_count,
            links: from.links.into_iter().map(|link| self.span_link(link)).collect(),
            dropped_links_count: from.dropped_links_count,
            // The message of a status is free text: the API's error comes out there.
            status: from
                .status
                .map(|status| Status { code: status.code, message: self.written("status.message", status.message) }),
        };
        let events = from.events.into_iter().map(|event| self.span_event(event)).collect();
        self.identify(found_before, &span.attributes);
        Span { events, ..span }
    }

    fn span_event(&mut self, from: Event) -> Event {
        let named = table::span_event(&from.name);
        self.event = short(named, from.name.clone());
        Event {
            time_unix_nano: from.time_unix_nano,
            name: self.word("name", from.name),
            attributes: self.attributes(from.attributes, rows(named)),
            dropped_attributes_count: from.dropped_attributes_count,
        }
    }

    fn span_link(&mut self, from: Link) -> Link {
        Link {
            trace_id: id(from.trace_id, 16),
            span_id: id(from.span_id, 8),
            trace_state: self.written("trace_state", from.trace_state),
            attributes: self.attributes(from.attributes, &[]),
            dropped_attributes_count: from.dropped_attributes_count,
            flags: from.flags,
        }
    }

    fn resource(&mut self, from: Option<Resource>) -> Resource {
        let from = from.unwrap_or_default();
        let own: &[Rows] = match self.origin {
            Origin::Client => &[table::RESOURCE],
            Origin::Spool if is_instance(&from.attributes) => {
                &[table::RESOURCE, table::OWN_RESOURCE, table::OWN_INSTANCE]
            }
            Origin::Spool => &[table::RESOURCE, table::OWN_RESOURCE],
        };
        self.event = Cow::Borrowed(RESOURCE);
        self.configured = Configured::of(&from.attributes, own);
        Resource {
            attributes: self.attributes(from.attributes, own),
            dropped_attributes_count: from.dropped_attributes_count,
            ..Resource::default()
        }
    }

    fn scope(&mut self, from: Option<InstrumentationScope>, records: usize) -> Option<(InstrumentationScope, Owner)> {
        let from = from.unwrap_or_default();
        let behind = from.name.strip_prefix(CLIENT_SCOPE);
        let owner = match behind {
            Some(rest) if rest.is_empty() || rest.starts_with('.') && Shape::Word.matches(rest) => Owner::Client,
            _ if from.name == OWN_SCOPE && self.origin == Origin::Spool => Owner::Us,
            _ => {
                self.withheld.records += records as u64;
                return None;
            }
        };
        self.event = Cow::Borrowed(SCOPE);
        let scope = InstrumentationScope {
            name: from.name,
            version: self.word("version", from.version),
            attributes: self.attributes(from.attributes, &[]),
            dropped_attributes_count: from.dropped_attributes_count,
        };
        Some((scope, owner))
    }

    /// An enumeration value or technical name; whatever else stands there is text.
    fn word(&mut self, what: &'static str, text: String) -> String {
        if Shape::Word.matches(&text) { text } else { self.written(what, text) }
    }

    /// Schema URLs of the OpenTelemetry project say nothing; whatever else stands there is text.
    fn schema(&mut self, url: String) -> String {
        let version = url.strip_prefix("https://opentelemetry.io/schemas/");
        if version.is_some_and(|version| Shape::Word.matches(version)) { url } else { self.written("schema_url", url) }
    }

    /// Text outside of attributes, given from `commands` on.
    fn written(&mut self, what: &'static str, text: String) -> String {
        if text.is_empty() {
            return text;
        }
        let value = AnyValue { value: Some(Value::StringValue(text)) };
        match self.any(what, value, Placement::Commands).and_then(|any| any.value) {
            Some(Value::StringValue(text)) => text,
            _ => String::new(),
        }
    }

    /// A value outside of attributes.
    fn any(&mut self, what: &'static str, any: AnyValue, table: Placement) -> Option<AnyValue> {
        let value = any.value?;
        self.admit(Cow::Borrowed(what), table).then(|| self.value(what, value, 0)).flatten().map(attributes::any)
    }

    /// The text with its secrets masked, or none if it could not be searched.
    fn text(&mut self, key: &str, text: String) -> Option<String> {
        if text.len() > MAX_TEXT_BYTES {
            self.withheld.unreadable += 1;
            return None;
        }
        let (redactor, policy) = (self.redactor, self.policy);
        let searched = guarded(|| {
            let text = policy.identity.hide_users(&text, &redactor.key);
            let (redacted, masked) = redactor.value(key, &text);
            let changed = match redacted {
                Cow::Owned(redacted) => Some(redacted),
                Cow::Borrowed(_) => None,
            };
            let hidden = match text {
                Cow::Owned(hidden) => Some(hidden),
                Cow::Borrowed(_) => None,
            };
            (changed.or(hidden), masked)
        });
        let Some((changed, masked)) = searched else {
            self.withheld.unreadable += 1;
            return None;
        };
        self.found(key, masked);
        Some(changed.unwrap_or(text))
    }

    /// A name as it can be told. One that did not come from the table may be anything, also a secret.
    fn told(&self, name: Cow<'static, str>) -> Cow<'static, str> {
        if self.is_harmless(&name) { name } else { Cow::Borrowed("?") }
    }

    fn is_harmless(&self, name: &str) -> bool {
        !name.is_empty()
            && Shape::Word.matches(name)
            && guarded(|| self.redactor.text(name).1.is_empty()).unwrap_or(false)
    }

    fn found(&mut self, attribute: &str, masked: Vec<Masked>) {
        if masked.is_empty() {
            return;
        }
        let (event, attribute) = (self.told(self.event.clone()), self.told(Cow::Owned(attribute.to_owned())));
        let room = MAX_FINDINGS.saturating_sub(self.findings.len());
        self.unlisted += masked.len().saturating_sub(room) as u64;
        for Masked { rule, tag, .. } in masked.into_iter().take(room) {
            self.findings.push(FoundIn {
                rule,
                tag,
                signal: self.signal,
                event: event.clone(),
                attribute: attribute.clone(),
                prompt_id: None,
                tool_use_id: None,
                session_id: None,
            });
        }
    }
}

/// What a fault of ours leaves: nothing. The value is then dropped, and not the batch.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    // What the work borrows is only read.
    catch_unwind(AssertUnwindSafe(work)).ok()
}

/// The name as it stands in the table, or as it came; without `claude_code.`.
fn short(named: Option<Named>, name: String) -> Cow<'static, str> {
    match named {
        Some((known, _)) => Cow::Borrowed(known.strip_prefix(CLIENT).unwrap_or(known)),
        None => Cow::Owned(name.strip_prefix(CLIENT).map(str::to_owned).unwrap_or(name)),
    }
}

fn rows(named: Option<Named>) -> &'static [Rows] {
    named.map_or(&[], |(_, lists)| lists)
}

/// Whether the run is the instance of the service: then we have named it.
fn is_instance(resource: &[KeyValue]) -> bool {
    text_of(resource, table::RUN_ID).is_some_and(|run| text_of(resource, table::INSTANCE) == Some(run))
}

fn text_of<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    match attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

/// The id if it has the right number of bytes, else none.
fn id(bytes: Vec<u8>, length: usize) -> Vec<u8> {
    if bytes.len() == length { bytes } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_leaves_nothing() {
        assert_eq!(guarded(|| 1), Some(1));
        assert_eq!(guarded(|| -> u8 { panic!("FAULT, expected in this test") }), None);
    }
}

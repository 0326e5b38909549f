//! Spans to events: only what logs and metrics do not say.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use super::attributes::Attributes;
use super::kind::Kind;
use super::{Event, Moment, is_ours, names};

/// How often one request to the model was tried.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LlmAttempts {
    /// The span's id.
    pub id: Vec<u8>,
    /// At least 1.
    pub attempts: u64,
}

pub(super) fn read(request: &ExportTraceServiceRequest) -> Vec<Event> {
    let mut events = Vec::new();
    for resource in &request.resource_spans {
        let of_resource = Attributes(resource.resource.as_ref().map_or(&[], |resource| &resource.attributes));
        let client_version = of_resource.string("service.version");
        for scope in resource.scope_spans.iter().filter(|scope| !is_ours(scope.scope.as_ref())) {
            for span in &scope.spans {
                let attributes = Attributes(&span.attributes);
                let id = span.span_id.clone();
                events.push(Event {
                    time: Moment::from_unix_nanos(span.start_time_unix_nano),
                    session: attributes.string("session.id"),
                    prompt: None,
                    sequence: None,
                    client_version: client_version.clone(),
                    kind: if span.name == names::LLM_REQUEST {
                        let attempts = attributes.count("attempt").unwrap_or(1).max(1);
                        Kind::LlmRequestSpan(LlmAttempts { id, attempts })
                    } else {
                        Kind::Span { name: span.name.clone(), id }
                    },
                });
            }
        }
    }
    events
}

//! Log records to events.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::attributes::Attributes;
use super::decided::DecidedBy;
use super::kind::{ApiError, ApiRequest, Compaction, Kind, SubagentCompleted, ToolDecision, ToolResult};
use super::{Event, Moment, NanoUsd, Tokens, is_ours, names};

pub(super) fn read(request: &ExportLogsServiceRequest) -> Vec<Event> {
    let mut events = Vec::new();
    for resource in &request.resource_logs {
        let of_resource = Attributes(resource.resource.as_ref().map_or(&[], |resource| &resource.attributes));
        let client_version = of_resource.string("service.version");
        for scope in resource.scope_logs.iter().filter(|scope| !is_ours(scope.scope.as_ref())) {
            for record in &scope.log_records {
                let attributes = Attributes(&record.attributes);
                events.push(Event {
                    time: Moment::from_unix_nanos(record.time_unix_nano)
                        .or_else(|| Moment::from_unix_nanos(record.observed_time_unix_nano)),
                    session: attributes.string("session.id"),
                    prompt: attributes.string("prompt.id"),
                    sequence: attributes.count("event.sequence"),
                    client_version: client_version.clone(),
                    kind: kind(name(record), attributes),
                });
            }
        }
    }
    events
}

/// The event's name without `claude_code.`, from wherever the record has it; empty if it has none.
pub(super) fn name(record: &LogRecord) -> &str {
    let body = match record.body.as_ref().and_then(|body| body.value.as_ref()) {
        Some(Value::StringValue(body)) => body.strip_prefix(names::PREFIX),
        _ => None,
    };
    // `event.name` first: resource attributes of the person's environment cannot overwrite it (BEHAVIOUR, section 1).
    Attributes(&record.attributes)
        .str("event.name")
        .or(body)
        .map_or(record.event_name.as_str(), |name| name.strip_prefix(names::PREFIX).unwrap_or(name))
}

fn kind(name: &str, attributes: Attributes<'_>) -> Kind {
    match name {
        names::API_REQUEST => Kind::ApiRequest(ApiRequest {
            model: attributes.text("model"),
            cost: cost(attributes),
            tokens: Tokens {
                input: attributes.count("input_tokens").unwrap_or(0),
                output: attributes.count("output_tokens").unwrap_or(0),
                cache_read: attributes.count("cache_read_tokens").unwrap_or(0),
                cache_creation: attributes.count("cache_creation_tokens").unwrap_or(0),
            },
            duration: attributes.millis("duration_ms"),
            query_source: attributes.string("query_source"),
            agent: attributes.string("agent.name"),
            request_id: attributes.string("request_id"),
        }),
        names::API_ERROR => Kind::ApiError(ApiError {
            status: attributes.count("status_code"),
            attempts: attributes.count("attempt").unwrap_or(1).max(1),
            request_id: attributes.string("request_id"),
        }),
        names::API_RETRIES_EXHAUSTED => {
            Kind::ApiRetriesExhausted { attempts: attributes.count("total_attempts").unwrap_or(1).max(1) }
        }
        names::API_REFUSAL => Kind::ApiRefusal,
        names::TOOL_DECISION => Kind::ToolDecision(decision(attributes)),
        names::TOOL_RESULT => Kind::ToolResult(ToolResult {
            tool: attributes.text("tool_name"),
            tool_use_id: attributes.string("tool_use_id"),
            success: attributes.flag("success").unwrap_or(true),
            duration: attributes.millis("duration_ms"),
        }),
        names::USER_PROMPT => Kind::UserPrompt { command: attributes.string("command_name") },
        names::ASSISTANT_RESPONSE => Kind::AssistantResponse,
        names::COMPACTION => Kind::Compaction(Compaction {
            success: attributes.flag("success").unwrap_or(true),
            trigger: attributes.text("trigger"),
        }),
        names::SUBAGENT_COMPLETED => Kind::SubagentCompleted(SubagentCompleted {
            agent: attributes.text("agent_type"),
            duration: attributes.millis("duration_ms"),
            tool_uses: attributes.count("total_tool_uses").unwrap_or(0),
        }),
        names::SKILL_ACTIVATED => Kind::SkillActivated { name: attributes.text("skill.name") },
        names::PERMISSION_MODE_CHANGED => Kind::PermissionModeChanged { to: attributes.text("to_mode") },
        name => Kind::Other { name: name.to_owned() },
    }
}

pub(super) fn decision(attributes: Attributes<'_>) -> ToolDecision {
    ToolDecision {
        tool: attributes.text("tool_name"),
        tool_use_id: attributes.string("tool_use_id"),
        rejected: attributes.str("decision") == Some("reject"),
        source: attributes.text("source"),
        permission_mode: attributes.string("permission_mode"),
        decided_by: attributes.str(names::OUR_DECIDED_BY).and_then(DecidedBy::parse),
    }
}

/// `cost_usd`, or the `cost_usd_micros` that are rounded per request.
fn cost(attributes: Attributes<'_>) -> NanoUsd {
    match attributes.number("cost_usd") {
        Some(dollars) => NanoUsd::from_dollars(dollars),
        None => NanoUsd::from_micros(attributes.count("cost_usd_micros").unwrap_or(0)),
    }
}

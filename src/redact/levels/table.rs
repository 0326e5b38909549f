//! The levels as one table: which attribute of which event, metric and span is given from which capture level on.
//!
//! An attribute that is not here is given at `content` only, until a release or a configuration places it. Names and
//! types are those that Claude Code 2.1.330 was seen to send, and those its documentation lists beyond that
//! (<https://code.claude.com/docs/en/monitoring-usage>).

use super::Given::{self, Commands, Content, Metadata};
use crate::redact::shape::Shape::{
    self, Conversation, Count, Email, Flag, Hash, Id, Name, Person, Revision, Time, Url, Uuid, Word, Words,
};

/// Attributes, each with what it takes to be given.
pub(in crate::redact) type Rows = &'static [(&'static str, Given)];

const REQUEST: Shape = Id(&["req_"]);
pub(in crate::redact) const TOOL_USE: Shape = Id(&["toolu_", "srvtoolu_", "call_"]);
const MESSAGE: Shape = Id(&["msg_"]);
const AGENT: Shape = Hash("a");

/// Resource attributes that Claude Code sets itself.
pub(in crate::redact) const RESOURCE: Rows = &[
    ("host.arch", Metadata(Word)),
    ("host.id", Metadata(Word)),
    ("host.name", Metadata(Name)),
    ("os.type", Metadata(Word)),
    ("os.version", Metadata(Name)),
    ("service.name", Metadata(Name)),
    ("service.version", Metadata(Word)),
    ("wsl.version", Metadata(Word)),
];

/// Attributes that this program adds to a resource, and finds there again when it reads its own spool.
pub(in crate::redact) const OWN_RESOURCE: Rows = &[
    (POLICY_HASH, Metadata(Revision)),
    (RUN_ID, Metadata(Uuid)),
    ("cc_observe.version", Metadata(Word)),
    ("cicd.pipeline.name", Metadata(Name)),
    ("cicd.pipeline.run.id", Metadata(Name)),
    ("cicd.pipeline.run.url.full", Metadata(Url)),
    ("cicd.pipeline.task.name", Metadata(Name)),
    ("cicd.provider.name", Metadata(Word)),
    ("vcs.owner.name", Metadata(Name)),
    ("vcs.provider.name", Metadata(Word)),
    ("vcs.ref.head.name", Metadata(Name)),
    ("vcs.ref.head.type", Metadata(Word)),
    ("vcs.repository.name", Metadata(Name)),
    ("vcs.repository.url.full", Metadata(Url)),
];

/// What this program adds to the resource of metrics that are added up. It is ours where it is the id of the run: anybody
/// can have configured one of their own.
pub(in crate::redact) const OWN_INSTANCE: Rows = &[(INSTANCE, Metadata(Uuid))];

/// The instance of a service (OpenTelemetry semantic conventions, "Service").
pub(in crate::redact) const INSTANCE: &str = "service.instance.id";

/// The policy by which something was told.
pub(in crate::redact) const POLICY_HASH: &str = "cc_observe.policy_hash";

/// The run that something is from.
pub(in crate::redact) const RUN_ID: &str = "cc_observe.run_id";

/// Attributes that this program adds to records of the client.
pub(in crate::redact) const OWN_RECORD: Rows = &[
    ("cc_observe.decided_by", Metadata(Word)),
    ("cc_observe.mcp_server", Metadata(Name)),
    ("cc_observe.mcp_tool", Metadata(Name)),
    ("cc_observe.program", Metadata(Word)),
    ("cc_observe.skill", Metadata(Name)),
    ("cc_observe.subagent_type", Metadata(Name)),
];

/// Attributes of every event, data point and span.
pub(in crate::redact) const COMMON: Rows = &[
    ("agent_id", Metadata(AGENT)),
    ("anthropic.custom_base_url", Metadata(Flag)),
    ("anthropic.provider", Metadata(Word)),
    ("app.entrypoint", Metadata(Word)),
    ("app.version", Metadata(Word)),
    ("event.name", Metadata(Word)),
    ("event.sequence", Metadata(Count)),
    ("event.timestamp", Metadata(Time)),
    ("identity.source", Metadata(Word)),
    ("organization.id", Metadata(Uuid)),
    ("parent_agent_id", Metadata(AGENT)),
    ("prompt.id", Metadata(Uuid)),
    ("session.id", Metadata(Uuid)),
    ("terminal.type", Metadata(Word)),
    ("user.account_id", Metadata(Id(&["user_"]))),
    ("user.account_uuid", Metadata(Uuid)),
    ("user.email", Metadata(Email)),
    ("user.id", Metadata(Person)),
    ("workflow.name", Metadata(Name)),
    ("workflow.run_id", Metadata(Word)),
];

/// What made a request: on API events and on the cost and token metrics.
pub(in crate::redact) const ATTRIBUTION: Rows = &[
    ("agent.name", Metadata(Name)),
    ("marketplace.name", Metadata(Name)),
    ("mcp_server.name", Metadata(Name)),
    ("mcp_tool.name", Metadata(Name)),
    ("plugin.name", Metadata(Name)),
    ("skill.name", Metadata(Name)),
];

const API: Rows = &[
    ("attempt", Metadata(Count)),
    ("client_request_id", Metadata(Uuid)),
    ("duration_ms", Metadata(Count)),
    ("effort", Metadata(Word)),
    ("model", Metadata(Name)),
    ("query_source", Metadata(Name)),
    ("request_id", Metadata(REQUEST)),
    ("speed", Metadata(Word)),
    ("status_code", Metadata(Count)),
];

/// What the model's server said, in its own words.
const ERROR: Rows = &[("error", Commands)];

const BODY: Rows = &[
    ("body", Content),
    ("body_length", Metadata(Count)),
    ("body_ref", Content),
    ("body_truncated", Metadata(Flag)),
    ("message.id", Metadata(MESSAGE)),
    ("message.uuid", Metadata(Uuid)),
    ("model", Metadata(Name)),
    ("query_source", Metadata(Name)),
    ("request_body_id", Metadata(Uuid)),
    ("request_id", Metadata(REQUEST)),
];

const HOOK: Rows = &[
    ("additional_context_chars", Metadata(Count)),
    ("hook_definitions", Commands),
    ("hook_event", Metadata(Word)),
    ("hook_matcher", Commands),
    ("hook_name", Metadata(Name)),
    ("hook_source", Metadata(Word)),
    ("hook_type", Metadata(Word)),
    ("initial_user_message_chars", Metadata(Count)),
    ("managed_only", Metadata(Flag)),
    ("num_blocking", Metadata(Count)),
    ("num_cancelled", Metadata(Count)),
    ("num_hooks", Metadata(Count)),
    ("num_non_blocking_error", Metadata(Count)),
    ("num_outputs_persisted", Metadata(Count)),
    ("num_success", Metadata(Count)),
    ("plugin.name", Metadata(Name)),
    ("plugin_id_hash", Metadata(Hash(""))),
    ("safe_mode", Metadata(Flag)),
    ("stdout_chars", Metadata(Count)),
    ("system_message_chars", Metadata(Count)),
    ("total_duration_ms", Metadata(Count)),
];

const PLUGIN: Rows = &[
    ("agent_path_count", Metadata(Count)),
    ("command_path_count", Metadata(Count)),
    ("enabled_via", Metadata(Word)),
    ("has_hooks", Metadata(Flag)),
    ("has_mcp", Metadata(Flag)),
    ("host_owned_mcp", Metadata(Flag)),
    ("install.trigger", Metadata(Word)),
    ("marketplace.is_official", Metadata(Flag)),
    ("marketplace.name", Metadata(Name)),
    ("plugin.name", Metadata(Name)),
    ("plugin.scope", Metadata(Word)),
    ("plugin.version", Metadata(Word)),
    ("plugin_id_hash", Metadata(Hash(""))),
    ("safe_mode", Metadata(Flag)),
    ("skill_path_count", Metadata(Count)),
];

const TOOL_CALL: Rows = &[
    ("classifier_verdict", Metadata(Word)),
    ("decision", Metadata(Word)),
    ("decision_source", Metadata(Word)),
    ("decision_type", Metadata(Word)),
    ("duration_ms", Metadata(Count)),
    ("error", Commands),
    ("error_type", Metadata(Word)),
    ("mcp_server_scope", Metadata(Word)),
    ("permission_mode", Metadata(Word)),
    ("request_id", Metadata(REQUEST)),
    ("source", Metadata(Word)),
    ("success", Metadata(Flag)),
    ("tool_input", Commands),
    ("tool_input_size_bytes", Metadata(Count)),
    ("tool_name", Metadata(Name)),
    ("tool_parameters", Commands),
    ("tool_result_size_bytes", Metadata(Count)),
    ("tool_source", Metadata(Word)),
    ("tool_use_id", Metadata(TOOL_USE)),
    ("vcs.ref.head.name", Commands),
    ("vcs.ref.head.revision", Metadata(Revision)),
    ("vcs.ref.head.type", Metadata(Word)),
];

/// What each event may carry beside [`COMMON`], by the name behind `claude_code.`.
pub(super) const EVENTS: &[(&str, &[Rows])] = &[
    ("api_error", &[API, ATTRIBUTION, ERROR]),
    (
        "api_refusal",
        &[
            API,
            ATTRIBUTION,
            &[
                ("category", Metadata(Word)),
                ("has_category", Metadata(Flag)),
                ("has_explanation", Metadata(Flag)),
                ("server_fallback_hop", Metadata(Flag)),
                ("explanation", Content),
            ],
        ],
    ),
    (
        "api_request",
        &[
            API,
            ATTRIBUTION,
            &[
                ("cache_creation_1h_tokens", Metadata(Count)),
                ("cache_creation_5m_tokens", Metadata(Count)),
                ("cache_creation_tokens", Metadata(Count)),
                ("cache_read_tokens", Metadata(Count)),
                ("cost_usd", Metadata(Count)),
                ("cost_usd_micros", Metadata(Count)),
                ("input_tokens", Metadata(Count)),
                ("output_tokens", Metadata(Count)),
                ("ttft_ms", Metadata(Count)),
            ],
        ],
    ),
    ("api_request_body", &[BODY]),
    ("api_response_body", &[BODY]),
    (
        "api_retries_exhausted",
        &[
            API,
            ATTRIBUTION,
            ERROR,
            &[("total_attempts", Metadata(Count)), ("total_retry_duration_ms", Metadata(Count))],
        ],
    ),
    ("assistant_response", &[BODY, &[("response", Content), ("response_length", Metadata(Count))]]),
    ("at_mention", &[&[("mention_type", Metadata(Word)), ("success", Metadata(Flag))]]),
    (
        "auth",
        &[&[
            ("action", Metadata(Word)),
            ("auth_method", Metadata(Word)),
            ("error_category", Metadata(Word)),
            ("status_code", Metadata(Count)),
            ("success", Metadata(Flag)),
        ]],
    ),
    (
        "compaction",
        &[&[
            ("duration_ms", Metadata(Count)),
            ("post_tokens", Metadata(Count)),
            ("pre_tokens", Metadata(Count)),
            ("precompute_reuse", Metadata(Word)),
            ("success", Metadata(Flag)),
            ("trigger", Metadata(Word)),
        ]],
    ),
    (
        "feedback_survey",
        &[&[
            ("appearance_id", Metadata(Uuid)),
            ("enabled_via_override", Metadata(Flag)),
            ("event_type", Metadata(Word)),
            ("response", Metadata(Word)),
            ("survey_type", Metadata(Word)),
        ]],
    ),
    ("hook_execution_complete", &[HOOK]),
    ("hook_execution_start", &[HOOK]),
    ("hook_plugin_metrics", &[HOOK]),
    ("hook_registered", &[HOOK]),
    ("internal_error", &[&[("error_code", Metadata(Word)), ("error_name", Metadata(Word))]]),
    (
        "managed_settings_resolved",
        &[&[
            ("error.type", Metadata(Word)),
            ("managed_settings.helper.applied", Metadata(Word)),
            ("managed_settings.helper.state", Metadata(Word)),
            ("managed_settings.resolved_sha256", Metadata(Hash(""))),
            ("managed_settings.settings", Content),
            ("managed_settings.settings_truncated", Metadata(Flag)),
            ("managed_settings.source_behavior", Metadata(Word)),
            ("managed_settings.sources", Metadata(Words)),
            ("managed_settings.trigger", Metadata(Word)),
        ]],
    ),
    (
        "mcp_server_connection",
        &[&[
            ("duration_ms", Metadata(Count)),
            ("error", Commands),
            ("error_code", Metadata(Word)),
            ("is_plugin", Metadata(Flag)),
            ("plugin.name", Metadata(Name)),
            ("plugin_id_hash", Metadata(Hash(""))),
            ("server_name", Metadata(Name)),
            ("server_scope", Metadata(Word)),
            ("status", Metadata(Word)),
            ("transport_type", Metadata(Word)),
        ]],
    ),
    (
        "permission_mode_changed",
        &[&[("from_mode", Metadata(Word)), ("to_mode", Metadata(Word)), ("trigger", Metadata(Word))]],
    ),
    ("plugin_installed", &[PLUGIN]),
    ("plugin_loaded", &[PLUGIN]),
    (
        "retention_sweep",
        &[&[
            ("artifacts_deleted", Metadata(Count)),
            ("error_count", Metadata(Count)),
            ("files_past_cutoff", Metadata(Count)),
            ("files_retained_fresh", Metadata(Count)),
            ("history_entries_pruned", Metadata(Count)),
            ("period_days", Metadata(Count)),
            ("result", Metadata(Word)),
            ("session_files_deleted", Metadata(Count)),
            ("skip_reason", Metadata(Word)),
            ("transcripts_deleted", Metadata(Count)),
            ("transcripts_exempted_desktop", Metadata(Count)),
            ("used_default", Metadata(Flag)),
        ]],
    ),
    (
        "safety_event",
        &[
            TOOL_CALL,
            &[
                ("classifier_category", Metadata(Word)),
                ("sandbox_enabled", Metadata(Flag)),
                ("sandbox_violation_count", Metadata(Count)),
            ],
        ],
    ),
    (
        "skill_activated",
        &[
            ATTRIBUTION,
            &[("invocation_trigger", Metadata(Word)), ("skill.kind", Metadata(Word)), ("skill.source", Metadata(Word))],
        ],
    ),
    (
        "subagent_completed",
        &[&[
            ("agent.source", Metadata(Word)),
            ("agent_type", Metadata(Name)),
            ("duration_ms", Metadata(Count)),
            ("final_model", Metadata(Name)),
            ("is_async", Metadata(Flag)),
            ("is_built_in", Metadata(Flag)),
            ("model", Metadata(Name)),
            ("model_swapped", Metadata(Flag)),
            ("plugin.name", Metadata(Name)),
            ("plugin_id_hash", Metadata(Hash(""))),
            ("total_tokens", Metadata(Count)),
            ("total_tool_uses", Metadata(Count)),
        ]],
    ),
    (
        "system_prompt",
        &[&[
            ("system_prompt", Content),
            ("system_prompt_hash", Metadata(Hash("sp_"))),
            ("system_prompt_length", Metadata(Count)),
        ]],
    ),
    ("tool", &[&[("tool", Content), ("tool_hash", Metadata(Hash(""))), ("tool_name", Metadata(Name))]]),
    ("tool_decision", &[TOOL_CALL]),
    ("tool_result", &[TOOL_CALL]),
    (
        "user_prompt",
        &[&[
            ("command_name", Metadata(Name)),
            ("command_source", Metadata(Word)),
            ("prompt", Content),
            ("prompt_text", Content),
            ("message.uuid", Metadata(Uuid)),
            ("prompt_length", Metadata(Count)),
        ]],
    ),
];

/// What the records of this program itself may carry, by the name behind `cc_observe.`.
pub(super) const OWN_EVENTS: &[(&str, &[Rows])] = &[
    (
        "finding",
        &[&[
            ("attribute", Metadata(Word)),
            ("event", Metadata(Word)),
            ("rule", Metadata(Word)),
            ("signal", Metadata(Word)),
            ("tag", Metadata(Word)),
            ("tool_use_id", Metadata(TOOL_USE)),
        ]],
    ),
    ("findings_left_out", &[&[("count", Metadata(Count))]]),
    (
        "run_ended",
        &[&[
            ("attributes_withheld", Metadata(Count)),
            ("batches_delivered", Metadata(Count)),
            ("batches_dropped", Metadata(Count)),
            ("batches_queued", Metadata(Count)),
            ("dropped_by_configuration", Metadata(Count)),
            ("duration_ms", Metadata(Count)),
            ("events_missing", Metadata(Count)),
            ("exit_code", Metadata(Count)),
            ("exit_signal", Metadata(Count)),
            ("logs_received", Metadata(Count)),
            ("metrics_received", Metadata(Count)),
            ("records_delivered", Metadata(Count)),
            ("records_dropped", Metadata(Count)),
            ("relay_restarted", Metadata(Flag)),
            ("requests_refused", Metadata(Count)),
            ("secrets_masked", Metadata(Count)),
            ("secrets_masked_places", Metadata(Count)),
            ("traces_received", Metadata(Count)),
            ("unobserved", Metadata(Flag)),
            ("values_unreadable", Metadata(Count)),
        ]],
    ),
    (
        "withheld",
        &[&[("attributes", Metadata(Words)), ("attributes_more", Metadata(Count)), ("capture", Metadata(Word))]],
    ),
    (
        "run_started",
        &[&[
            ("capture", Metadata(Word)),
            ("interactive", Metadata(Flag)),
            ("launch", Metadata(Word)),
            ("unobserved", Metadata(Flag)),
        ]],
    ),
];

/// What a data point of each metric may carry beside [`COMMON`].
pub(super) const METRICS: &[(&str, &[Rows])] = &[
    ("claude_code.active_time.total", &[&[("type", Metadata(Word))]]),
    (
        "claude_code.code_edit_tool.decision",
        &[&[
            ("decision", Metadata(Word)),
            ("language", Metadata(Name)),
            ("source", Metadata(Word)),
            ("tool_name", Metadata(Name)),
        ]],
    ),
    ("claude_code.commit.count", &[]),
    ("claude_code.cost.usage", &[ATTRIBUTION, COST]),
    ("claude_code.lines_of_code.count", &[&[("model", Metadata(Name)), ("type", Metadata(Word))]]),
    ("claude_code.pull_request.count", &[]),
    ("claude_code.session.count", &[&[("start_type", Metadata(Word))]]),
    ("claude_code.token.usage", &[ATTRIBUTION, COST]),
];

const COST: Rows = &[
    ("effort", Metadata(Word)),
    ("model", Metadata(Name)),
    ("query_source", Metadata(Name)),
    ("speed", Metadata(Word)),
    ("type", Metadata(Word)),
];

const SPAN_COMMON: Rows = &[
    ("duration_ms", Metadata(Count)),
    ("gen_ai.conversation.id", Metadata(Conversation)),
    ("gen_ai.operation.name", Metadata(Word)),
    ("gen_ai.provider.name", Metadata(Word)),
    ("gen_ai.tool.call.id", Metadata(TOOL_USE)),
    ("span.type", Metadata(Word)),
    ("success", Metadata(Flag)),
    ("tool_use_id", Metadata(TOOL_USE)),
];

/// What each span may carry beside [`COMMON`].
pub(super) const SPANS: &[(&str, &[Rows])] = &[
    ("claude_code.hook", &[SPAN_COMMON, HOOK]),
    (
        "claude_code.interaction",
        &[
            SPAN_COMMON,
            &[
                ("interaction.duration_ms", Metadata(Count)),
                ("interaction.sequence", Metadata(Count)),
                ("new_context", Content),
                ("parent.source", Metadata(Word)),
                ("queued_sends", Metadata(Count)),
                ("user_prompt", Content),
                ("user_prompt_length", Metadata(Count)),
            ],
        ],
    ),
    (
        "claude_code.llm_request",
        &[
            SPAN_COMMON,
            API,
            ATTRIBUTION,
            ERROR,
            &[
                ("cache_creation_tokens", Metadata(Count)),
                ("cache_read_tokens", Metadata(Count)),
                ("error_class", Metadata(Word)),
                ("first_content_ms", Metadata(Count)),
                ("gen_ai.request.model", Metadata(Name)),
                ("gen_ai.response.finish_reasons", Metadata(Words)),
                ("gen_ai.response.id", Metadata(REQUEST)),
                ("gen_ai.system", Metadata(Word)),
                ("input_tokens", Metadata(Count)),
                ("llm_request.context", Metadata(Word)),
                ("new_context", Content),
                ("new_context_message_count", Metadata(Count)),
                ("output_tokens", Metadata(Count)),
                ("query_source_safe", Metadata(Name)),
                ("response.has_tool_call", Metadata(Flag)),
                ("response.model_output", Content),
                ("stop_reason", Metadata(Word)),
                ("system_prompt_hash", Metadata(Hash("sp_"))),
                ("system_prompt_length", Metadata(Count)),
                ("system_prompt_preview", Content),
                ("system_reminders", Content),
                ("system_reminders_count", Metadata(Count)),
                ("tools", Commands),
                ("tools_count", Metadata(Count)),
                ("ttft_ms", Metadata(Count)),
                ("user_system_prompt", Content),
            ],
        ],
    ),
    (
        "claude_code.tool",
        &[
            SPAN_COMMON,
            TOOL_CALL,
            &[
                ("anthropic.mcp.server.name", Metadata(Name)),
                ("bash_argv0", Metadata(Word)),
                ("bash_command_class", Metadata(Word)),
                ("file_path", Commands),
                ("full_command", Commands),
                ("gen_ai.tool.name", Metadata(Name)),
                ("new_context", Content),
                ("result_tokens", Metadata(Count)),
                ("skill_name", Metadata(Name)),
                ("subagent_type", Metadata(Name)),
                ("tool_name_safe", Metadata(Name)),
            ],
        ],
    ),
    ("claude_code.tool.blocked_on_user", &[SPAN_COMMON, &[("decision", Metadata(Word)), ("source", Metadata(Word))]]),
    (
        "claude_code.tool.execution",
        &[SPAN_COMMON, ERROR, &[("error.type", Metadata(Word)), ("error_class", Metadata(Word))]],
    ),
];

/// What each event on a span may carry.
pub(super) const SPAN_EVENTS: &[(&str, &[Rows])] = &[
    ("gen_ai.request.attempt", &[&[("attempt", Metadata(Count))]]),
    (
        "tool.output",
        &[&[
            ("bash_command", Commands),
            ("content", Content),
            ("diff", Content),
            ("file_path", Commands),
            ("output", Content),
        ]],
    ),
];

/// What the client calls its metrics, word for word; another description does not pass.
const DESCRIPTIONS: &[(&str, &str)] = &[
    ("claude_code.active_time.total", "Total active time in seconds"),
    (
        "claude_code.code_edit_tool.decision",
        "Count of code editing tool permission decisions (accept/reject) for Edit, Write, and NotebookEdit tools",
    ),
    ("claude_code.commit.count", "Number of git commits created"),
    ("claude_code.cost.usage", "Cost of the Claude Code session"),
    (
        "claude_code.lines_of_code.count",
        "Count of lines of code modified, with the 'type' attribute indicating whether lines were added or removed and \
         the 'model' attribute indicating which model made the change",
    ),
    ("claude_code.pull_request.count", "Number of pull requests created"),
    ("claude_code.session.count", "Count of CLI sessions started"),
    ("claude_code.token.usage", "Number of tokens used"),
];

/// The rows of a name: as it stands in the table, and its lists.
pub(in crate::redact) type Named = (&'static str, &'static [Rows]);

/// An event of the client, by the name behind `claude_code.`.
pub(in crate::redact) fn event(name: &str) -> Option<Named> {
    find(EVENTS, name)
}

/// An event of this program, by the name behind `cc_observe.`.
pub(in crate::redact) fn own_event(name: &str) -> Option<Named> {
    find(OWN_EVENTS, name)
}

/// A metric, by its whole name.
pub(in crate::redact) fn metric(name: &str) -> Option<Named> {
    find(METRICS, name)
}

/// A span, by its whole name.
pub(in crate::redact) fn span(name: &str) -> Option<Named> {
    find(SPANS, name)
}

/// An event on a span.
pub(in crate::redact) fn span_event(name: &str) -> Option<Named> {
    find(SPAN_EVENTS, name)
}

/// Whether this is the description that the client gives this metric.
pub(in crate::redact) fn is_description(metric: &str, text: &str) -> bool {
    DESCRIPTIONS.contains(&(metric, text))
}

fn find(table: &'static [Named], name: &str) -> Option<Named> {
    table.iter().find(|(known, _)| *known == name).copied()
}

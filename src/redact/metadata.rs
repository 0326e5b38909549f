//! The capture level `metadata` as a table: what may pass, by event, metric and span. Everything else is dropped.
//!
//! A new attribute of a new client version is closed until it is opened here. Names and types are those that
//! Claude Code 2.1.330 was seen to send, and those its documentation lists beyond that
//! (<https://code.claude.com/docs/en/monitoring-usage>).

use super::shape::Shape::{self, Count, Email, Flag, Hash, Id, Name, Person, Time, Url, Uuid, Word, Words};

/// An attribute that may pass if its value has the shape.
pub(super) type Allowed = &'static [(&'static str, Shape)];

const REQUEST: Shape = Id(&["req_"]);
/// How the ids of tool calls begin.
pub(super) const TOOL_USE_IDS: &[&str] = &["toolu_", "srvtoolu_", "call_"];
const TOOL_USE: Shape = Id(TOOL_USE_IDS);
const MESSAGE: Shape = Id(&["msg_"]);
const AGENT: Shape = Hash("a");

/// Resource attributes that Claude Code sets itself.
pub(super) const RESOURCE: Allowed = &[
    ("host.arch", Word),
    ("host.id", Word),
    ("host.name", Name),
    ("os.type", Word),
    ("os.version", Name),
    ("service.name", Name),
    ("service.version", Word),
    ("wsl.version", Word),
];

/// Attributes that this program adds to a resource, and finds there again when it reads its own spool.
pub(super) const OWN_RESOURCE: Allowed = &[
    ("cc_observe.run_id", Uuid),
    ("cc_observe.version", Word),
    ("cicd.pipeline.name", Name),
    ("cicd.pipeline.run.id", Name),
    ("cicd.pipeline.run.url.full", Url),
    ("cicd.pipeline.task.name", Name),
    ("cicd.provider.name", Word),
    ("vcs.owner.name", Name),
    ("vcs.provider.name", Word),
    ("vcs.ref.head.name", Name),
    ("vcs.ref.head.type", Word),
    ("vcs.repository.name", Name),
    ("vcs.repository.url.full", Url),
];

/// Attributes that this program adds to records of the client.
pub(super) const OWN_RECORD: Allowed = &[("cc_observe.decided_by", Word)];

/// Attributes of every event, data point and span.
pub(super) const COMMON: Allowed = &[
    ("agent_id", AGENT),
    ("anthropic.custom_base_url", Flag),
    ("anthropic.provider", Word),
    ("app.entrypoint", Word),
    ("app.version", Word),
    ("event.name", Word),
    ("event.sequence", Count),
    ("event.timestamp", Time),
    ("identity.source", Word),
    ("organization.id", Uuid),
    ("parent_agent_id", AGENT),
    ("prompt.id", Uuid),
    ("session.id", Uuid),
    ("terminal.type", Word),
    ("user.account_id", Id(&["user_"])),
    ("user.account_uuid", Uuid),
    ("user.email", Email),
    ("user.id", Person),
    ("workflow.name", Name),
    ("workflow.run_id", Word),
];

/// What made a request: on API events and on the cost and token metrics.
pub(super) const ATTRIBUTION: Allowed = &[
    ("agent.name", Name),
    ("marketplace.name", Name),
    ("mcp_server.name", Name),
    ("mcp_tool.name", Name),
    ("plugin.name", Name),
    ("skill.name", Name),
];

const API: Allowed = &[
    ("attempt", Count),
    ("client_request_id", Uuid),
    ("duration_ms", Count),
    ("effort", Word),
    ("model", Name),
    ("query_source", Name),
    ("request_id", REQUEST),
    ("speed", Word),
    ("status_code", Count),
];

const BODY: Allowed = &[
    ("body_length", Count),
    ("body_truncated", Flag),
    ("message.id", MESSAGE),
    ("message.uuid", Uuid),
    ("model", Name),
    ("query_source", Name),
    ("request_body_id", Uuid),
    ("request_id", REQUEST),
];

const HOOK: Allowed = &[
    ("additional_context_chars", Count),
    ("hook_event", Word),
    ("hook_name", Name),
    ("hook_source", Word),
    ("hook_type", Word),
    ("initial_user_message_chars", Count),
    ("managed_only", Flag),
    ("num_blocking", Count),
    ("num_cancelled", Count),
    ("num_hooks", Count),
    ("num_non_blocking_error", Count),
    ("num_outputs_persisted", Count),
    ("num_success", Count),
    ("plugin.name", Name),
    ("plugin_id_hash", Hash("")),
    ("safe_mode", Flag),
    ("stdout_chars", Count),
    ("system_message_chars", Count),
    ("total_duration_ms", Count),
];

const PLUGIN: Allowed = &[
    ("agent_path_count", Count),
    ("command_path_count", Count),
    ("enabled_via", Word),
    ("has_hooks", Flag),
    ("has_mcp", Flag),
    ("host_owned_mcp", Flag),
    ("install.trigger", Word),
    ("marketplace.is_official", Flag),
    ("marketplace.name", Name),
    ("plugin.name", Name),
    ("plugin.scope", Word),
    ("plugin.version", Word),
    ("plugin_id_hash", Hash("")),
    ("safe_mode", Flag),
    ("skill_path_count", Count),
];

const TOOL_CALL: Allowed = &[
    ("classifier_verdict", Word),
    ("decision", Word),
    ("decision_source", Word),
    ("decision_type", Word),
    ("duration_ms", Count),
    ("error_type", Word),
    ("mcp_server_scope", Word),
    ("permission_mode", Word),
    ("request_id", REQUEST),
    ("source", Word),
    ("success", Flag),
    ("tool_input_size_bytes", Count),
    ("tool_name", Name),
    ("tool_result_size_bytes", Count),
    ("tool_source", Word),
    ("tool_use_id", TOOL_USE),
    ("vcs.ref.head.revision", Hash("")),
    ("vcs.ref.head.type", Word),
];

/// What each event may carry beside [`COMMON`], by the name behind `claude_code.`.
const EVENTS: &[(&str, &[Allowed])] = &[
    ("api_error", &[API, ATTRIBUTION]),
    (
        "api_refusal",
        &[
            API,
            ATTRIBUTION,
            &[("category", Word), ("has_category", Flag), ("has_explanation", Flag), ("server_fallback_hop", Flag)],
        ],
    ),
    (
        "api_request",
        &[
            API,
            ATTRIBUTION,
            &[
                ("cache_creation_1h_tokens", Count),
                ("cache_creation_5m_tokens", Count),
                ("cache_creation_tokens", Count),
                ("cache_read_tokens", Count),
                ("cost_usd", Count),
                ("cost_usd_micros", Count),
                ("input_tokens", Count),
                ("output_tokens", Count),
                ("ttft_ms", Count),
            ],
        ],
    ),
    ("api_request_body", &[BODY]),
    ("api_response_body", &[BODY]),
    ("api_retries_exhausted", &[API, ATTRIBUTION, &[("total_attempts", Count), ("total_retry_duration_ms", Count)]]),
    ("assistant_response", &[BODY, &[("response_length", Count)]]),
    ("at_mention", &[&[("mention_type", Word), ("success", Flag)]]),
    (
        "auth",
        &[&[
            ("action", Word),
            ("auth_method", Word),
            ("error_category", Word),
            ("status_code", Count),
            ("success", Flag),
        ]],
    ),
    (
        "compaction",
        &[&[
            ("duration_ms", Count),
            ("post_tokens", Count),
            ("pre_tokens", Count),
            ("precompute_reuse", Word),
            ("success", Flag),
            ("trigger", Word),
        ]],
    ),
    (
        "feedback_survey",
        &[&[
            ("appearance_id", Uuid),
            ("enabled_via_override", Flag),
            ("event_type", Word),
            ("response", Word),
            ("survey_type", Word),
        ]],
    ),
    ("hook_execution_complete", &[HOOK]),
    ("hook_execution_start", &[HOOK]),
    ("hook_plugin_metrics", &[HOOK]),
    ("hook_registered", &[HOOK]),
    ("internal_error", &[&[("error_code", Word), ("error_name", Word)]]),
    (
        "managed_settings_resolved",
        &[&[
            ("error.type", Word),
            ("managed_settings.helper.applied", Word),
            ("managed_settings.helper.state", Word),
            ("managed_settings.resolved_sha256", Hash("")),
            ("managed_settings.settings_truncated", Flag),
            ("managed_settings.source_behavior", Word),
            ("managed_settings.sources", Words),
            ("managed_settings.trigger", Word),
        ]],
    ),
    (
        "mcp_server_connection",
        &[&[
            ("duration_ms", Count),
            ("error_code", Word),
            ("is_plugin", Flag),
            ("plugin.name", Name),
            ("plugin_id_hash", Hash("")),
            ("server_name", Name),
            ("server_scope", Word),
            ("status", Word),
            ("transport_type", Word),
        ]],
    ),
    ("permission_mode_changed", &[&[("from_mode", Word), ("to_mode", Word), ("trigger", Word)]]),
    ("plugin_installed", &[PLUGIN]),
    ("plugin_loaded", &[PLUGIN]),
    (
        "retention_sweep",
        &[&[
            ("artifacts_deleted", Count),
            ("error_count", Count),
            ("files_past_cutoff", Count),
            ("files_retained_fresh", Count),
            ("history_entries_pruned", Count),
            ("period_days", Count),
            ("result", Word),
            ("session_files_deleted", Count),
            ("skip_reason", Word),
            ("transcripts_deleted", Count),
            ("transcripts_exempted_desktop", Count),
            ("used_default", Flag),
        ]],
    ),
    (
        "safety_event",
        &[TOOL_CALL, &[("classifier_category", Word), ("sandbox_enabled", Flag), ("sandbox_violation_count", Count)]],
    ),
    ("skill_activated", &[ATTRIBUTION, &[("invocation_trigger", Word), ("skill.kind", Word), ("skill.source", Word)]]),
    (
        "subagent_completed",
        &[&[
            ("agent.source", Word),
            ("agent_type", Name),
            ("duration_ms", Count),
            ("final_model", Name),
            ("is_async", Flag),
            ("is_built_in", Flag),
            ("model", Name),
            ("model_swapped", Flag),
            ("plugin.name", Name),
            ("plugin_id_hash", Hash("")),
            ("total_tokens", Count),
            ("total_tool_uses", Count),
        ]],
    ),
    ("system_prompt", &[&[("system_prompt_hash", Hash("sp_")), ("system_prompt_length", Count)]]),
    ("tool", &[&[("tool_hash", Hash("")), ("tool_name", Name)]]),
    ("tool_decision", &[TOOL_CALL]),
    ("tool_result", &[TOOL_CALL]),
    (
        "user_prompt",
        &[&[("command_name", Name), ("command_source", Word), ("message.uuid", Uuid), ("prompt_length", Count)]],
    ),
];

/// What the records of this program itself may carry, by the name behind `cc_observe.`.
const OWN_EVENTS: &[(&str, &[Allowed])] = &[
    (
        "finding",
        &[&[
            ("attribute", Word),
            ("event", Word),
            ("rule", Word),
            ("signal", Word),
            ("tag", Word),
            ("tool_use_id", TOOL_USE),
        ]],
    ),
    ("findings_left_out", &[&[("count", Count)]]),
    (
        "run_ended",
        &[&[
            ("attributes_withheld", Count),
            ("batches_delivered", Count),
            ("batches_dropped", Count),
            ("batches_queued", Count),
            ("duration_ms", Count),
            ("exit_code", Count),
            ("exit_signal", Count),
            ("logs_received", Count),
            ("metrics_received", Count),
            ("records_delivered", Count),
            ("records_dropped", Count),
            ("requests_refused", Count),
            ("secrets_masked", Count),
            ("secrets_masked_places", Count),
            ("traces_received", Count),
        ]],
    ),
    ("run_started", &[&[("capture", Word), ("interactive", Flag), ("launch", Word)]]),
];

/// What a data point of each metric may carry beside [`COMMON`].
const METRICS: &[(&str, &[Allowed])] = &[
    ("claude_code.active_time.total", &[&[("type", Word)]]),
    (
        "claude_code.code_edit_tool.decision",
        &[&[("decision", Word), ("language", Name), ("source", Word), ("tool_name", Name)]],
    ),
    ("claude_code.commit.count", &[]),
    ("claude_code.cost.usage", &[ATTRIBUTION, COST]),
    ("claude_code.lines_of_code.count", &[&[("model", Name), ("type", Word)]]),
    ("claude_code.pull_request.count", &[]),
    ("claude_code.session.count", &[&[("start_type", Word)]]),
    ("claude_code.token.usage", &[ATTRIBUTION, COST]),
];

const COST: Allowed = &[("effort", Word), ("model", Name), ("query_source", Name), ("speed", Word), ("type", Word)];

const SPAN_COMMON: Allowed = &[
    ("duration_ms", Count),
    ("gen_ai.conversation.id", Uuid),
    ("gen_ai.operation.name", Word),
    ("gen_ai.provider.name", Word),
    ("gen_ai.tool.call.id", TOOL_USE),
    ("span.type", Word),
    ("success", Flag),
    ("tool_use_id", TOOL_USE),
];

/// What each span may carry beside [`COMMON`].
const SPANS: &[(&str, &[Allowed])] = &[
    ("claude_code.hook", &[SPAN_COMMON, HOOK]),
    (
        "claude_code.interaction",
        &[
            SPAN_COMMON,
            &[
                ("interaction.duration_ms", Count),
                ("interaction.sequence", Count),
                ("parent.source", Word),
                ("queued_sends", Count),
                ("user_prompt_length", Count),
            ],
        ],
    ),
    (
        "claude_code.llm_request",
        &[
            SPAN_COMMON,
            API,
            ATTRIBUTION,
            &[
                ("cache_creation_tokens", Count),
                ("cache_read_tokens", Count),
                ("error_class", Word),
                ("first_content_ms", Count),
                ("gen_ai.request.model", Name),
                ("gen_ai.response.finish_reasons", Words),
                ("gen_ai.response.id", REQUEST),
                ("gen_ai.system", Word),
                ("input_tokens", Count),
                ("llm_request.context", Word),
                ("new_context_message_count", Count),
                ("output_tokens", Count),
                ("query_source_safe", Name),
                ("response.has_tool_call", Flag),
                ("stop_reason", Word),
                ("system_prompt_hash", Hash("sp_")),
                ("system_prompt_length", Count),
                ("system_reminders_count", Count),
                ("tools_count", Count),
                ("ttft_ms", Count),
            ],
        ],
    ),
    (
        "claude_code.tool",
        &[
            SPAN_COMMON,
            TOOL_CALL,
            &[
                ("anthropic.mcp.server.name", Name),
                ("bash_argv0", Word),
                ("bash_command_class", Word),
                ("gen_ai.tool.name", Name),
                ("result_tokens", Count),
                ("skill_name", Name),
                ("subagent_type", Name),
                ("tool_name_safe", Name),
            ],
        ],
    ),
    ("claude_code.tool.blocked_on_user", &[SPAN_COMMON, &[("decision", Word), ("source", Word)]]),
    ("claude_code.tool.execution", &[SPAN_COMMON, &[("error.type", Word), ("error_class", Word)]]),
];

/// What each event on a span may carry.
const SPAN_EVENTS: &[(&str, &[Allowed])] = &[("gen_ai.request.attempt", &[&[("attempt", Count)]])];

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

/// What an event of the client may carry; nothing beyond [`COMMON`] if it is not known.
pub(super) fn event(name: &str) -> &'static [Allowed] {
    find(EVENTS, name)
}

/// What an event of this program may carry.
pub(super) fn own_event(name: &str) -> &'static [Allowed] {
    find(OWN_EVENTS, name)
}

/// What a data point may carry.
pub(super) fn metric(name: &str) -> &'static [Allowed] {
    find(METRICS, name)
}

/// What a span may carry.
pub(super) fn span(name: &str) -> &'static [Allowed] {
    find(SPANS, name)
}

/// What an event on a span may carry.
pub(super) fn span_event(name: &str) -> &'static [Allowed] {
    find(SPAN_EVENTS, name)
}

/// Whether this is the description that the client gives this metric.
pub(super) fn is_description(metric: &str, text: &str) -> bool {
    DESCRIPTIONS.contains(&(metric, text))
}

fn find(table: &'static [(&'static str, &'static [Allowed])], name: &str) -> &'static [Allowed] {
    table.iter().find(|(known, _)| *known == name).map_or(&[], |(_, allowed)| allowed)
}

#[cfg(test)]
mod documentation;

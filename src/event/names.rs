//! The names that Claude Code 2.1.330 gives its events, metrics, spans and attributes.

/// What every name of Claude Code's telemetry begins with.
pub(super) const PREFIX: &str = "claude_code.";
/// The scope of the records that the relay adds.
pub(super) const OUR_SCOPE: &str = "cc_observe";
/// What the relay adds to a `claude_code.tool_decision`.
pub(super) const OUR_DECIDED_BY: &str = "cc_observe.decided_by";

// Log events: the body is `claude_code.<name>`, the attribute `event.name` is `<name>`.
pub(super) const API_REQUEST: &str = "api_request";
pub(super) const API_ERROR: &str = "api_error";
pub(super) const API_RETRIES_EXHAUSTED: &str = "api_retries_exhausted";
pub(super) const API_REFUSAL: &str = "api_refusal";
pub(super) const ASSISTANT_RESPONSE: &str = "assistant_response";
pub(super) const COMPACTION: &str = "compaction";
pub(super) const PERMISSION_MODE_CHANGED: &str = "permission_mode_changed";
pub(super) const SKILL_ACTIVATED: &str = "skill_activated";
pub(super) const SUBAGENT_COMPLETED: &str = "subagent_completed";
pub(super) const TOOL_DECISION: &str = "tool_decision";
pub(super) const TOOL_RESULT: &str = "tool_result";
pub(super) const USER_PROMPT: &str = "user_prompt";

// Metrics, all of them sums.
pub(super) const ACTIVE_TIME: &str = "claude_code.active_time.total";
pub(super) const CODE_EDIT_DECISION: &str = "claude_code.code_edit_tool.decision";
pub(super) const COMMITS: &str = "claude_code.commit.count";
pub(super) const COST: &str = "claude_code.cost.usage";
pub(super) const LINES_OF_CODE: &str = "claude_code.lines_of_code.count";
pub(super) const PULL_REQUESTS: &str = "claude_code.pull_request.count";
pub(super) const SESSIONS: &str = "claude_code.session.count";
pub(super) const TOKENS: &str = "claude_code.token.usage";

// Spans.
pub(super) const LLM_REQUEST: &str = "claude_code.llm_request";

/// `query_source` of requests made for `claude -p` and the SDK.
pub(super) const SOURCE_SDK: &str = "sdk";
/// What `query_source` of an interactive session's own requests begins with.
pub(super) const SOURCE_REPL: &str = "repl_main_thread";
/// What `query_source` of a subagent's requests begins with.
pub(super) const SOURCE_AGENT: &str = "agent:";
/// Likewise for the subagents that come with the client.
pub(super) const SOURCE_BUILTIN_AGENT: &str = "agent:builtin:";

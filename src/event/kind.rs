//! What an event says, by kind.

use std::time::Duration;

use super::decided::DecidedBy;
use super::point::Point;
use super::span::LlmAttempts;
use super::{NanoUsd, Tokens, names};

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A request to the model that was answered.
    ApiRequest(ApiRequest),
    /// The client gave up on a request; earlier attempts leave no event.
    ApiError(ApiError),
    /// It gave up after more than one attempt. Comes in addition to [`Kind::ApiError`].
    ApiRetriesExhausted {
        /// How often it had tried.
        attempts: u64,
    },
    /// The model refused to answer.
    ApiRefusal,
    /// A call to a tool was allowed or rejected.
    ToolDecision(ToolDecision),
    /// A call to a tool ended. Rejected calls and those cut short by a signal have none.
    ToolResult(ToolResult),
    /// A prompt; not always a person's: a finished background agent makes one too.
    UserPrompt {
        /// The slash command, when it was one; custom commands are called `custom`.
        command: Option<String>,
    },
    /// The model's words, without them.
    AssistantResponse,
    /// The conversation was compacted.
    Compaction(Compaction),
    /// A subagent ended.
    SubagentCompleted(SubagentCompleted),
    /// A skill was used.
    SkillActivated {
        /// Its name; `custom_skill` unless tool details are on.
        name: String,
    },
    /// The permission mode changed.
    PermissionModeChanged {
        /// Into this one.
        to: String,
    },
    /// A point of a metric.
    Point(Point),
    /// A span of a model request, which alone knows about attempts that were repeated with success.
    LlmRequestSpan(LlmAttempts),
    /// Any other span.
    Span {
        /// Its name.
        name: String,
        /// Its id.
        id: Vec<u8>,
    },
    /// An event that this version has no type for.
    Other {
        /// Its name, without `claude_code.`.
        name: String,
    },
}

/// A request to the model that was answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiRequest {
    /// The model, without the `[1m]` that only metrics add.
    pub model: String,
    /// At list price; holds every attempt of a request whose stream was cut and repeated.
    pub cost: NanoUsd,
    /// Of the last attempt only.
    pub tokens: Tokens,
    /// From the request to the end of the answer.
    pub duration: Duration,
    /// Who asked: `sdk`, `repl_main_thread`, `agent:builtin:<type>`, `compact`, …
    pub query_source: Option<String>,
    /// The subagent, if one asked; `custom` for one's own unless tool details are on.
    pub agent: Option<String>,
    /// The server's id of the request.
    pub request_id: Option<String>,
}

impl ApiRequest {
    /// The agent that a report names: `main`, the subagent, or what asked (`compact`, `web_search_tool`, …).
    pub fn agent_label(&self) -> &str {
        match (&self.agent, &self.query_source) {
            (Some(agent), _) => agent,
            (None, None) => "unknown",
            (None, Some(source)) if source == names::SOURCE_SDK || source.starts_with(names::SOURCE_REPL) => "main",
            (None, Some(source)) => source
                .strip_prefix(names::SOURCE_BUILTIN_AGENT)
                .or_else(|| source.strip_prefix(names::SOURCE_AGENT))
                .unwrap_or(source),
        }
    }

    /// Whether the session is interactive, as far as this request tells.
    pub fn interactive(&self) -> Option<bool> {
        match self.query_source.as_deref()? {
            names::SOURCE_SDK => Some(false),
            source if source.starts_with(names::SOURCE_REPL) => Some(true),
            _ => None,
        }
    }

    /// What the cost and token metrics call its `query_source`: `main`, `subagent` or `auxiliary`.
    pub fn metric_source(&self) -> &'static str {
        match self.query_source.as_deref() {
            Some(source) if source.starts_with(names::SOURCE_AGENT) => "subagent",
            Some(_) if self.interactive().is_none() => "auxiliary",
            _ => "main",
        }
    }
}

/// The client gave up on a request to the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiError {
    /// The HTTP status, if there was an answer.
    pub status: Option<u64>,
    /// How often it had tried, at least 1.
    pub attempts: u64,
    /// The server's id of the request.
    pub request_id: Option<String>,
}

/// A call to a tool was allowed or rejected.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolDecision {
    /// The tool; `mcp_tool` for one of an MCP server unless tool details are on.
    pub tool: String,
    /// The call.
    pub tool_use_id: Option<String>,
    /// Whether it was rejected.
    pub rejected: bool,
    /// The client's own word for who decided: `config`, `hook`, `user_temporary`, …
    pub source: String,
    /// `default`, `acceptEdits`, `bypassPermissions`, `plan`, …
    pub permission_mode: Option<String>,
    /// What the relay wrote on the record, if it did.
    pub decided_by: Option<DecidedBy>,
}

/// A call to a tool ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolResult {
    /// The tool; `mcp_tool` for one of an MCP server unless tool details are on.
    pub tool: String,
    /// The call.
    pub tool_use_id: Option<String>,
    /// Whether it did what it was asked to.
    pub success: bool,
    /// How long it ran.
    pub duration: Duration,
}

/// The conversation was compacted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compaction {
    /// Whether it worked.
    pub success: bool,
    /// `manual` or `auto`.
    pub trigger: String,
}

/// A subagent ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubagentCompleted {
    /// `general-purpose`, `Explore`, …; `custom` for one's own unless tool details are on.
    pub agent: String,
    /// How long it ran.
    pub duration: Duration,
    /// How many tools it called.
    pub tool_uses: u64,
}

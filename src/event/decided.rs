//! Who decided that a tool may run: the client's words, explained.

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use serde::{Deserialize, Serialize};

use super::attributes::Attributes;
use super::kind::ToolDecision;
use super::{log, names};

/// Who or what allowed or rejected a call.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// A person, this once.
    ClickOnce,
    /// A person, from now on.
    ClickAlways,
    /// A rule in settings or options, or the client's own list of harmless commands.
    Rule,
    /// The permission mode.
    Mode,
    /// A hook.
    Hook,
    /// The client's words do not tell.
    Unknown,
}

impl DecidedBy {
    /// All of them, in the order in which reports list them.
    pub const ALL: [Self; 6] = [Self::Rule, Self::Mode, Self::Hook, Self::ClickOnce, Self::ClickAlways, Self::Unknown];

    /// As telemetry and JSON have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClickOnce => "click_once",
            Self::ClickAlways => "click_always",
            Self::Rule => "rule",
            Self::Mode => "mode",
            Self::Hook => "hook",
            Self::Unknown => "unknown",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|decided| decided.as_str() == word)
    }

    /// Who made a decision of these words. See [`decided_by`].
    pub fn of(rejected: bool, source: &str, mode: Option<&str>, tool: &str, interactive: Option<bool>) -> Self {
        match (source, interactive) {
            ("hook", _) => Self::Hook,
            ("config", _) => config(rejected, mode, tool),
            ("classifier", _) => Self::Mode,
            ("user_temporary", _) | ("user_reject" | "user_abort", Some(true)) => Self::ClickOnce,
            ("user_permanent", Some(true)) => Self::ClickAlways,
            ("user_permanent" | "user_reject", Some(false)) => Self::Rule,
            _ => Self::Unknown,
        }
    }
}

/// `config` says rule or mode; which of the two is derived from the mode the session was in.
fn config(rejected: bool, mode: Option<&str>, tool: &str) -> DecidedBy {
    let is_edit = matches!(tool, "Edit" | "MultiEdit" | "NotebookEdit" | "Write");
    match (mode, rejected) {
        (Some("plan"), _) | (Some("bypassPermissions"), false) | (Some("dontAsk"), true) => DecidedBy::Mode,
        (Some("acceptEdits"), false) if is_edit => DecidedBy::Mode,
        _ => DecidedBy::Rule,
    }
}

/// Who decided a `tool_decision`: `click_once`, `click_always`, `rule`, `mode`, `hook` or `unknown`. None if the record
/// is another event.
///
/// `interactive` is what the caller knows of the session: `claude -p` and the SDK use the client's words otherwise.
///
/// What the client says plainly (BEHAVIOUR, section 10): `hook`; `user_temporary`, a click; in interactive sessions
/// `user_permanent`, the click on "don't ask again", and `user_reject`, No or Esc at the dialog.
///
/// What is derived here, and may be wrong in a single case:
/// - In `-p`, where nobody is asked, `user_permanent` is an allow rule and `user_reject` a deny rule of the user's own
///   settings. Without knowing which it is, both are `unknown`.
/// - `config` covers rules, harmless commands and modes. It is the mode for everything in `plan`, for what
///   `bypassPermissions` let pass, for edits that `acceptEdits` let pass, and for what `dontAsk` rejected; otherwise a
///   rule. Neither `bypassPermissions` nor `acceptEdits` reject, so a rejection in them is a rule's. A question that
///   `-p` had nobody to put to is also `config` and counts as a rule: nothing allowed it.
/// - `classifier` (in the client's text, never seen) is the `auto` mode; `user_abort` (likewise) a click.
pub fn decided_by(record: &LogRecord, interactive: Option<bool>) -> Option<&'static str> {
    if log::name(record) != names::TOOL_DECISION {
        return None;
    }
    let ToolDecision { tool, rejected, source, permission_mode, .. } = log::decision(Attributes(&record.attributes));
    Some(DecidedBy::of(rejected, &source, permission_mode.as_deref(), &tool, interactive).as_str())
}

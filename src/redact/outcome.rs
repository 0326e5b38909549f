//! What redaction gives back: the batch, what it kept back, and what it found.

use std::borrow::Cow;

use super::finder::RuleId;
use super::marker::Tag;
use crate::otlp::Signal;

/// A secret that was masked, and where it stood. It does not hold the secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FoundIn {
    /// What recognized it.
    pub rule: RuleId,
    /// None for what could be guessed.
    pub tag: Option<Tag>,
    /// What it came in.
    pub signal: Signal,
    /// The event, metric or span, without `claude_code.`; `resource` or `scope` for theirs.
    pub event: Cow<'static, str>,
    /// The attribute, or `body`, `status.message` and the like.
    pub attribute: Cow<'static, str>,
    /// `prompt.id` of the record.
    pub prompt_id: Option<String>,
    /// `tool_use_id` of the record.
    pub tool_use_id: Option<String>,
    /// `session.id` of the record.
    pub session_id: Option<String>,
}

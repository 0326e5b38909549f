//! What each rule is, for people: its name in a word or two, and where it comes from.

use std::borrow::Cow;

use super::finder::RuleId;

/// What there is to say of a rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RuleInfo {
    /// As it stands in markers, records and reports.
    pub id: RuleId,
    /// What it finds, in a word or two that follow a number: `AWS key`, `curl -u`.
    pub what: Cow<'static, str>,
    /// Why that is one: the page that documents the format, or the place where it stands.
    pub source: Cow<'static, str>,
}

/// Rules that recognize a secret by what stands around it.
const CONTEXT: &[(&str, &str, &str)] = &[];

/// A line that is not UTF-8, or of two bytes a character: nothing can be found in it, so it is masked whole.
pub const INVALID_UTF8: RuleId = RuleId::of("invalid-utf8");

/// A line that is too long to be held whole: it is masked whole.
pub const TOO_LONG: RuleId = RuleId::of("too-long");

/// What was not looked into.
const WHOLE: &[(RuleId, &str, &str)] = &[
    (INVALID_UTF8, "line that is not text", "not UTF-8: nothing could be found in it"),
    (TOO_LONG, "line that is too long", "longer than 16 MiB: it was not looked into"),
];

/// Every built-in rule, in the order of their ids.
pub fn rules() -> Vec<RuleInfo> {
    let mut rules: Vec<RuleInfo> = CONTEXT
        .iter()
        .map(|(id, what, source)| RuleInfo {
            id: RuleId::of(id),
            what: Cow::Borrowed(what),
            source: Cow::Borrowed(source),
        })
        .collect();
    rules.extend(WHOLE.iter().map(|(id, what, source)| RuleInfo {
        id: id.clone(),
        what: Cow::Borrowed(what),
        source: Cow::Borrowed(source),
    }));
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    rules
}

/// Whether a rule of ours has this id.
pub(super) fn is_built_in(id: &str) -> bool {
    rules().iter().any(|rule| rule.id.as_str() == id)
}

#[cfg(test)]
mod documentation;

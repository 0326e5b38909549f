//! Counts secrets, not the places where they stood: one command comes out in many attributes and events.

use std::collections::{BTreeMap, HashSet};

use super::{FoundIn, RuleId, Tag};

/// The most secrets that are told apart in one run. Beyond them only places are counted.
const MAX_SECRETS: usize = 4096;

/// How many secrets were masked, by rule.
#[derive(Debug, Default)]
pub struct Tally {
    by_rule: BTreeMap<RuleId, Count>,
    seen: HashSet<Secret>,
}

/// What was masked by one rule.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Count {
    /// Secrets; at least so many.
    pub secrets: u64,
    /// Places where they stood.
    pub places: u64,
}

/// What makes a secret the same as another.
#[derive(Debug, Eq, Hash, PartialEq)]
enum Secret {
    /// The same tag is the same secret.
    Tagged(RuleId, Tag),
    /// What has no tag is the same in one call of a tool, else in one prompt, else in one session.
    Near(RuleId, Option<String>),
}

impl Secret {
    fn of(found: &FoundIn) -> Self {
        let rule = found.rule.clone();
        if let Some(tag) = found.tag {
            return Self::Tagged(rule, tag);
        }
        let near = found.tool_use_id.as_ref().or(found.prompt_id.as_ref()).or(found.session_id.as_ref());
        Self::Near(rule, near.cloned())
    }
}

impl Tally {
    /// Counts a finding.
    pub fn add(&mut self, found: &FoundIn) {
        let count = self.by_rule.entry(found.rule.clone()).or_default();
        count.places = count.places.saturating_add(1);
        // The first of a rule always counts: it must not look as if there were none.
        if (self.seen.len() < MAX_SECRETS && self.seen.insert(Secret::of(found))) || count.secrets == 0 {
            count.secrets = count.secrets.saturating_add(1);
        }
    }

    /// The counts, in the order of the rules' ids.
    pub fn by_rule(&self) -> impl Iterator<Item = (&RuleId, Count)> {
        self.by_rule.iter().map(|(rule, count)| (rule, *count))
    }

    /// All rules together.
    pub fn total(&self) -> Count {
        self.by_rule.values().fold(Count::default(), |sum, count| Count {
            secrets: sum.secrets.saturating_add(count.secrets),
            places: sum.places.saturating_add(count.places),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::otlp::Signal;
    use crate::redact::TagKey;

    fn found(rule: &'static str, secret: Option<&str>, call: Option<&str>, prompt: Option<&str>) -> FoundIn {
        FoundIn {
            rule: RuleId::of(rule),
            tag: secret.map(|secret| TagKey::new(b"a key for tests").tag(secret)),
            signal: Signal::Logs,
            event: Cow::Borrowed("tool_result"),
            attribute: Cow::Borrowed("tool_input"),
            prompt_id: prompt.map(str::to_owned),
            tool_use_id: call.map(str::to_owned),
            session_id: Some("session".to_owned()),
        }
    }

    fn counted(found: impl IntoIterator<Item = FoundIn>) -> Vec<(String, u64, u64)> {
        let mut tally = Tally::default();
        found.into_iter().for_each(|found| tally.add(&found));
        tally.by_rule().map(|(rule, count)| (rule.to_string(), count.secrets, count.places)).collect()
    }

    #[test]
    fn a_secret_that_stands_in_many_places_is_one() {
        let token = |secret, call| found("token", Some(secret), Some(call), None);
        let all = [token("a", "1"), token("a", "1"), token("a", "2"), token("b", "1")];
        assert_eq!(counted(all), [("token".to_owned(), 2, 4)]);
    }

    #[test]
    fn what_has_no_tag_is_told_apart_by_the_call_the_prompt_and_the_session() {
        let all = [
            found("password", None, Some("call 1"), Some("prompt")),
            found("password", None, Some("call 1"), Some("prompt")),
            found("password", None, Some("call 2"), Some("prompt")),
            found("password", None, None, Some("prompt")),
            found("password", None, None, None),
            found("password", None, None, None),
            found("curl-user", None, Some("call 1"), None),
        ];
        assert_eq!(counted(all), [("curl-user".to_owned(), 1, 1), ("password".to_owned(), 4, 6)]);
    }

    #[test]
    fn secrets_without_end_are_not_all_remembered() {
        let mut tally = Tally::default();
        for number in 0..MAX_SECRETS + 100 {
            tally.add(&found("token", Some(&number.to_string()), None, None));
        }
        tally.add(&found("late", None, None, None));
        assert_eq!(tally.seen.len(), MAX_SECRETS);
        let want = Count { secrets: MAX_SECRETS as u64 + 1, places: MAX_SECRETS as u64 + 101 };
        assert_eq!(tally.total(), want);
    }
}

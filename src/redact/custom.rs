//! Rules of the person's own: patterns that are checked before they count, and values that may stay.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use memchr::memmem;
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::finder::{Finding, RuleId};
use super::rules::{self, RuleInfo};

/// The most own rules, and the most patterns of `allow`.
pub const MAX_OWN_RULES: usize = 64;

/// The longest pattern, in bytes.
pub const MAX_PATTERN_BYTES: usize = 4 << 10;

/// What a compiled pattern may take up, and the cache of the automaton that is built from it while it runs.
const MAX_COMPILED_BYTES: usize = 2 << 20;

/// How often one rule may match in one text. What stands behind the last of so many matches is masked whole: each
/// search may look to the end of the text, and a hostile text must not make that as many times as it has bytes.
const MAX_MATCHES: usize = 4096;

/// Values shorter than this could be found by trying, so they get no tag.
const GUESSABLE_BYTES: usize = 16;

/// The group of a pattern that is the secret; without one, it is the whole match.
const SECRET: &str = "secret";

/// What an `allow` pattern does not count for: nobody can have meant a private key, or a secret of this machine.
const NEVER_ALLOWED: [&str; 2] = ["known-value", "private-key"];

/// Texts at which a pattern shows that it matches nothing at all, the empty string between two characters.
const EMPTY_PROBES: [&str; 3] = ["", "a b", "\n"];

/// What an `allow` pattern that allows anything would allow, and a sensible one would not.
const ANYTHING_PROBES: [&str; 2] = ["q7~Zp[0]_x/|Kd+=%uW", "Tr0ub4dor&3"];

/// What the configuration says of redaction, as it is written there.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct OwnRules {
    /// `[[redaction.rules]]`
    pub rules: Vec<OwnRule>,
    /// `[redaction] allow`
    pub allow: Vec<OwnAllow>,
}

impl OwnRules {
    /// What people call the files, to be changed.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut String> {
        self.rules.iter_mut().map(|rule| &mut rule.file).chain(self.allow.iter_mut().map(|allow| &mut allow.file))
    }
}

/// One of `[[redaction.rules]]`, unchecked.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct OwnRule {
    /// `[a-z0-9-]{1,64}`
    pub id: String,
    /// A regular expression in the syntax of the `regex` crate. A group named `secret` is what is masked.
    pub pattern: String,
    /// A text that stands in every match: where it does not stand, the pattern is not tried.
    pub anchor: Option<String>,
    /// Texts in which the pattern must be found.
    pub examples: Vec<String>,
    /// What it finds, in a word or two, for people; the id where there is none.
    pub what: Option<String>,
    /// What people call the file that says it. Empty where no file does.
    #[serde(default)]
    pub file: String,
    /// The line where it begins, counted from 1. None where it did not come from a file.
    pub line: Option<usize>,
}

/// One of `allow`, unchecked.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct OwnAllow {
    /// A regular expression that has to match the whole of what was found.
    pub pattern: String,
    /// What people call the file that says it. Empty where no file does.
    #[serde(default)]
    pub file: String,
    /// The line where it stands, counted from 1.
    pub line: Option<usize>,
}

/// Which own rule cannot be used, and why. No value of the configuration is repeated but a well-formed id.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnRuleError {
    /// What people call the file. Empty where there is none.
    pub file: String,
    /// Where it stands there, counted from 1.
    pub line: Option<usize>,
    /// Which rule.
    pub rule: Which,
    /// Why.
    pub why: Why,
}

/// Which rule is meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Which {
    /// By its id.
    Rule(String),
    /// The rule at this position, counted from 1: its id is none.
    Position(usize),
    /// The `allow` pattern at this position, counted from 1.
    Allow(usize),
    /// All of them.
    All,
}

/// Why an own rule cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Why {
    /// More than [`MAX_OWN_RULES`].
    #[error("there are more than {MAX_OWN_RULES}")]
    TooMany,
    /// Its id is not what an id is.
    #[error("an id is made of a-z, 0-9 and -, 64 at most")]
    Id,
    /// Another rule has its id.
    #[error("another rule has this id already")]
    Duplicate,
    /// A rule of ours has its id.
    #[error("a built-in rule has this id")]
    BuiltIn,
    /// More than [`MAX_PATTERN_BYTES`].
    #[error("the pattern is longer than {MAX_PATTERN_BYTES} bytes")]
    TooLong,
    /// Takes up too much memory when compiled.
    #[error("the pattern is too large when compiled; repeat less, or write [0-9A-Za-z_] for \\w")]
    TooBig,
    /// Not a regular expression.
    #[error("the pattern is not a regular expression: {0}")]
    Syntax(String),
    /// Matches the empty string.
    #[error("the pattern matches the empty string")]
    Empty,
    /// The pattern is not found in an example.
    #[error("example {0} does not match")]
    Example(usize),
    /// The anchor is empty.
    #[error("the anchor is empty")]
    Anchor,
    /// The anchor does not stand in what the pattern finds in an example.
    #[error("the anchor does not stand in example {0}")]
    Unanchored(usize),
    /// Allows whatever is found.
    #[error("the pattern allows anything")]
    Anything,
}

impl fmt::Display for OwnRuleError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.file.as_str(), self.line) {
            ("", _) => {}
            (file, Some(line)) => write!(formatter, "{file}:{line}: ")?,
            (file, None) => write!(formatter, "{file}: ")?,
        }
        match &self.rule {
            Which::Rule(id) => write!(formatter, "redaction rule {id}: ")?,
            Which::Position(position) => write!(formatter, "redaction rule number {position}: ")?,
            Which::Allow(position) => write!(formatter, "redaction.allow, pattern {position}: ")?,
            Which::All => formatter.write_str("redaction: ")?,
        }
        write!(formatter, "{}", self.why)
    }
}

impl std::error::Error for OwnRuleError {}

/// Own rules, checked and ready to be used.
#[derive(Debug, Default)]
pub struct Custom {
    rules: Vec<Rule>,
    allow: Vec<Regex>,
}

#[derive(Debug)]
struct Rule {
    id: RuleId,
    what: Option<String>,
    pattern: Regex,
    anchor: Option<memmem::Finder<'static>>,
    /// Whether a group of the pattern is named [`SECRET`].
    has_secret: bool,
}

impl Custom {
    /// Checks and compiles. All that is wrong is told at once, and then nothing is compiled: a rule that is missing
    /// would let through what its author meant to keep.
    pub fn new(own: OwnRules) -> Result<Self, Vec<OwnRuleError>> {
        let mut errors = Vec::new();
        if own.rules.len() > MAX_OWN_RULES || own.allow.len() > MAX_OWN_RULES {
            let file =
                own.rules.into_iter().map(|rule| rule.file).chain(own.allow.into_iter().map(|it| it.file)).last();
            let file = file.unwrap_or_default();
            return Err(vec![OwnRuleError { file, line: None, rule: Which::All, why: Why::TooMany }]);
        }
        let mut ids = BTreeSet::new();
        let mut rules = Vec::with_capacity(own.rules.len());
        for (index, rule) in own.rules.into_iter().enumerate() {
            let (file, line) = (rule.file.clone(), rule.line);
            let which = if is_id(&rule.id) { Which::Rule(rule.id.clone()) } else { Which::Position(index + 1) };
            let new = ids.insert(rule.id.clone());
            match checked(rule).and_then(|rule| if new { Ok(rule) } else { Err(Why::Duplicate) }) {
                Ok(rule) => rules.push(rule),
                Err(why) => errors.push(OwnRuleError { file, line, rule: which, why }),
            }
        }
        let mut allow = Vec::with_capacity(own.allow.len());
        for (index, OwnAllow { pattern, file, line }) in own.allow.into_iter().enumerate() {
            match allowing(&pattern) {
                Ok(regex) => allow.push(regex),
                Err(why) => errors.push(OwnRuleError { file, line, rule: Which::Allow(index + 1), why }),
            }
        }
        if errors.is_empty() { Ok(Self { rules, allow }) } else { Err(errors) }
    }

    /// Adds what the own rules find in a text, rule by rule; findings of different rules may overlap.
    pub fn find(&self, text: &str, findings: &mut Vec<Finding>) {
        for rule in &self.rules {
            if rule.anchor.as_ref().is_none_or(|anchor| anchor.find(text.as_bytes()).is_some()) {
                rule.find(text, findings);
            }
        }
    }

    /// Whether what was found may stay: an `allow` pattern matches it from its first character to its last.
    ///
    /// It does not count for known values and private keys.
    pub fn allows(&self, secret: &str, rule: &RuleId) -> bool {
        !NEVER_ALLOWED.contains(&rule.as_str()) && self.allow.iter().any(|pattern| pattern.is_match(secret))
    }

    /// Whether there is no rule.
    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What there is to say of each rule.
    pub fn rules(&self) -> impl Iterator<Item = RuleInfo> {
        self.rules.iter().map(|rule| RuleInfo {
            id: rule.id.clone(),
            what: Cow::Owned(rule.what.clone().unwrap_or_else(|| rule.id.as_str().to_owned())),
            source: Cow::Borrowed(super::rules::OWN),
        })
    }
}

impl Rule {
    fn find(&self, text: &str, findings: &mut Vec<Finding>) {
        let before = findings.len();
        let mut at = 0;
        while let Some((span, end)) = self.next(text, at) {
            if findings.len() - before >= MAX_MATCHES {
                findings.push(Finding { span: span.start..text.len(), rule: self.id.clone(), guessable: true });
                return;
            }
            // A match that is empty after all masks nothing, and must not be found again.
            at = end.max(next_character(text, at));
            if !span.is_empty() {
                let guessable = span.len() < GUESSABLE_BYTES;
                findings.push(Finding { span, rule: self.id.clone(), guessable });
            }
        }
    }

    /// The first secret from an offset on, and where the search goes on.
    fn next(&self, text: &str, at: usize) -> Option<(std::ops::Range<usize>, usize)> {
        if at > text.len() {
            return None;
        }
        if !self.has_secret {
            let found = self.pattern.find_at(text, at)?;
            return Some((found.range(), found.end()));
        }
        let captures = self.pattern.captures_at(text, at)?;
        let whole = captures.get(0)?;
        // In an alternative without the group the whole match is the secret.
        let secret = captures.name(SECRET).unwrap_or(whole);
        Some((secret.range(), whole.end()))
    }
}

/// The offset behind the character that begins at this one.
fn next_character(text: &str, at: usize) -> usize {
    at + text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
}

/// `[a-z0-9-]{1,64}`: what can stand in a marker.
fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn checked(rule: OwnRule) -> Result<Rule, Why> {
    let OwnRule { id, pattern, anchor, examples, what, file: _, line: _ } = rule;
    if !is_id(&id) {
        return Err(Why::Id);
    }
    if rules::is_built_in(&id) {
        return Err(Why::BuiltIn);
    }
    let pattern = compiled(&pattern)?;
    if EMPTY_PROBES.iter().any(|probe| pattern.find_iter(probe).any(|found| found.is_empty())) {
        return Err(Why::Empty);
    }
    if anchor.as_ref().is_some_and(String::is_empty) {
        return Err(Why::Anchor);
    }
    let has_secret = pattern.capture_names().flatten().any(|name| name == SECRET);
    let rule = Rule {
        id: RuleId::own(id),
        what,
        pattern,
        anchor: anchor.map(|anchor| memmem::Finder::new(anchor.as_bytes()).into_owned()),
        has_secret,
    };
    for (index, example) in examples.iter().enumerate() {
        let mut found = Vec::new();
        rule.find(example, &mut found);
        if found.is_empty() {
            return Err(Why::Example(index + 1));
        }
        if rule.anchor.as_ref().is_some_and(|anchor| anchor.find(example.as_bytes()).is_none()) {
            return Err(Why::Unanchored(index + 1));
        }
    }
    Ok(rule)
}

fn allowing(pattern: &str) -> Result<Regex, Why> {
    // By itself first: what is no expression alone must not become one by what is put around it.
    if compiled(pattern)?.is_match("") {
        return Err(Why::Empty);
    }
    let whole = compile(&format!(r"\A(?:{pattern})\z"))?;
    if ANYTHING_PROBES.iter().all(|probe| whole.is_match(probe)) {
        return Err(Why::Anything);
    }
    Ok(whole)
}

fn compiled(pattern: &str) -> Result<Regex, Why> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(Why::TooLong);
    }
    compile(pattern)
}

fn compile(pattern: &str) -> Result<Regex, Why> {
    RegexBuilder::new(pattern).size_limit(MAX_COMPILED_BYTES).dfa_size_limit(MAX_COMPILED_BYTES).build().map_err(
        |error| match error {
            regex::Error::CompiledTooBig(_) => Why::TooBig,
            error => Why::Syntax(last_line(&error.to_string())),
        },
    )
}

/// The message's last line says what is wrong; those before it repeat the pattern.
fn last_line(message: &str) -> String {
    let last = message.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or("not understood").to_owned()
}

#[cfg(test)]
mod tests;

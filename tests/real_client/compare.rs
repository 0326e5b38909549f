//! What is compared of two runs of the same thing: everything but what is made up anew each time.

use std::collections::BTreeMap;

use cc_observe::redact::{CaptureLevel, Policy, Redactor, TagKey};
use serde_json::{Value, json};

use super::lab::{Export, accepted};
use crate::support::records::{Record, records};

/// Text with ids, durations and times taken out.
pub(crate) fn scrubbed(text: &str) -> String {
    let mut result = String::new();
    let mut word = String::new();
    for character in text.chars().chain(['\0']) {
        if character.is_ascii_alphanumeric() || "-_.".contains(character) {
            word.push(character);
            continue;
        }
        let duration = result.ends_with("_ms\":") && word.bytes().all(|byte| byte.is_ascii_digit());
        result.push_str(if duration { "N" } else { placeholder(&word).unwrap_or(&word) });
        word.clear();
        if character != '\0' {
            result.push(character);
        }
    }
    result
}

/// What stands for a word that is an id.
fn placeholder(word: &str) -> Option<&'static str> {
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let groups: Vec<usize> = word.split('-').map(str::len).collect();
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    if groups == [8, 4, 4, 4, 12] && hex(&word.replace('-', "")) {
        return Some("UUID");
    }
    for (prefix, name) in [("toolu_", "TOOLU"), ("msg_", "MSG"), ("req_", "REQ")] {
        if word.starts_with(prefix) {
            return Some(name);
        }
    }
    // The tag of a secret, which depends on a key: `[REDACTED:github-token:0123abcd]`.
    if word.len() == 8 && hex(word) && digits > 0 {
        return Some("TAG");
    }
    // `0mws9i7rn-566350cb`, an agent's `a0123456789abcdef`, a user's 64 digits
    let runs = groups == [9, 8] && word.rsplit('-').next().is_some_and(hex);
    (runs || word.len() >= 16 && digits >= 4 && !word.contains(['-', '.', '_'])).then_some("ID")
}

/// What a record says, in one line: without ids, times, durations and what we add ourselves.
fn essence(record: &Record) -> String {
    let value = match record.name.as_str() {
        name if name.contains("active_time") => json!("*"),
        _ => record.value.clone(),
    };
    let events: Vec<_> = record.span_events.iter().map(|(name, all)| (name, essential(all))).collect();
    json!([
        format!("{:?}", record.signal),
        record.name,
        value,
        essential(&record.attributes),
        essential(&record.resource),
        record.scope,
        events,
    ])
    .to_string()
}

fn essential(attributes: &BTreeMap<String, Value>) -> BTreeMap<&str, String> {
    let changing = |key: &str| {
        key.ends_with("_ms") || key.ends_with("timestamp") || ["event.sequence", "cc_observe.batch_id"].contains(&key)
    };
    let theirs = attributes.iter().filter(|(key, _)| !key.starts_with("cc_observe."));
    theirs
        .map(|(key, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (key.as_str(), if changing(key) { "*".to_owned() } else { scrubbed(&text) })
        })
        .collect()
}

/// What of plain claude's exports may leave the machine, in essence and in order.
pub(crate) fn expected(exports: &[Export]) -> Vec<String> {
    let (redactor, policy) = (Redactor::new(TagKey::new(b"any")), Policy::of(CaptureLevel::Commands));
    let redacted = exports.iter().map(|export| redactor.batch(export.batch.clone(), &policy).batch);
    essences(&redacted.flat_map(|batch| records(batch.get())).collect::<Vec<_>>())
}

/// What an endpoint has accepted of claude's, in essence and in order.
pub(crate) fn received(exports: &[Export]) -> Vec<String> {
    essences(&accepted(exports).into_iter().filter(is_claudes).collect::<Vec<_>>())
}

/// The runs that an endpoint has accepted anything of, in order.
pub(crate) fn run_ids(exports: &[Export]) -> Vec<String> {
    let mut ids: Vec<String> = accepted(exports).iter().map(run_id).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// What an endpoint has accepted of claude's in one run, in essence and in order.
pub(crate) fn essence_of_run(exports: &[Export], run: &str) -> Vec<String> {
    let of_run = accepted(exports).into_iter().filter(|record| is_claudes(record) && run_id(record) == run);
    essences(&of_run.collect::<Vec<_>>())
}

fn run_id(record: &Record) -> String {
    record.resource.get("cc_observe.run_id").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Whether a record is the client's, and not one of ours.
pub(crate) fn is_claudes(record: &Record) -> bool {
    !record.name.starts_with("cc_observe.")
}

fn essences(all: &[Record]) -> Vec<String> {
    let mut all: Vec<String> = all.iter().map(essence).collect();
    all.sort();
    all
}

/// Fails when two sorted lists differ, and shows only where.
#[track_caller]
pub(crate) fn assert_same(expected: &[String], got: &[String]) {
    let mut counts: BTreeMap<&str, i32> = BTreeMap::new();
    for (lines, step) in [(expected, -1), (got, 1)] {
        for line in lines {
            *counts.entry(line).or_default() += step;
        }
    }
    let line = |(line, count): (&str, i32)| format!("{count:+} {line}\n");
    let differences: String = counts.into_iter().filter(|(_, count)| *count != 0).map(line).collect();
    assert!(!expected.is_empty(), "there is something to compare");
    assert!(
        differences.is_empty(),
        "{} expected, {} came; missing (-), too many (+):\n{differences}",
        expected.len(),
        got.len()
    );
}

/// The decisions on tools among records, as lines: tool, decision, source.
pub(crate) fn decisions(all: &[Record]) -> Vec<String> {
    let events = all.iter().filter(|record| record.name == "claude_code.tool_decision");
    let mut lines: Vec<String> =
        events.map(|event| ["tool_name", "decision", "source"].map(|key| event.text(key)).join(" ")).collect();
    lines.sort();
    lines
}

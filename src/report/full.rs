//! The summary as a person reads it: a labelled line for everything there is to say, none for what there is not.

use std::time::Duration;

use super::layout::{Ink, Item, paint, paragraph, piece, plain, row};
use super::notes::Note;
use super::printable::{Printable, printable};
use super::summary::{Delivery, RunSummary};
use super::{Style, words};
use crate::event::{DecidedBy, NanoUsd};
use crate::session::{Share, ToolTotals, Verdicts};

/// Lines of at most `style.width` columns, each with its line break; empty when there is nothing to show.
pub fn full(summary: &RunSummary, style: &Style) -> String {
    if summary.is_silent() {
        return String::new();
    }
    let mut lines = vec![header(summary, style)];
    if summary.asked_the_model() {
        lines.extend(cost(summary, style));
        lines.extend(tokens(summary, style));
        lines.extend(tools(summary, style));
        lines.extend(decided(summary, style));
        lines.extend(rejected(summary, style));
        lines.extend(code(summary, style));
    }
    lines.extend(masked(summary, style));
    if summary.redaction.records_dropped > 0 {
        let dropped = words::many(summary.redaction.records_dropped, "record");
        lines.push(row(style, "Dropped", vec![piece(Ink::Bad, format!("{dropped} that could not be redacted"))], &[]));
    }
    for delivery in &summary.delivery {
        lines.extend(sent(delivery, style));
    }
    let missing = summary.session.missing_events;
    if missing > 0 && !summary.notes.iter().any(|note| matches!(note, Note::Gap { .. })) {
        lines.extend(noted(&Note::Gap { missing }, summary, style));
    }
    for note in &summary.notes {
        lines.extend(noted(note, summary, style));
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// `cc-observe  widgets@fix/login   40m 12s (you 11m, claude 26m)   run 019ab7c2`
fn header(summary: &RunSummary, style: &Style) -> String {
    let active = &summary.session.active;
    let mut time = words::duration(summary.duration);
    let who: Vec<_> = [("you", active.user), ("claude", active.client)]
        .into_iter()
        .filter(|(_, time)| *time >= Duration::from_secs(1))
        .map(|(who, time)| format!("{who} {}", words::short_duration(time)))
        .collect();
    if !who.is_empty() {
        time = format!("{time} ({})", who.join(", "));
    }
    let run: String = summary.run_id.chars().take(8).collect();
    let run = if run.is_empty() { run } else { format!("   run {run}") };
    let taken = "cc-observe  ".len() + time.len() + run.len() + "   ".len();
    let place = words::place(summary.repository.as_deref(), summary.branch.as_deref())
        .map(|place| printable(&place, style.width.saturating_sub(taken)))
        .filter(|place| place.width() > 0);
    let place = place.map_or_else(Vec::new, |place| vec![plain(place.as_str()), plain("   ")]);
    let mut pieces = vec![piece(Ink::Dim, "cc-observe"), plain("  ")];
    pieces.extend(place);
    pieces.extend([plain(time), piece(Ink::Dim, run)]);
    paint(style, &pieces)
}

fn shares(shares: &[Share]) -> Vec<Item> {
    shares.iter().filter(|share| share.cost > NanoUsd::ZERO).map(|share| vec![plain(words::share(share))]).collect()
}

fn cost(summary: &RunSummary, style: &Style) -> Vec<String> {
    let session = &summary.session;
    let mut lines = Vec::new();
    if session.cost > NanoUsd::ZERO {
        let mut head = vec![plain(format!("{} at list price   ", session.cost))];
        if session.cost_not_itemised > NanoUsd::ZERO && session.requests > 0 {
            head = vec![plain(format!("{} at list price, ", session.cost))];
            head.push(piece(Ink::Held, format!("{} not itemised   ", session.cost_not_itemised)));
        }
        lines.push(row(style, "Cost", head, &shares(&session.by_model)));
    }
    let agents = shares(&session.by_agent);
    if agents.len() > 1 {
        lines.push(row(style, "Agents", Item::new(), &agents));
    }
    lines
}

fn tokens(summary: &RunSummary, style: &Style) -> Option<String> {
    let session = &summary.session;
    let mut items: Vec<Item> = Vec::new();
    let sent = session.tokens.sent();
    if session.tokens.total() > 0 {
        let cached = u128::from(session.tokens.cache_read) * 100 / u128::from(sent.max(1));
        items.push(vec![plain(format!("{} in ({cached}% cached)", words::tokens(sent)))]);
        items.push(vec![plain(format!("{} out", words::tokens(session.tokens.output)))]);
    }
    if session.requests > 0 {
        items.push(vec![plain(words::many(session.requests, "request"))]);
    }
    for (count, what) in [(session.errors.api_errors, "API error"), (session.errors.refusals, "refusal")] {
        if count > 0 {
            items.push(vec![piece(Ink::Bad, words::many(count, what))]);
        }
    }
    match session.errors.retries {
        0 => {}
        1 => items.push(vec![plain("1 retry")]),
        retries => items.push(vec![plain(format!("{retries} retries"))]),
    }
    if session.compactions > 0 {
        items.push(vec![plain(words::many(session.compactions, "compaction"))]);
    }
    (!items.is_empty()).then(|| row(style, "Tokens", Item::new(), &items))
}

fn sum(tools: &[ToolTotals], of: impl Fn(&ToolTotals) -> u64) -> u64 {
    tools.iter().map(of).fold(0, u64::saturating_add)
}

fn tools(summary: &RunSummary, style: &Style) -> Option<String> {
    let tools = &summary.session.tools;
    let unfinished = sum(tools, |tool| tool.calls.saturating_sub(tool.ran).saturating_sub(tool.rejected));
    let mut head = vec![plain(format!("{} ran", sum(tools, |tool| tool.ran)))];
    if unfinished > 0 {
        head.extend([plain(", "), piece(Ink::Held, format!("{unfinished} cut short"))]);
    }
    let items: Vec<Item> = tools
        .iter()
        .filter(|tool| tool.ran > 0)
        .map(|tool| {
            let mut item = vec![plain(format!("{} {}", printable(&tool.tool, words::NAME), tool.ran))];
            if tool.failed > 0 {
                item.extend([plain(" ("), piece(Ink::Bad, format!("{} failed", tool.failed)), plain(")")]);
            }
            item
        })
        .collect();
    if !items.is_empty() {
        head.push(plain(": "));
    }
    (!items.is_empty() || unfinished > 0).then(|| row(style, "Tools", head, &items))
}

fn decided(summary: &RunSummary, style: &Style) -> Option<String> {
    let by = &summary.session.decisions.by_decided_by;
    let verdicts = |who: DecidedBy| by.get(who.as_str()).copied().unwrap_or_default();
    let both = |verdicts: Verdicts| verdicts.accepted.saturating_add(verdicts.rejected);
    let settings = both(verdicts(DecidedBy::Rule)).saturating_add(both(verdicts(DecidedBy::Mode)));
    let (once, always) = (verdicts(DecidedBy::ClickOnce), verdicts(DecidedBy::ClickAlways));
    let items: Vec<Item> = [
        (settings, "rule or mode", Ink::Plain),
        (both(verdicts(DecidedBy::Hook)), "hook", Ink::Plain),
        (once.accepted, "you once", Ink::Plain),
        (always.accepted, "you always", Ink::Plain),
        (once.rejected.saturating_add(always.rejected), "you rejected", Ink::Bad),
        (both(verdicts(DecidedBy::Unknown)), "unknown", Ink::Plain),
    ]
    .into_iter()
    .filter(|(count, ..)| *count > 0)
    .map(|(count, who, ink)| vec![piece(ink, format!("{count} {who}"))])
    .collect();
    (!items.is_empty()).then(|| row(style, "Decided", Item::new(), &items))
}

fn rejected(summary: &RunSummary, style: &Style) -> Option<String> {
    let items: Vec<Item> = summary
        .session
        .tools
        .iter()
        .filter(|tool| tool.rejected > 0)
        .map(|tool| vec![piece(Ink::Bad, format!("{} {}", printable(&tool.tool, words::NAME), tool.rejected))])
        .collect();
    (!items.is_empty()).then(|| row(style, "Rejected", Item::new(), &items))
}

fn code(summary: &RunSummary, style: &Style) -> Option<String> {
    let code = &summary.session.code;
    let mut items: Vec<Item> = Vec::new();
    if code.lines_added > 0 || code.lines_removed > 0 {
        items.push(vec![plain(format!("+{} -{} lines", code.lines_added, code.lines_removed))]);
    }
    for (count, what) in [(code.commits, "commit"), (code.pull_requests, "pull request")] {
        if count > 0 {
            items.push(vec![plain(words::many(count, what))]);
        }
    }
    (!items.is_empty()).then(|| row(style, "Code", Item::new(), &items))
}

/// The most kinds of secrets that are named; the rest is counted.
const KINDS: usize = 6;

/// `3 in telemetry: curl -u (2), AWS key (1); rotate them`
fn masked(summary: &RunSummary, style: &Style) -> Vec<String> {
    let secrets = summary.redaction.secrets();
    if secrets == 0 {
        return Vec::new();
    }
    let (named, more) = summary.redaction.masked.split_at(summary.redaction.masked.len().min(KINDS));
    let mut kinds: Vec<String> =
        named.iter().map(|kind| format!("{} ({})", printable(&kind.what, words::NAME), kind.secrets)).collect();
    if !more.is_empty() {
        kinds.push(format!("+{} more", more.len()));
    }
    let them = if secrets == 1 { "it" } else { "them" };
    let text = format!("{secrets} in telemetry: {}; rotate {them}", kinds.join(", "));
    paragraph(style, "Masked", Ink::Held, &text)
}

/// Nothing when everything was delivered.
fn sent(delivery: &Delivery, style: &Style) -> Vec<String> {
    let (delivered, batches) = (delivery.delivered.batches, delivery.batches());
    if delivered == batches && delivery.dropped.records == 0 {
        return Vec::new();
    }
    let name = printable(&delivery.destination, words::NAME);
    let failing = delivery.last_error.as_ref();
    let how = if let Some(error) = failing {
        let since = delivery.failing_since.map_or_else(String::new, |since| {
            let local = since.timestamp().to_zoned(style.time_zone.clone());
            format!(" since {:02}:{:02}", local.hour(), local.minute())
        });
        format!(": {name} {}{since}", quoted(error))
    } else {
        format!(" to {name}")
    };
    let mut text = format!("{delivered} of {}{how}", words::many(batches, "batch"));
    let (on_disk, in_memory) = (delivery.spooled.batches, delivery.in_memory.batches);
    let waiting = match (failing, on_disk, in_memory) {
        (_, 0, 0) => String::new(),
        (Some(_), _, 0) => "; kept on disk".to_owned(),
        (Some(_), 0, _) => "; held in memory".to_owned(),
        (Some(_), ..) => format!("; {on_disk} kept on disk, {in_memory} held in memory"),
        (None, _, 0) => ", the rest is on its way".to_owned(),
        (None, ..) => format!(", the rest is on its way, {in_memory} held in memory"),
    };
    text.push_str(&waiting);
    let mut ink = if failing.is_some() || in_memory > 0 { Ink::Held } else { Ink::Dim };
    if delivery.parked.batches > 0 {
        ink = Ink::Held;
        let because = delivery.parked_because.as_ref().map(|why| format!(": {name} {}", quoted(why)));
        let because = because.unwrap_or_default();
        text = format!("{text}; {} refused for good and set aside{because}", delivery.parked.batches);
    }
    if let Some(lost) = words::dropped(delivery.dropped) {
        ink = Ink::Bad;
        let room = match delivery.evicted.batches {
            0 => String::new(),
            evicted if evicted == delivery.dropped.batches => " to make room".to_owned(),
            evicted => format!(", {evicted} of them to make room"),
        };
        text = format!("{text}; {lost}{room}");
    }
    for (who, said) in [(format!("{name} says"), &delivery.message), ("disk".to_owned(), &delivery.disk_error)] {
        if let Some(said) = said {
            text = format!("{text}; {who}: {}", quoted(said));
        }
    }
    paragraph(style, "Sent", ink, &text)
}

/// Somebody else's words, not too many of them.
fn quoted(text: &str) -> Printable {
    printable(text, 100)
}

/// The note, unless the lines about delivery say it already.
fn noted(note: &Note, summary: &RunSummary, style: &Style) -> Vec<String> {
    let told = |name: &str| summary.delivery.iter().any(|delivery| delivery.destination == name);
    match note {
        Note::LocalOnly => vec![row(style, "Sent", vec![plain("nothing, local only")], &[])],
        Note::Refused { destination, .. } | Note::OnTheirWay { destination, .. } if told(destination) => Vec::new(),
        note => paragraph(style, "Note", Ink::Held, &note.sentence()),
    }
}

//! The summary in one line: `cc-observe $4.31 40m 58 tools 3 failed 1 rejected org:37 held`.

use super::layout::{Ink, Item, paint, piece, plain};
use super::notes::Note;
use super::printable::printable;
use super::summary::RunSummary;
use super::{Style, words};

/// One line, without a line break; empty when there is nothing to show.
pub fn line(summary: &RunSummary, style: &Style) -> String {
    if summary.is_silent() {
        return String::new();
    }
    let mut parts: Vec<Item> = vec![vec![piece(Ink::Dim, "cc-observe")]];
    let unseen = summary.notes.iter().find(|note| note.is_about_not_seeing());
    if let Some(note) = unseen.filter(|_| !summary.asked_the_model()) {
        parts.push(vec![piece(Ink::Held, note.sentence().trim_end_matches('.'))]);
        return joined(style, &parts);
    }
    let session = &summary.session;
    parts.push(vec![plain(session.cost.to_string())]);
    parts.push(vec![plain(words::short_duration(summary.duration))]);
    let sum = |of: fn(&crate::session::ToolTotals) -> u64| session.tools.iter().map(of).fold(0, u64::saturating_add);
    let ran = sum(|tool| tool.ran);
    if ran > 0 {
        parts.push(vec![plain(words::many(ran, "tool"))]);
    }
    for (count, what) in [
        (sum(|tool| tool.failed), "failed"),
        (sum(|tool| tool.rejected), "rejected"),
        (session.errors.api_errors, "API errors"),
        (session.errors.refusals, "refused"),
    ] {
        if count > 0 {
            let what = if count == 1 { what.trim_end_matches('s') } else { what };
            parts.push(vec![piece(Ink::Bad, format!("{count} {what}"))]);
        }
    }
    let masked = summary.redaction.secrets();
    if masked > 0 {
        parts.push(vec![piece(Ink::Held, format!("{masked} masked"))]);
    }
    if session.missing_events > 0 {
        parts.push(vec![piece(Ink::Held, format!("{} missing", session.missing_events))]);
    }
    for delivery in &summary.delivery {
        let name = printable(&delivery.destination, words::NAME);
        if let Some(lost) = words::dropped(delivery.dropped) {
            parts.push(vec![piece(Ink::Bad, format!("{name}:{lost}"))]);
        }
        // What the disk would not take is not held for later.
        let (waiting, parked, in_memory) =
            (delivery.spooled.batches, delivery.parked.batches, delivery.in_memory.batches);
        let failing = delivery.last_error.is_some();
        let on_the_way = if failing { 0 } else { waiting };
        let held = if failing { waiting.saturating_add(parked) } else { parked };
        for (count, word) in [(held, "held"), (on_the_way, "on the way"), (in_memory, "in memory")] {
            if count > 0 {
                parts.push(vec![piece(Ink::Held, format!("{name}:{count} {word}"))]);
            }
        }
    }
    for note in &summary.notes {
        let ink = if *note == Note::LocalOnly { Ink::Dim } else { Ink::Held };
        parts.extend(note.word().map(|word| vec![piece(ink, word)]));
    }
    joined(style, &parts)
}

fn joined(style: &Style, parts: &[Item]) -> String {
    let spaced = parts
        .iter()
        .enumerate()
        .flat_map(|(index, part)| (index > 0).then(|| plain(" ")).into_iter().chain(part.iter().cloned()));
    paint(style, &spaced.collect::<Vec<_>>())
}

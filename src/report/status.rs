//! What runs now, for people and as JSON; and the line for Claude Code's `statusLine`.

use std::fmt::Write as _;

use serde::Serialize;

use super::json::safe;
use super::layout::{Ink, Item, paint, piece, plain, row};
use super::notes::Note;
use super::printable::printable;
use super::spool::{Disk, SpoolLine};
use super::summary::{Delivery, RunSummary};
use super::{Style, words};

/// How much of an id is shown: enough to tell runs of one machine apart.
const ID: usize = 13;

/// How much of the hash of a policy is shown.
const HASH: usize = 8;

/// A run whose relay is there.
#[derive(Clone, Debug, Serialize)]
pub struct Running {
    /// UUIDv7.
    pub run_id: String,
    /// None: its relay does not say: it is of another version, or too busy.
    pub summary: Option<RunSummary>,
}

/// What runs now, in lines; whoever prints it has printed what waits beside it.
pub fn running(runs: &[Running], style: &Style) -> String {
    if runs.is_empty() {
        return "nothing runs now\n".to_owned();
    }
    let mut text = String::new();
    for Running { run_id, summary } in runs {
        let short = run_id.get(..ID).unwrap_or(run_id);
        let Some(summary) = summary else {
            let head =
                vec![plain(short), piece(Ink::Dim, " does not say more: its relay is of another version, or busy")];
            let _ = writeln!(text, "{}", row(style, "run", head, &[]));
            continue;
        };
        let mut items: Vec<Item> = vec![vec![plain(words::short_duration(summary.duration))]];
        if let Some(place) = words::place(summary.repository.as_deref(), summary.branch.as_deref()) {
            items.push(vec![plain(place)]);
        }
        items.push(vec![plain(summary.session.cost.to_string())]);
        items.push(vec![plain(format!("{} tokens", words::tokens(summary.session.tokens.total())))]);
        items.push(vec![plain(words::many(summary.received.logs.records, "event"))]);
        if let Some(hash) = summary.policy_hash.as_deref().and_then(|hash| hash.get(..HASH)) {
            items.push(vec![piece(Ink::Dim, format!("policy {hash}"))]);
        }
        let _ = writeln!(text, "{}", row(style, "run", vec![plain(format!("{short}  "))], &items));
        for delivery in &summary.delivery {
            let head = vec![plain(format!("{}  ", printable(&delivery.destination, words::NAME)))];
            let _ = writeln!(text, "{}", row(style, "", head, &state(delivery)));
        }
        if summary.delivery.is_empty() {
            let _ = writeln!(text, "{}", row(style, "", vec![piece(Ink::Dim, "is delivered to nobody")], &[]));
        }
    }
    text
}

/// What became of a run's batches for one destination.
fn state(delivery: &Delivery) -> Vec<Item> {
    let mut items = vec![vec![plain(format!("{} delivered", words::many(delivery.delivered.batches, "batch")))]];
    let waiting = delivery.waiting();
    if waiting > 0 || delivery.last_error.is_some() {
        let why = delivery.last_error.as_deref().map_or_else(String::new, |error| format!(": it {error}"));
        items.push(vec![piece(Ink::Held, format!("{waiting} waiting{why}"))]);
    }
    if delivery.parked.batches > 0 {
        items.push(vec![piece(Ink::Held, format!("{} set aside", delivery.parked.batches))]);
    }
    if let Some(lost) = words::dropped(delivery.dropped) {
        items.push(vec![piece(Ink::Bad, lost)]);
    }
    items
}

/// One line about a session, without a line break: `$4.31 · 1.2M tokens · delivered`.
pub fn statusline(summary: &RunSummary, style: &Style) -> String {
    let mut parts = vec![
        vec![plain(summary.session.cost.to_string())],
        vec![plain(format!("{} tokens", words::tokens(summary.session.tokens.total())))],
    ];
    let passed = summary.notes.iter().filter(|note| matches!(note, Note::BudgetPassed { .. }));
    parts.extend(passed.filter_map(Note::word).map(|word| vec![piece(Ink::Bad, word)]));
    parts.push(delivered(&summary.delivery));
    let spaced = parts
        .iter()
        .enumerate()
        .flat_map(|(index, part)| (index > 0).then(|| piece(Ink::Dim, " · ")).into_iter().chain(part.iter().cloned()));
    paint(style, &spaced.collect::<Vec<_>>())
}

/// The worst there is to say of any destination.
fn delivered(all: &[Delivery]) -> Item {
    let named =
        |delivery: &Delivery, what: String| format!("{}: {what}", printable(&delivery.destination, words::NAME));
    if let Some((delivery, lost)) = all.iter().find_map(|it| Some((it, words::dropped(it.dropped)?))) {
        return vec![piece(Ink::Bad, named(delivery, lost))];
    }
    if let Some(failing) = all.iter().find(|delivery| delivery.last_error.is_some()) {
        let held = failing.waiting().saturating_add(failing.parked.batches);
        return vec![piece(Ink::Held, named(failing, format!("{held} held")))];
    }
    if let Some(parked) = all.iter().find(|delivery| delivery.parked.batches > 0) {
        return vec![piece(Ink::Held, named(parked, format!("{} set aside", parked.parked.batches)))];
    }
    if all.is_empty() {
        return vec![piece(Ink::Dim, "not delivered")];
    }
    let waiting = all.iter().map(Delivery::waiting).fold(0, u64::saturating_add);
    vec![piece(Ink::Dim, if waiting > 0 { "on the way" } else { "delivered" })]
}

/// The line where a session is not observed, or its relay does not say.
pub fn statusline_of_none(style: &Style) -> String {
    paint(style, &[piece(Ink::Held, "not observed")])
}

/// What runs and what waits, as one object.
pub fn status_json(runs: &[Running], spool: &[SpoolLine], disk: Option<Disk>) -> String {
    #[derive(Serialize)]
    struct Status<'a> {
        runs: &'a [Running],
        spool: &'a [SpoolLine],
        disk: Option<Disk>,
    }
    safe(&serde_json::to_string_pretty(&Status { runs, spool, disk }).unwrap_or_default()) + "\n"
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::NanoUsd;
    use crate::report::Amount;
    use crate::session::SessionTotals;

    fn amount(batches: u64) -> Amount {
        Amount { batches, records: batches }
    }

    fn run(delivery: Vec<Delivery>) -> Running {
        let session = SessionTotals { cost: NanoUsd::from_dollars(4.31), ..SessionTotals::default() };
        let summary = RunSummary {
            duration: Duration::from_secs(2400),
            repository: Some("https://example.com/acme/widgets.git".to_owned()),
            branch: Some("main".to_owned()),
            session,
            delivery,
            ..RunSummary::default()
        };
        Running { run_id: "0199a7b2-0000-7000-8000-000000000001".to_owned(), summary: Some(summary) }
    }

    fn org(delivery: Delivery) -> Delivery {
        Delivery { destination: "org".to_owned(), delivered: amount(37), ..delivery }
    }

    #[test]
    fn what_runs_is_told_with_what_became_of_its_batches() {
        let failing =
            Delivery { spooled: amount(2), last_error: Some("refuses connections".into()), ..org(Delivery::default()) };
        let runs = [run(vec![failing, org(Delivery::default())]), Running { summary: None, ..run(Vec::new()) }];
        insta::assert_snapshot!(running(&runs, &Style { width: 120, ..Style::PLAIN }), @r"
        run       0199a7b2-0000  40m, widgets@main, $4.31, 0 tokens, 0 events
                  org  37 batches delivered, 2 waiting: it refuses connections
                  org  37 batches delivered
        run       0199a7b2-0000 does not say more: its relay is of another version, or busy
        ");
        assert_eq!(running(&[], &Style::PLAIN), "nothing runs now\n");
    }

    #[test]
    fn the_status_line_says_the_worst_there_is_to_say() {
        let line = |delivery: Vec<Delivery>| statusline(&run(delivery).summary.unwrap(), &Style::PLAIN);
        assert_eq!(line(Vec::new()), "$4.31 · 0 tokens · not delivered");
        assert_eq!(line(vec![org(Delivery::default())]), "$4.31 · 0 tokens · delivered");
        let waiting = Delivery { spooled: amount(2), ..org(Delivery::default()) };
        assert_eq!(line(vec![waiting.clone()]), "$4.31 · 0 tokens · on the way");
        let failing = Delivery { last_error: Some("refuses connections".into()), ..waiting.clone() };
        assert_eq!(line(vec![org(Delivery::default()), failing.clone()]), "$4.31 · 0 tokens · org: 2 held");
        let lost = org(Delivery { dropped: amount(1), ..Delivery::default() });
        assert_eq!(line(vec![failing, Delivery { delivered: amount(1), ..lost }]), "$4.31 · 0 tokens · org: 1 dropped");
    }
}

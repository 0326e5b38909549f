//! What waits in the spool, for people and as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::Style;
use super::layout::{Ink, Piece, paint, piece, plain};
use super::words::{many, short_duration};

/// What lies in the spool for one destination.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SpoolLine {
    /// The name of its directory, which is that of `[destinations.NAME]` where it has one.
    pub name: String,
    /// Whether today's configuration still delivers to it.
    pub configured: bool,
    /// What waits.
    pub waiting: Files,
    /// Runs whose batches wait.
    pub runs: u64,
    /// Those of them that a relay is delivering.
    pub in_use: u64,
    /// Why, as the last relay that gave up had it, to be said after the name.
    pub error: Option<String>,
    /// Since when, as RFC 3339.
    pub error_since: Option<String>,
    /// What the endpoint will not take.
    pub parked: Files,
    /// What is not what was written.
    pub corrupt: Files,
    /// What was dropped by relays that have ended, since `spool drop` last took all. None: nothing.
    pub dropped: Option<Dropped>,
}

/// What was dropped.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Dropped {
    /// Whole batches.
    pub batches: u64,
    /// Log records, data points or spans, of them and of others.
    pub records: u64,
    /// Those of the batches that had to make room, or were too old.
    pub evicted_batches: u64,
    /// When the first was, as RFC 3339.
    pub since: Option<String>,
}

/// Batches on disk.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Files {
    /// How many.
    pub batches: u64,
    /// Log records, data points or spans in them.
    pub records: u64,
    /// On disk, compressed.
    pub bytes: u64,
    /// How long ago the oldest was written, in seconds. None: there is none.
    pub oldest_seconds: Option<u64>,
}

/// What was done with what waits for one destination.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FlushLine {
    /// As in the status.
    pub name: String,
    /// Batches that the endpoint took.
    pub delivered: u64,
    /// Batches that it will not take, kept aside.
    pub parked: u64,
    /// Batches that are gone: withheld by today's policy, or damaged.
    pub dropped: u64,
    /// Batches that still wait.
    pub left: u64,
    /// Why, to be said after the name.
    pub error: Option<String>,
}

/// The disk that the spool is on.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Disk {
    /// What is left of it for us.
    pub available_bytes: u64,
    /// Nothing can be written.
    pub read_only: bool,
    /// Too little is left for a batch: what comes now waits in the memory of its relay.
    pub full: bool,
}

/// What waits, in lines; and what is wrong with the disk.
pub fn spool_status(lines: &[SpoolLine], disk: Option<Disk>, style: &Style) -> String {
    let mut text = waiting(lines, style);
    if let Some(disk) = disk.filter(|disk| disk.full) {
        let what = if disk.read_only {
            "the disk of the spool is read-only".to_owned()
        } else {
            format!("the disk of the spool is full ({} left)", bytes(disk.available_bytes))
        };
        let row = [piece(Ink::Bad, what), plain(": what comes now waits in memory")];
        let _ = writeln!(text, "{}", paint(style, &row));
    }
    text
}

fn waiting(lines: &[SpoolLine], style: &Style) -> String {
    let lying = |line: &&SpoolLine| {
        line.waiting.batches + line.parked.batches + line.corrupt.batches > 0 || line.dropped.is_some()
    };
    let shown: Vec<&SpoolLine> = lines.iter().filter(lying).collect();
    if shown.is_empty() {
        return "nothing waits\n".to_owned();
    }
    let label = shown.iter().map(|line| line.name.len()).max().unwrap_or(0).min(40);
    let mut text = String::new();
    for line in shown {
        for (at, pieces) in pieces(line).into_iter().enumerate() {
            let name = if at == 0 { line.name.as_str() } else { "" };
            let mut row = vec![plain(format!("{name:<label$}  "))];
            row.extend(pieces);
            let _ = writeln!(text, "{}", paint(style, &row));
        }
    }
    text
}

fn pieces(line: &SpoolLine) -> Vec<Vec<Piece>> {
    let mut rows = Vec::new();
    if line.waiting.batches > 0 {
        let mut row = vec![piece(Ink::Held, many(line.waiting.batches, "batch"))];
        row.push(plain(format!(
            " in {}, {}, {}{}",
            many(line.runs, "run"),
            many(line.waiting.records, "record"),
            bytes(line.waiting.bytes),
            line.waiting.oldest_seconds.map_or_else(String::new, |age| format!(", the oldest for {}", ago(age))),
        )));
        rows.push(row);
        if line.in_use > 0 {
            rows.push(vec![piece(Ink::Dim, format!("{} being delivered", many(line.in_use, "run")))]);
        }
        if !line.configured {
            rows.push(vec![piece(Ink::Held, "no destination of this name is configured: kept until there is one")]);
        } else if let Some(error) = &line.error {
            let since = line.error_since.as_ref().map_or_else(String::new, |since| format!(", since {since}"));
            rows.push(vec![piece(Ink::Bad, format!("it {error}{since}"))]);
        }
    }
    for (files, what) in
        [(line.parked, "parked: not taken, while others are"), (line.corrupt, "damaged, and kept aside")]
    {
        if files.batches > 0 {
            rows.push(vec![plain(format!("{} {what}", many(files.batches, "batch")))]);
        }
    }
    if let Some(dropped) = &line.dropped {
        let what = match dropped.batches {
            0 => many(dropped.records, "record"),
            batches => many(batches, "batch"),
        };
        let room = match dropped.evicted_batches {
            0 => String::new(),
            evicted if evicted == dropped.batches => ", to make room".to_owned(),
            evicted => format!(", {evicted} of them to make room"),
        };
        let since = dropped.since.as_ref().map_or_else(String::new, |since| format!(" since {since}"));
        rows.push(vec![piece(Ink::Bad, format!("{what} dropped{since}{room}"))]);
    }
    rows
}

/// What became of what waited, in lines.
pub fn spool_flush(lines: &[FlushLine], style: &Style) -> String {
    let mut text = String::new();
    let any = |line: &&FlushLine| line.delivered + line.parked + line.dropped + line.left > 0;
    let shown: Vec<&FlushLine> = lines.iter().filter(any).collect();
    if shown.is_empty() {
        return "nothing waited\n".to_owned();
    }
    let label = shown.iter().map(|line| line.name.len()).max().unwrap_or(0).min(40);
    for line in shown {
        let mut row = vec![plain(format!("{:<label$}  {} delivered", line.name, line.delivered))];
        for (count, word, ink) in
            [(line.parked, "parked", Ink::Held), (line.dropped, "dropped", Ink::Bad), (line.left, "left", Ink::Held)]
        {
            if count > 0 {
                row.push(plain(", "));
                row.push(piece(ink, format!("{count} {word}")));
            }
        }
        if let Some(error) = line.error.as_ref().filter(|_| line.left > 0) {
            row.push(plain(format!(": it {error}")));
        }
        let _ = writeln!(text, "{}", paint(style, &row));
    }
    text
}

/// The same for programs. What a name or an error says is escaped where a terminal would obey it.
pub fn spool_json<T: Serialize>(lines: &[T]) -> String {
    let plain = serde_json::json!({ "destinations": lines }).to_string();
    super::json::safe(&plain) + "\n"
}

/// What lies in the spool and how much room is left for it, for programs.
pub fn spool_status_json(lines: &[SpoolLine], disk: Option<Disk>) -> String {
    let plain = serde_json::json!({ "destinations": lines, "disk": disk }).to_string();
    super::json::safe(&plain) + "\n"
}

/// `12 s`, `3 h`, `2 days`.
fn ago(seconds: u64) -> String {
    match seconds {
        0..172_800 => short_duration(Duration::from_secs(seconds)),
        _ => many(seconds / 86_400, "day"),
    }
}

/// `912 B`, `96 KB`, `1.2 MB`: decimal, as disks are sold.
fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} KB", bytes.div_ceil(1_000)),
        1_000_000..1_000_000_000 => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(batches: u64) -> Files {
        Files { batches, records: 28 * batches, bytes: 7_500 * batches, oldest_seconds: (batches > 0).then_some(7_260) }
    }

    #[test]
    fn what_waits_is_said_with_its_reason() {
        let lines = [
            SpoolLine { name: "empty".to_owned(), configured: true, ..SpoolLine::default() },
            SpoolLine {
                name: "org".to_owned(),
                configured: true,
                waiting: files(12),
                runs: 3,
                in_use: 1,
                error: Some("refuses connections".to_owned()),
                error_since: Some("2026-11-20T08:00:00Z".to_owned()),
                parked: files(1),
                corrupt: files(2),
                dropped: Some(Dropped {
                    batches: 9,
                    records: 270,
                    evicted_batches: 7,
                    since: Some("2026-11-19T08:00:00Z".to_owned()),
                }),
            },
            SpoolLine { name: "renamed".to_owned(), waiting: files(1), runs: 1, ..SpoolLine::default() },
        ];
        insta::assert_snapshot!(spool_status(&lines, None, &Style::PLAIN), @r"
        org      12 batches in 3 runs, 336 records, 90 KB, the oldest for 2h01m
                 1 run being delivered
                 it refuses connections, since 2026-11-20T08:00:00Z
                 1 batch parked: not taken, while others are
                 2 batches damaged, and kept aside
                 9 batches dropped since 2026-11-19T08:00:00Z, 7 of them to make room
        renamed  1 batch in 1 run, 28 records, 8 KB, the oldest for 2h01m
                 no destination of this name is configured: kept until there is one
        ");
        assert_eq!(spool_status(&lines[..1], None, &Style::PLAIN), "nothing waits\n");
        let disk = |read_only, full| Disk { available_bytes: 4_096, read_only, full };
        assert_eq!(spool_status(&[], Some(disk(false, false)), &Style::PLAIN), "nothing waits\n");
        insta::assert_snapshot!(spool_status(&[], Some(disk(false, true)), &Style::PLAIN), @r"
        nothing waits
        the disk of the spool is full (5 KB left): what comes now waits in memory
        ");
        assert!(spool_status(&[], Some(disk(true, true)), &Style::PLAIN).contains("is read-only: what comes"));
        assert!(spool_status_json(&[], Some(disk(true, true))).contains("\"read_only\":true"));
        let said = |batches, records, evicted_batches| {
            let dropped = Some(Dropped { batches, records, evicted_batches, since: None });
            spool_status(&[SpoolLine { name: "org".to_owned(), dropped, ..SpoolLine::default() }], None, &Style::PLAIN)
        };
        assert_eq!(said(2, 9, 2), "org  2 batches dropped, to make room\n");
        assert_eq!(said(0, 9, 0), "org  9 records dropped\n");
        let narrow = Style { width: 20, ..Style::PLAIN };
        assert!(spool_status(&lines, None, &narrow).lines().all(|line| line.chars().count() <= 20));
    }

    #[test]
    fn what_was_flushed_is_said_with_what_is_left() {
        let lines = [
            FlushLine { name: "a".to_owned(), delivered: 3, ..FlushLine::default() },
            FlushLine {
                name: "second".to_owned(),
                delivered: 1,
                parked: 2,
                dropped: 1,
                left: 4,
                error: Some("answers 503".to_owned()),
            },
            FlushLine { name: "nothing".to_owned(), ..FlushLine::default() },
        ];
        insta::assert_snapshot!(spool_flush(&lines, &Style::PLAIN), @r"
        a       3 delivered
        second  1 delivered, 2 parked, 1 dropped, 4 left: it answers 503
        ");
        assert_eq!(spool_flush(&lines[2..], &Style::PLAIN), "nothing waited\n");
    }

    #[test]
    fn sizes_and_ages_are_short() {
        let sizes = [0, 999, 1_000, 96_400, 999_999, 1_250_000, 268_435_456, 2_100_000_000].map(bytes).join(", ");
        assert_eq!(sizes, "0 B, 999 B, 1 KB, 97 KB, 1000 KB, 1.2 MB, 268.4 MB, 2.1 GB");
        assert_eq!([12, 7_260, 172_799, 172_800, 604_800].map(ago).join(", "), "12s, 2h01m, 47h59m, 2 days, 7 days");
    }

    #[test]
    fn programs_get_what_people_get() {
        let line = SpoolLine { name: "org\u{1b}[2J".to_owned(), waiting: files(1), ..SpoolLine::default() };
        let json = spool_json(&[line]);
        assert!(!json.contains('\u{1b}'));
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["destinations"][0]["waiting"]["batches"], 1);
        assert_eq!(value["destinations"][0]["waiting"]["oldest_seconds"], 7_260);
    }
}

//! Compares what claude was told to have arrived with what became of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::Path;

use cc_observe::otlp::{Encoding, Signal, decode};
use flate2::read::GzDecoder;
use serde_json::Value;

use super::story::{Number, numbers};
use crate::support::needle;

/// A request that the endpoint took, whatever it answered.
#[derive(Clone, Debug)]
pub(super) struct Ingested {
    pub numbers: Vec<Number>,
    /// Which attempt it said to be.
    pub attempt: u32,
}

/// All that can be known after a trial.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    /// What claude could have said.
    pub told: BTreeSet<Number>,
    pub acknowledged: BTreeSet<Number>,
    pub ingested: Vec<Ingested>,
    /// In files of the spool, those aside included.
    pub kept: BTreeSet<Number>,
    /// Records that were said to be dropped.
    pub counted: u64,
    /// Whatever left claude's relay or was left by it, by what it is called.
    pub seen: Vec<(String, Vec<u8>)>,
    /// Planted secrets on disk.
    pub on_disk: Vec<String>,
}

/// What is wrong. Nothing, if nothing was lost uncounted, nothing doubled without saying so, and nothing leaked.
pub(super) fn judge(evidence: &Evidence) -> Vec<String> {
    let mut violations = Vec::new();
    let arrived: BTreeSet<Number> = evidence.ingested.iter().flat_map(|request| &request.numbers).copied().collect();
    let missing: Vec<_> =
        evidence.acknowledged.iter().filter(|n| !arrived.contains(n) && !evidence.kept.contains(n)).collect();
    if missing.len() as u64 > evidence.counted {
        let (all, first) = (missing.len(), missing.first().unwrap());
        violations.push(format!("{all} acknowledged records are lost, {} counted; {first:?} is one", evidence.counted));
    }
    let strangers: Vec<_> = arrived.difference(&evidence.told).collect();
    if let Some(first) = strangers.first() {
        violations.push(format!("{} records arrived that nobody sent, as {first:?}", strangers.len()));
    }
    let mut firsts: BTreeMap<Number, u32> = BTreeMap::new();
    for request in evidence.ingested.iter().filter(|request| request.attempt <= 1) {
        for number in &request.numbers {
            *firsts.entry(*number).or_default() += 1;
        }
    }
    let doubled: Vec<_> = firsts.iter().filter(|(_, times)| **times > 1).map(|(number, _)| number).collect();
    if let Some(first) = doubled.first() {
        violations.push(format!("{} records came twice as a first attempt, as {first:?}", doubled.len()));
    }
    for (what, bytes) in &evidence.seen {
        violations.extend(needle::find(bytes).map(|how| format!("a planted secret in {what}, {how}")));
    }
    violations.extend(evidence.on_disk.iter().map(|found| format!("a planted secret on disk: {found}")));
    violations
}

/// The records in the files of a spool: what waits, what was parked, what is damaged and can be read all the same.
pub(super) fn spooled(spool: &Path) -> BTreeSet<Number> {
    let mut found = BTreeSet::new();
    let Ok(entries) = fs::read_dir(spool) else { return found };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if path.is_dir() {
            found.extend(spooled(&path));
        } else if let Some(signal) = name.strip_suffix(".otlp").and_then(|name| signal_of(name.rsplit('.').next()?)) {
            // docs/spool.md: a header of 56 bytes, then gzip.
            let file = fs::read(&path).unwrap_or_default();
            let mut body = Vec::new();
            let inflated = file.get(56..).map(|packed| GzDecoder::new(packed).read_to_end(&mut body));
            if let Some(Ok(_)) = inflated
                && let Ok(batch) = decode(signal, Encoding::Protobuf, &body)
            {
                found.extend(numbers(&batch));
            }
        }
    }
    found
}

/// How many records were dropped, by `spool status --json`.
pub(super) fn dropped(status: &Value) -> u64 {
    let destinations = status["destinations"].as_array().unwrap();
    destinations.iter().filter_map(|destination| destination["dropped"]["records"].as_u64()).sum()
}

fn signal_of(name: &str) -> Option<Signal> {
    Signal::ALL.into_iter().find(|signal| signal.as_str() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Evidence {
        let all: BTreeSet<Number> = (0..10).map(|number| (Signal::Logs, number)).collect();
        let of = |from: u64, to: u64| (from..to).map(|number| (Signal::Logs, number)).collect::<Vec<_>>();
        Evidence {
            told: all.clone(),
            acknowledged: all,
            ingested: vec![
                Ingested { numbers: of(0, 5), attempt: 1 },
                Ingested { numbers: of(3, 8), attempt: 2 },
                Ingested { numbers: of(8, 9), attempt: 1 },
            ],
            kept: of(9, 10).into_iter().collect(),
            ..Evidence::default()
        }
    }

    /// The positive control: whatever should be found is.
    #[test]
    fn the_oracle_sees_what_is_lost_doubled_made_up_and_leaked() {
        assert_eq!(judge(&sound()), [""; 0]);
        let wrong = |spoil: &dyn Fn(&mut Evidence), word: &str| {
            let mut evidence = sound();
            spoil(&mut evidence);
            let violations = judge(&evidence);
            assert!(violations.len() == 1 && violations[0].contains(word), "{word}: {violations:?}");
        };
        wrong(&|e| e.ingested[2].numbers.clear(), "1 acknowledged records are lost, 0 counted");
        wrong(&|e| e.kept.clear(), "lost");
        wrong(&|e| e.ingested[1].attempt = 1, "2 records came twice");
        wrong(&|e| e.ingested[0].numbers.push((Signal::Logs, 99)), "nobody sent");
        wrong(&|e| e.ingested[0].numbers.push((Signal::Traces, 1)), "nobody sent");
        wrong(&|e| e.seen.push(("a request".into(), b"-p FAKE0x".to_vec())), "a planted secret in a request");
        wrong(&|e| e.seen.push(("a request".into(), b"eHhGQUtFeA==".to_vec())), "as base64");
        wrong(&|e| e.on_disk.push("a log".into()), "on disk");
        let mut counted = sound();
        counted.ingested[2].numbers.clear();
        counted.counted = 1;
        assert_eq!(judge(&counted), [""; 0], "what is counted is not lost silently");
    }
}

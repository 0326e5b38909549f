//! What `cc-observe doctor` found, for people and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::Style;
use super::json::safe;
use super::layout::{Ink, paint, piece, plain};

/// What to think of it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Nothing to be judged.
    Skipped,
    /// It works, and should be looked at.
    Warning,
    /// It does not work.
    Failed,
}

impl Verdict {
    fn word(self) -> (&'static str, Ink) {
        match self {
            Self::Ok => ("ok", Ink::Dim),
            Self::Skipped => ("-", Ink::Dim),
            Self::Warning => ("warning", Ink::Held),
            Self::Failed => ("failed", Ink::Bad),
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Check {
    /// What it is about; always the same word for the same check.
    pub about: &'static str,
    /// What to think of it.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do next. None: nothing.
    pub hint: Option<String>,
}

/// Columns of the verdict and of what it is about.
const COLUMNS: (usize, usize) = (9, 15);

/// A line for each, and one more for what to do.
pub fn doctor(checks: &[Check], style: &Style) -> String {
    let mut text = String::new();
    for check in checks {
        let (word, ink) = check.verdict.word();
        let line = [
            piece(ink, format!("{word:<width$}", width = COLUMNS.0)),
            piece(Ink::Dim, format!("{:<width$}", check.about, width = COLUMNS.1)),
            plain(&check.found),
        ];
        let _ = writeln!(text, "{}", paint(style, &line));
        if let Some(hint) = &check.hint {
            let _ = writeln!(text, "{:indent$}{}", "", paint(style, &[plain(hint)]), indent = COLUMNS.0 + COLUMNS.1);
        }
    }
    text
}

/// One object; `verdict` is the worst of all.
pub fn doctor_json(checks: &[Check], version: &str) -> String {
    #[derive(Serialize)]
    struct Report<'a> {
        version: &'a str,
        verdict: Verdict,
        checks: &'a [Check],
    }
    let report = Report { version, verdict: worst(checks), checks };
    safe(&serde_json::to_string_pretty(&report).unwrap_or_default()) + "\n"
}

/// The worst of all.
pub fn worst(checks: &[Check]) -> Verdict {
    checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_is_a_line_and_what_to_do_stands_below_it() {
        let check = |about, verdict, found: &str, hint: Option<&str>| Check {
            about,
            verdict,
            found: found.to_owned(),
            hint: hint.map(str::to_owned),
        };
        let checks = [
            check("claude", Verdict::Ok, "/usr/bin/claude, 2.1.330", None),
            check("destination", Verdict::Failed, "org refuses\u{7} connections", Some("look whether it runs")),
        ];
        insta::assert_snapshot!(doctor(&checks, &Style::PLAIN), @r"
        ok       claude         /usr/bin/claude, 2.1.330
        failed   destination    org refuses connections
                                look whether it runs
        ");
        assert_eq!(worst(&checks), Verdict::Failed);
        assert!(doctor_json(&checks, "1").contains("\"verdict\": \"failed\""));
    }
}

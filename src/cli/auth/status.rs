//! Edge: `cc-observe auth status`: asks every source for its token, and shows where it was, never what.

use std::time::SystemTime;

use jiff::{Timestamp, Unit};
use serde_json::{Value, json};

use super::{Failure, NO, runtime, write};
use crate::config::{Auth, Destination};
use crate::launch::{self, Given};
use crate::report;
use crate::report::safe_json;
use crate::secrets::keyring::{KeyringError, Store};
use crate::secrets::{TokenError, TokenSource};

/// What is known of the token of a destination.
struct Line {
    name: String,
    header: Option<String>,
    kind: &'static str,
    /// The store, the file, the variable, the helper.
    place: Option<String>,
    since: Option<String>,
    /// Why the keyring did not give it.
    without_keyring: Option<KeyringError>,
    error: Option<TokenError>,
}

pub(super) fn status(given: Given<'_>, json: bool) -> Result<u8, Failure> {
    let (destinations, _) = launch::destinations_of_today(given)?;
    let runtime = runtime()?;
    let lines: Vec<Line> = destinations.iter().map(|it| runtime.block_on(line(given, it))).collect();
    write(&if json { as_json(&lines) } else { as_text(&lines) })?;
    Ok(if lines.iter().any(|line| line.error.is_some()) { NO } else { 0 })
}

async fn line(given: Given<'_>, destination: &Destination) -> Line {
    let mut line = Line {
        name: destination.name.clone(),
        header: None,
        kind: if destination.headers.is_empty() { "none" } else { "headers" },
        place: None,
        since: None,
        without_keyring: None,
        error: None,
    };
    let Some(Auth { header, token, .. }) = &destination.auth else { return line };
    line.header = Some(header.clone());
    let path = |path: &std::path::Path| given.with_tilde(&path.display().to_string());
    (line.kind, line.place) = match token {
        TokenSource::Command(command) => ("command", command.first().map(|program| path(program.as_ref()))),
        TokenSource::File(file) => ("file", Some(path(file))),
        TokenSource::Env { name, .. } => ("env", Some(name.clone())),
        TokenSource::Keyring(_) => ("keyring", None),
    };
    let since = |at: Option<SystemTime>| {
        let at = Timestamp::try_from(at?).ok()?;
        Some(at.round(Unit::Second).unwrap_or(at).to_string())
    };
    if let TokenSource::Keyring(entry) = token {
        match entry.find().await {
            Ok(found) => {
                line.place = Some(match (found.store, &entry.file) {
                    (Store::File, Some(file)) => path(file),
                    (store, _) => store.to_string(),
                });
                line.since = since(found.since);
                line.without_keyring = found.without_keyring;
            }
            Err(error) => line.error = Some(error),
        }
    } else {
        line.error = token.fetch().await.err();
        if let (TokenSource::File(file), None) = (token, line.error) {
            line.since = since(std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok());
        }
    }
    line
}

/// Whether everything that was asked answered within its limit.
fn in_time(line: &Line) -> bool {
    line.without_keyring != Some(KeyringError::Late)
        && !matches!(line.error, Some(TokenError::Late | TokenError::KeyringLate))
}

fn as_json(lines: &[Line]) -> String {
    let object = |line: &Line| {
        json!({
            "name": line.name,
            "header": line.header,
            "kind": line.kind,
            "found": line.header.as_ref().map(|_| line.error.is_none()),
            "where": line.place,
            "since": line.since,
            "in_time": line.header.as_ref().map(|_| in_time(line)),
            "without_keyring": line.without_keyring.map(|why| format!("the keyring {why}")),
            "error": line.error.map(|error| error.to_string()),
        })
    };
    let destinations: Vec<Value> = lines.iter().map(object).collect();
    safe_json(&format!("{}\n", json!({ "destinations": destinations })))
}

fn as_text(lines: &[Line]) -> String {
    if lines.is_empty() {
        return "no destination is configured\n".to_owned();
    }
    let cells = |line: &Line| {
        let told = match (&line.place, line.error) {
            (None, None) => String::new(),
            (place, Some(error)) => {
                let place = place.as_ref().map_or_else(String::new, |place| format!("{place}: "));
                format!("missing: {place}{error}")
            }
            (Some(place), None) => {
                let since = line.since.as_ref().map_or_else(String::new, |since| format!(", since {since}"));
                let without = line.without_keyring.map_or_else(String::new, |why| format!(" (the keyring {why})"));
                format!("{place}{since}{without}")
            }
        };
        [line.name.clone(), line.header.clone().unwrap_or_else(|| "-".to_owned()), line.kind.to_owned(), told]
    };
    let rows: Vec<[String; 4]> = lines.iter().map(cells).collect();
    let width = |of: fn(&[String; 4]) -> usize| rows.iter().map(of).max().unwrap_or_default();
    let widths = [width(|row| row[0].len()), width(|row| row[1].len()), width(|row| row[2].len())];
    let text = |[name, header, kind, told]: &[String; 4]| {
        let [a, b, c] = widths;
        let line = format!("{name:a$}  {header:b$}  {kind:c$}  {told}");
        format!("{}\n", report::printable(line.trim_end(), 1000).as_str())
    };
    rows.iter().map(text).collect()
}

//! Edge: `cc-observe policy`: what leaves this machine, to whom, by whose decision, and what cannot be changed.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd as _;

use clap::Parser;
use rustix::termios::tcgetwinsize;
use serde_json::Value;

use super::config::in_force;
use super::{USAGE, complain, print, redact, show};
use crate::config::table::{Row, Table};
use crate::config::{Destination, Layer, keys, managed, paths, policy_hash};
use crate::launch::{self, Given};
use crate::process::{self, Inherited};
use crate::report::{self, Decided, DestinationTold, PolicyTold, SecretsTold, SpoolTold, Style};
use crate::secrets::TokenSource;

/// The narrowest and the widest that it is set, in columns.
const WIDTHS: (usize, usize) = (40, 110);

/// Tells what leaves this machine of a session, to whom, who decided it, and what cannot be changed.
#[derive(Debug, Parser)]
#[command(
    name = "cc-observe policy",
    bin_name = "cc-observe policy",
    after_help = "Exit codes: 0 done; 2 a mistake in the options or the configuration; 125 the output cannot be written."
)]
struct PolicyOptions {
    /// An object instead of lines.
    #[arg(long)]
    json: bool,
}

/// Does what `cc-observe policy …` says; the exit code.
pub(super) fn run(args: &[OsString], environment: &[(OsString, OsString)], inherited: &Inherited) -> u8 {
    inherited.make_usable();
    let name = OsString::from("cc-observe policy");
    let options = match PolicyOptions::try_parse_from(std::iter::once(&name).chain(args)) {
        Ok(options) => options,
        Err(error) => return show(&error),
    };
    let given = Given { variables: environment };
    let told = match told(given) {
        Ok(told) => told,
        Err(why) => {
            complain(report::printable(&why, 1000).as_str());
            return USAGE;
        }
    };
    let text = if options.json { report::policy_json(&told) } else { report::policy(&told, &style(given)) };
    print(&text)
}

fn style(given: Given<'_>) -> Style {
    let stdout = io::stdout();
    let terminal = process::is_terminal(stdout.as_fd());
    let width = tcgetwinsize(stdout.as_fd()).map(|size| usize::from(size.ws_col)).ok().filter(|width| *width > 0);
    let width = width.unwrap_or(Style::PLAIN.width).clamp(WIDTHS.0, WIDTHS.1);
    Style { colour: given.colours(terminal), width, ..Style::PLAIN }
}

fn told(given: Given<'_>) -> Result<PolicyTold, String> {
    // What is wrong with the organization's counts too: then nothing is delivered, and that is what is to be said.
    let config = launch::read_config(given).map_err(|error| error.to_string())?;
    let governed = config.governed.clone().unwrap_or_default();
    let broken = governed.broken.as_ref();
    let table = match in_force(given) {
        Ok((_, table)) => table,
        Err(why) if broken.is_none() => return Err(why),
        Err(_) => Table::of(&[]).map_err(|error| error.to_string())?,
    };
    let (destinations, policy) = launch::destinations_of_today(given).map_err(|error| error.to_string())?;
    let rules = redact::redactor(given).map(|redactor| redactor.rules()).unwrap_or_default();
    let tilde = |text: String| given.with_tilde(&text);
    let directory = paths::state_directory().map(|state| tilde(state.join("spool").display().to_string()));
    Ok(PolicyTold {
        destinations: destinations.iter().map(|destination| destination_told(destination, &table, given)).collect(),
        capture: of(&table, &["capture"], given),
        identity: below(&table, "identity", given),
        dropped: dropped(&table, given),
        placed: below(&table, "levels", given),
        secrets: SecretsTold {
            own_rules: rules.iter().filter(|rule| rule.is_own()).count() as u64,
            rules: rules.len() as u64,
            known_values: of(&table, &["redaction", "known_values"], given),
            allowed: of(&table, &["redaction", "allow"], given),
        },
        spool: SpoolTold {
            directory: directory.unwrap_or_else(|_| "the state directory".to_owned()),
            max_bytes: config.spool.bytes,
            max_age: config.spool.age.as_secs(),
        },
        locked: locked(&table),
        required: governed.required,
        unobserved_allowed: managed::allows_unobserved() && !given.is_below_claude(),
        drop_allowed: managed::allows_drop(),
        wrong: broken
            .map(|error| {
                format!("{error}: until it is mended no more than metadata is captured, and nothing is delivered")
            })
            .or_else(|| governed.left_out.as_ref().map(|error| format!("left out: {}", tilde(error.to_string())))),
        hash: policy_hash(&policy, &config.redaction, &destinations),
        managed_by: governed.files,
    })
}

fn destination_told(destination: &Destination, table: &Table, given: Given<'_>) -> DestinationTold {
    let name = &destination.name;
    let own = |key: &str| of(table, &["destinations", name, key], given);
    let mut capture = own("capture");
    if capture.by.is_empty() {
        capture = of(table, &["capture"], given);
    }
    DestinationTold {
        name: name.clone(),
        endpoint: destination.endpoint.to_string(),
        signals: destination.signals.clone(),
        capture: Decided { value: destination.capture.as_str().to_owned(), ..capture },
        decided: Decided { value: String::new(), ..own("endpoint") },
        credential: match destination.auth.as_ref().map(|auth| &auth.token) {
            Some(TokenSource::Env { .. }) => Some("a token of the environment"),
            Some(TokenSource::Command(_)) => Some("a token that a helper fetches"),
            Some(TokenSource::File(_)) => Some("a token in a file"),
            Some(TokenSource::Keyring(_)) => Some("a token in the keyring"),
            None if destination.headers.is_empty() => None,
            None => Some("headers of the configuration"),
        },
    }
}

fn of(table: &Table, path: &[&str], given: Given<'_>) -> Decided {
    let row = table.rows.iter().find(|row| row.path == path);
    row.map(|row| decided(row, given)).unwrap_or_default()
}

fn decided(row: &Row, given: Given<'_>) -> Decided {
    let value = match &row.value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(all)) => {
            let words = all.iter().map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned));
            words.collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
        None => String::new(),
    };
    Decided {
        value,
        by: row.origins.iter().map(|origin| given.with_tilde(&origin.to_string())).collect(),
        by_organization: matches!(row.layer(), Some(Layer::Managed | Layer::Defaults)),
    }
}

/// All keys of a table.
fn below(table: &Table, name: &str, given: Given<'_>) -> Vec<(String, Decided)> {
    let rows = table.rows.iter().filter(|row| row.path.first().is_some_and(|first| first == name));
    rows.filter_map(|row| Some((row.path.get(1)?.clone(), decided(row, given)))).collect()
}

fn dropped(table: &Table, given: Given<'_>) -> Vec<Decided> {
    let named = below(table, "drop", given).into_iter().filter(|(_, decided)| !decided.value.is_empty());
    named.map(|(name, decided)| Decided { value: format!("{name} {}", decided.value), ..decided }).collect()
}

/// What only the organization changes. A destination is one thing.
fn locked(table: &Table) -> Vec<String> {
    let is_locked =
        |row: &&Row| row.managed.is_some() && row.origins.iter().all(|origin| origin.layer == Layer::Managed);
    let mut names: Vec<String> = Vec::new();
    // What counts in the organization's files only is nothing that anybody else could say.
    let of_anybody = |row: &&Row| !row.path.first().is_some_and(|first| keys::MANAGED_ONLY.contains(&first.as_str()));
    for row in table.rows.iter().filter(is_locked).filter(of_anybody) {
        let is_destination = row.path.first().is_some_and(|first| first == "destinations");
        let name = if is_destination { "destinations".to_owned() } else { row.name() };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

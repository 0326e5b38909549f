//! Edge: `cc-observe help`: of the program, of a command, and what the environment can say.

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser};
use serde_json::json;

use super::args::Options;
use super::{COMMANDS, USAGE, complain, print, show};
use crate::config::variables;
use crate::launch::Given;
use crate::process::Inherited;
use crate::report;

/// Tells how cc-observe is used.
#[derive(Debug, Parser)]
#[command(
    name = "cc-observe help",
    bin_name = "cc-observe help",
    after_help = "Exit codes: 0 done; 2 a mistake in the options; 125 the output cannot be written."
)]
struct HelpOptions {
    /// `environment` for the variables that count, or a command; the program, where nothing is said.
    #[arg(value_name = "TOPIC")]
    topic: Vec<String>,
    /// With `environment`: an object instead of lines.
    #[arg(long)]
    json: bool,
}

/// Does what `cc-observe help …` says; the exit code.
pub(super) fn run(args: &[OsString], environment: &[(OsString, OsString)], inherited: &Inherited) -> u8 {
    inherited.make_usable();
    let name = OsString::from("cc-observe help");
    let options = match HelpOptions::try_parse_from(std::iter::once(&name).chain(args)) {
        Ok(options) => options,
        Err(error) => return show(&error),
    };
    match &*options.topic {
        [] => print(&Options::command().render_long_help().to_string()),
        [topic] if topic == "environment" => print(&variables_told(Given { variables: environment }, options.json)),
        [topic] if topic == "claude" => {
            complain("Claude Code's own help is `cc-observe claude --help`; that of cc-observe is `cc-observe --help`");
            USAGE
        }
        [topic, below @ ..] => {
            if let Some((_, command)) = COMMANDS.iter().find(|(known, _)| topic == known) {
                let words = below.iter().map(String::as_str).chain(["--help"]).map(OsString::from);
                return command(&words.collect::<Vec<_>>(), environment, inherited);
            }
            let known: Vec<_> = COMMANDS.iter().map(|(name, _)| *name).filter(|name| *name != "help").collect();
            let topic = report::printable(topic, 40);
            complain(&format!("no help on {topic}; there is some on environment, {}", known.join(", ")));
            USAGE
        }
    }
}

fn variables_told(given: Given<'_>, as_json: bool) -> String {
    let all = variables::all();
    if as_json {
        let all: Vec<_> = all
            .iter()
            .map(|it| json!({ "name": it.name, "key": it.key, "what": it.what, "set": given.is_set(it.name) }))
            .collect();
        let counts = !given.is_below_claude();
        return format!("{:#}\n", json!({ "variables": all, "count": counts }));
    }
    let width = all.iter().map(|it| it.name.len()).max().unwrap_or_default();
    let lines = all.iter().map(|it| {
        let set = if given.is_set(it.name) { "set" } else { "-" };
        let key = it.key.map(|key| format!("{key}: ")).unwrap_or_default();
        format!("{:<width$}  {set:<3}  {key}{}\n", it.name, it.what)
    });
    let mut text = lines.collect::<Vec<_>>().concat();
    text.push_str("\nA list has commas between its words. ");
    text.push_str(if given.is_below_claude() {
        "They count for nothing here: below a running Claude Code a project can have set them.\n"
    } else {
        "Below a running Claude Code they count for nothing.\n"
    });
    text
}

//! Edge: what is in force, where it came from, and which files say so.

use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;

use serde_json::{Value, json};

use super::{Failure, NO, put, tell, tell_all};
use crate::config::table::{HIDDEN, Row, Table};
use crate::config::{Layer, Origin, Source, keys, managed};
use crate::launch::{self, Given};
use crate::process;
use crate::report::{printable, safe_json};

/// What stands for an origin that is no text of ours.
const BUILT_IN: &str = "built in";

/// The widest that a value is shown, in columns.
const WIDEST: usize = 60;

/// All sources, and what all of them say together.
pub(super) fn in_force(given: Given<'_>) -> Result<(Vec<Source>, Table), Failure> {
    let (sources, unread) = launch::layers(given).sources()?;
    let governed = sources.iter().any(|source| source.layer == Layer::Managed);
    let mut table = Table::of(&sources)?;
    match unread {
        Some(unread) if !governed => return Err(unread.into()),
        // Nobody gets rid of the organization's by a file that cannot be read.
        Some(unread) => table.left_out = Some(unread),
        None => {}
    }
    if let Some(left_out) = &table.left_out {
        tell_all(left_out.each().iter().map(|it| format!("left out, since it is wrong: {it}")));
    }
    variables(given, &mut table);
    Ok((sources, table))
}

/// What the variables say that stand for no key.
fn variables(given: Given<'_>, table: &mut Table) {
    let origin = |name: &str| vec![Origin { layer: Layer::Environment, name: name.to_owned(), line: None }];
    if let Some(claude) = given.own("CC_OBSERVE_CLAUDE")
        && let Some(row) = table.rows.iter_mut().find(|row| row.path == ["claude"])
    {
        row.value = Some(claude.to_string_lossy().into());
        row.origins = origin("CC_OBSERVE_CLAUDE");
    }
    let is_of_destination = |row: &Row| row.path.first().is_some_and(|top| top == "destinations");
    let named = given.own("CC_OBSERVE_ENDPOINT").filter(|_| !table.destinations_are_managed);
    if named.is_none() && table.rows.iter().any(is_of_destination) {
        return;
    }
    // Whom a run would deliver to, where the file does not say.
    let from = if named.is_some() { origin("CC_OBSERVE_ENDPOINT") } else { origin("OTEL_EXPORTER_OTLP_ENDPOINT") };
    let found = match launch::destinations_of_today(given) {
        Ok((found, _)) => found,
        Err(error) => {
            tell(&error);
            Vec::new()
        }
    };
    table.rows.retain(|row| !is_of_destination(row));
    for destination in found {
        let keys =
            [("endpoint", destination.endpoint.to_string()), ("capture", destination.capture.as_str().to_owned())];
        table.rows.extend(keys.map(|(key, value)| Row {
            path: vec!["destinations".to_owned(), destination.name.clone(), key.to_owned()],
            value: Some(value.into()),
            hidden: false,
            origins: from.clone(),
            managed: None,
        }));
    }
}

pub(super) fn show(given: Given<'_>, as_json: bool) -> Result<u8, Failure> {
    let (_, table) = in_force(given)?;
    if as_json {
        let rows: Vec<_> = table.rows.iter().map(object).collect();
        put(&safe_json(&format!("{:#}\n", json!({ "keys": rows }))))?;
        return Ok(0);
    }
    let stdout = io::stdout();
    let colour = given.colours(process::is_terminal(stdout.as_fd()));
    let lines: Vec<[String; 4]> = table.rows.iter().map(line).collect();
    let width = |column: usize| {
        lines.iter().filter_map(|line| Some(line.get(column)?.chars().count())).max().unwrap_or_default()
    };
    let (first, second, third) = (width(0), width(1), width(2));
    let text = lines.iter().map(|[key, value, origin, mark]| {
        let line = format!("{key:<first$}  {value:<second$}  {origin:<third$}  {mark}");
        let line = line.trim_end();
        // What nobody said steps back.
        if colour && origin == BUILT_IN { format!("\x1b[2m{line}\x1b[0m\n") } else { line.to_owned() + "\n" }
    });
    let text: Vec<_> = text.collect();
    put(&text.concat())?;
    Ok(0)
}

fn line(row: &Row) -> [String; 4] {
    let value = match (&row.value, row.hidden) {
        (_, true) => HIDDEN.to_owned(),
        (Some(value), _) => value.to_string(),
        (None, _) => "-".to_owned(),
    };
    let origins: Vec<_> = row.origins.iter().map(ToString::to_string).collect();
    let origin = match &*origins {
        [] => BUILT_IN.to_owned(),
        all if row.layer() == Some(Layer::Defaults) => format!("{} [defaults]", all.join(", ")),
        all => all.join(", "),
    };
    let mark = match &row.managed {
        None => String::new(),
        Some(_) if row.origins.iter().all(|origin| origin.layer == Layer::Managed) => "locked".to_owned(),
        Some(bound) => format!("bound by {bound}"),
    };
    [row.name(), value, origin, mark].map(|text| printable(&text, text_width(&text)).as_str().to_owned())
}

/// No wider than that; a place is shown whole.
fn text_width(text: &str) -> usize {
    if text.starts_with(['[', '"']) { WIDEST } else { 1000 }
}

fn object(row: &Row) -> Value {
    let layer = row.layer().map_or_else(|| json!("built_in"), |layer| json!(layer));
    let from: Vec<_> = row.origins.iter().map(|origin| json!(origin)).collect();
    json!({
        "key": row.name(),
        "value": row.value,
        "hidden": row.hidden,
        "layer": layer,
        "from": from,
        "locked": row.managed.is_some(),
        "managed_by": row.managed,
    })
}

pub(super) fn get(given: Given<'_>, key: &str, as_json: bool) -> Result<u8, Failure> {
    let found = keys::find(key)?;
    let (_, table) = in_force(given)?;
    let row = table.row(&found.path);
    if as_json {
        let value = row.map_or(Value::Null, object);
        put(&format!("{value:#}\n"))?;
        return Ok(if row.is_some_and(|row| row.value.is_some() || row.hidden) { 0 } else { NO });
    }
    let value = match row {
        Some(row) if row.hidden => {
            return Err(Failure::Refused("it may be a credential: the value is set, and not shown".to_owned()));
        }
        row => row.and_then(|row| row.value.as_ref()),
    };
    let Some(value) = value else { return Ok(NO) };
    let text = value.as_str().map_or_else(|| value.to_string(), |text| printable(text, 4096).as_str().to_owned());
    put(&format!("{text}\n"))?;
    Ok(0)
}

pub(super) fn path(given: Given<'_>, all: bool, as_json: bool) -> Result<u8, Failure> {
    let reading = launch::layers(given);
    let own = reading.file.ok_or_else(|| Failure::Io {
        doing: "there is no place for a configuration file".to_owned(),
        source: io::Error::new(io::ErrorKind::NotFound, "no home"),
    })?;
    let exists = |path: &Path| path.try_exists().unwrap_or(true);
    let mut places: Vec<_> = if all { managed::files() } else { Vec::new() };
    let organizations = places.len();
    places.push(own);
    if as_json {
        let of = |(n, path): (usize, &std::path::PathBuf)| {
            let layer = if n < organizations { Layer::Managed } else { Layer::User };
            json!({ "path": path.to_string_lossy(), "layer": layer, "exists": exists(path) })
        };
        let places: Vec<_> = places.iter().enumerate().map(of).collect();
        put(&safe_json(&format!("{:#}\n", json!({ "files": places }))))?;
        return Ok(0);
    }
    let shown: Vec<_> =
        places.iter().map(|path| printable(&path.to_string_lossy(), 4096).as_str().to_owned()).collect();
    let width = shown.iter().map(|path| path.chars().count()).max().unwrap_or_default();
    let text = places.iter().zip(&shown).enumerate().map(|(n, (path, shown))| {
        let whose = if n < organizations { "managed" } else { "user" };
        let there = if exists(path) { "there" } else { "not there" };
        if all { format!("{shown:<width$}  {whose:<7}  {there}\n") } else { format!("{shown}\n") }
    });
    let text: Vec<_> = text.collect();
    put(&text.concat())?;
    Ok(0)
}

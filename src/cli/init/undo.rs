//! Edge: takes out what `init` wrote, as far as it is still what was written.

use std::{fs, io};

use super::record::{Key, Record, Written};
use super::{Failure, InitOptions, NO, ask, say, shell};
use crate::cli::auth;
use crate::cli::config::draft::Draft;
use crate::launch::Given;

/// Takes out all that was ever written, as far as it is still what was written.
pub(super) fn remove(given: Given<'_>, options: &InitOptions) -> Result<u8, Failure> {
    if given.is_below_claude() {
        let why = "below a running Claude Code nothing is taken out: a project could do it; use a terminal of your own";
        return Err(Failure::Refused(why.to_owned()));
    }
    let record = Record::read(given);
    if record.is_empty() {
        say("there is nothing that `cc-observe init` wrote");
        return Ok(0);
    }
    let tilde = |path: &std::path::Path| given.with_tilde(&path.display().to_string());
    let mut draft = Draft::open(given).map_err(Failure::Cannot)?;
    let mut kept = Vec::new();
    for Key { path, was, is } in &record.keys {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        match draft.item(&keys) {
            None => {}
            Some(now) if now == *is => match was {
                Some(was) => draft.put(&keys, was).map_err(Failure::Cannot)?,
                None => draft.unset(&keys).map_err(Failure::Cannot)?,
            },
            Some(_) => kept.push(path.join(".")),
        }
    }
    say("This is to be taken out:");
    if draft.is_changed() {
        let names: Vec<String> =
            record.keys.iter().map(|key| key.path.join(".")).filter(|it| !kept.contains(it)).collect();
        say(&format!("  {}: {}", tilde(draft.path()), names.join(", ")));
    }
    for name in &record.tokens {
        say(&format!("  the token of {name}"));
    }
    for shell in &record.shells {
        say(&format!("  {}: the alias", tilde(&shell.path)));
    }
    for key in &kept {
        say(&format!("  {key} was changed since, and stays"));
    }
    if options.dry_run {
        return Ok(0);
    }
    if !options.yes {
        if !ask::somebody() {
            return Err(Failure::Usage("nobody can be asked here: say --yes".to_owned()));
        }
        if !ask::yes("Take it out?", true)? {
            say("nothing was taken out");
            return Ok(NO);
        }
    }
    let created = record.config.as_ref().is_some_and(|config| config.created);
    if draft.is_changed() && draft.text().trim().is_empty() && created {
        draft.remove().map_err(|error| Failure::Cannot(format!("cannot remove {}: {error}", tilde(draft.path()))))?;
    } else if draft.is_changed() {
        draft.replace().map_err(Failure::Cannot)?;
    }
    let mut sure = true;
    for name in &record.tokens {
        if !kept.contains(&format!("destinations.{name}")) {
            sure &= auth::forget(given, name).map_err(Failure::Cannot)?;
        }
    }
    for Written { path, created, .. } in &record.shells {
        let cannot = |error: io::Error| Failure::Cannot(format!("cannot write {}: {error}", path.display()));
        let before = shell::read(path).map_err(cannot)?;
        let after = shell::without_block(&before);
        if after.is_empty() && *created {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot(error)),
                _ => {}
            }
        } else if after != before {
            shell::write(path, &after).map_err(cannot)?;
        }
    }
    for Written { path, copies, .. } in record.config.iter().chain(&record.shells) {
        let now = fs::read(path).unwrap_or_default();
        for copy in copies {
            // It holds nothing that is not there.
            if fs::read(copy).is_ok_and(|text| text == now) {
                let _ = fs::remove_file(copy);
            } else if copy.exists() {
                say(&format!("{} stays: what was there once", tilde(copy)));
            }
        }
    }
    Record::remove(given);
    say("it is taken out");
    Ok(if sure { 0 } else { NO })
}

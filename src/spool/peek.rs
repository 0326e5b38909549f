//! Edge: reads what waits, for people who want to see it; claims nothing and changes nothing.

use std::ops::ControlFlow;
use std::path::Path;

use super::format::{self, MAX_FILE_BYTES, Spooled};
use super::{FormatError, SpoolError, check_name, place};

/// A batch that waits.
#[derive(Debug)]
pub struct Peeked {
    /// The run that it is of.
    pub run: String,
    /// What it is, or why that cannot be known.
    pub batch: Result<Spooled, FormatError>,
}

/// Shows the batches that wait for a destination on disk, the oldest run first, until `each` has seen enough. What a relay
/// sends in the meantime may be shown or not.
pub fn peek(root: &Path, destination: &str, each: &mut dyn FnMut(Peeked) -> ControlFlow<()>) -> Result<(), SpoolError> {
    let gone = |error: &SpoolError| error.is_gone();
    let opened = place::existing_root(root).and_then(|root| place::existing(&root, destination));
    let directory = match opened {
        Ok(directory) => directory,
        Err(error) if gone(&error) => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut runs = place::names(&directory)?;
    runs.sort();
    for run in runs {
        if check_name(&run).is_err() || !place::is_directory(&directory, &run) {
            continue;
        }
        let below = match place::existing(&directory, &run) {
            Ok(below) => below,
            Err(error) if gone(&error) => continue,
            Err(error) => return Err(error),
        };
        let mut files: Vec<_> = place::names(&below)?
            .into_iter()
            .filter_map(|name| format::parse_name(&name).map(|(signal, sequence)| (sequence, signal, name)))
            .collect();
        files.sort();
        for (_, _, name) in files {
            // Sent since it was listed.
            let Ok(bytes) = place::read(&below, &name, MAX_FILE_BYTES) else { continue };
            if each(Peeked { run: run.clone(), batch: format::unpack(&bytes) }).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

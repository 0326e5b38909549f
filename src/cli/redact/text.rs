//! Text in, redacted text out; or what was found in it.

use std::io::Write;

use super::chunks::{Chunk, Chunks};
use super::explain::{Columns, Position};
use super::{Done, FilterError, Input, unreadable};
use crate::redact::{INVALID_UTF8, Redactor};

/// Passes the text on, a marker in the place of each secret.
pub(super) fn filter(
    redactor: &Redactor,
    input: Input,
    output: &mut impl Write,
    done: &mut Done,
) -> Result<(), FilterError> {
    each(input, done, |chunk, done| {
        let (text, masked) = redactor.text(&chunk.text);
        done.found += masked.len() as u64;
        output.write_all(text.as_bytes())?;
        output.flush()
    })
}

/// Tells where secrets stand and what they are, and nothing of the text.
pub(super) fn explain(
    redactor: &Redactor,
    columns: &Columns,
    input: Input,
    output: &mut impl Write,
    done: &mut Done,
) -> Result<(), FilterError> {
    let mut position = Position::default();
    let mut any = false;
    each(input, done, |chunk, done| {
        let (_, masked) = redactor.text(&chunk.text);
        done.found += masked.len() as u64;
        let mut found: Vec<_> = masked.into_iter().map(|masked| (masked.span.start, masked.rule, masked.tag)).collect();
        found.extend(chunk.masked.iter().map(|(at, rule)| (*at, rule.clone(), None)));
        found.sort_by_key(|(at, ..)| *at);
        if !found.is_empty() && !any {
            any = true;
            output.write_all(columns.head().as_bytes())?;
        }
        let mut before = 0;
        for (at, rule, tag) in found {
            position.pass(chunk.text.get(before..at).unwrap_or_default());
            before = at;
            output.write_all(columns.row(position, &rule, tag).as_bytes())?;
        }
        position.pass(chunk.text.get(before..).unwrap_or_default());
        output.flush()
    })
}

fn each(
    input: Input,
    done: &mut Done,
    mut with: impl FnMut(&Chunk, &mut Done) -> std::io::Result<()>,
) -> Result<(), FilterError> {
    let name = input.name.clone();
    let mut chunks = Chunks::new(input);
    while let Some(chunk) = chunks.next().map_err(unreadable(&name))? {
        for (_, rule) in &chunk.masked {
            done.found += 1;
            *(if *rule == INVALID_UTF8 { &mut done.invalid } else { &mut done.too_long }) += 1;
        }
        with(&chunk, done)?;
    }
    Ok(())
}

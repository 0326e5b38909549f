//! The table of programs, taken apart once so that looking up costs little.

use std::sync::LazyLock;

use super::arguments::{Spec, Subcommand};
use super::naming::Table;
use super::programs::{PROGRAMS, Place, Program, Row};

/// A program of the table.
pub(super) struct Known {
    pub(super) program: &'static Program,
    pub(super) rows: Vec<KnownRow>,
    pub(super) valued: Vec<&'static str>,
}

/// A row of the table.
pub(super) struct KnownRow {
    pub(super) row: &'static Row,
    pub(super) sub: Subcommand,
    /// The options of `Place::Option`.
    pub(super) options: Vec<Spec>,
    /// The words of `Place::Input`.
    pub(super) needed: Vec<&'static str>,
}

impl Known {
    fn new(program: &'static Program) -> Self {
        let rows = program.rows.iter().map(|row| KnownRow {
            row,
            sub: Subcommand::new(row.sub),
            options: match row.place {
                Place::Option(options) => options.split(' ').map(Spec::new).collect(),
                _ => Vec::new(),
            },
            needed: match row.place {
                Place::Input(needed) if !needed.is_empty() => needed.split('|').collect(),
                _ => Vec::new(),
            },
        });
        Self { program, rows: rows.collect(), valued: program.valued.split_ascii_whitespace().collect() }
    }
}

/// The programs, and which of them each name means.
static PREPARED: LazyLock<(Vec<Known>, Table<Vec<usize>>)> = LazyLock::new(|| {
    let mut by_name: Table<Vec<usize>> = Table::default();
    for (number, program) in PROGRAMS.iter().enumerate() {
        for name in program.names.split(' ') {
            by_name.entry(name).or_default().push(number);
        }
    }
    (PROGRAMS.iter().map(Known::new).collect(), by_name)
});

/// By its first byte, how long a program's name may be: a bit for each length, the last for all that are longer. Most
/// words are no program's, and need not be looked up.
static LENGTHS: LazyLock<[u32; 256]> = LazyLock::new(|| {
    let mut lengths = [0; 256];
    for name in PROGRAMS.iter().flat_map(|program| program.names.split(' ')) {
        if let Some(lengths) = name.bytes().next().and_then(|first| lengths.get_mut(usize::from(first))) {
            *lengths |= 1 << name.len().min(31);
        }
    }
    lengths
});

/// Whether a program of this name is in the table.
pub(super) fn is_known(name: &str) -> bool {
    let first = name.bytes().next().unwrap_or_default();
    let lengths = LENGTHS.get(usize::from(first)).copied().unwrap_or_default();
    lengths >> name.len().min(31) & 1 == 1 && PREPARED.1.contains_key(name)
}

/// The programs of this name.
pub(super) fn named(name: &str) -> impl Iterator<Item = &'static Known> {
    let (programs, by_name) = &*PREPARED;
    by_name.get(name).into_iter().flatten().filter_map(|number| programs.get(*number))
}

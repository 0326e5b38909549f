//! Labelled lines that fit a width, with colours that mean something.

use super::Style;
use super::printable::{Printable, printable};

/// What a colour means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ink {
    Plain,
    /// Labels and side remarks.
    Dim,
    /// What failed or was rejected.
    Bad,
    /// What is held back or missing.
    Held,
}

impl Ink {
    /// What switches a terminal to the colour (ECMA-48, SGR).
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Dim => Some("\x1b[2m"),
            Self::Bad => Some("\x1b[31m"),
            Self::Held => Some("\x1b[33m"),
        }
    }
}

/// A few words in one colour. Whatever they are made of, they went through [`printable`].
#[derive(Clone, Debug)]
pub(super) struct Piece {
    text: Printable,
    ink: Ink,
}

/// No piece takes up more columns, whatever the terminal's width.
const WIDEST_PIECE: usize = 1000;

pub(super) fn piece(ink: Ink, text: impl AsRef<str>) -> Piece {
    Piece { text: printable(text.as_ref(), WIDEST_PIECE), ink }
}

pub(super) fn plain(text: impl AsRef<str>) -> Piece {
    piece(Ink::Plain, text)
}

/// Several words that belong together, such as a tool with its failures.
pub(super) type Item = Vec<Piece>;

fn width(item: &[Piece]) -> usize {
    item.iter().map(|piece| piece.text.width()).sum()
}

/// Columns of a label with the space after it.
const LABEL: usize = 10;

/// Label, head, and as many items as fit; the rest is counted: `, +2 more`.
pub(super) fn row(style: &Style, label: &str, head: Item, items: &[Item]) -> String {
    let mut line = vec![piece(Ink::Dim, format!("{label:<LABEL$}"))];
    line.extend(head);
    for (index, item) in items.iter().enumerate() {
        let left = items.len() - index - 1;
        let comma = if index == 0 { "" } else { ", " };
        let reserved = if left == 0 { 0 } else { format!(", +{left} more").len() };
        if width(&line) + comma.len() + width(item) + reserved > style.width {
            line.push(plain(format!("{comma}+{} more", left + 1)));
            break;
        }
        line.push(plain(comma));
        line.extend(item.iter().cloned());
    }
    paint(style, &line)
}

/// Words in lines under one label.
pub(super) fn paragraph(style: &Style, label: &str, ink: Ink, text: &str) -> Vec<String> {
    let room = style.width.saturating_sub(LABEL).max(1);
    let mut lines: Vec<String> = Vec::new();
    let clean = printable(text, 10 * room);
    for word in clean.as_str().split(' ').filter(|word| !word.is_empty()) {
        let word = printable(word, room);
        match lines.last_mut() {
            Some(line) if printable(line, usize::MAX).width() + 1 + word.width() <= room => {
                line.push(' ');
                line.push_str(word.as_str());
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
        .iter()
        .enumerate()
        .map(|(index, line)| {
            let label = if index == 0 { label } else { "" };
            let label = piece(Ink::Dim, format!("{label:<LABEL$}"));
            paint(style, &[label, Piece { text: printable(line, room), ink }])
        })
        .collect()
}

/// The line, cut at the width, without spaces at its end.
pub(super) fn paint(style: &Style, pieces: &[Piece]) -> String {
    let mut line = String::new();
    let mut left = style.width;
    for piece in pieces {
        let text = printable(piece.text.as_str(), left);
        left -= text.width();
        match piece.ink.code().filter(|_| style.colour) {
            Some(code) => line.extend([code, text.as_str(), "\x1b[0m"]),
            None => line.push_str(text.as_str()),
        }
    }
    line.truncate(line.trim_end().len());
    line
}

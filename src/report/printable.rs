//! Text from telemetry, made fit for a terminal.

use std::fmt;

use unicode_width::UnicodeWidthChar;

/// Text that can do nothing to a terminal but take up a known number of columns.
///
/// The one type through which everything from telemetry, from a repository or from the network reaches a person's
/// terminal: no control characters (C0, DEL, C1), nothing that turns the direction of writing, nothing invisible, no
/// piles of accents, no line breaks.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Printable {
    text: String,
    width: usize,
}

/// As much of `text` as fits `max_width` columns; the last column is `…` where something was cut off.
///
/// Line breaks and tabs become spaces, what cannot be shown safely is left out.
pub fn printable(text: &str, max_width: usize) -> Printable {
    let mut shown = String::new();
    let mut width = 0;
    // Where to cut when it turns out that there is more: before the last column that may be needed for `…`.
    let mut cut = (0, 0);
    let mut accents = 0;
    for character in text.chars().filter_map(shown_as) {
        let columns = character.width().unwrap_or(0);
        accents = if columns == 0 { accents + 1 } else { 0 };
        // An accent needs a letter to stand on, and bears no tower.
        if columns == 0 && (width == 0 || accents > 2) {
            continue;
        }
        if width + columns > max_width {
            shown.truncate(cut.0);
            if max_width > 0 {
                shown.push('…');
            }
            return Printable { text: shown, width: cut.1 + usize::from(max_width > 0) };
        }
        shown.push(character);
        width += columns;
        if width < max_width {
            cut = (shown.len(), width);
        }
    }
    Printable { text: shown, width }
}

/// What to show for a character; None for nothing.
fn shown_as(character: char) -> Option<char> {
    match character {
        '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' => Some(' '),
        _ if is_safe(character) => Some(character),
        _ => None,
    }
}

/// Whether a character shows as itself and changes nothing around it.
///
/// Out are the general categories Cc and Cf (Unicode 16) and what else is invisible by
/// `Default_Ignorable_Code_Point`.
pub(super) fn is_safe(character: char) -> bool {
    !character.is_control()
        && !matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{8e2}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{600}'..='\u{605}' | '\u{890}'..='\u{891}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

impl Printable {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How many columns it takes up, at most.
    pub fn width(&self) -> usize {
        self.width
    }
}

impl fmt::Display for Printable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr;

    use super::*;

    fn shown(text: &str, width: usize) -> String {
        printable(text, width).to_string()
    }

    #[test]
    fn escape_sequences_lose_their_teeth() {
        assert_eq!(shown("\u{1b}[2J\u{1b}]0;title\u{7}ok\u{9b}31m", 80), "[2J]0;titleok31m");
        assert_eq!(shown("a\r\nb\tc", 80), "a  b c");
    }

    #[test]
    fn nothing_turns_round_or_hides() {
        assert_eq!(shown("user\u{202e}gpj.exe\u{2066}\u{200b}\u{feff}\u{e0041}", 80), "usergpj.exe");
        assert_eq!(shown("e\u{301}\u{301}\u{301}\u{301}\u{301}", 80), "e\u{301}\u{301}");
        assert_eq!(shown("\u{301}x", 80), "x");
    }

    #[test]
    fn what_is_too_wide_is_cut_and_shows_it() {
        assert_eq!(shown("abcdef", 6), "abcdef");
        assert_eq!(shown("abcdefg", 6), "abcde…");
        assert_eq!(shown("日本語", 6), "日本語");
        assert_eq!(shown("日本語", 5), "日本…");
        assert_eq!(shown("日本語", 4), "日…");
        assert_eq!(shown("日本語", 1), "…");
        assert_eq!(shown("abc", 0), "");
    }

    proptest! {
        #[test]
        fn whatever_comes_is_safe_and_fits(text in prop::collection::vec(any::<char>(), 0..60), max in 0..40_usize) {
            let text: String = text.into_iter().collect();
            let printed = printable(&text, max);
            prop_assert!(printed.as_str().chars().all(is_safe));
            prop_assert!(printed.width() <= max);
            prop_assert!(printed.as_str().width() <= printed.width());
        }

        #[test]
        fn bytes_of_any_kind_are_safe(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let text = String::from_utf8_lossy(&bytes);
            let safe = printable(&text, 80).as_str().chars().all(|c| is_safe(c) && c != '\x1b');
            prop_assert!(safe);
        }

        #[test]
        fn what_is_printable_stays_as_it_is(text in "[ -~]{0,60}") {
            prop_assert_eq!(printable(&text, 60).to_string(), text);
        }
    }
}

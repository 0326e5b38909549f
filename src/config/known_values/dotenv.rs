//! `.env` files: names and values.
//!
//! There is no standard; this is what the readers in use agree on: `NAME=VALUE` with an optional `export`, quotes of
//! three kinds which may span lines, comments behind `#`.

use zeroize::Zeroizing;

/// The most variables that are read of one file.
const MAX_VARIABLES: usize = 1024;

/// The variables of a file, in its order. What is none is skipped.
pub(super) fn variables(text: &str) -> Vec<(&str, Zeroizing<String>)> {
    let mut variables = Vec::new();
    let mut rest = text;
    while !rest.is_empty() && variables.len() < MAX_VARIABLES {
        let (line, behind) = rest.split_once('\n').unwrap_or((rest, ""));
        rest = behind;
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=').or_else(|| line.split_once(": ")) else { continue };
        let (name, value) = (name.trim(), value.trim_start());
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)) {
            continue;
        }
        let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\'' | '`'));
        let Some(quote) = quote else {
            // A comment needs a blank before it: passwords hold number signs.
            let value = value.find(" #").and_then(|end| value.get(..end)).unwrap_or(value);
            variables.push((name, Zeroizing::new(value.trim_end().to_owned())));
            continue;
        };
        let inside = value.get(1..).unwrap_or_default();
        if let Some((value, _)) = quoted(inside, quote) {
            variables.push((name, value));
        } else if let Some((value, end)) = text_behind(text, inside).and_then(|inside| quoted(inside, quote)) {
            // It goes on in the next line.
            rest = text_behind(text, inside).and_then(|inside| inside.get(end..)).unwrap_or_default();
            variables.push((name, value));
        } else {
            variables.push((name, Zeroizing::new(value.to_owned())));
        }
    }
    variables
}

/// The text from where a part of it begins.
fn text_behind<'t>(text: &'t str, part: &str) -> Option<&'t str> {
    text.get((part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?..)
}

/// What stands before the closing quote, and where it ends. Only double quotes know escapes.
fn quoted(inside: &str, quote: char) -> Option<(Zeroizing<String>, usize)> {
    let mut value = Zeroizing::new(String::with_capacity(inside.len().min(1 << 10)));
    let mut characters = inside.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            found if found == quote => return Some((value, at + 1)),
            '\\' if quote == '"' => match characters.next()?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_in_every_way_they_are_written() {
        let text = "# comment\nA=FAKE1\nexport B = 'FAKE 2 # no comment'\nC=\"FAKE\\n3\\\"\" # comment\nD=FAKE#4 # comment\n\
                    E=\"-----BEGIN\nFAKE5\n-----END\"\r\nF: FAKE6\nnothing\n=x\nG G=x\nH=`FAKE7`\nI=\"FAKE8\nJ=";
        let read: Vec<_> =
            variables(text).into_iter().map(|(name, value)| format!("{name}={}", value.as_str())).collect();
        assert_eq!(
            read,
            [
                "A=FAKE1",
                "B=FAKE 2 # no comment",
                "C=FAKE\n3\"",
                "D=FAKE#4",
                "E=-----BEGIN\nFAKE5\n-----END",
                "F=FAKE6",
                "H=FAKE7",
                "I=\"FAKE8",
                "J=",
            ]
        );
    }

    #[test]
    fn a_file_of_nothing_but_open_quotes_is_read_once() {
        // Each of them would be closed at the end of the file only.
        let text = "A='x\n".repeat(20_001);
        assert!(variables(&text).len() <= MAX_VARIABLES);
    }
}

//! Tables with the names of their columns above: CSV, Markdown, what databases and command lines print.

use super::context::{Tell, floor, is_name, rule};
use super::names::{Hint, hint};
use super::value::{Written, judge};

/// The longest line that is read as the names of columns, in bytes.
const MAX_HEADER: usize = 1024;
/// How much of a table is read, in bytes.
const MAX_TABLE: usize = 64 * 1024;
/// How many columns a table has at most.
const MAX_COLUMNS: usize = 64;

/// How the cells of a line are told apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// By commas, semicolons or tabs; a cell may stand in quotes.
    Separated(u8),
    /// By `|`, with a line of dashes below the names.
    Ruled,
    /// By two blanks and more.
    Aligned,
}

/// Reads the table whose columns are named on the line of this word, if it is one. Gives where it ends, or 0.
pub(super) fn at(text: &str, from: usize, to: usize, tell: Tell<'_>) -> usize {
    read(text, from, to, tell).unwrap_or_default()
}

fn read(text: &str, from: usize, to: usize, tell: Tell<'_>) -> Option<usize> {
    let bytes = text.as_bytes();
    // What stands behind the name: nearly always it is no column's.
    let name = bytes.get(to..)?.iter().take(32).take_while(|byte| is_name(**byte)).count();
    let behind = bytes.get(to + name..)?;
    let (next, second) = (behind.first()?, behind.get(1).copied().unwrap_or_default());
    let ends = match next {
        b',' | b';' | b'\t' | b'|' | b'\n' | b'\r' => true,
        b'"' | b'`' => b",;\t\n\r ".contains(&second),
        b' ' => matches!(second, b' ' | b'|' | b'\n' | b'\r' | 0xe2),
        b'*' => second == b'*',
        _ => false,
    };
    if !ends {
        return None;
    }
    let before = bytes.get(floor(text, from.saturating_sub(MAX_HEADER))..from)?;
    let start = memchr::memrchr(b'\n', before).map_or(from - before.len(), |line| from - before.len() + line + 1);
    if start == from - before.len() && start > 0 && memchr::memrchr(b'\n', before).is_none() {
        return None;
    }
    let end = from + memchr::memchr(b'\n', bytes.get(from..floor(text, from + MAX_HEADER))?)?;
    let header = text.get(start..end)?;
    let first = memchr::memchr(b'\n', bytes.get(end + 1..)?).map_or(text.len(), |next| end + 1 + next);
    let kind = kind(header, text.get(end + 1..first)?)?;
    let names: Vec<&str> = cells(header, kind).map(|(_, name)| name).collect();
    if names.len() > MAX_COLUMNS || !names.iter().all(|name| is_heading(name)) {
        return None;
    }
    let hints: Vec<Option<Hint>> = names.iter().map(|name| hint(name).filter(|hint| *hint >= Hint::Strong)).collect();
    let alone = names.len() == 1 && kind == Kind::Ruled;
    if hints.iter().all(Option::is_none) || names.iter().filter(|name| !name.is_empty()).count() < 2 && !alone {
        return None;
    }
    let written = if matches!(kind, Kind::Separated(_)) { Written::Quoted } else { Written::Words };
    let mut offset = end + 1;
    for line in text.get(offset..floor(text, offset.saturating_add(MAX_TABLE)))?.split_inclusive('\n') {
        let row = line.trim_end_matches(['\n', '\r']);
        if !is_rule(row) {
            let cells: Vec<(usize, &str)> = cells(row, kind).take(MAX_COLUMNS + 1).collect();
            // Below a column alone text may stand.
            if cells.len() != names.len()
                || alone && cells.iter().any(|(_, cell)| cell.is_empty() || cell.contains(' '))
            {
                break;
            }
            for ((at, cell), says) in cells.iter().zip(&hints) {
                let Some(says) = says else { continue };
                let at = offset + at;
                if !cell.contains(' ')
                    && let Some(secret) = judge(cell, *says, written)
                {
                    tell(at..at + cell.len(), rule(*says), secret.guessable);
                }
            }
        }
        offset += line.len();
    }
    Some(offset)
}

fn kind(header: &str, next: &str) -> Option<Kind> {
    if header.contains('|') || header.contains('\u{2502}') || header.contains('\u{2503}') {
        return is_rule(next).then_some(Kind::Ruled);
    }
    // One column: a name and dashes.
    if is_rule(next) && !header.contains([',', ';', '\t']) && !header.trim().contains("  ") {
        return Some(Kind::Ruled);
    }
    let counts = |separator: &u8| {
        let count = |line: &str| line.bytes().filter(|byte| byte == separator).count();
        count(header) > 0 && count(next) >= count(header)
    };
    if let Some(separator) = [b',', b';', b'\t'].into_iter().find(counts) {
        return Some(Kind::Separated(separator));
    }
    (header.trim().contains("  ") && next.trim().contains("  ")).then_some(Kind::Aligned)
}

/// A line that only separates: `+----+`, `|---|:--|`, `-----`, and the same in the characters for boxes.
fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() > 2 && line.chars().all(|c| matches!(c, '-' | '+' | '|' | ':' | '=' | ' ' | '\u{2500}'..='\u{257f}'))
}

/// What a column may be called.
fn is_heading(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" _-.#()*`".contains(&byte) || byte > 127;
    name.len() <= 48
        && name.bytes().all(plain)
        && name.split(' ').count() <= 3
        && !name.starts_with(['.', '#', '-'])
        && !name.contains(" .")
}

/// The cells of a line: where each begins, and what it is without quotes and marks.
fn cells(line: &str, kind: Kind) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = Some((0, line));
    if kind == Kind::Ruled {
        let inside = line.trim().trim_matches(['|', '\u{2502}', '\u{2503}']);
        rest = Some((line.find(inside).unwrap_or_default(), inside));
    }
    std::iter::from_fn(move || {
        let (offset, line) = rest?;
        let (length, gap) = cell(line, kind);
        let inside = line.get(..length)?;
        rest = if gap == 0 { None } else { line.get(length + gap..).map(|behind| (offset + length + gap, behind)) };
        let plain = inside.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '`' | '\'' | '*'));
        let from = inside.find(plain)?;
        Some((offset + from, plain))
    })
}

/// How long the first cell of a line is, and what separates it from the next, in bytes.
fn cell(line: &str, kind: Kind) -> (usize, usize) {
    let bytes = line.as_bytes();
    match kind {
        Kind::Ruled => line
            .find(['|', '\u{2502}', '\u{2503}'])
            .map_or((line.len(), 0), |at| (at, if bytes.get(at) == Some(&b'|') { 1 } else { '\u{2502}'.len_utf8() })),
        Kind::Separated(separator) => {
            let mut quoted = false;
            for (at, byte) in bytes.iter().enumerate() {
                if *byte == b'"' {
                    quoted = !quoted;
                } else if *byte == separator && !quoted {
                    return (at, 1);
                }
            }
            (line.len(), 0)
        }
        Kind::Aligned => {
            let begin = line.len() - line.trim_start().len();
            let end = line.get(begin..).and_then(|rest| rest.find("  ")).map(|at| begin + at);
            end.map_or((line.len(), 0), |end| {
                let gap = bytes.get(end..).unwrap_or_default().iter().take_while(|byte| **byte == b' ').count();
                if end + gap == line.len() { (line.len(), 0) } else { (end, gap) }
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Finder;

    #[test]
    fn a_cell_below_a_name_is_found() {
        let secret = ["Fake", "Passw0rd", "97"].concat();
        let token = ["FAKE0qX7", "rT2vB9mZ", "kD4wL8sG", "hJ6yN3pC"].concat();
        for text in [
            "\"user\",\"password\"\n\"bob\",\"{P}\"\n",
            "id,note,password\n1,\"a, b\",{P}\n",
            "name\tapi_key\nbob\t{T}\n",
            " password \n----------\n {P}\n(1 row)\n",
            "+-----+\n| Password |\n+-----+\n| {P} |\n+-----+\n",
            " id | username | password \n----+----------+----------\n  1 | bob      | {P}\n(1 row)",
            "+----+----------+\n| id | password |\n+----+----------+\n|  1 | {P} |\n+----+----------+",
            "| User | Password |\n|------|----------|\n| bob | `{P}` |",
            "\u{2502} id \u{2502} token \u{2502}\n\u{251c}\u{2500}\u{2500}\u{253c}\u{2500}\u{2500}\u{2524}\n\u{2502} 1 \u{2502} {T} \u{2502}\n",
            "NAME      TOKEN\nci        {T}\n",
            "user  password\nbob   {P}\n",
        ] {
            let text = text.replace("{P}", &secret).replace("{T}", &token);
            let places: Vec<&str> =
                Finder::default().find(&text).iter().map(|found| &text[found.span.clone()]).collect();
            assert_eq!(places, [if text.contains(&token) { &token } else { &secret }], "{text}");
        }
    }

    #[test]
    fn a_cell_that_is_none_stays() {
        for text in [
            "| Field | Password |\n|---|---|\n| rule | at least 12 characters |\n| shown | hidden |",
            "| Token | Value |\n|---|---|\n| --color-primary-500 | #fff |",
            "from a import b, token\nfrom c import d, SimplePath\n",
            "model,input_tokens,token\nx,12345,678\n",
            "NAME  TOKEN\nfoo   none\n",
        ] {
            assert_eq!(Finder::default().find(text), [], "{text}");
        }
    }

    /// What the table is told whose columns are named on the line of this word.
    fn below<'t>(text: &'t str, word: &str) -> Vec<&'t str> {
        let mut told = Vec::new();
        let from = text.find(word).unwrap();
        super::at(text, from, from + word.len(), &mut |span, _, _| told.push(&text[span]));
        told
    }

    #[test]
    fn a_line_of_names_is_told_by_what_stands_behind_the_word() {
        for (text, wanted) in [
            ("a,password\nb,Hunter99x\n", true),
            ("a,password\r\nb,Hunter99x\r\n", true),
            ("password,a\nHunter99x,b\n", true),
            ("password;a\nHunter99x;b\n", true),
            ("password\ta\nHunter99x\tb\n", true),
            ("a,my password old,b\nc,Hunter99x,d\n", false),
            ("\"password\",a\n\"Hunter99x\",b\n", true),
            ("a;\"password\";b\nc;\"Hunter99x\";d\n", true),
            ("a,\"password\"\nb,\"Hunter99x\"\n", true),
            ("`password`,a\n`Hunter99x`,b\n", true),
            ("\"password\"x,a\nHunter99x,b\n", false),
            ("password!,a\nHunter99x,b\n", false),
            ("|a|password|\n|-|--|\n|b|Hunter99x|\n", true),
            ("| a | **password** |\n|---|---|\n| b | Hunter99x |\n", true),
            ("| a | *password* |\n|---|---|\n| b | Hunter99x |\n", false),
            ("| a | password  |\n|---|---|\n| b | Hunter99x |\n", true),
            (
                "\u{2502} a \u{2502} password \u{2502}\n\u{251c}\u{2500}\u{2524}\n\u{2502} b \u{2502} Hunter99x \u{2502}\n",
                true,
            ),
            ("| a | password |\n| b | Hunter99x |\n", false),
            ("a  password  c\nb  Hunter99x  d\n", true),
            ("a password\nb Hunter99x\n", false),
            ("password,a\nHunter99x\n", false),
            ("password,a\nHunter 99x,b\n", false),
            ("password\nHunter99x\n", false),
            ("password,\nHunter99x,\n", false),
            ("name,a\nHunter99x,b\n", false),
            ("a=password,b\nc,Hunter99x\n", false),
            ("-a,password\nc,Hunter99x\n", false),
            (".a,password\nc,Hunter99x\n", false),
            ("#a,password\nc,Hunter99x\n", false),
            ("a .b,password\nc,Hunter99x\n", false),
            ("a b c,password\nd,Hunter99x\n", true),
            ("a b c d,password\ne,Hunter99x\n", false),
        ] {
            let word = if text.contains("name") { "name" } else { "password" };
            assert_eq!(below(text, word), if wanted { vec!["Hunter99x"] } else { vec![] }, "{text}");
        }
    }

    #[test]
    fn a_table_is_read_as_far_as_it_may_be() {
        assert_eq!(
            below("a,password\nb,Hunter99x\nc,Winter88y\nd\ne,Summer77z\n", "password"),
            ["Hunter99x", "Winter88y"]
        );
        assert_eq!(below("a,password\nb,Hunter99x", "password"), ["Hunter99x"], "the last line is not closed");
        let columns = |count: usize| format!("{}password\n{}Hunter99x\n", "a,".repeat(count), "b,".repeat(count));
        assert_eq!(below(&columns(63), "password"), ["Hunter99x"]);
        assert_eq!(below(&columns(64), "password"), [""; 0]);
        let heading = |length: usize| format!("{},password\nb,Hunter99x\n", "a".repeat(length));
        assert_eq!(below(&heading(48), "password"), ["Hunter99x"]);
        assert_eq!(below(&heading(49), "password"), [""; 0]);
        // A line of names is at most so long, and begins with its line.
        let long = |length: usize| format!("{}password\n{}Hunter99x\n", "aaaaaaa,".repeat(length), "b,".repeat(length));
        assert_eq!(below(&long(60), "password"), ["Hunter99x"]);
        let far = format!("x\n{}", long(60));
        assert_eq!(below(&far, "password"), ["Hunter99x"]);
        let behind = format!("a,password{}\nb,Hunter99x\n", ",c".repeat(507));
        assert_eq!(below(&behind, "password"), [""; 0]);
        let end = super::at("a,password\nb,Hunter99x\nc\n", 2, 10, &mut |_, _, _| ());
        assert_eq!(end, 23, "behind the rows that were read");
    }

    #[test]
    fn a_line_that_only_separates_is_one() {
        for (line, is_one) in [
            ("---", true),
            (" +--+ ", true),
            ("|:-|=|", true),
            ("\u{2500}\u{2500}\u{257f}", true),
            ("--", false),
            ("--x", false),
            ("", false),
        ] {
            assert_eq!(super::is_rule(line), is_one, "{line}");
        }
    }
}

//! A command as a program's source has it: a list of strings, `["mysql", "-uroot", "-p…"]`.

/// How many strings are read.
const MAX_ITEMS: usize = 64;
/// How long a list may be, in bytes.
const MAX_LIST: usize = 4096;

/// What a list means, where each byte is written: from, to; and where the list ends.
type Listed = (String, Vec<(u32, u32)>, usize);

/// The command that a list of strings means, where each of its bytes is written, and where the list ends.
///
/// `at` is in the first string, behind its quote. None: there is no list of two and more.
pub(in super::super) fn list(text: &str, at: usize) -> Option<Listed> {
    let bytes = text.as_bytes();
    let before = bytes.get(..at)?;
    let quote = *before.last()?;
    let opener = before.iter().rev().skip(1).take(8).find(|byte| !byte.is_ascii_whitespace() && **byte != b'\\')?;
    if !matches!(quote, b'"' | b'\'') || !matches!(opener, b'[' | b'(' | b'{' | b',') {
        return None;
    }
    let stop = bytes.len().min(at + MAX_LIST);
    let (mut command, mut written) = (String::new(), Vec::new());
    let mut start = at;
    for count in 1..=MAX_ITEMS {
        let length = bytes.get(start..stop)?.iter().position(|byte| *byte == quote)?;
        let item = text.get(start..start + length)?.trim_end_matches('\\');
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=,@%+".contains(&byte);
        let around = if item.bytes().all(plain) || item.contains('\'') { "" } else { "'" };
        let place = |from: usize, to: usize| Some((u32::try_from(from).ok()?, u32::try_from(to).ok()?));
        for part in [around, item, around, " "] {
            for offset in 0..part.len() {
                // What stands for no byte of the item is written as its quotes are.
                let from = if part == item && !item.is_empty() { start + offset } else { start - 1 };
                written.push(place(from, from + 1)?);
            }
            command.push_str(part);
        }
        let mut next = start + length + 1;
        let skipped = |from: usize| {
            bytes
                .get(from..stop)
                .unwrap_or_default()
                .iter()
                .take_while(|b| b.is_ascii_whitespace() || **b == b'\\')
                .count()
        };
        next += skipped(next);
        let ended = bytes.get(next) != Some(&b',');
        next += 1;
        for _ in 0..2 {
            next += skipped(next);
            if matches!(bytes.get(next), Some(b'[' | b'{')) {
                next += 1;
            }
        }
        if ended || bytes.get(next) != Some(&quote) {
            return (count > 1).then_some((command, written, start + length));
        }
        start = next + 1;
    }
    Some((command, written, start))
}

#[cfg(test)]
mod tests {
    use super::super::super::Finder;

    #[test]
    fn a_list_of_strings_is_a_command() {
        let password = ["Fake", "Passw0rd", "97"].concat();
        for list in [
            r#"["mysql", "-uroot", "-p{P}", "app"]"#,
            r#"{"test": ["CMD", "mysqladmin", "ping", "-uroot", "-p{P}"]}"#,
            "subprocess.run(['docker', 'login', '-u', 'bob', '-p', '{P}'])",
            "spawn('curl', ['-u', 'bob:{P}', 'https://example.com'])",
            r#"exec.Command("redis-cli", "-a", "{P}", "ping")"#,
            r#"{"command": "[\"mysql\", \"-uroot\", \"-p{P}\"]"}"#,
        ] {
            let text = list.replace("{P}", &password);
            let places: Vec<&str> =
                Finder::default().find(&text).iter().map(|found| &text[found.span.clone()]).collect();
            assert_eq!(places, [&password], "{text}");
        }
        for list in [
            r#"["mysql", "-h", "db", "-p"]"#,
            r#"{"keywords": ["mysql", "docker", "redis-cli"]}"#,
            "['curl', '-o', 'x1y2z3']",
        ] {
            assert_eq!(Finder::default().find(list), [], "{list}");
        }
    }

    /// The command that the list means whose first string is `mysql`.
    fn command(text: &str) -> Option<String> {
        let (command, written, end) = super::list(text, text.find("mysql")?)?;
        assert_eq!(command.len(), written.len());
        assert!(end <= text.len());
        for (byte, (from, to)) in command.bytes().zip(&written) {
            let here = &text.as_bytes()[*from as usize..*to as usize];
            assert!(here == [byte] || matches!(byte, b' ' | b'\'') && matches!(here, b"\"" | b"'"), "{text}");
        }
        Some(command)
    }

    #[test]
    fn strings_with_commas_between_are_the_words_of_a_command() {
        for (text, wanted) in [
            (r#"["mysql", "-p"]"#, Some("mysql -p ")),
            (r#"("mysql","-p")"#, Some("mysql -p ")),
            (r#"{"mysql","-p"}"#, Some("mysql -p ")),
            (r#"[1, "mysql", "-p"]"#, Some("mysql -p ")),
            ("['mysql', '-p']", Some("mysql -p ")),
            (r#"["mysql", "a b"]"#, Some("mysql 'a b' ")),
            (r#"["mysql", "it's"]"#, Some("mysql it's ")),
            (r#"["mysql", ""]"#, Some("mysql  ")),
            (r#"["mysql", ["-p", "x"]]"#, Some("mysql -p x ")),
            (r#"["mysql", [{"-p"}]]"#, Some("mysql -p ")),
            (
                r#"["mysql",
                "-p"]"#,
                Some("mysql -p "),
            ),
            (r#"[\"mysql\", \"-p\"]"#, Some("mysql -p ")),
            (r#"["mysql", "-p", x]"#, Some("mysql -p ")),
            (r#"["mysql"]"#, None),
            (r#"["mysql" "-p"]"#, None),
            (r#"["mysql", '-p']"#, None),
            (r#"="mysql", "-p""#, None),
            (r#"[mysql, "-p"]"#, None),
            (r#"["mysql", "-p"#, None),
            (r#"[        "mysql", "-p"]"#, None),
            (r#"[       "mysql", "-p"]"#, Some("mysql -p ")),
        ] {
            assert_eq!(command(text).as_deref(), wanted, "{text}");
        }
        let items = |count: usize| format!("[\"mysql\"{}]", ", \"x\"".repeat(count));
        assert_eq!(command(&items(super::MAX_ITEMS)).map(|command| command.matches(' ').count()), Some(64));
        let long = |length: usize| format!("[\"mysql\", \"{}\"]", "x".repeat(length - "mysql\", \"\"".len()));
        assert!(command(&long(super::MAX_LIST)).is_some());
        assert!(command(&long(super::MAX_LIST + 1)).is_none());
        assert_eq!(super::list("[\"mysql\", \"-p\"]", 2).map(|(_, _, end)| end), Some(13));
    }
}

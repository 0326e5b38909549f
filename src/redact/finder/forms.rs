//! Some thousand texts as people and programs write them, and what becomes of each: whatever changes is seen here.
//!
//! `forms/*.txt` has a text in each line. `\n` is the end of a line; `{{P}}` and its like are filled with values that are
//! made up by the test. The line that begins with `=` says what is masked in the text before it, and by which rules; a text
//! without one comes out as it was. `BLESS=1 cargo test --lib forms` writes those lines, to be read before they are kept.

use std::fmt::Write;
use std::path::Path;

use super::Finder;

/// A source of numbers that are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn of(text: &str) -> Self {
        Self(
            text.bytes()
                .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)),
        )
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn of_alphabet(&mut self, alphabet: &str, length: usize) -> String {
        (0..length).map(|_| char::from(alphabet.as_bytes()[self.below(alphabet.len())])).collect()
    }

    fn word(&mut self) -> &'static str {
        ["harbor", "juniper", "otter", "falcon", "maple", "quartz", "ember", "willow"][self.below(8)]
    }

    fn title(&mut self) -> String {
        let word = self.word();
        format!("{}{}", word[..1].to_uppercase(), &word[1..])
    }

    /// A value of this kind: `P` is what somebody may choose, `Q` the same with characters that need quotes, `T` a token,
    /// `U` a UUID; `A`, `H`, `D` are letters and digits, hexadecimal and decimal digits of this length, `B` base64 of so
    /// many bytes.
    fn value(&mut self, kind: &str) -> String {
        const DIGITS: &str = "0123456789";
        const HEX: &str = "0123456789abcdef";
        const ALL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let (kind, length) = kind.split_at(1);
        let length = length.parse().unwrap_or(12);
        match kind {
            "P" => match self.below(8) {
                0 => self.of_alphabet(ALL, 12) + "7x",
                1 => self.of_alphabet(ALL, 20),
                2 => self.of_alphabet(HEX, 32),
                3 => format!("{}-{}{}", self.word(), self.word(), self.of_alphabet("123456789", 2)),
                4 => format!("{}{}", self.title(), self.of_alphabet("123456789", 4)),
                5 => format!("{}{}{}", self.title(), self.title(), self.of_alphabet("123456789", 3)),
                6 => self.of_alphabet(ALL, 8) + "_" + &self.of_alphabet(ALL, 7) + "4",
                _ => self.of_alphabet(HEX, 16),
            },
            "Q" => match self.below(4) {
                0 => self.of_alphabet(ALL, 6) + &self.of_alphabet("!@#^*=+?", 1) + &self.of_alphabet(ALL, 6) + "9!",
                1 => format!("{}{}!", self.title(), self.of_alphabet("123456789", 4)),
                2 => format!("{}@{}#{}", self.title(), self.of_alphabet("123456789", 3), self.word()),
                _ => self.of_alphabet(ALL, 16),
            },
            "T" => match self.below(4) {
                0 => self.of_alphabet(ALL, 40),
                1 => self.of_alphabet(HEX, 40),
                2 => self.value("U"),
                _ => self.of_alphabet(ALL, 43) + "-_x",
            },
            "U" => [8, 4, 4, 4, 12].map(|length| self.of_alphabet(HEX, length)).join("-"),
            "A" => self.of_alphabet(ALL, length),
            "H" => self.of_alphabet(HEX, length),
            "D" => self.of_alphabet(DIGITS, length),
            // As it would come out for random bytes.
            "B" => {
                let digits = (8 * length).div_ceil(6);
                self.of_alphabet(&format!("{ALL}+/"), digits - 1)
                    + "A"
                    + &"=".repeat(digits.next_multiple_of(4) - digits)
            }
            other => panic!("no kind of value is called {other}"),
        }
    }
}

/// The text of a form, and each value that it was filled with beside its placeholder.
fn filled(form: &str) -> (String, Vec<(String, String)>) {
    let form = form.replace("\\n", "\n");
    let mut numbers = Numbers::of(&form);
    let (mut text, mut values, mut rest) = (String::new(), Vec::new(), form.as_str());
    while let Some((before, (kind, behind))) =
        rest.split_once("{{").and_then(|(before, behind)| Some((before, behind.split_once("}}")?)))
    {
        // Ansible and others write names so.
        let known = kind.len() <= 4
            && matches!(kind.as_bytes(), [b'P' | b'Q' | b'T' | b'U'] | [b'A' | b'H' | b'D' | b'B', b'0'..=b'9', ..]);
        text.push_str(before);
        if known {
            let value = numbers.value(kind);
            text.push_str(&value);
            values.push((value, format!("{{{{{kind}}}}}")));
        } else {
            write!(text, "{{{{{kind}}}}}").unwrap();
        }
        rest = behind;
    }
    text.push_str(rest);
    (text, values)
}

/// What becomes of it: the rule in the place of each secret, and the placeholder in that of each value that stays.
fn masked(finder: &Finder, form: &str) -> String {
    let (text, values) = filled(form);
    let (mut masked, mut at) = (String::new(), 0);
    for finding in finder.find(&text) {
        let mark = if finding.guessable { "" } else { "#" };
        write!(masked, "{}⟦{}{mark}⟧", &text[at..finding.span.start], finding.rule).unwrap();
        at = finding.span.end;
    }
    masked.push_str(&text[at..]);
    values.iter().fold(masked, |masked, (value, kind)| masked.replace(value, kind)).replace('\n', "\\n")
}

fn compare(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/redact/finder/forms").join(name);
    let file = std::fs::read_to_string(&path).unwrap();
    let finder = Finder::default();
    let mut blessed = String::new();
    let mut differences = Vec::new();
    let mut lines = file.lines().peekable();
    while let Some(form) = lines.next() {
        writeln!(blessed, "{form}").unwrap();
        if form.is_empty() {
            continue;
        }
        let expected = lines.next_if(|line| line.starts_with("= ")).map(|line| line[2..].to_owned());
        let masked = masked(&finder, form);
        let found = Some(masked).filter(|masked| masked != form);
        if let Some(masked) = &found {
            writeln!(blessed, "= {masked}").unwrap();
        }
        if found != expected {
            differences.push(format!("{form}\n  now      {found:?}\n  expected {expected:?}"));
        }
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, blessed).unwrap();
    } else {
        assert!(
            differences.is_empty(),
            "{} differ, the first:\n{}",
            differences.len(),
            differences[..differences.len().min(9)].join("\n")
        );
    }
}

#[test]
fn secrets_in_commands_are_masked_as_they_were() {
    compare("shell.txt");
}

#[test]
fn secrets_in_files_prompts_and_output_are_masked_as_they_were() {
    compare("texts.txt");
}

#[test]
fn values_of_each_length_are_judged_as_they_were() {
    compare("lengths.txt");
}

#[test]
fn ordinary_texts_stay_as_they_were() {
    compare("ordinary.txt");
}

//! Secrets of several words, and what sentences put between a name and its value.

use std::ops::Range;

use super::context::{Tell, eat_spaces, ends_as, window};
use super::cursor::Cursor;
use super::names::Hint;
use super::value::{List, Written, judge, list};

/// How far the words of a phrase are read, in bytes.
const MAX_PHRASE: usize = 400;
/// A wallet's phrase has at least so many words (BIP 39).
const WALLET: usize = 12;
/// And at most so many.
const MAX_WORDS: usize = 25;
/// How long what stands in brackets behind a name may be, in bytes.
const MAX_ASIDE: usize = 40;

/// Names of secrets that are written as words.
const PHRASES: [&str; 6] = ["passphrase", "mnemonic", "seed", " phrase", "seedphrase", "wallet"];

/// Words of sentences that are in no list of values: what stands in them is no passphrase.
static SENTENCE: List = list!("the a an is was are to for of and or not set get has have must should will can may be been in on at by
    with from as if then else when while this that it its your my our their you we they no yes any some all none
    never used only both also via before after which because there where who what how does did do done make makes sure
    enter entered again please twice empty needed want use using protect protects encrypt encrypts unlock unlocks more
    than less one each every very just later now about into between during until but so stays stay remains remain comes
    come goes go provided given asked prompted required optional supported ignored missing incorrect invalid wrong hidden
    stored string value field password passphrase key");

/// `passphrase: correct horse battery staple`, `seed phrase is legal winner thank …`: words behind a name that means
/// words. Says whether there were some.
pub(super) fn phrase(text: &str, name: Range<usize>, tell: Tell<'_>) -> bool {
    let called = text.get(name.clone()).unwrap_or_default();
    // Most names end with no two letters with which these do.
    let [.., before, last] = called.as_bytes() else { return false };
    if !ends_as(&[b"se", b"ic", b"ed", b"et"], *before, *last) {
        return false;
    }
    let ends = |word: &str| {
        let from = called.len().checked_sub(word.len());
        from.and_then(|from| called.get(from..)).is_some_and(|end| end.eq_ignore_ascii_case(word))
    };
    if !PHRASES.iter().any(|word| ends(word)) {
        return false;
    }
    let mut cursor = Cursor::new(text, name.end);
    cursor.eat_quote();
    for word in [" phrase", " words", " code"] {
        cursor.eat(word);
    }
    eat_aside(&mut cursor);
    cursor.eat_blanks();
    let mut said = cursor.eat_operator().is_some();
    eat_spaces(&mut cursor);
    for word in ["is now ", "is: ", "is ", "was ", "= "] {
        said |= cursor.eat(word);
    }
    eat_spaces(&mut cursor);
    if !said {
        return false;
    }
    let quoted = cursor.eat_quote().is_some();
    let Some((length, words)) = words(window(text, cursor.at(), MAX_PHRASE), called, quoted) else { return false };
    tell(cursor.at()..cursor.at() + length, if words < WALLET { "password" } else { "secret" }, words < WALLET);
    true
}

/// How long the phrase that begins a text is, in bytes, and how many words it has.
fn words(text: &str, called: &str, quoted: bool) -> Option<(usize, usize)> {
    let from = called.len().checked_sub("passphrase".len());
    let end = from.and_then(|from| called.get(from..)).unwrap_or_default();
    let passphrase = end.eq_ignore_ascii_case("passphrase");
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied();
    let (mut at, mut end, mut count, mut short) = (0, 0, 0, true);
    let mut common = false;
    loop {
        // `1. legal 2. winner`
        let number = bytes.get(at..)?.iter().take(2).take_while(|byte| byte.is_ascii_digit()).count();
        if number > 0 && matches!(byte(at + number), Some(b'.' | b')')) {
            at += number + 1;
            at += bytes.get(at..)?.iter().take(4).take_while(|byte| **byte == b' ').count();
        }
        let length = bytes
            .get(at..)?
            .iter()
            .take(24)
            .take_while(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            .count();
        let word = text.get(at..at + length)?;
        if length < 2 || count == MAX_WORDS {
            break;
        }
        short &= (3..=8).contains(&length) && !matches!(word, "the" | "and" | "for" | "are" | "was" | "not" | "but");
        if !short && count >= WALLET {
            break;
        }
        common |= SENTENCE.has(word);
        count += 1;
        end = at + length;
        at = end;
        let gap =
            bytes.get(at..)?.iter().take(8).take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b',')).count();
        let line = passphrase && bytes.get(at..at + gap)?.contains(&b'\n');
        if gap == 0 || line {
            break;
        }
        at += gap;
    }
    if short && count >= WALLET {
        return Some((end, count));
    }
    let behind = bytes.get(end..).unwrap_or_default();
    let ends = if quoted {
        matches!(behind, [b'"' | b'\'' | b'`' | b'\\', ..])
    } else {
        matches!(behind, [] | [b'.' | b'\n' | b'\r' | b'"' | b'\'' | b'\\', ..])
    };
    (passphrase && (3..WALLET).contains(&count) && ends && !common).then_some((end, count))
}

/// `password from OLD to NEW`, `password for bob reset to NEW`.
pub(super) fn changed(text: &str, behind: usize, tell: Tell<'_>) {
    let mut cursor = Cursor::new(text, behind);
    if !cursor.eat_blanks() {
        return;
    }
    let mut done = false;
    for word in ["for ", "of ", "reset ", "changed ", "set ", "updated ", "rotated ", "has been reset ", "was reset "] {
        if cursor.eat(word) {
            if word.len() < 5 && word != "set " {
                let name = cursor.rest().iter().take(64).take_while(|byte| !byte.is_ascii_whitespace()).count();
                cursor.skip(name);
            }
            cursor.eat_blanks();
            done = true;
        }
    }
    let begins = cursor.eat("from ") || done && cursor.eat("to ");
    if !begins {
        return;
    }
    for next in [" to ", ""] {
        let quote = cursor.eat_quote();
        let rest = window(text, cursor.at(), 256);
        let length = match quote {
            Some(quote) => cursor.closing(quote).end,
            None => rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\\')).unwrap_or(rest.len()),
        };
        let Some(word) = rest.get(..length) else { return };
        let word = if quote.is_some() { word } else { word.trim_end_matches(['.', ',', ';', ')', '\'', '"', '`']) };
        let Some(secret) = judge(word, Hint::Password, Written::Words) else { return };
        tell(cursor.at()..cursor.at() + word.len(), "password", secret.guessable);
        cursor.skip(length);
        if quote.is_some() {
            cursor.eat_quote();
        }
        if !cursor.eat(next) {
            return;
        }
    }
}

/// What stands between a name and what assigns: `password (temporary): `, `password [bob]: `, `Unseal Key 1: `.
pub(super) fn eat_aside(cursor: &mut Cursor<'_>) {
    let mut ahead = *cursor;
    ahead.eat_blanks();
    let close = match ahead.peek() {
        Some(b'(') => b')',
        Some(b'[') => b']',
        Some(b'0'..=b'9') => {
            let digits = ahead.rest().iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
            ahead.skip(digits);
            if digits < 3 && ahead.peek() == Some(b':') {
                *cursor = ahead;
            }
            return;
        }
        _ => return,
    };
    let Some(end) = ahead.rest().iter().take(MAX_ASIDE).position(|byte| *byte == close || *byte == b'\n') else {
        return;
    };
    if ahead.rest().get(end) != Some(&close) {
        return;
    }
    ahead.skip(end + 1);
    ahead.eat_blanks();
    if matches!(ahead.peek(), Some(b':' | b'=')) {
        *cursor = ahead;
    }
}

/// What is searched for where codes of one time may stand; in any case.
pub(super) const CODES: [&str; 12] = [
    "verification code",
    "recovery code",
    "backup code",
    "2fa code",
    "mfa code",
    "otp code",
    "login code",
    "pin code",
    "pin: ",
    "pin is ",
    "otp: ",
    "otp is ",
];

/// How many codes of a list are read.
const MAX_CODES: usize = 20;

/// `PIN: 4711`, `recovery codes:` and a code on each line below.
pub(super) fn codes(text: &str, from: usize, anchor: &str, tell: Tell<'_>) {
    if from.checked_sub(1).and_then(|at| text.as_bytes().get(at)).is_some_and(u8::is_ascii_alphanumeric) {
        return;
    }
    let mut cursor = Cursor::new(text, from + anchor.len());
    let mut said = anchor.ends_with(' ');
    let many = cursor.eat("s");
    cursor.eat_quote();
    eat_aside(&mut cursor);
    cursor.eat_blanks();
    said |= cursor.eat_operator().is_some();
    eat_spaces(&mut cursor);
    for word in ["is: ", "is ", "are: ", "are ", "= "] {
        said |= cursor.eat(word);
    }
    eat_spaces(&mut cursor);
    if !said {
        return;
    }
    let listed = many || anchor.starts_with("recovery") || anchor.starts_with("backup");
    for _ in 0..if listed { MAX_CODES } else { 1 } {
        // `- code`, `1. code`, `["code", …`
        let marks = cursor.rest().iter().take(8);
        let marks = marks.take_while(|byte| byte.is_ascii_whitespace() || b"-*[\"',`".contains(byte)).count();
        cursor.skip(marks);
        let rest = window(text, cursor.at(), 64);
        let code = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let value = rest.get(..rest.find(|c: char| !code(c)).unwrap_or(rest.len())).unwrap_or_default();
        let value = value.trim_end_matches('-');
        let digits = value.bytes().filter(u8::is_ascii_digit).count();
        let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
        let is_code = if letters == 0 {
            (4..=16).contains(&digits) && (listed || digits == value.len())
        } else {
            listed && digits >= 2 && (6..=40).contains(&value.len())
        };
        if !is_code
            || rest.get(value.len()..).is_some_and(|behind| behind.starts_with(['.', ':', '/', '_', '(']))
                && !rest
                    .get(value.len()..)
                    .is_some_and(|behind| behind.len() < 2 || behind.starts_with(". ") || behind.starts_with(".\n"))
        {
            return;
        }
        tell(cursor.at()..cursor.at() + value.len(), "password", true);
        cursor.skip(value.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_counted_word_by_word() {
        let twelve = "legal winner thank year wave sausage worth useful legal winner thank yellow";
        let numbered: Vec<_> = twelve.split(' ').enumerate().map(|(at, word)| format!("{}. {word}", at + 1)).collect();
        let brackets: Vec<_> = twelve.split(' ').enumerate().map(|(at, word)| format!("{}) {word}", at + 1)).collect();
        for text in [twelve.to_owned(), numbered.join(" "), brackets.join("\n"), twelve.replace(' ', ", ")] {
            assert_eq!(words(&text, "seed phrase", false), Some((text.len(), 12)), "{text}");
            assert_eq!(words(&format!("{text}. And more"), "seed phrase", false), Some((text.len(), 12)), "{text}");
        }
        let eleven = &twelve[..twelve.len() - " yellow".len()];
        assert_eq!(words(eleven, "seed phrase", false), None);
        assert_eq!(words(eleven, "passphrase", false), Some((eleven.len(), 11)));
        let many = |count: usize| vec!["legal"; count].join(" ");
        assert_eq!(words(&many(25), "seed", false), Some((many(25).len(), 25)));
        assert_eq!(words(&many(26), "seed", false), Some((many(25).len(), 25)));
        for (text, quoted, wanted) in [
            ("otter copper falcon", false, Some((19, 3))),
            ("otter copper", false, None),
            ("otter copper falcon.", false, Some((19, 3))),
            ("otter copper falcon\nmaple", false, Some((19, 3))),
            ("otter copper falcon, Maple", false, None),
            ("otter copper falcon!", false, None),
            ("otter copper falcon", true, None),
            ("otter copper falcon\" maple", true, Some((19, 3))),
            ("otter copper for falcon", false, None),
            ("otter c falcon", false, None),
            ("otter copper 7falcon", false, Some((20, 3))),
            ("", false, None),
        ] {
            assert_eq!(words(text, "Passphrase", quoted), wanted, "{text}");
        }
    }

    #[test]
    fn what_stands_between_a_name_and_its_value_is_passed() {
        for (text, rest) in [
            (" (temporary): x", ": x"),
            (" [bob] = x", "= x"),
            (" 1: x", ": x"),
            (" 12: x", ": x"),
            (" 123: x", " 123: x"),
            (" 1 x", " 1 x"),
            (" (temporary) x", " (temporary) x"),
            (" (temp\norary): x", " (temp\norary): x"),
            (" (temporary]: x", " (temporary]: x"),
            (" x: x", " x: x"),
            ("", ""),
        ] {
            let mut cursor = Cursor::new(text, 0);
            eat_aside(&mut cursor);
            assert_eq!(&text[cursor.at()..], rest, "{text}");
        }
        let long = |length: usize| format!("({}): x", "a".repeat(length));
        for (length, passed) in [(38, true), (39, false)] {
            let text = long(length);
            let mut cursor = Cursor::new(&text, 0);
            eat_aside(&mut cursor);
            assert_eq!(cursor.at() > 0, passed, "{length}");
        }
    }

    #[test]
    fn a_code_is_of_digits_or_one_of_a_list() {
        let told = |text: &str, anchor: &str| {
            let mut told = Vec::new();
            codes(text, text.find(anchor).unwrap(), anchor, &mut |span, _, _| told.push(text[span].to_owned()));
            told
        };
        for (anchor, text, wanted) in [
            ("pin: ", "pin: 4711", vec!["4711"]),
            ("pin: ", "pin: 471", vec![]),
            ("pin: ", "pin: 4711.", vec!["4711"]),
            ("pin: ", "pin: 4711.5", vec![]),
            ("pin: ", "pin: 4711. x", vec!["4711"]),
            ("pin: ", "pin: 4711/2", vec![]),
            ("pin: ", "pin: 12345678901234567", vec![]),
            ("pin: ", "pin: 1234567890123456", vec!["1234567890123456"]),
            ("pin: ", "pin: 47-11", vec![]),
            ("pin: ", "pin: ab4711", vec![]),
            ("pin: ", "spin: 4711", vec![]),
            ("pin: ", ".pin: 4711", vec!["4711"]),
            ("backup code", "backup codes:\n- ab12-cd34\n- 1234-5678\nx", vec!["ab12-cd34", "1234-5678"]),
            ("backup code", "backup codes are [\"abcd12\", \"abcd34\"]", vec!["abcd12", "abcd34"]),
            ("backup code", "backup code: abcd1e", vec![]),
            ("backup code", "backup code: abc12", vec![]),
            ("backup code", "backup code abcd12", vec![]),
            ("otp code", "otp code is 123456, 654321", vec!["123456"]),
            ("otp code", "otp codes: 123456, 654321", vec!["123456", "654321"]),
        ] {
            assert_eq!(told(text, anchor), wanted, "{text}");
        }
        let many = format!("recovery codes: {}", vec!["abcd12"; 25].join(" "));
        assert_eq!(told(&many, "recovery code").len(), MAX_CODES);
    }
}

//! Where a long text may be cut without cutting a secret in two.

use memchr::memmem;

/// The longest block of a key that is waited for, in bytes. What is longer is no key.
const MAX_KEY_BLOCK: usize = 64 << 10;

/// The longest here-document that is waited for, in bytes.
const MAX_HERE_DOCUMENT: usize = 1 << 20;

/// The longest JSON document that is waited for, in bytes.
const MAX_JSON: usize = 8 << 20;

/// The most here-documents of one command.
const MAX_WORDS: usize = 8;

/// The longest word that ends a here-document, in bytes.
const MAX_WORD: usize = 64;

/// How blocks of keys begin and end: PEM and PGP (RFC 7468, RFC 9580), SSH public-key files (RFC 4716), and PuTTY's own.
const KEY_BLOCKS: [(&[u8], &[u8]); 3] =
    [(b"-----BEGIN ", b"-----END "), (b"---- BEGIN ", b"---- END "), (b"PuTTY-User-Key-File-", b"Private-MAC:")];

/// Reads a text line by line and knows whether it may be cut behind the last one: not within the block of a key, a
/// here-document, a line that goes on in the next one, or a JSON document.
#[derive(Debug, Default)]
pub struct Borders {
    inside: Inside,
    /// Bytes of lines since it began.
    held: usize,
}

#[derive(Debug, Default)]
enum Inside {
    #[default]
    Nothing,
    /// Until a line holds this.
    KeyBlock(&'static [u8]),
    /// Until a line is the first of these words; then the others.
    HereDocuments(Vec<Vec<u8>>),
    /// So many brackets are open.
    Json(usize),
}

impl Borders {
    /// Takes the next line, with or without its end, and says whether the text may be cut behind it.
    pub fn after(&mut self, line: &[u8]) -> bool {
        let line = line.trim_ascii_end();
        self.held += line.len() + 1;
        self.inside = match std::mem::take(&mut self.inside) {
            Inside::Nothing => {
                self.held = line.len() + 1;
                begins(line)
            }
            Inside::KeyBlock(_) if self.held > MAX_KEY_BLOCK => Inside::Nothing,
            Inside::KeyBlock(end) => match memmem::find(line, end) {
                Some(_) => open_key_block(line),
                None => Inside::KeyBlock(end),
            },
            Inside::HereDocuments(_) if self.held > MAX_HERE_DOCUMENT => Inside::Nothing,
            Inside::HereDocuments(mut words) => {
                // `<<-` takes tabs before the word; indented examples in prose have spaces.
                if words.first().is_some_and(|word| line.trim_ascii_start() == word.as_slice()) {
                    words.remove(0);
                }
                if words.is_empty() { Inside::Nothing } else { Inside::HereDocuments(words) }
            }
            Inside::Json(_) if self.held > MAX_JSON => Inside::Nothing,
            Inside::Json(depth) => json(line, depth),
        };
        matches!(self.inside, Inside::Nothing) && !goes_on(line)
    }
}

fn begins(line: &[u8]) -> Inside {
    match open_key_block(line) {
        Inside::Nothing => {}
        block => return block,
    }
    let words = here_documents(line);
    if !words.is_empty() {
        return Inside::HereDocuments(words);
    }
    match line.trim_ascii_start().first() {
        Some(b'{' | b'[') => json(line, 0),
        _ => Inside::Nothing,
    }
}

/// Whether the last block of a key that begins in a line does not end there.
fn open_key_block(line: &[u8]) -> Inside {
    for (begin, end) in KEY_BLOCKS {
        if let Some(at) = memmem::rfind(line, begin)
            && memmem::find(line.get(at..).unwrap_or_default(), end).is_none()
        {
            return Inside::KeyBlock(end);
        }
    }
    Inside::Nothing
}

/// The words of `<<WORD`, `<<-WORD`, `<<'WORD'`, `<< "WORD"` (POSIX shell, 2.7.4), not of `<<<`.
fn here_documents(line: &[u8]) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut at = 0;
    while words.len() < MAX_WORDS
        && let Some(found) = memmem::find(line.get(at..).unwrap_or_default(), b"<<")
    {
        let rest = line.get(at + found + 2..).unwrap_or_default();
        at += found + 2;
        if rest.first() == Some(&b'<') {
            at += rest.iter().take_while(|byte| **byte == b'<').count();
            continue;
        }
        let rest = rest.strip_prefix(b"-").or_else(|| rest.strip_prefix(b"~")).unwrap_or(rest).trim_ascii_start();
        let quoted = rest.strip_prefix(b"'").or_else(|| rest.strip_prefix(b"\"")).or_else(|| rest.strip_prefix(b"\\"));
        let rest = quoted.unwrap_or(rest);
        let word = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
        let word: Vec<u8> = word.take(MAX_WORD + 1).copied().collect();
        let named = word.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
        if named && word.len() <= MAX_WORD {
            words.push(word);
        }
    }
    words
}

/// Reads a line of a JSON document of which so many brackets are open (RFC 8259). What cannot be one is none.
fn json(line: &[u8], mut depth: usize) -> Inside {
    let mut bytes = line.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => match depth.checked_sub(1) {
                // Whatever stands behind its end is no part of it.
                None | Some(0) => return Inside::Nothing,
                Some(less) => depth = less,
            },
            b'"' => loop {
                match bytes.next() {
                    Some(b'"') => break,
                    Some(b'\\') => {
                        bytes.next();
                    }
                    Some(_) => {}
                    // A string does not go on in the next line.
                    None => return Inside::Nothing,
                }
            },
            b',' | b':' | b' ' | b'\t' | b'+' | b'-' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E' => {}
            _ => return Inside::Nothing,
        }
    }
    if depth == 0 { Inside::Nothing } else { Inside::Json(depth) }
}

/// Whether a line goes on in the next one, or its value stands there: a continuation of a shell or a command prompt, a
/// pipeline, `key:`, `key =`, a block of YAML.
fn goes_on(line: &[u8]) -> bool {
    match line.last() {
        Some(b'\\') => line.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1,
        Some(b'`' | b'^' | b'|' | b'&' | b':' | b'=' | b'>') => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// For each line `/` if the text may be cut behind it, `.` if not.
    fn cuts(text: &str) -> String {
        let mut borders = Borders::default();
        text.lines().map(|line| if borders.after(line.as_bytes()) { '/' } else { '.' }).collect()
    }

    #[test]
    fn a_block_of_a_key_is_not_cut() {
        let text = "a\n-----BEGIN FAKE KEY-----\nFAKE\n\n-----END FAKE KEY-----\nb\nPuTTY-User-Key-File-3: ssh-fake\nx\n\
                    Private-MAC: FAKE\nk = -----BEGIN FAKE KEY-----\\nFAKE\\n-----END FAKE KEY-----\\n\nc";
        assert_eq!(cuts(text), "/...//..///");
    }

    #[test]
    fn a_here_document_is_not_cut() {
        let text =
            "cat <<EOF > x\npassword\n EOF\nb <<-'A' <<\"B\"\nfake\n\tA\nfake\nB\nc <<< x\n1 << 2\nd << \\Z\nfake\nZ";
        assert_eq!(cuts(text), "../....///../");
    }

    #[test]
    fn a_line_that_goes_on_is_not_cut() {
        let text = "curl \\\n -u \\\\\nb\necho x |\n docker login\npassword:\n  fake\na &&\nb";
        assert_eq!(cuts(text), ".//./././");
    }

    #[test]
    fn a_json_document_is_not_cut_and_what_is_none_is_no_reason_to_wait() {
        let text = "{\n  \"a\": [1, true,\n  \"}\\\"\"],\n \"b\": 2 }\n[section]\n{ if (x) {\n[2026-11-22] said {\n{ \"a\nb\n[\n]";
        assert_eq!(cuts(text), "...//////./");
    }

    #[test]
    fn what_never_ends_is_not_waited_for() {
        for (begin, line) in [("-----BEGIN FAKE-----", "x"), ("cat <<EOF", "x"), ("{", "\"a\": 1,"), ("<<A <<B", "A")] {
            let mut borders = Borders::default();
            assert!(!borders.after(begin.as_bytes()));
            let lines = (0..).take_while(|_| !borders.after(line.as_bytes())).take(10_000_000).count();
            assert!(lines * (line.len() + 1) <= MAX_JSON, "{begin}");
        }
    }

    #[test]
    fn what_is_waited_for_may_be_so_long_and_no_longer() {
        for (begin, line, most) in
            [("-----BEGIN FAKE-----", "x", MAX_KEY_BLOCK), ("cat <<EOF", "x", MAX_HERE_DOCUMENT), ("{", "1,", MAX_JSON)]
        {
            // Each line counts with its end.
            let fill = vec![b'x'; most - begin.len() - 1 - 1];
            let fill = if begin == "{" { b"1".repeat(fill.len()) } else { fill };
            let mut borders = Borders::default();
            assert!(!borders.after(begin.as_bytes()) && !borders.after(&fill), "{begin}");
            assert!(borders.after(line.trim_end_matches(',').as_bytes()), "{begin}: one more is too much");
            let mut borders = Borders::default();
            assert!(!borders.after(begin.as_bytes()));
            assert!(borders.after(&[&fill[..], b"1"].concat()), "{begin}: in one line");
        }
    }

    #[test]
    fn the_words_of_here_documents_are_read_one_by_one() {
        let words = |line: &str| -> Vec<String> {
            here_documents(line.as_bytes()).into_iter().map(|word| String::from_utf8(word).unwrap()).collect()
        };
        for (line, all) in [
            ("a <<X", &["X"][..]),
            ("a <<-X b <<~Y", &["X", "Y"]),
            ("a <<'X' << \"Y\" <<\\Z", &["X", "Y", "Z"]),
            ("a << _x-1.y", &["_x-1.y"]),
            ("a <<< X", &[]),
            ("a <<<<< X <<Y", &["Y"]),
            ("1 << 2", &[]),
            ("a <<", &[]),
            ("a <<X<<Y", &["X", "Y"]),
        ] {
            assert_eq!(words(line), all, "{line}");
        }
        assert_eq!(words(&"<<X ".repeat(9)).len(), MAX_WORDS);
        let long = "x".repeat(MAX_WORD);
        assert_eq!(words(&format!("<<{long}")), std::slice::from_ref(&long));
        assert_eq!(words(&format!("<<{long}x")), [""; 0]);
    }

    proptest! {
        #[test]
        fn no_line_is_too_strange(lines in prop::collection::vec("[<{}\"'\\\\A -]{0,12}|\\PC{0,9}|-----(BEGIN|END) X", 0..12)) {
            let mut borders = Borders::default();
            for line in lines {
                borders.after(line.as_bytes());
            }
        }
    }
}

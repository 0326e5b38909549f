//! Text in base64 that holds secrets: a configuration file, a header, a script that was encoded to be passed on.

use std::ops::Range;

/// What names of secrets look like in base64, and at which of the four characters of a group that stands: the word in the
/// three places that it can have among three bytes, as far as its own bits go.
const WORDS: [(&str, usize); 89] = [
    ("cGFzc3dvcm", 0),
    ("Bhc3N3b3Jk", 2),
    ("wYXNzd29yZ", 3),
    ("UGFzc3dvcm", 0),
    ("QYXNzd29yZ", 3),
    ("UEFTU1dPUk", 0),
    ("BBU1NXT1JE", 2),
    ("QQVNTV09SR", 3),
    ("cGFzc3dk", 0),
    ("Bhc3N3Z", 2),
    ("wYXNzd2", 3),
    ("c2VjcmV0", 0),
    ("NlY3Jld", 2),
    ("zZWNyZX", 3),
    ("U2VjcmV0", 0),
    ("TZWNyZX", 3),
    ("U0VDUkVU", 0),
    ("NFQ1JFV", 2),
    ("TRUNSRV", 3),
    ("dG9rZW", 0),
    ("Rva2Vu", 2),
    ("0b2tlb", 3),
    ("VG9rZW", 0),
    ("Ub2tlb", 3),
    ("VE9LRU", 0),
    ("RPS0VO", 2),
    ("UT0tFT", 3),
    ("YXBpX2tle", 0),
    ("FwaV9rZX", 2),
    ("hcGlfa2V5", 3),
    ("QVBJX0tFW", 0),
    ("FQSV9LRV", 2),
    ("BUElfS0VZ", 3),
    ("YXBpS2V5", 0),
    ("FwaUtle", 2),
    ("hcGlLZX", 3),
    ("YXBpa2V5", 0),
    ("FwaWtle", 2),
    ("hcGlrZX", 3),
    ("QXBpS2V5", 0),
    ("BcGlLZX", 3),
    ("YXBpLWtle", 0),
    ("FwaS1rZX", 2),
    ("hcGkta2V5", 3),
    ("QmVhcmVy", 0),
    ("JlYXJlc", 2),
    ("CZWFyZX", 3),
    ("cHJpdmF0ZV9rZX", 0),
    ("ByaXZhdGVfa2V5", 2),
    ("wcml2YXRlX2tle", 3),
    ("Y3JlZGVudGlhb", 0),
    ("NyZWRlbnRpYW", 2),
    ("jcmVkZW50aWFs", 3),
    ("cGFzc3BocmFzZ", 0),
    ("Bhc3NwaHJhc2", 2),
    ("wYXNzcGhyYXNl", 3),
    ("cG9zdGdyZX", 0),
    ("Bvc3RncmVz", 2),
    ("wb3N0Z3Jlc", 3),
    ("bXlzcWw6", 0),
    ("15c3FsO", 2),
    ("teXNxbD", 3),
    ("bW9uZ29kY", 0),
    ("1vbmdvZG", 2),
    ("tb25nb2Ri", 3),
    ("cmVkaXM6", 0),
    ("JlZGlzO", 2),
    ("yZWRpcz", 3),
    ("c2Vzc2lvbj", 0),
    ("Nlc3Npb249", 2),
    ("zZXNzaW9uP", 3),
    ("Q29va2llO", 0),
    ("Nvb2tpZT", 2),
    ("Db29raWU6", 3),
    ("Z2hwX", 0),
    ("docF", 2),
    ("naHBf", 3),
    ("Z2xwYXQt", 0),
    ("dscGF0L", 2),
    ("nbHBhdC", 3),
    ("eG94Yi", 0),
    ("hveGIt", 2),
    ("4b3hiL", 3),
    ("c2stYW50", 0),
    ("NrLWFud", 2),
    ("zay1hbn", 3),
    ("QUtJQ", 0),
    ("FLSU", 2),
    ("BS0lB", 3),
];

/// How far to each side of a word encoded text is read, in bytes.
const MAX_SIDE: usize = 32 * 1024;
/// How long the decoded text is at least, in bytes.
const LEAST: usize = 16;

/// What is searched for.
pub(super) fn anchors() -> impl Iterator<Item = (&'static str, usize)> {
    WORDS.into_iter()
}

/// What encoded text means.
pub(super) struct Decoded {
    pub(super) meaning: String,
    /// For each byte, where it is written: from, to.
    pub(super) written: Vec<(u32, u32)>,
    /// Where the encoded text ends.
    pub(super) end: usize,
}

/// The text around a word, decoded. None: it is none.
pub(super) fn around(text: &str, word: usize, phase: usize) -> Option<Decoded> {
    let bytes = text.as_bytes();
    let start = word.checked_sub(phase)?;
    let left = bytes.get(start.saturating_sub(MAX_SIDE)..start)?;
    let right = bytes.get(start..start.saturating_add(MAX_SIDE).min(bytes.len()))?;
    // Groups of four to the left, as long as they mean text.
    let mut groups: Vec<([u8; 3], Range<usize>)> = Vec::new();
    let mut at = start;
    for group in left.rchunks_exact(4) {
        let Some((three, 3)) = decode(group) else { break };
        groups.push((three, at - 4..at));
        at -= 4;
    }
    groups.reverse();
    let mut meaning: Vec<u8> = Vec::new();
    let mut written: Vec<(u32, u32)> = Vec::new();
    let mut push = |three: [u8; 3], count: usize, place: Range<usize>| -> Option<()> {
        for (number, byte) in three.into_iter().take(count).enumerate() {
            meaning.push(byte);
            let from = place.start + number;
            written.push((u32::try_from(from).ok()?, u32::try_from((from + 2).min(place.end)).ok()?));
        }
        Some(())
    };
    for (three, place) in groups {
        push(three, 3, place)?;
    }
    let mut end = start;
    for group in right.chunks(4) {
        let Some((three, count)) = decode(group) else { break };
        push(three, count, end..end + group.len())?;
        end += group.len();
        if count < 3 {
            break;
        }
    }
    if meaning.len() < LEAST {
        return None;
    }
    Some(Decoded { meaning: String::from_utf8(meaning).ok()?, written, end })
}

/// What up to four characters stand for, and how many bytes that is. None: they are no base64, or mean no text.
fn decode(group: &[u8]) -> Option<([u8; 3], usize)> {
    let plain = group.len() - group.iter().rev().take_while(|byte| **byte == b'=').count();
    let mut bits = 0_u32;
    for byte in group.get(..plain)? {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
    }
    let count = (plain * 6) / 8;
    if count == 0 {
        return None;
    }
    bits <<= 6 * (4 - plain);
    let [_, a, b, c] = bits.to_be_bytes();
    let three = [a, b, c];
    let text = |byte: &u8| *byte >= 0x20 && *byte < 0x7f || matches!(byte, b'\n' | b'\r' | b'\t');
    three.iter().take(count).all(text).then_some((three, count))
}

#[cfg(test)]
mod tests {
    use super::super::Finder;

    #[test]
    fn a_secret_in_encoded_text_is_found_at_every_offset() {
        for before in ["", "x", "xy", "port=8080\n"] {
            let plain = format!("{before}password={}\nhost=db\n", ["Fake", "Passw0rd", "97"].concat());
            for text in
                [encode(&plain), format!("echo {} | base64 -d", encode(&plain)), format!("\"{}\"", encode(&plain))]
            {
                let found = Finder::default().find(&text);
                assert_eq!(found.len(), 1, "{text}");
                let encoded = found.first().map(|found| &text[found.span.clone()]).unwrap_or_default();
                assert!((18..24).contains(&encoded.len()), "{encoded} in {text}");
            }
        }
    }

    #[test]
    fn encoded_text_without_a_secret_stays() {
        for plain in ["the password is read from a file", "const token = next();", "password: ${PASSWORD}"] {
            assert_eq!(Finder::default().find(&encode(plain)), [], "{plain}");
        }
        assert_eq!(Finder::default().find("iVBORw0KGgoAAAANSUhEUgcGFzc3dvcmAAAEAAAABCAYAAAAfFcSJ"), []);
    }

    fn encode(text: &str) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut encoded = String::new();
        for three in text.as_bytes().chunks(3) {
            let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
            for number in 0..4 {
                encoded.push(if number > three.len() {
                    '='
                } else {
                    char::from(LETTERS[(bits >> (18 - 6 * number) & 63) as usize])
                });
            }
        }
        encoded
    }
}

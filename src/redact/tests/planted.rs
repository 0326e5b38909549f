//! No secret that was planted in the captures comes out.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use aho_corasick::AhoCorasick;
use serde::Deserialize;

use super::*;
use crate::otlp::{Encoding, decode, encode_json};

/// A secret as it was planted, with what it was planted in.
#[derive(Deserialize)]
struct Planted {
    kind: String,
    place: String,
    secret: String,
}

/// All of them, by the word that marks each.
fn planted() -> BTreeMap<String, Planted> {
    let file = include_bytes!("../../../tests/fixtures/needles.json.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&file[..]).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

impl Planted {
    /// What must not be told: the secret without the option, header or sentence it was planted in.
    fn values(&self) -> Vec<&str> {
        let between = |from: &str, to: &str| {
            let (_, rest) = self.secret.split_once(from).unwrap();
            rest.split(to).next().unwrap()
        };
        match &*self.kind {
            "basic" | "bearer" | "dockerp" | "plain" | "xapikey" => vec![self.secret.rsplit(' ').next().unwrap()],
            "pgurl" => vec![between("app:", "@")],
            "giturl" => vec![between("x-access-token:", "@")],
            "curlu" => vec![between("admin:", " ")],
            "mysqlp" => vec![between("-p", " ")],
            "sshpass" | "exportpw" => vec![between("'", "'")],
            "cookie" | "envpw" | "pwflag" => vec![between("=", " ")],
            "azure" => vec![between("AccountKey=", ";")],
            "urltok" => vec![between("access_token=", "&")],
            "slackhook" => vec![self.secret.rsplit('/').next().unwrap()],
            "gcpsa" => vec![between("-----\\n", "\\n")],
            "pem" => self.secret.lines().filter(|line| !line.starts_with("--")).collect(),
            _ => vec![&self.secret],
        }
    }
}

/// Every piece that would tell too much: half of a value, and eight bytes at least; as it is, and as JSON may write it.
fn pieces() -> Vec<(String, String)> {
    let mut pieces = Vec::new();
    for (word, planted) in planted() {
        let mut seen = BTreeSet::new();
        for value in planted.values() {
            let length = (value.len().div_ceil(2)).max(8);
            assert!(value.is_ascii() && value.len() >= length, "{value}");
            for at in 0..=value.len() - length {
                let piece = &value[at..at + length];
                // The digits in their order stand in a host's id too.
                if piece.bytes().all(|byte| byte.is_ascii_digit()) {
                    continue;
                }
                seen.extend([piece.to_owned(), piece.replace('/', "\\/"), piece.replace('+', "\\u002b")]);
            }
        }
        seen.insert(word.clone());
        pieces.extend(seen.into_iter().map(|piece| (word.clone(), piece)));
    }
    pieces
}

/// Bears the mark of a secret and is none: the id of a service account's key, which everything that was signed with it
/// names.
const NO_SECRET: &str = "FAKEBC260kid";

/// What looks for all pieces at once, and whose each is.
struct Search {
    automaton: AhoCorasick,
    words: Vec<String>,
}

impl Search {
    fn new() -> Self {
        let (words, pieces): (Vec<_>, Vec<_>) = pieces().into_iter().unzip();
        Self { automaton: AhoCorasick::new(pieces).unwrap(), words }
    }

    /// The planted secrets of which too much is in there.
    fn found(&self, bytes: &[u8]) -> BTreeSet<&str> {
        let text = String::from_utf8_lossy(bytes).replace(NO_SECRET, "");
        let hits = self.automaton.find_overlapping_iter(&text);
        hits.map(|hit| &*self.words[hit.pattern().as_usize()]).collect()
    }
}

/// Where secrets were planted that never came out of the client.
const NEVER_SEEN: [&str; 7] = [
    "assistant thinking",
    "ANTHROPIC_CUSTOM_HEADERS",
    "environment of the claude process",
    "settings.json env value",
    "MCP server argv",
    "MCP server env",
    "managed settings",
];

#[test]
fn no_planted_secret_comes_out_at_any_level_in_any_signal_and_encoding() {
    let (redactor, search) = (Redactor::of_tests(), Search::new());
    let mut seen = BTreeSet::new();
    let mut left = Vec::new();
    for name in captures() {
        for (signal, protobuf) in crate::event::captures::bodies(&name) {
            let plain = decode_protobuf(signal, &protobuf).unwrap();
            let json = encode_json(&plain);
            let bodies = [(Encoding::Protobuf, protobuf), (Encoding::Json, json)];
            for (encoding, body) in bodies {
                seen.extend(search.found(&body).into_iter().map(str::to_owned));
                let batch = decode(signal, encoding, &body).unwrap();
                for level in LEVELS {
                    let redacted = redactor.batch(batch.clone(), &Policy::of(level)).batch;
                    assert!(skeleton(redacted.get()) == skeleton(&plain), "{name} {encoding:?} {level:?}");
                    for told in [encode(redacted.get()), encode_json(redacted.get())] {
                        left.extend(
                            search.found(&told).into_iter().map(|word| format!("{name} {signal:?} {level:?}: {word}")),
                        );
                    }
                }
            }
        }
    }
    left.sort();
    left.dedup();
    assert_eq!(left, [""; 0]);
    let missing: Vec<_> = planted()
        .into_iter()
        .filter(|(word, planted)| !seen.contains(word) && !NEVER_SEEN.contains(&&*planted.place))
        .map(|(word, planted)| (word, planted.place))
        .collect();
    assert_eq!(missing, [], "what was not in the captures was not looked for");
}

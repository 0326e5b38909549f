//! What must hold of every text, whatever is in it, and what is planted to be found.

use std::sync::LazyLock;

use cc_observe::redact::{Redactor, TagKey};

#[path = "../../src/redact/tests/planting.rs"]
#[allow(dead_code, reason = "each target uses a part")]
pub mod planting;

/// All built-in rules.
pub static REDACTOR: LazyLock<Redactor> = LazyLock::new(|| Redactor::new(TagKey::new(b"a key for fuzzing")));

/// Redacts a text, and fails if anything but what was found has changed, or a second time changes more.
pub fn check(text: &str) -> String {
    let (once, masked) = REDACTOR.text(text);
    let mut at = 0;
    let mut rest = &*once;
    for found in &masked {
        assert!(at <= found.span.start && found.span.start < found.span.end, "in their order and apart");
        let before = &text[at..found.span.start];
        rest = rest.strip_prefix(before).expect("what was not found stays");
        // A number of JSON becomes a string; one that stood in quotes has them already.
        let marked = rest.trim_start_matches('\\').trim_start_matches('"');
        let quoted_by_us = marked.len() < rest.len();
        rest = marked;
        let marker = &rest[..=rest.find(']').expect("a marker stands there")];
        assert!(
            marker.starts_with("[REDACTED:")
                && !marker.contains(['"', '\'', '\\'])
                && !marker.contains(char::is_control)
        );
        rest = &rest[marker.len()..];
        let quoted = rest.trim_start_matches('\\').strip_prefix('"');
        let number = text[found.span.clone()].bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        if let Some(behind) = quoted.filter(|_| number && quoted_by_us) {
            rest = behind;
        }
        at = found.span.end;
    }
    assert_eq!(rest, &text[at..], "what was not found stays");
    assert_eq!(REDACTOR.text(&once).0, once, "once is enough");
    once.into_owned()
}

/// Plants a secret, and fails if it is told. Everything depends on the input.
pub fn plant(data: &[u8], depth: usize) {
    let seed = data
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    let planted = planting::planted(seed, depth);
    let told = check(&planted.text);
    assert_eq!(planted.told(&told), None, "{}: {}", planted.way, planted.text);
}

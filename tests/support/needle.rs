//! Edge: looks for planted secrets, all of which contain `FAKE`, wherever they could have gone.

use std::fs;
use std::io::Read;
use std::path::Path;

use flate2::read::{GzDecoder, ZlibDecoder};

/// What every planted secret contains.
const NEEDLE: &[u8] = b"FAKE";
/// The stand-in's own variables contain it too, and are no secret; nor is the id of a service account's key, which is
/// told to everybody who gets something signed.
const NO_NEEDLES: [&[u8]; 2] = [b"FAKE_CLAUDE_", b"FAKEBC260kid"];
/// Compressed inside compressed, so many times.
const MAX_DEPTH: usize = 3;

/// Fails when a planted secret is in any file below `directory`, or in the name of one.
#[track_caller]
pub(crate) fn assert_no_needle_in(directory: &Path) {
    let found = needles_in(directory);
    assert!(found.is_empty(), "planted secrets on disk:\n{}", found.join("\n"));
}

/// Where planted secrets are below `directory`, and how.
pub(crate) fn needles_in(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    search(directory, &mut found);
    found
}

/// Fails when a planted secret is in `bytes`, called `what`.
#[track_caller]
pub(crate) fn assert_no_needle(what: &str, bytes: &[u8]) {
    assert_eq!(find(bytes), None, "a planted secret in {what}");
}

fn search(path: &Path, found: &mut Vec<String>) {
    let mut note = |bytes: &[u8]| {
        if let Some(how) = find(bytes) {
            found.push(format!("{}: {how}", path.display()));
        }
    };
    note(path.file_name().unwrap_or_default().as_encoded_bytes());
    let Ok(kind) = fs::symlink_metadata(path).map(|metadata| metadata.file_type()) else { return };
    if kind.is_symlink() {
        note(fs::read_link(path).unwrap_or_default().as_os_str().as_encoded_bytes());
    } else if kind.is_file() {
        note(&fs::read(path).unwrap_or_default());
    } else if kind.is_dir() {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            search(&entry.path(), found);
        }
    }
}

/// How the needle is in there: as it is, in hexadecimal, in base64, escaped, or any of these in something compressed.
pub(crate) fn find(bytes: &[u8]) -> Option<String> {
    find_within(bytes, 0)
}

fn find_within(bytes: &[u8], depth: usize) -> Option<String> {
    if let Some(at) =
        positions(bytes, NEEDLE).find(|at| !NO_NEEDLES.iter().any(|other| bytes[*at..].starts_with(other)))
    {
        return Some(format!("as it is: …{}…", around(bytes, at)));
    }
    for (name, needle) in encoded() {
        if let Some(at) = positions(bytes, &needle).next() {
            return Some(format!("as {name}: …{}…", around(bytes, at)));
        }
    }
    if depth == MAX_DEPTH {
        return None;
    }
    let inside = |inner: Vec<u8>| {
        let worth_it = !inner.is_empty();
        worth_it.then(|| find_within(&inner, depth + 1)).flatten().map(|how| format!("compressed, {how}"))
    };
    let gzip = positions(bytes, &[0x1f, 0x8b, 8]).map(|at| inflate(GzDecoder::new(&bytes[at..])));
    let zlib = positions(bytes, &[0x78]).filter(|at| {
        // The two bytes of a zlib header are a multiple of 31 (RFC 1950, 2.2).
        bytes.get(at + 1).is_some_and(|flags| (0x7800 + u16::from(*flags)).is_multiple_of(31))
    });
    let zlib = zlib.map(|at| inflate(ZlibDecoder::new(&bytes[at..])));
    gzip.chain(zlib).find_map(inside)
}

/// The needle in other writings. Base64 has three, by where in the text it stands.
fn encoded() -> Vec<(&'static str, Vec<u8>)> {
    let each = |write: fn(&u8) -> String| NEEDLE.iter().map(write).collect::<String>();
    let hex = each(|byte| format!("{byte:02x}"));
    let escaped = each(|byte| format!("\\u{byte:04x}"));
    let percent = each(|byte| format!("%{byte:02X}"));
    let utf16: Vec<u8> = NEEDLE.iter().flat_map(|byte| [*byte, 0]).collect();
    vec![
        ("hex", hex.clone().into_bytes()),
        ("hex", hex.to_uppercase().into_bytes()),
        ("escapes", escaped.clone().into_bytes()),
        ("escapes", escaped.to_uppercase().replace('U', "u").into_bytes()),
        ("percents", percent.into_bytes()),
        ("UTF-16", utf16),
        ("base64", base64_core(0)),
        ("base64", base64_core(1)),
        ("base64", base64_core(2)),
    ]
}

/// The characters of base64 that depend on the needle alone when `offset` bytes (modulo 3) stand before it.
fn base64_core(offset: usize) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> = NEEDLE.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    // The needle starts in the middle of a character unless nothing stands before it.
    let skip = (6 - offset * 8 % 6) % 6;
    let characters = bits[skip..].chunks_exact(6).map(|six| six.iter().fold(0, |n, bit| n << 1 | usize::from(*bit)));
    characters.map(|n| ALPHABET[n]).collect()
}

fn positions<'a>(bytes: &'a [u8], needle: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    memchr::memmem::find_iter(bytes, needle)
}

/// As much as can be inflated; what follows or is broken does not matter.
fn inflate(mut from: impl Read) -> Vec<u8> {
    let (mut all, mut buffer) = (Vec::new(), [0; 8 << 10]);
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        all.extend(&buffer[..n]);
    }
    all
}

fn around(bytes: &[u8], at: usize) -> String {
    String::from_utf8_lossy(&bytes[at.saturating_sub(30)..(at + 30).min(bytes.len())]).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn a_needle_is_found_in_every_writing() {
        // base64 of "xFAKEx" behind none, one and two bytes; hexadecimal; JSON escapes.
        for text in
            ["eEZBS0V4", "eHhGQUtFeA==", "eHh4RkFLRXg=", "7846414b4578", "\\u0046\\u0041\\u004b\\u0045", "%46%41%4B%45"]
        {
            assert!(find(text.as_bytes()).is_some(), "{text}");
        }
        let gzip = |bytes: &[u8]| {
            let mut encoder = GzEncoder::new(b"header".to_vec(), Compression::best());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        };
        assert!(find(&gzip(&gzip(b"token FAKE0123"))).unwrap().starts_with("compressed, compressed, as it is"));
    }

    #[test]
    fn what_is_no_needle_is_left_alone() {
        assert_eq!(find(b"FAKE_CLAUDE_DUMP=x fake FAK E"), None);
    }
}

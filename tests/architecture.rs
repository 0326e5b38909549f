//! Holds the map: which module may import which, which files touch the world, who makes a `Redacted`, where `unsafe` is.
//!
//! Code under `#[cfg(test)]` is exempt, modules in files of their own included.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module and those it may import; `cli` stands above and is imported by nobody but `main.rs`.
const MAY_IMPORT: [(&str, &[&str]); 15] = [
    ("lib.rs", &[]),
    ("main.rs", &["cli", "process"]),
    ("otlp", &[]),
    ("secrets", &[]),
    ("process", &[]),
    ("redact", &["otlp"]),
    ("event", &["otlp", "redact"]),
    ("session", &["event"]),
    ("spool", &["otlp", "redact"]),
    ("config", &["event", "otlp", "redact", "secrets", "spool"]),
    ("deliver", &["config", "otlp", "redact", "secrets", "spool"]),
    ("report", &["deliver", "event", "otlp", "session"]),
    ("launch", &["config", "event", "otlp", "process", "redact", "relay", "report", "secrets"]),
    ("relay", &["config", "deliver", "event", "otlp", "process", "redact", "report", "secrets", "session", "spool"]),
    (
        "cli",
        &[
            "config", "deliver", "event", "launch", "otlp", "process", "redact", "relay", "report", "secrets",
            "session", "spool",
        ],
    ),
];

/// Imports that are allowed only of a part: who, of whom, and what alone.
const ONLY: [(&str, &str, &[&str]); 4] = [
    ("config", "event", &["NanoUsd"]),
    ("launch", "event", &["NanoUsd"]),
    ("launch", "relay", &["control", "port", "socket", "spending"]),
    ("report", "otlp", &["Signal"]),
];

/// Modules that are told everything they need, and touch nothing.
const PURE: [&str; 5] = ["otlp", "redact", "event", "session", "report"];

/// What stands before code that is for tests only, in tokens.
const TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];

/// How the first line of a file begins that touches the world.
const EDGE: &str = "//! Edge:";

/// What touches the world: paths that begin so.
const WORLD: [&str; 14] = [
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::os::unix::net",
    "std::os::unix::process",
    "nix",
    "rustix",
    "tokio::fs",
    "tokio::net",
    "tokio::process",
    "tokio::signal",
    "rustls_platform_verifier",
    "directories",
];
/// Types in there that are values and no more.
const VALUES: [&str; 7] = [
    "std::net::IpAddr",
    "std::net::Ipv4Addr",
    "std::net::Ipv6Addr",
    "std::net::SocketAddr",
    "std::process::ExitCode",
    "std::process::ExitStatus",
    "std::env::VarError",
];
/// And paths that end so, however they were imported.
const WORLD_CALLS: [&str; 11] = [
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "Uuid::now_v7",
    "Uuid::new_v4",
    "io::stdin",
    "io::stdout",
    "io::stderr",
    "thread::sleep",
    "thread::spawn",
];

/// The only files where `unsafe` may stand, each block with the reason why it is sound.
const UNSAFE: [&str; 2] = ["process/mod.rs", "main.rs"];

#[test]
fn modules_import_only_what_the_map_allows() {
    let mut wrong = Vec::new();
    for file in sources() {
        for path in &file.paths {
            let Some(imported) = path.first().filter(|m| MAY_IMPORT.iter().any(|(name, _)| name == m)) else {
                continue;
            };
            let allowed = file.module == *imported
                || MAY_IMPORT.iter().any(|(name, may)| *name == file.module && may.contains(&&**imported));
            let in_part = ONLY.iter().all(|(who, whom, parts)| {
                (*who, *whom) != (&*file.module, &**imported)
                    || path.get(1).is_some_and(|part| parts.contains(&&**part))
            });
            if !(allowed && in_part) {
                wrong.push(format!("{} imports {}", file.name, path.join("::")));
            }
        }
    }
    assert_eq!(wrong, [""; 0], "see the table MAY_IMPORT in tests/architecture.rs");
}

#[test]
fn the_table_names_every_module() {
    let in_table: BTreeSet<_> = MAY_IMPORT.iter().map(|(name, _)| (*name).to_owned()).collect();
    let on_disk: BTreeSet<_> = sources().into_iter().map(|file| file.module).collect();
    assert_eq!(on_disk, in_table);
}

#[test]
fn every_file_says_first_what_it_is_for() {
    let silent = sources().into_iter().filter(|file| !file.text.starts_with("//! ")).map(|file| file.name);
    assert_eq!(silent.collect::<Vec<_>>(), [""; 0], "each file begins with //! and a sentence");
}

#[test]
fn what_touches_the_world_says_so_in_its_first_line() {
    let mut wrong = Vec::new();
    for file in sources() {
        let edge = file.text.starts_with(EDGE);
        if edge && PURE.contains(&&*file.module) {
            wrong.push(format!("{} says `Edge:` in a module that is pure", file.name));
        }
        if !edge {
            let touches = file.touches.iter().map(|path| format!("{} touches the world: {path}", file.name));
            wrong.extend(touches);
        }
    }
    assert_eq!(wrong, [""; 0], "such a file begins with {EDGE}");
}

#[test]
fn only_redact_makes_a_redacted_value() {
    let makers = sources().into_iter().filter(|file| file.module != "redact" && file.makes_redacted);
    assert_eq!(makers.map(|file| file.name).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn unsafe_stands_only_where_it_is_expected() {
    let unsafes = sources().into_iter().filter(|file| file.is_unsafe && !UNSAFE.contains(&&*file.name));
    assert_eq!(unsafes.map(|file| file.name).collect::<Vec<_>>(), [""; 0]);
}

/// A file of `src`, and what the rules ask of it.
struct Source {
    /// Below `src`.
    name: String,
    /// The first directory, or the file's name where there is none.
    module: String,
    text: String,
    /// Paths into this package, `crate::` taken off.
    paths: Vec<Vec<String>>,
    /// Paths that touch the world.
    touches: Vec<String>,
    makes_redacted: bool,
    is_unsafe: bool,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let texts: Vec<_> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let for_tests: BTreeSet<_> =
        files.iter().zip(&texts).flat_map(|(file, text)| modules_for_tests(file, &tokens(text))).collect();
    let sources = files
        .iter()
        .zip(texts)
        .filter(|(file, _)| !for_tests.iter().any(|module| file.with_extension("").starts_with(module)));
    sources.map(|(file, text)| source(file.strip_prefix(&root).unwrap(), text)).collect()
}

/// Modules that are declared `#[cfg(test)] mod name;` in `file`: their paths, without `.rs`.
fn modules_for_tests(file: &Path, tokens: &[String]) -> Vec<PathBuf> {
    let directory = match file.file_stem() {
        Some(stem) if stem != "mod" && stem != "lib" => file.with_extension(""),
        _ => file.parent().unwrap().to_owned(),
    };
    let declared = tokens.windows(TEST.len()).enumerate().filter(|(_, window)| *window == TEST);
    let declared = declared.filter_map(|(at, _)| {
        let item = tokens[at + TEST.len()..].split(|token| token == ";" || token == "{").next()?;
        let name = item.iter().skip_while(|token| *token != "mod").nth(1)?;
        Some(directory.join(name))
    });
    declared.collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn source(name: &Path, text: String) -> Source {
    let module = name.iter().next().unwrap().to_string_lossy().into_owned();
    let tokens = without_tests(&tokens(&text));
    let mut all = Vec::new();
    paths(&tokens, &mut 0, &[], &mut all);
    let touches = all.iter().map(|path| path.join("::")).filter(|path| touches_the_world(path)).collect();
    // From `x/mod.rs` it is one `super` to the crate's root, from `x/y.rs` two.
    let to_root = name.iter().count() - usize::from(name.ends_with("mod.rs"));
    let inside = all.iter().filter_map(|path| match &*path[0] {
        "crate" | "cc_observe" => Some(path[1..].to_vec()),
        "super" => {
            let supers = path.iter().take_while(|segment| *segment == "super").count();
            (supers >= to_root).then(|| path[supers..].to_vec())
        }
        _ => None,
    });
    Source {
        name: name.to_string_lossy().into_owned(),
        paths: inside.collect(),
        touches,
        makes_redacted: tokens.windows(2).any(|pair| pair == ["Redacted", "("]),
        is_unsafe: tokens.iter().any(|token| token == "unsafe"),
        module,
        text,
    }
}

fn touches_the_world(path: &str) -> bool {
    let begins = |with: &str| path.strip_prefix(with).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    let ends = |with: &str| path.strip_suffix(with).is_some_and(|rest| rest.is_empty() || rest.ends_with("::"));
    WORLD.iter().any(|world| begins(world)) && !VALUES.iter().any(|value| begins(value))
        || WORLD_CALLS.iter().any(|call| ends(call))
}

/// Identifiers, `::` and single characters; comments, strings, characters and lifetimes are left out.
fn tokens(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let (mut tokens, mut at) = (Vec::new(), 0);
    let find = |from: usize, what: &str| text[from..].find(what).map_or(bytes.len(), |found| from + found + what.len());
    while at < bytes.len() {
        let rest = &text[at..];
        let byte = bytes[at];
        if rest.starts_with("//") {
            at = find(at, "\n");
        } else if rest.starts_with("/*") {
            at = find(at, "*/");
        } else if let Some(hashes) = raw_string(rest) {
            let start = at + rest.find('"').unwrap() + 1;
            at = find(start, &format!("\"{}", "#".repeat(hashes)));
        } else if byte == b'"' {
            at += 1;
            while at < bytes.len() && bytes[at] != b'"' {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
            at += 1;
        } else if byte == b'\'' {
            let inner = &rest[1..];
            let first = inner.chars().next().map_or(0, char::len_utf8);
            at += match inner.strip_prefix('\\') {
                // The escaped character may itself be a quote.
                Some(escape) => 3 + first.max(1) - 1 + escape[1..].find('\'').unwrap_or(0) + 1,
                None if inner[first..].starts_with('\'') => first + 2,
                None => 1,
            };
        } else if byte.is_ascii_alphabetic() || byte == b'_' {
            let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            tokens.push(rest[..length].to_owned());
            at += length;
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            at += 2;
        } else {
            let length = rest.chars().next().map_or(1, char::len_utf8);
            if !byte.is_ascii_whitespace() {
                tokens.push(rest[..length].to_owned());
            }
            at += length;
        }
    }
    tokens
}

/// How many `#` a raw string has that begins here.
fn raw_string(rest: &str) -> Option<usize> {
    let rest = rest.strip_prefix("br").or_else(|| rest.strip_prefix("cr")).or_else(|| rest.strip_prefix('r'))?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    rest[hashes..].starts_with('"').then_some(hashes)
}

/// Leaves out each item that `#[cfg(test)]` stands before.
fn without_tests(tokens: &[String]) -> Vec<String> {
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if tokens[at..].len() < TEST.len() || tokens[at..at + TEST.len()] != TEST {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        at += TEST.len();
        let mut depth = 0;
        while at < tokens.len() {
            match &*tokens[at] {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth -= 1,
                _ => {}
            }
            at += 1;
            let last = &*tokens[at - 1];
            if depth == 0 && (last == ";" || last == "}") {
                break;
            }
        }
    }
    kept
}

/// Every path of two segments or more, groups in braces taken apart.
fn paths(tokens: &[String], at: &mut usize, before: &[String], found: &mut Vec<Vec<String>>) {
    let in_group = !before.is_empty();
    while *at < tokens.len() {
        let token = &tokens[*at];
        *at += 1;
        if in_group && token == "}" {
            return;
        }
        let is_name = token.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if token == "as" {
            // What follows is a new name, not a path.
            *at += usize::from(in_group);
            continue;
        }
        if !is_name {
            continue;
        }
        let mut path = before.to_vec();
        path.push(token.clone());
        let mut group = false;
        while tokens.get(*at).is_some_and(|next| next == "::") {
            *at += 1;
            match tokens.get(*at).map(String::as_str) {
                Some("{") => {
                    *at += 1;
                    paths(tokens, at, &path, found);
                    group = true;
                }
                Some(name) if name.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                    path.push(name.to_owned());
                    *at += 1;
                }
                _ => break,
            }
        }
        if !group && path.len() > 1 {
            found.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(name: &str, text: &str) -> (Vec<String>, Vec<String>) {
        let source = source(Path::new(name), text.to_owned());
        (source.paths.iter().map(|path| path.join("::")).collect(), source.touches)
    }

    #[test]
    fn paths_are_found_in_groups_and_in_code() {
        let (paths, touches) = look(
            "session/ledger.rs",
            "use crate::{otlp::{Batch, Signal as S}, event};\nuse std::{env, fmt, net::{IpAddr, TcpStream}};\n\
             fn f() { let x = super::super::relay::control::X; let y = super::Own; crate::spool::open(Instant::now()) }",
        );
        assert_eq!(paths, ["otlp::Batch", "otlp::Signal", "event", "relay::control::X", "spool::open"]);
        assert_eq!(touches, ["std::env", "std::net::TcpStream", "Instant::now"]);
    }

    #[test]
    fn comments_strings_and_tests_are_no_code() {
        let (paths, touches) = look(
            "otlp/mod.rs",
            "//! [crate::relay]\n/* crate::relay */ const A: &str = \"crate::relay \\\" std::fs\"; const B: char = '\\'';\n\
             const C: &str = r#\"std::fs \"crate::relay\"#; fn f<'a>(c: &'a str) -> bool { c == '\"'.to_string() }\n\
             #[cfg(test)]\nmod tests { use crate::relay::X; fn g() { std::fs::read(\"\"); } }\nuse super::event::E;",
        );
        assert_eq!(paths, ["event::E"]);
        assert_eq!(touches, [""; 0]);
    }
}

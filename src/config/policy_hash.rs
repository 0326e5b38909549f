//! The hash by which an organization tells which policy a machine has.

use ring::digest::{SHA256, digest};
use serde_json::json;

use super::Destination;
use crate::redact::{OwnRules, Policy};

/// How much of the digest is told, in bytes: enough to tell the policies of an organization apart.
const BYTES: usize = 8;

/// What decides what leaves a machine, and to whom, as 16 hexadecimal digits: the same wherever that is the same.
///
/// Neither the place of a file nor a credential is a part of it, and neither is the version of the program, which stands
/// beside it.
pub fn policy_hash(policy: &Policy, own: &OwnRules, destinations: &[Destination]) -> String {
    let rules: Vec<_> = own.rules.iter().map(|rule| json!([rule.id, rule.pattern, rule.anchor])).collect();
    let allow: Vec<_> = own.allow.iter().map(|allow| &allow.pattern).collect();
    let to = destinations.iter().map(|it| {
        let signals: Vec<_> = it.signals.iter().map(|signal| signal.as_str()).collect();
        json!([it.name, it.endpoint.to_string(), it.capture.as_str(), signals, it.max_attribute_bytes])
    });
    let all = json!([policy, rules, allow, to.collect::<Vec<_>>()]).to_string();
    let digest = digest(&SHA256, all.as_bytes());
    let first = digest.as_ref().iter().take(BYTES).fold(0, |all: u64, byte| all << 8 | u64::from(*byte));
    format!("{first:0width$x}", width = 2 * BYTES)
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;
    use std::path::Path;

    fn hash(text: &str) -> String {
        let config = Config::parse(Path::new("config.toml"), text).unwrap();
        policy_hash(&config.policy, &config.redaction, &config.destinations)
    }

    const BASE: &str = "capture = 'metadata'\n[destinations.org]\nendpoint = 'https://otlp.example.com/secret'\n";

    #[test]
    fn it_is_another_as_soon_as_something_else_leaves_the_machine() {
        let others = [
            BASE.to_owned(),
            BASE.replace("metadata", "content"),
            BASE.replace("otlp.", "otlp2."),
            format!("{BASE}signals = ['logs']\n"),
            format!("{}capture = 'content'\n", BASE.replace("metadata", "content")),
            format!("{BASE}[identity]\nhost = 'drop'\n"),
            format!("{BASE}[drop]\nmetrics = ['x']\n"),
            format!("{BASE}[redaction]\nallow = ['a[0-9]b']\n"),
            format!("{BASE}[[redaction.rules]]\nid = 'acme'\npattern = 'acme-[0-9]{{4}}'\n"),
        ];
        let hashes: std::collections::BTreeSet<String> = others.iter().map(|text| hash(text)).collect();
        assert_eq!(hashes.len(), others.len(), "{hashes:?}");
        assert!(hashes.iter().all(|hash| hash.len() == 2 * BYTES));
    }

    #[test]
    fn it_is_the_same_where_nothing_else_leaves_the_machine() {
        for same in [
            format!("# Hello.\nsummary = 'off'\n\n{BASE}"),
            BASE.replace("/secret", "/another"),
            format!("{BASE}headers = {{ token = 'FAKE' }}\n"),
            format!("{BASE}[spool]\nmax_bytes = 2097152\n"),
        ] {
            assert_eq!(hash(&same), hash(BASE), "{same}");
        }
    }
}

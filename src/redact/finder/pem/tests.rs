//! Where a private key begins and ends, also where it was cut.

use super::*;

/// What is masked of a text that begins with an anchor, behind `before`.
fn found<'t>(text: &'t str, anchor: &str) -> Option<&'t str> {
    let start = text.find(anchor).unwrap();
    at(text, start, anchor).map(|span| &text[span])
}

const BODY: &str = "FAKEc2VjcmV0a2V5\nFAKEb25seWZvcnRlc3Rz==";

fn block(label: &str) -> String {
    format!("-----BEGIN {label}-----\n{BODY}\n-----END {label}-----")
}

#[test]
fn a_block_is_taken_from_its_header_to_its_end() {
    for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"] {
        let block = block(label);
        let text = format!("a\n{block}\nb -- c");
        assert_eq!(found(&text, "-----BEGIN"), Some(block.as_str()), "{label}");
    }
    let ssh2 = format!("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n{BODY}\n---- END SSH2 ENCRYPTED PRIVATE KEY ----");
    assert_eq!(found(&format!("{ssh2}\nb"), "---- BEGIN "), Some(ssh2.as_str()));
}

#[test]
fn what_is_public_stays() {
    for label in ["PUBLIC KEY", "CERTIFICATE", "SSH SIGNATURE"] {
        assert_eq!(found(&block(label), "-----BEGIN"), None, "{label}");
    }
    // `PRIVATE` is in another line.
    assert_eq!(found("-----BEGIN CERTIFICATE-----\nPRIVATE", "-----BEGIN"), None);
}

#[test]
fn a_block_that_was_cut_goes_on_as_far_as_a_key_can() {
    let head = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n";
    for (behind, rest) in [
        ("", ""),
        ("\n-----E", ""),
        (" \u{e9} prose", " \u{e9} prose"),
        ("\n{\"a\": 1}", "\n{\"a\": 1}"),
        (&format!("{}x", " ".repeat(24)), ""),
        (&format!("{}x", " ".repeat(25)), &format!("{}x", " ".repeat(25))),
    ] {
        let text = format!("{head}{BODY}{behind}");
        let kept = if rest.is_empty() { "" } else { rest };
        assert_eq!(found(&text, "-----BEGIN"), Some(&text[..text.len() - kept.len()]), "{behind:?}");
    }
    assert_eq!(found("-----BEGIN RSA PRIVATE K", "-----BEGIN"), Some("-----BEGIN RSA PRIVATE K"));
    // What was cut may stand in JSON that was not.
    for behind in ["\"}", "\",\"a\":\"---\"}", "\\\"}", "\",\"a\":1234}", "\", true]", "\" : {}", "\",\"a\": {}}"] {
        let text = format!("-----BEGIN PRIVATE KE{behind}");
        assert_eq!(found(&text, "-----BEGIN"), Some("-----BEGIN PRIVATE KE"), "{behind}");
    }
}

#[test]
fn a_block_that_was_cut_ends_before_the_next() {
    let text = format!("-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n{}", block("CERTIFICATE"));
    assert_eq!(found(&text, "-----BEGIN"), Some(&*format!("-----BEGIN RSA PRIVATE KEY-----\n{BODY}")));
    let text = format!("-----BEGIN RSA PRIVATE KEY-----\n{BODY}\nwe BEGIN here\n-----END RSA PRIVATE KEY-----.");
    assert_eq!(found(&text, "-----BEGIN"), Some(&text[..text.len() - 1]), "a word is no header");
}

#[test]
fn an_end_without_its_label_is_one() {
    let text = format!("-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA");
    let told = found(&text, "-----BEGIN").unwrap();
    assert!(told.ends_with("-----END ") || told.ends_with("-----END"), "{told}");
}

#[test]
fn the_lines_of_a_putty_file_are_taken_without_what_stands_around() {
    let text = format!("Public-Lines: 1\nAAAA\nPrivate-Lines: 2\n{BODY}\nPrivate-MAC: 0a");
    assert_eq!(found(&text, "Private-Lines:"), Some(&*format!(" 2\n{BODY}\n")));
    let cut = format!("Private-Lines: 2\n{BODY}");
    assert_eq!(found(&cut, "Private-Lines:"), Some(&*format!(" 2\n{BODY}")));
}

#[test]
fn a_block_that_was_encoded_once_more_is_taken_if_it_is_private() {
    // -----BEGIN … PRIVATE KEY-----, at each of the three places that base64 can have it.
    for inside in ["UFJJVkFURS", "BSSVZBVE", "QUklWQVRF"] {
        let text = format!("x LS0tLS1CRUdJTiBS{inside}BLRVktLS0tLQo= y");
        assert_eq!(found(&text, "LS0tLS1CRUdJTi"), Some(&text[2..text.len() - 2]), "{inside}");
    }
    let public = format!("LS0tLS1CRUdJTi{}", "BQVUJMSUMgS0VZ".repeat(4));
    assert_eq!(found(&public, "LS0tLS1CRUdJTi"), None);
    let far = format!("LS0tLS1CRUdJTi{}UFJJVkFURS", "A".repeat(120));
    assert_eq!(found(&far, "LS0tLS1CRUdJTi"), None, "the label stands at the beginning");
}

#[test]
fn a_label_stands_near_and_on_its_line() {
    let text = format!("-----BEGIN {}PRIVATE KEY-----\n{BODY}", "A".repeat(52));
    assert!(found(&text, "-----BEGIN").is_some());
    let text = format!("-----BEGIN {}PRIVATE KEY-----\n{BODY}", "A".repeat(57));
    assert_eq!(found(&text, "-----BEGIN"), None);
    // Sixty-four bytes behind the anchor are looked at, and no character is cut.
    for (length, is_one) in [(57, true), (58, false)] {
        let text = format!("-----BEGIN{}PRIVATE", "A".repeat(length));
        assert_eq!(found(&text, "-----BEGIN").is_some(), is_one, "{length}");
    }
    let text = format!("-----BEGIN PRIVATE KEY{}", "\u{e9}".repeat(40));
    assert!(found(&text, "-----BEGIN").is_some());
}

#[test]
fn an_end_in_another_value_of_json_is_not_its_own() {
    let key = "-----BEGIN PRIVATE KEY-----";
    for between in ["\",\"b\":\"", "\",{\"c\":\"", "\"],[\"", "\\\", \\\"b\\\": \\\""] {
        let text = format!("{key}{between}-----END PRIVATE KEY-----\"");
        assert_eq!(found(&text, "-----BEGIN"), Some(key), "{between}");
    }
    let text = format!("{key}\\n{BODY}\\n-----END PRIVATE KE\",\"b\":\"--\"");
    assert_eq!(found(&text, "-----BEGIN"), text.strip_suffix("PRIVATE KE\",\"b\":\"--\""));
    // Of a list, each line is one.
    let text = format!("{key}\", \"{BODY}\",\n\"-----END PRIVATE KEY-----\"]");
    assert_eq!(found(&text, "-----BEGIN"), Some(&text[..text.len() - 2]));
}

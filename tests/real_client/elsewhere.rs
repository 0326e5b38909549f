//! What starts no session: it is claude's alone.

use super::SHORT;
use super::client::client;
use super::compare::scrubbed;
use super::lab::{EXPORT, Lab};

#[test]
fn what_starts_no_session_prints_and_ends_as_plain_claude_does_and_starts_no_relay() {
    let Some(client) = client() else { return };
    let mut lab = Lab::new(client, SHORT);
    lab.set_all(EXPORT);
    for arguments in [&["--version"][..], &["-v"], &["--help"], &["mcp", "list"], &["mcp", "--help"], &["logs", "x"]] {
        let (plain, observed) = (lab.plain(arguments), lab.observed(arguments));
        assert_eq!(
            (observed.code, scrubbed(&observed.stdout), scrubbed(&observed.stderr)),
            (plain.code, scrubbed(&plain.stdout), scrubbed(&plain.stderr)),
            "{arguments:?}"
        );
        assert!(!(plain.stdout.is_empty() && plain.stderr.is_empty()), "{arguments:?}: there is something to compare");
        assert!(!lab.state().exists(), "{arguments:?}: no settings, no spool, no log");
        assert!(observed.summary.is_null(), "{arguments:?}: no summary");
        assert_eq!((plain.org.len(), observed.org.len()), (0, 0), "{arguments:?}");
    }
}

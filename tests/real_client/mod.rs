//! End to end with the real client: Claude Code as npm has it, in a network of its own, against stand-ins on loopback.
//!
//! What is claimed in these tests is measured against plain `claude` in the same test: nothing is taken from memory.
//! Where Node, namespaces or the download are missing they say `skipped: …` and pass, but with
//! `CC_OBSERVE_REQUIRE_REAL=1` they fail then.

mod client;
mod compare;
mod lab;

mod work;

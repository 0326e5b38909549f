//! What the tests stand on: a hermetic place to run things in, an endpoint that records, and ways to look.

pub(crate) mod capture;
pub(crate) mod endpoint;
pub(crate) mod http;
#[allow(clippy::print_stderr, reason = "it says what it skips")]
pub(crate) mod machine;
pub(crate) mod needle;
pub(crate) mod records;
pub(crate) mod sandbox;
pub(crate) mod sink;
pub(crate) mod terminal;
pub(crate) mod wait;

pub(crate) use capture::Capture;
pub(crate) use endpoint::OrgEndpoint;
pub(crate) use machine::on_a_machine_with;
pub(crate) use needle::{assert_no_needle, assert_no_needle_in};
pub(crate) use records::{Record, records};
pub(crate) use sandbox::{Run, Sandbox, Started, run, start, status_of};
pub(crate) use sink::{Mode, Received};
pub(crate) use terminal::Terminal;
pub(crate) use wait::{wait_for, wait_until, wait_within};

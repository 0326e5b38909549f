//! The one integration binary: the program as it is installed, against stand-ins on loopback.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "these are tests: what should not happen ends them"
)]

mod architecture;
mod auth;
mod background;
mod budget;
mod chaos;
mod checkout;
mod config;
mod crowd;
mod differential;
mod doctor;
mod documentation;
mod faults;
mod init;
mod intake;
mod job_control;
mod known_values;
mod levels;
mod managed;
mod matrix;
mod peer;
mod policy;
mod preview;
mod real_client;
mod redact;
mod situations;
mod spool;
mod stand_ins;
mod start_faults;
mod status;
#[allow(dead_code, unused_imports, reason = "what a test stands on is there before the test")]
mod support;
mod telemetry;
mod temporality;
mod unobserved;
mod upgrade;

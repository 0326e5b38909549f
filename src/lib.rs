//! The map: modules in the order data flows.
//!
//! ```text
//! launch ── starts ──▶ relay:  intake ─▶ otlp ─▶ redact ─▶ event ─▶ session ─▶ report
//!                                                  └─▶ spool ─▶ deliver ─▶ the organization's endpoint
//! ```
//!
//! `cli` stands in front of all and nobody imports it. Which module may import which is a table in
//! `tests/architecture.rs`; what each is for is told in `ARCHITECTURE.md`.

pub mod cli;
pub mod launch;
pub mod relay;

pub mod otlp;
pub mod redact;

pub mod event;
pub mod session;

pub mod spool;

pub mod deliver;

pub mod report;

pub mod config;
pub mod process;
pub mod secrets;

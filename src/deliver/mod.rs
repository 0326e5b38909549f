//! From the spool to the organization's endpoint: what waits is sent, one batch at a time, until it is taken.
//!
//! `retry` and `circuit` decide, `client` posts, `worker` does what they say.

mod age;
mod answer;
mod circuit;
mod client;
mod counts;
mod onlookers;
mod prepare;
mod probe;
pub mod retry;
mod today;
mod totals;
mod worker;

#[cfg(test)]
mod tests;

pub use answer::MAX_MESSAGE_CHARS;
pub use circuit::REFUSALS_BEFORE_ANOTHER;
pub use client::{CONNECT_TIMEOUT, MAX_ANSWER_BYTES, REQUEST_TIMEOUT};
pub use counts::DeliveryCounts;
pub use onlookers::{Looking, Onlookers, Shown};
pub use prepare::{REQUEST_BYTES, as_given};
pub use probe::{Probed, Stage, probe};
pub use retry::{Delays, Trouble, Unreachable};
pub use today::Today;
pub use worker::{Delivery, Idle};

//! The launcher: prepares a run, starts the relay and claude, waits, shows the summary.

pub mod argv;
pub mod environment;
pub mod settings;
pub mod situation;
pub mod sys;

//! End to end with the real client: Claude Code as npm has it, in a network of its own, against stand-ins on loopback.
//!
//! What is claimed in these tests is measured against plain `claude` in the same test: nothing is taken from memory.
//! Where Node, namespaces or the download are missing they say `skipped: …` and pass, but with
//! `CC_OBSERVE_REQUIRE_REAL=1` they fail then.

mod client;
mod compare;
mod lab;
mod levels;

mod background;
mod elsewhere;
mod endpoints;
mod first_run;
mod hostile;
mod kills;
mod managed;
mod settings;
mod terminal;
mod tmux;
mod ways;
mod work;

/// One tool call, one answer.
const SHORT: &str =
    r#"[{"tools":[{"name":"Bash","input":{"command":"echo hello","description":"Greet"}}]},{"text":"Done."}]"#;

/// Arguments that let the model do anything and make claude tell what it cost.
const GO: [&str; 5] = ["-p", "go", "--dangerously-skip-permissions", "--output-format", "json"];

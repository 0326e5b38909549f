//! What leaves this machine, to whom and by whose decision, for people and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::Style;
use super::json::safe;
use super::layout::{Ink, paint, paragraph, piece};
use super::words::many;
use crate::otlp::Signal;

/// Everything there is to say.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PolicyTold {
    /// Who is told, in the order of their names. Empty: nobody.
    pub destinations: Vec<DestinationTold>,
    /// The most that anybody is given.
    pub capture: Decided,
    /// Who it was: `email`, `account`, `organization`, `host`, `user`, each kept, hashed or dropped.
    pub identity: Vec<(String, Decided)>,
    /// What is told to nobody: attributes and metrics.
    pub dropped: Vec<Decided>,
    /// Attributes that are placed otherwise than built in: which, and from which level on they are told.
    pub placed: Vec<(String, Decided)>,
    /// How secrets are found.
    pub secrets: SecretsTold,
    /// How much waits, and for how long, where nobody takes it.
    pub spool: SpoolTold,
    /// Keys that only the organization changes, as they are written.
    pub locked: Vec<String>,
    /// The organization's files. Empty: there is no organization.
    pub managed_by: Vec<String>,
    /// A session that cannot be observed does not start.
    pub required: bool,
    /// `--unobserved` may be asked for.
    pub unobserved_allowed: bool,
    /// What waits may be removed undelivered.
    pub drop_allowed: bool,
    /// Tells this policy from others: runs that begin now say it.
    pub hash: String,
    /// What is wrong: nothing, or less than configured, is delivered.
    pub wrong: Option<String>,
}

/// A value, and who said so.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Decided {
    /// As the configuration writes it.
    pub value: String,
    /// `/etc/cc-observe/managed.toml:3`. Empty: it is built in.
    pub by: Vec<String>,
    /// Whether that is the organization.
    pub by_organization: bool,
}

/// Whom it goes to.
#[derive(Clone, Debug, Serialize)]
pub struct DestinationTold {
    /// Its name.
    pub name: String,
    /// Scheme, host and port.
    pub endpoint: String,
    /// What it is sent.
    pub signals: Vec<Signal>,
    /// The most it is given.
    pub capture: Decided,
    /// Who said that it is told.
    pub decided: Decided,
    /// What lets us in: `headers`, `keyring`, `file`, `env`, `command`; the value never.
    pub credential: Option<&'static str>,
}

/// How secrets are found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SecretsTold {
    /// Rules, those of the configuration among them.
    pub rules: u64,
    /// Rules of the configuration.
    pub own_rules: u64,
    /// Where the known values are from: `environment`, `.env`, `files`.
    pub known_values: Decided,
    /// Patterns of what may stay.
    pub allowed: Decided,
}

/// What waits.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SpoolTold {
    /// Where.
    pub directory: String,
    /// Bytes for each destination.
    pub max_bytes: u64,
    /// Seconds.
    pub max_age: u64,
}

/// What a level means.
fn meaning(level: &str) -> &'static str {
    match level {
        "metadata" => "names, numbers, times, decisions and costs; nothing that a person or a model wrote",
        "commands" => {
            "names, numbers, times, decisions and costs; commands, tool input, paths and error texts; \
             no prompts, no answers, no output of tools"
        }
        _ => "everything: commands, prompts, answers and the output of tools",
    }
}

fn by(decided: &Decided) -> String {
    match (&*decided.by, decided.by_organization) {
        ([], _) => "built in".to_owned(),
        (by, true) => format!("your organization, {}", by.join(", ")),
        (by, false) => by.join(", "),
    }
}

fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Plain words, a paragraph for each thing.
pub fn policy(told: &PolicyTold, style: &Style) -> String {
    let mut text = String::new();
    let mut say = |label: &str, ink: Ink, words: &str| {
        for line in paragraph(style, label, ink, words) {
            let _ = writeln!(text, "{line}");
        }
    };
    if let Some(wrong) = &told.wrong {
        say("wrong", Ink::Bad, wrong);
    }
    if told.destinations.is_empty() {
        say(
            "nobody",
            Ink::Plain,
            "No destination: what Claude Code tells stays in the summary, and nothing leaves this machine.",
        );
    }
    for destination in &told.destinations {
        let DestinationTold { name, endpoint, signals, capture, decided, credential } = destination;
        let signals: Vec<String> = signals.iter().map(|signal| signal.as_str().to_owned()).collect();
        say("to", Ink::Plain, &format!("{name}, {endpoint} ({})", by(decided)));
        let level = &capture.value;
        say("", Ink::Plain, &format!("{} at `{level}`: {} ({})", listed(&signals), meaning(level), by(capture)));
        if let Some(credential) = credential {
            say("", Ink::Dim, &format!("let in by {credential}"));
        }
    }
    let SecretsTold { rules, own_rules, known_values, allowed } = &told.secrets;
    let mut secrets = format!("are taken out before anything is kept or sent, by {}", many(*rules, "rule"));
    if *own_rules > 0 {
        let _ = write!(secrets, ", {own_rules} of the configuration's own");
    }
    if known_values.value.is_empty() {
        secrets.push_str("; this machine's own values are not looked for");
    } else {
        let _ = write!(secrets, ", and by the values of this machine ({}; {})", known_values.value, by(known_values));
    }
    if !allowed.value.is_empty() {
        let _ = write!(secrets, "; what matches {} may stay ({})", allowed.value, by(allowed));
    }
    say("secrets", Ink::Plain, &secrets);
    for (at, (what, decided)) in told.identity.iter().enumerate() {
        let words = match &*decided.value {
            "keep" => "told as it is",
            "hash" => "told as a pseudonym",
            _ => "not told",
        };
        let what = match &**what {
            "email" => "e-mail address",
            "account" => "account and installation ids",
            "organization" => "organization's id",
            "host" => "name and id of this machine",
            _ => "user names in paths",
        };
        say(if at == 0 { "who" } else { "" }, Ink::Plain, &format!("{what}: {words} ({})", by(decided)));
    }
    for (at, decided) in told.dropped.iter().enumerate() {
        let what = format!("{}: told to nobody ({})", decided.value, by(decided));
        say(if at == 0 { "dropped" } else { "" }, Ink::Plain, &what);
    }
    for (at, (what, decided)) in told.placed.iter().enumerate() {
        let what = match &*decided.value {
            "drop" => format!("{what}: told to nobody ({})", by(decided)),
            level => format!("{what}: told from `{level}` on ({})", by(decided)),
        };
        say(if at == 0 { "placed" } else { "" }, Ink::Plain, &what);
    }
    say(
        "added",
        Ink::Plain,
        &format!(
            "the run's id, this policy's hash ({}), the repository's address and branch, the job of a CI, and what was taken out",
            told.hash
        ),
    );
    let SpoolTold { directory, max_bytes, max_age } = &told.spool;
    let kept = format!(
        "what cannot be delivered waits in {directory}, readable by you alone, {} and {} at most for each destination",
        words_of_bytes(*max_bytes),
        words_of_age(*max_age),
    );
    say("kept", Ink::Plain, &kept);
    for (label, words) in rights(told) {
        say(label, Ink::Plain, &words);
    }
    let _ = writeln!(
        text,
        "{}",
        paint(style, &[piece(Ink::Dim, "The very bytes: cc-observe preview. Every key: cc-observe config show")])
    );
    text
}

/// What can be changed, and by whom.
fn rights(told: &PolicyTold) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    if told.managed_by.is_empty() {
        all.push(("yours", "all of this is for you to decide: `cc-observe config set KEY VALUE`".to_owned()));
    } else {
        let files = listed(&told.managed_by);
        if told.locked.is_empty() {
            all.push(("managed", format!("your organization has a say ({files}), and locks nothing")));
        } else {
            all.push((
                "locked",
                format!(
                    "by your organization ({files}): {}. It can be made stricter where values have an order",
                    listed(&told.locked)
                ),
            ));
        }
        if told.required {
            all.push(("", "a session that cannot be observed does not start".to_owned()));
        }
        if !told.drop_allowed {
            all.push(("", "what waits to be delivered cannot be dropped".to_owned()));
        }
    }
    let unobserved = if told.unobserved_allowed {
        "`cc-observe --unobserved claude` is a session of which nothing is told but that it was"
    } else {
        "`cc-observe --unobserved` is not allowed"
    };
    all.push(("", unobserved.to_owned()));
    all
}

fn words_of_bytes(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{bytes} bytes"),
        _ => format!("{} MiB", bytes / 1_048_576),
    }
}

fn words_of_age(seconds: u64) -> String {
    match seconds {
        0..3600 => many(seconds / 60, "minute"),
        3600..172_800 => many(seconds / 3600, "hour"),
        _ => many(seconds / 86_400, "day"),
    }
}

/// The same as one object.
pub fn policy_json(told: &PolicyTold) -> String {
    safe(&serde_json::to_string_pretty(told).unwrap_or_default()) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(value: &str, by: &[&str], by_organization: bool) -> Decided {
        Decided { value: value.to_owned(), by: by.iter().map(|by| (*by).to_owned()).collect(), by_organization }
    }

    fn told() -> PolicyTold {
        let file = "/etc/cc-observe/managed.toml";
        PolicyTold {
            destinations: vec![DestinationTold {
                name: "org".to_owned(),
                endpoint: "https://otlp.example.com".to_owned(),
                signals: Signal::ALL.to_vec(),
                capture: decided("commands", &[&format!("{file}:1")], true),
                decided: decided("", &[&format!("{file}:4")], true),
                credential: Some("a token in the keyring"),
            }],
            identity: vec![
                ("email".to_owned(), decided("hash", &["config.toml:2"], false)),
                ("user".to_owned(), decided("keep", &[], false)),
            ],
            dropped: vec![decided("metrics: session.count", &["config.toml:9"], false)],
            placed: vec![("tool_result.tool_input".to_owned(), decided("content", &["config.toml:12"], false))],
            secrets: SecretsTold {
                rules: 71,
                own_rules: 2,
                known_values: decided("environment, files", &[], false),
                allowed: Decided::default(),
            },
            spool: SpoolTold {
                directory: "~/.local/state/cc-observe/spool".to_owned(),
                max_bytes: 256 << 20,
                max_age: 604_800,
            },
            locked: vec!["capture".to_owned(), "destinations".to_owned()],
            managed_by: vec![file.to_owned()],
            hash: "0123456789abcdef".to_owned(),
            required: true,
            drop_allowed: true,
            ..PolicyTold::default()
        }
    }

    #[test]
    fn it_is_told_in_plain_words_who_is_told_what_and_who_says_so() {
        insta::assert_snapshot!(policy(&told(), &Style::PLAIN), @r"
        to        org, https://otlp.example.com (your organization,
                  /etc/cc-observe/managed.toml:4)
                  logs, metrics and traces at `commands`: names, numbers, times,
                  decisions and costs; commands, tool input, paths and error texts; no
                  prompts, no answers, no output of tools (your organization,
                  /etc/cc-observe/managed.toml:1)
                  let in by a token in the keyring
        secrets   are taken out before anything is kept or sent, by 71 rules, 2 of the
                  configuration's own, and by the values of this machine (environment,
                  files; built in)
        who       e-mail address: told as a pseudonym (config.toml:2)
                  user names in paths: told as it is (built in)
        dropped   metrics: session.count: told to nobody (config.toml:9)
        placed    tool_result.tool_input: told from `content` on (config.toml:12)
        added     the run's id, this policy's hash (0123456789abcdef), the repository's
                  address and branch, the job of a CI, and what was taken out
        kept      what cannot be delivered waits in ~/.local/state/cc-observe/spool,
                  readable by you alone, 256 MiB and 7 days at most for each destination
        locked    by your organization (/etc/cc-observe/managed.toml): capture and
                  destinations. It can be made stricter where values have an order
                  a session that cannot be observed does not start
                  `cc-observe --unobserved` is not allowed
        The very bytes: cc-observe preview. Every key: cc-observe config show
        ");
    }

    #[test]
    fn where_nobody_is_told_that_is_said_first() {
        let told = PolicyTold { unobserved_allowed: true, drop_allowed: true, ..PolicyTold::default() };
        insta::assert_snapshot!(policy(&told, &Style::PLAIN), @r"
        nobody    No destination: what Claude Code tells stays in the summary, and
                  nothing leaves this machine.
        secrets   are taken out before anything is kept or sent, by 0 rules; this
                  machine's own values are not looked for
        added     the run's id, this policy's hash (), the repository's address and
                  branch, the job of a CI, and what was taken out
        kept      what cannot be delivered waits in , readable by you alone, 0 bytes and
                  0 minutes at most for each destination
        yours     all of this is for you to decide: `cc-observe config set KEY VALUE`
                  `cc-observe --unobserved claude` is a session of which nothing is told
                  but that it was
        The very bytes: cc-observe preview. Every key: cc-observe config show
        ");
    }
}

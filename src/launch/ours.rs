//! Edge: the endpoint of a relay of ours that runs already: of our own environment, or of a claude above us.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use uuid::Uuid;

use super::environment::NAMES;
use super::prepare::Identity;
use super::wrapper;
use crate::relay::control::TOKEN_HEADER;
use crate::relay::socket;
use crate::secrets::Secret;

/// What a claude is told by us: whom it sends to, and all that belongs to it.
pub struct Ours {
    /// Of the relay.
    pub identity: Identity,
    /// The names that we set, by name; those that are not there were removed.
    values: BTreeMap<&'static str, String>,
}

impl Ours {
    /// Reads it out of an environment. `None`: it sends elsewhere, or nowhere.
    pub fn of(variables: &[(OsString, OsString)]) -> Option<Self> {
        let get =
            |name: &str| variables.iter().rev().find(|(known, _)| known == name).and_then(|(_, value)| value.to_str());
        let (port, run_id) = parse(get("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT")?)?;
        let token = get("OTEL_EXPORTER_OTLP_LOGS_HEADERS")?.strip_prefix(TOKEN_HEADER)?.strip_prefix('=')?;
        let names = NAMES.iter().map(|(name, _)| *name).chain([wrapper::VARIABLE]);
        let values = names.filter_map(|name| Some((name, get(name)?.to_owned()))).collect();
        Some(Self { identity: Identity { run_id, token: Secret::new(token), port }, values })
    }

    /// What a session below is to be told, as [`super::environment::apply`] takes it. What passes a trace on is its own.
    pub fn assignments(&self) -> Vec<(&'static str, Option<String>)> {
        use super::environment::Rule::{PersonIfTraces, Untouched};
        let names = NAMES.iter().filter(|(_, rule)| !matches!(rule, Untouched | PersonIfTraces)).map(|(name, _)| *name);
        let value = |name| (name, self.values.get(name).cloned());
        let wrapper = self.values.get(wrapper::VARIABLE).map(|value| (wrapper::VARIABLE, Some(value.clone())));
        names.map(value).chain(wrapper).collect()
    }

    /// Whether its relay is there.
    pub fn answers(&self, state: &Path) -> bool {
        let run_id = self.identity.run_id.to_string();
        socket::ask(&run_id, state).is_some_and(|answer| answer.port == self.identity.port)
    }

    /// That of the nearest process above us that has one. Their environments are as they were given: nothing below a
    /// claude can change that of the claude.
    pub fn above() -> Option<Self> {
        let mut pid = nix::unistd::getppid().as_raw();
        for _ in 0..MOST_ANCESTORS {
            if pid <= 1 {
                return None;
            }
            if let Some(ours) = environment_of(pid).as_deref().and_then(Self::of) {
                return Some(ours);
            }
            pid = parent_of(pid)?;
        }
        None
    }
}

/// How far up a claude is looked for.
const MOST_ANCESTORS: usize = 64;

/// `http://127.0.0.1:PORT/r/RUN/v1/logs`
fn parse(endpoint: &str) -> Option<(u16, Uuid)> {
    let (port, rest) = endpoint.strip_prefix("http://127.0.0.1:")?.split_once("/r/")?;
    Some((port.parse().ok()?, Uuid::try_parse(rest.strip_suffix("/v1/logs")?).ok()?))
}

/// proc(5): variables, each ended by a zero. Not where there is no such file: there, nobody above us is found.
fn environment_of(pid: i32) -> Option<Vec<(OsString, OsString)>> {
    use std::os::unix::ffi::OsStrExt as _;
    let text = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    let variables = text.split(|byte| *byte == 0).filter_map(|variable| {
        let at = variable.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (variable.get(..at)?, variable.get(at + 1..)?);
        Some((OsStr::from_bytes(name).to_owned(), OsStr::from_bytes(value).to_owned()))
    });
    Some(variables.collect())
}

/// proc(5): the fourth field of `stat`, the second behind the name, which may hold anything.
fn parent_of(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "0199a7b2-0000-7000-8000-000000000001";

    fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn an_endpoint_of_ours_is_told_from_others() {
        let endpoint = format!("http://127.0.0.1:4711/r/{RUN}/v1/logs");
        let token = format!("{TOKEN_HEADER}=abc");
        let of = |endpoint: &str, headers: &str| {
            let names = ["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_HEADERS"];
            Ours::of(&variables(&[(names[0], endpoint), (names[1], headers), ("OTEL_LOGS_EXPORTER", "otlp")]))
        };
        let ours = of(&endpoint, &token).unwrap();
        assert_eq!((ours.identity.port, ours.identity.run_id.to_string()), (4711, RUN.to_owned()));
        assert_eq!(ours.identity.token.expose(), "abc");
        let assigned: BTreeMap<_, _> = ours.assignments().into_iter().collect();
        assert_eq!(assigned["OTEL_LOGS_EXPORTER"].as_deref(), Some("otlp"));
        assert_eq!(assigned["OTEL_METRICS_EXPORTER"], None, "it was not set");
        assert!(!assigned.contains_key("TRACEPARENT") && !assigned.contains_key(wrapper::VARIABLE));
        for (endpoint, headers) in [
            ("http://127.0.0.1:4318/v1/logs", &*token),
            ("https://otlp.example.com/r/x/v1/logs", &token),
            (&format!("http://127.0.0.1:x/r/{RUN}/v1/logs"), &token),
            (&format!("http://127.0.0.1:1/r/{RUN}"), &token),
            (&endpoint, "authorization=x"),
        ] {
            assert!(of(endpoint, headers).is_none(), "{endpoint} {headers}");
        }
        assert!(Ours::of(&[]).is_none());
    }
}

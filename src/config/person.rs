//! The OTLP destination that the person already has: the six `export OTEL_…` lines everybody starts with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::transport::ClientCertificate;
use super::{Compression, Destination, Endpoint, EndpointError, Protocol, Temporality, Tls, Transport};
use crate::otlp::Signal;
use crate::redact::CaptureLevel;
use crate::secrets::Secret;

/// The name under which it is delivered and reported.
pub const PERSON: &str = "environment";

/// The endpoint of all signals that have none of their own.
const BASE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// What is found, and what of it cannot be used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// One destination, or one for each signal where their addresses or headers differ.
    pub destinations: Vec<Destination>,
    /// Signals with a protocol that is not delivered with, by protocol.
    pub unsupported: Vec<Unsupported>,
    /// Signals whose endpoint is none, by the variable that names it.
    pub unusable: Vec<Unusable>,
}

/// What cannot be delivered because of its protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct Unsupported {
    /// As written: `http/xml`.
    pub protocol: String,
    /// Whose it is.
    pub signals: Vec<Signal>,
}

/// What cannot be delivered because of its endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Unusable {
    /// Where the endpoint stands. It is not repeated: it may be a credential.
    pub variable: String,
    /// What is wrong with it.
    pub why: EndpointError,
    /// Whose it is.
    pub signals: Vec<Signal>,
}

/// Reads the person's own variables, as Claude Code itself would.
///
/// Without `CLAUDE_CODE_ENABLE_TELEMETRY` nothing is theirs to redirect: an `OTEL_EXPORTER_OTLP_ENDPOINT` may stand
/// there for another program.
pub fn find(person: &BTreeMap<String, String>) -> Found {
    let get = |name: &str| person.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
    let mut found = Found::default();
    if !get("CLAUDE_CODE_ENABLE_TELEMETRY").is_some_and(is_on) {
        return found;
    }
    let capture = opened(person);
    let temporality = temporality(get("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE").unwrap_or_default());
    let mut single: Vec<(Signal, Destination)> = Vec::new();
    for signal in Signal::ALL {
        let upper = signal.as_str().to_ascii_uppercase();
        let exported =
            get(&format!("OTEL_{upper}_EXPORTER")).is_some_and(|list| list.split(',').any(|e| e.trim() == "otlp"));
        if !exported {
            continue;
        }
        let protocol = get(&format!("OTEL_EXPORTER_OTLP_{upper}_PROTOCOL"))
            .or_else(|| get("OTEL_EXPORTER_OTLP_PROTOCOL"))
            .unwrap_or("http/protobuf");
        let Some(protocol) = Protocol::parse(protocol) else {
            match found.unsupported.iter_mut().find(|there| there.protocol == protocol) {
                Some(there) => there.signals.push(signal),
                None => found.unsupported.push(Unsupported { protocol: protocol.to_owned(), signals: vec![signal] }),
            }
            continue;
        };
        let own = format!("OTEL_EXPORTER_OTLP_{upper}_ENDPOINT");
        let (variable, endpoint) = match get(&own) {
            Some(url) => (own, Endpoint::parse(url).and_then(|endpoint| endpoint.with_signal(signal, url))),
            None => (BASE.to_owned(), Endpoint::parse(get(BASE).unwrap_or("http://localhost:4318"))),
        };
        let endpoint = match endpoint {
            Ok(endpoint) => endpoint,
            Err(why) => {
                match found.unusable.iter_mut().find(|there| there.variable == variable) {
                    Some(there) => there.signals.push(signal),
                    None => found.unusable.push(Unusable { variable, why, signals: vec![signal] }),
                }
                continue;
            }
        };
        let mut headers = headers(get("OTEL_EXPORTER_OTLP_HEADERS").unwrap_or_default());
        for (name, value) in self::headers(get(&format!("OTEL_EXPORTER_OTLP_{upper}_HEADERS")).unwrap_or_default()) {
            // The general header wins, as in the client.
            if !headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                headers.push((name, value));
            }
        }
        let destination = Destination {
            name: PERSON.to_owned(),
            spool: format!("{PERSON}-{}", endpoint.fingerprint()),
            endpoint,
            headers,
            capture,
            auth: None,
            transport: Transport { protocol, ..transport(person, &upper) },
            max_attribute_bytes: None,
            temporality,
            bounds: crate::spool::Bounds::DEFAULT,
            durability: crate::spool::Durability::default(),
            signals: vec![signal],
        };
        single.push((signal, destination));
    }
    found.destinations = join(single);
    found
}

/// Whether what is sent is compressed, whom to trust and who we are. Relative files mean another in every directory:
/// Claude Code would look for them where it runs, which is not where the relay is.
fn transport(person: &BTreeMap<String, String>, upper: &str) -> Transport {
    let get = |what: &str| {
        let own = person.get(&format!("OTEL_EXPORTER_OTLP_{upper}_{what}"));
        let value = own.or_else(|| person.get(&format!("OTEL_EXPORTER_OTLP_{what}")))?;
        Some(value.trim()).filter(|value| !value.is_empty())
    };
    let file = |what: &str| get(what).map(PathBuf::from).filter(|path| path.is_absolute());
    let client = file("CLIENT_CERTIFICATE").zip(file("CLIENT_KEY")).map(|(cert, key)| ClientCertificate { cert, key });
    let compression = if get("COMPRESSION") == Some("none") { Compression::None } else { Compression::Gzip };
    Transport { compression, tls: Tls { ca_file: file("CERTIFICATE"), client }, ..Transport::default() }
}

/// What the person's own preference comes to. `lowmemory` is deltas for counters and histograms (OpenTelemetry
/// specification, "Metrics Exporter - OTLP"), and Claude Code has nothing else.
fn temporality(preference: &str) -> Temporality {
    if preference.eq_ignore_ascii_case("cumulative") { Temporality::Cumulative } else { Temporality::Delta }
}

/// The level that holds what the person had switched on themselves. Claude Code is asked for no more than that, so
/// what they had not switched on does not come.
fn opened(person: &BTreeMap<String, String>) -> CaptureLevel {
    let on = |name: &str| person.get(name).is_some_and(|value| is_on(value) || value.trim().starts_with("file:"));
    let content = ["USER_PROMPTS", "ASSISTANT_RESPONSES", "TOOL_CONTENT", "RAW_API_BODIES"];
    if content.iter().any(|name| on(&format!("OTEL_LOG_{name}"))) {
        CaptureLevel::Content
    } else if on("OTEL_LOG_TOOL_DETAILS") {
        CaptureLevel::Commands
    } else {
        CaptureLevel::Metadata
    }
}

/// What Claude Code takes for yes.
pub fn is_on(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on")
}

/// One destination if all signals go to the same place in the same way, else one for each.
fn join(single: Vec<(Signal, Destination)>) -> Vec<Destination> {
    let Some((_, first)) = single.first().cloned() else { return Vec::new() };
    let same = single.iter().all(|(_, other)| {
        other.endpoint == first.endpoint && other.headers == first.headers && other.transport == first.transport
    });
    if same {
        let signals = single.iter().map(|(signal, _)| *signal).collect();
        return vec![Destination { signals, ..first }];
    }
    single
        .into_iter()
        .map(|(signal, destination)| {
            let name = format!("{PERSON}-{}", signal.as_str());
            let spool = format!("{name}-{}", destination.endpoint.fingerprint());
            Destination { name, spool, ..destination }
        })
        .collect()
}

/// `a=b,c=d`, values literally: the client does not decode percent signs.
fn headers(text: &str) -> Vec<(String, Secret)> {
    text.split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), Secret::new(value.trim())))
        .filter(|(name, value)| !name.is_empty() && !value.expose().is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pairs: &[(&str, &str)]) -> Found {
        find(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    const SIX: [(&str, &str); 6] = [
        ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otlp.example.com/x/"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer FAKE%20a=b, x-two = 2"),
    ];

    #[test]
    fn the_six_lines_everybody_starts_with_are_a_destination() {
        let [destination] = found(&SIX).destinations.try_into().unwrap();
        assert_eq!(destination.signals, [Signal::Logs, Signal::Metrics]);
        assert_eq!(destination.endpoint.url(Signal::Logs).expose(), "https://otlp.example.com/x/v1/logs");
        let headers: Vec<_> = destination.headers.iter().map(|(n, v)| (n.as_str(), v.expose())).collect();
        assert_eq!(headers, [("Authorization", "Bearer FAKE%20a=b"), ("x-two", "2")]);
    }

    #[test]
    fn a_persons_own_destination_gets_what_they_had_switched_on() {
        use CaptureLevel::{Commands, Content, Metadata};
        for (name, value, want) in [
            ("OTEL_LOG_TOOL_DETAILS", "0", Metadata),
            ("OTEL_LOG_TOOL_DETAILS", "1", Commands),
            ("OTEL_LOG_USER_PROMPTS", "true", Content),
            ("OTEL_LOG_RAW_API_BODIES", "file:/tmp/x", Content),
        ] {
            let mut pairs = SIX.to_vec();
            pairs.push((name, value));
            assert_eq!(found(&pairs).destinations[0].capture, want, "{name}={value}");
        }
    }

    #[test]
    fn a_persons_own_destination_gets_totals_where_they_wanted_them() {
        use Temporality::{Cumulative, Delta};
        for (preference, want) in [
            ("cumulative", Cumulative),
            (" Cumulative ", Cumulative),
            ("delta", Delta),
            ("lowmemory", Delta),
            ("", Delta),
        ] {
            let mut pairs = SIX.to_vec();
            pairs.push(("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", preference));
            assert_eq!(found(&pairs).destinations[0].temporality, want, "{preference}");
        }
        assert_eq!(found(&SIX).destinations[0].temporality, Delta);
    }

    #[test]
    fn an_endpoint_of_another_program_is_not_ours_to_use() {
        assert_eq!(found(&SIX[1..]), Found::default());
    }

    #[test]
    fn signals_that_go_elsewhere_are_destinations_of_their_own() {
        let mut pairs = SIX.to_vec();
        pairs.push(("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://127.0.0.1:9/as/written"));
        let destinations = found(&pairs).destinations;
        let names: Vec<_> = destinations.iter().map(|destination| destination.name.as_str()).collect();
        assert_eq!(names, ["environment-logs", "environment-metrics"]);
        assert!(destinations[0].spool.starts_with("environment-logs-"));
        assert_ne!(destinations[0].spool, destinations[1].spool);
        assert_eq!(destinations[0].endpoint.url(Signal::Logs).expose(), "http://127.0.0.1:9/as/written");
    }

    #[test]
    fn a_protocol_that_is_none_is_told_and_not_guessed_at() {
        let mut pairs = SIX.to_vec();
        pairs[3].1 = "http/xml";
        let found = found(&pairs);
        let xml = Unsupported { protocol: "http/xml".to_owned(), signals: vec![Signal::Logs, Signal::Metrics] };
        assert_eq!((found.destinations.len(), found.unsupported), (0, vec![xml]));
    }

    #[test]
    fn they_are_spoken_to_as_the_person_said() {
        let mut pairs = SIX.to_vec();
        pairs[3].1 = "grpc";
        pairs.extend([
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/etc/ca.pem"),
            ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/etc/me.pem"),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/etc/me.key"),
        ]);
        let [destination] = found(&pairs).destinations.try_into().unwrap();
        let client = Some(ClientCertificate { cert: "/etc/me.pem".into(), key: "/etc/me.key".into() });
        let want = Transport {
            protocol: Protocol::Grpc,
            compression: Compression::None,
            tls: Tls { ca_file: Some("/etc/ca.pem".into()), client },
            ..Transport::default()
        };
        assert_eq!(destination.transport, want);
        // Relative files are those of a directory that the relay is not in.
        pairs.push(("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", "ca.pem"));
        let destinations = found(&pairs).destinations;
        assert_eq!((destinations.len(), &destinations[0].transport.tls.ca_file), (2, &None));
    }

    #[test]
    fn a_protocol_of_one_signal_does_not_hide_the_others() {
        let mut pairs = SIX.to_vec();
        pairs.push(("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/xml"));
        let found = found(&pairs);
        assert_eq!(found.destinations[0].signals, [Signal::Logs]);
        assert_eq!(
            found.unsupported,
            [Unsupported { protocol: "http/xml".to_owned(), signals: vec![Signal::Metrics] }]
        );
    }

    #[test]
    fn an_endpoint_that_is_none_is_told_by_its_variable_and_not_repeated() {
        let mut pairs = SIX.to_vec();
        pairs[4].1 = "htps://FAKE.example.com";
        let both = found(&pairs);
        let signals = vec![Signal::Logs, Signal::Metrics];
        let why = EndpointError::Scheme;
        let unusable = Unusable { variable: BASE.to_owned(), why: why.clone(), signals };
        assert!(!format!("{both:?}").contains("FAKE"));
        assert_eq!(both, Found { unusable: vec![unusable], ..Found::default() });

        pairs[4].1 = "https://otlp.example.com";
        let variable = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT";
        pairs.push((variable, "htps://FAKE.example.com"));
        let one = found(&pairs);
        assert_eq!(one.destinations[0].signals, [Signal::Metrics]);
        assert_eq!(one.unusable, [Unusable { variable: variable.to_owned(), why, signals: vec![Signal::Logs] }]);
    }
}

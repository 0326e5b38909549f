//! Where telemetry can go: what each backend's documentation says of its OTLP endpoint.

use crate::config::Temporality;
use crate::otlp::Signal;

/// A backend.
#[derive(Debug)]
pub(super) struct Preset {
    /// As it is typed, and what the destination is called.
    pub name: &'static str,
    /// As people call it.
    pub called: &'static str,
    /// The address, where it is the same for everybody.
    pub endpoint: Option<&'static str>,
    /// What the address looks like, where everybody has another.
    pub example: &'static str,
    /// How it lets people in.
    pub auth: Auth,
    /// What it takes.
    pub signals: &'static [Signal],
    /// How it takes what is counted.
    pub temporality: Temporality,
    /// Where that is documented.
    pub source: &'static str,
}

/// How a backend lets people in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Auth {
    /// Anybody who reaches it.
    None,
    /// A token in a header, behind a word if there is one.
    Token {
        /// The header.
        header: &'static str,
        /// `Bearer`
        scheme: Option<&'static str>,
        /// What people know the token as.
        called: &'static str,
        /// Whether the address alone may do.
        optional: bool,
    },
    /// `USER:PASSWORD` in Base64 (RFC 7617).
    Basic {
        /// What people know the pair as.
        called: &'static str,
    },
}

pub(super) const PRESETS: [Preset; 7] = [
    Preset {
        name: "sumo",
        called: "Sumo Logic",
        endpoint: None,
        example: "https://endpoint1.collection.sumologic.com/receiver/v1/otlp/…",
        auth: Auth::Token {
            header: "x-sumo-token",
            scheme: None,
            called: "token of the source, if its URL has none",
            optional: true,
        },
        signals: &Signal::ALL,
        temporality: Temporality::Delta,
        source: "https://help.sumologic.com/docs/send-data/hosted-collectors/http-source/otlp/",
    },
    Preset {
        name: "grafana",
        called: "Grafana Cloud",
        endpoint: None,
        example: "https://otlp-gateway-prod-eu-west-2.grafana.net/otlp",
        auth: Auth::Basic { called: "INSTANCE-ID:TOKEN" },
        signals: &Signal::ALL,
        // What it keeps are Prometheus' totals.
        temporality: Temporality::Cumulative,
        source: "https://grafana.com/docs/grafana-cloud/send-data/otlp/send-data-otlp/",
    },
    Preset {
        name: "honeycomb",
        called: "Honeycomb",
        endpoint: Some("https://api.honeycomb.io"),
        example: "https://api.eu1.honeycomb.io",
        auth: Auth::Token { header: "x-honeycomb-team", scheme: None, called: "ingest API key", optional: false },
        signals: &Signal::ALL,
        temporality: Temporality::Delta,
        source: "https://docs.honeycomb.io/send-data/opentelemetry/",
    },
    Preset {
        name: "datadog",
        called: "Datadog",
        endpoint: Some("https://otlp.datadoghq.com"),
        example: "https://otlp.datadoghq.eu",
        auth: Auth::Token { header: "dd-api-key", scheme: None, called: "API key", optional: false },
        // Its intake of traces is in preview.
        signals: &[Signal::Logs, Signal::Metrics],
        // It takes nothing else.
        temporality: Temporality::Delta,
        source: "https://docs.datadoghq.com/opentelemetry/setup/agentless/",
    },
    Preset {
        name: "elastic",
        called: "Elastic Cloud",
        endpoint: None,
        example: "https://DEPLOYMENT.ingest.us-east-1.aws.elastic.cloud:443",
        auth: Auth::Token { header: "Authorization", scheme: Some("ApiKey"), called: "API key", optional: false },
        signals: &Signal::ALL,
        temporality: Temporality::Delta,
        source: "https://www.elastic.co/docs/reference/opentelemetry/motlp",
    },
    Preset {
        name: "collector",
        called: "an OpenTelemetry Collector",
        endpoint: Some("http://127.0.0.1:4318"),
        example: "http://127.0.0.1:4318",
        auth: Auth::None,
        signals: &Signal::ALL,
        temporality: Temporality::Delta,
        source: "https://opentelemetry.io/docs/collector/",
    },
    Preset {
        name: "otlp",
        called: "any OTLP endpoint",
        endpoint: None,
        example: "https://otlp.example.com",
        auth: Auth::Token { header: "Authorization", scheme: Some("Bearer"), called: "token", optional: true },
        signals: &Signal::ALL,
        temporality: Temporality::Delta,
        source: "https://opentelemetry.io/docs/specs/otlp/",
    },
];

/// The name of the destination of any other backend.
pub(super) const NAME: &str = "org";

impl Preset {
    /// By its name.
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// What takes whatever speaks OTLP.
    pub(super) fn any() -> &'static Self {
        let [.., any] = &PRESETS;
        any
    }

    /// By the address, where it tells.
    pub(super) fn by_address(url: &str) -> &'static Self {
        let host = url.split_once("://").map_or(url, |(_, rest)| rest);
        let host = host.split(['/', '?']).next().unwrap_or_default().rsplit('@').next().unwrap_or_default();
        let host = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
        let ends = [
            ("sumo", ".sumologic.com"),
            ("sumo", ".sumologic.net"),
            ("grafana", ".grafana.net"),
            ("honeycomb", ".honeycomb.io"),
            ("datadog", ".datadoghq.com"),
            ("datadog", ".datadoghq.eu"),
            ("elastic", ".elastic.cloud"),
        ];
        let named = ends.iter().find(|(_, end)| host.ends_with(end)).and_then(|(name, _)| Self::of(name));
        named.unwrap_or_else(Self::any)
    }

    /// What its destination is called, where nobody says otherwise.
    pub(super) fn destination(&self) -> &'static str {
        if matches!(self.name, "otlp" | "collector") { NAME } else { self.name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Endpoint;
    use crate::config::user::is_destination_name;

    #[test]
    fn every_preset_can_be_configured() {
        for preset in &PRESETS {
            assert!(is_destination_name(preset.destination()), "{}", preset.name);
            assert!(preset.source.starts_with("https://"), "{}", preset.name);
            for url in preset.endpoint.into_iter().chain([preset.example.trim_end_matches('…')]) {
                assert!(Endpoint::parse(url).is_ok(), "{url}");
            }
        }
        assert_eq!(Preset::any().name, "otlp");
    }

    #[test]
    fn a_backend_is_known_by_its_address() {
        for (url, name) in [
            ("https://endpoint4.collection.eu.sumologic.com/receiver/v1/otlp/x", "sumo"),
            ("https://otlp-gateway-prod-us-east-0.grafana.net/otlp", "grafana"),
            ("https://api.eu1.honeycomb.io", "honeycomb"),
            ("https://otlp.us3.datadoghq.com:443", "datadog"),
            ("https://x.ingest.eu-west-1.aws.elastic.cloud:443", "elastic"),
            ("https://sumologic.com.example.com/grafana.net", "otlp"),
            ("http://127.0.0.1:4318", "otlp"),
            ("localhost:4318", "otlp"),
        ] {
            assert_eq!(Preset::by_address(url).name, name, "{url}");
        }
    }
}

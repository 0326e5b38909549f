//! What the person configured: destinations, and where each came from.

mod budget;
pub mod edit;
pub mod endpoint;
pub mod files;
pub mod keys;
pub mod known_values;
mod layers;
mod levels;
pub mod machine_key;
pub mod managed;
mod mistakes;
pub mod paths;
pub mod person;
mod policy_hash;
pub mod reading;
mod redaction;
pub mod schema;
mod spool;
pub mod table;
pub mod transport;
pub mod user;
pub mod variables;

pub use budget::Budget;
pub use endpoint::{Endpoint, EndpointError};
pub use layers::{Layer, Origin, Source};
pub use policy_hash::policy_hash;
pub use transport::{Auth, Compression, Protocol, Proxies, Tls, Transport};
pub use user::{Config, ConfigError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::otlp::Signal;
use crate::redact::CaptureLevel;
use crate::secrets::Secret;
use crate::spool::{Bounds, Durability};

/// How a destination is given what is counted.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Temporality {
    /// As it comes: how much more, since the last time.
    #[default]
    Delta,
    /// How much since the run began.
    Cumulative,
}

/// An OTLP endpoint that receives what its capture level lets through.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Destination {
    /// The name in `[destinations.NAME]`: `[a-z0-9][a-z0-9_-]{0,63}`; or what people are shown for an address that has
    /// none.
    pub name: String,
    /// The name of its spool directory. An address without a name of its own has a directory of its own: what waits for
    /// one must never go to another.
    pub spool: String,
    /// Where it listens.
    pub endpoint: Endpoint,
    /// Sent with every request, values literally as configured.
    pub headers: Vec<(String, Secret)>,
    /// What lets us in besides the headers, fetched when it is needed.
    pub auth: Option<Auth>,
    /// How it is spoken to.
    pub transport: Transport,
    /// The most it is given.
    pub capture: CaptureLevel,
    /// The longest value that it takes, in bytes; None: of any length. Longer ones are shortened when they are sent.
    pub max_attribute_bytes: Option<usize>,
    /// How it is given what is counted.
    pub temporality: Temporality,
    /// How much may wait for it on disk.
    pub bounds: Bounds,
    /// What is promised of what was acknowledged.
    pub durability: Durability,
    /// What it is given.
    pub signals: Vec<Signal>,
}

//! Edge: captures of the real client in `tests/fixtures/captures`, read and inflated.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cc_observe::otlp::{Encoding, Signal};
use flate2::read::GzDecoder;
use serde::Deserialize;

/// One run of the real client: what it printed, how it ended, what it exported.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Capture {
    /// What the run was.
    pub(crate) about: String,
    /// Whether it ran with `-p`.
    pub(crate) print: bool,
    /// Its exit code.
    pub(crate) exit_code: u8,
    /// What it said that it cost; none without `--output-format json`.
    pub(crate) total_cost_usd: Option<f64>,
    /// From start to end, in milliseconds.
    pub(crate) wall_ms: u64,
    /// Its requests in order of arrival.
    pub(crate) requests: Vec<CapturedRequest>,
    /// What it printed.
    #[serde(skip)]
    pub(crate) stdout: Vec<u8>,
}

/// One export of the client.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CapturedRequest {
    /// Where its body is, in the capture's directory.
    pub(crate) file: String,
    /// What it carries.
    pub(crate) signal: Signal,
    at_ms: u64,
    /// The header of this name.
    pub(crate) content_type: String,
    /// The header of this name; the body is inflated all the same.
    pub(crate) content_encoding: Option<String>,
    /// Requests of one connection follow one another.
    #[serde(default = "first")]
    pub(crate) connection: u32,
    /// Part of the burst at the end, after the last byte of stdout.
    #[serde(rename = "final")]
    pub(crate) is_final: bool,
    /// The body, inflated.
    #[serde(skip)]
    pub(crate) body: Vec<u8>,
}

fn first() -> u32 {
    1
}

impl CapturedRequest {
    /// When it was sent, counted from the start of the process.
    pub(crate) fn at(&self) -> Duration {
        Duration::from_millis(self.at_ms)
    }

    /// How the body is written.
    pub(crate) fn encoding(&self) -> Encoding {
        if self.content_type.contains("json") { Encoding::Json } else { Encoding::Protobuf }
    }
}

impl Capture {
    /// Where the capture of this name lies.
    pub(crate) fn directory(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/captures").join(name)
    }

    /// Reads the capture of this name in the fixtures.
    pub(crate) fn load(name: &str) -> Self {
        Self::read(&Self::directory(name))
    }

    /// Reads the capture in this directory.
    pub(crate) fn read(directory: &Path) -> Self {
        let text = fs::read(directory.join("capture.json")).unwrap_or_else(|e| panic!("{}: {e}", directory.display()));
        let mut capture: Self = serde_json::from_slice(&text).unwrap();
        for request in &mut capture.requests {
            request.body = inflated(&directory.join(&request.file));
        }
        let stdout = directory.join("stdout.txt.gz");
        if stdout.exists() {
            capture.stdout = inflated(&stdout);
        }
        capture
    }
}

fn inflated(file: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(fs::File::open(file).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

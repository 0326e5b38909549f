//! A receiver that others wrote: what it takes from us in each form of OTLP, and hands on, is what we sent.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use cc_observe::otlp::Signal;

use crate::support::{OrgEndpoint, Record, Sandbox, run, wait_until};

/// Where rotel is: `ROTEL_AGENT`, or on the search path. The package of that name on PyPI brings it.
fn rotel() -> Option<PathBuf> {
    let named = std::env::var_os("ROTEL_AGENT").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = named.or_else(|| std::env::split_paths(&path).map(|dir| dir.join("rotel-agent")).find(|p| p.is_file()));
    if found.is_none() {
        eprintln!("skipped: there is no rotel-agent (pip install rotel), and ROTEL_AGENT names none");
    }
    found
}

/// A rotel that hands on what it gets. Gone when dropped.
struct Peer {
    process: Child,
    http: u16,
    grpc: u16,
}

impl Peer {
    fn start(rotel: &PathBuf, to: &OrgEndpoint) -> Self {
        let [http, grpc] = [free_port(), free_port()];
        let process = Command::new(rotel)
            .args(["start", "--otlp-http-endpoint", &format!("127.0.0.1:{http}")])
            .args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc}")])
            .args(["--exporter", "otlp", "--otlp-exporter-protocol", "http", "--otlp-exporter-endpoint", &to.url()])
            .args(["--batch-timeout", "200ms"])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let peer = Self { process, http, grpc };
        for port in [http, grpc] {
            wait_until("rotel listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        }
        peer
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that nobody listens on now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What arrived, whatever the requests it came in: sorted, since a receiver batches anew.
fn arrived(endpoint: &OrgEndpoint) -> Vec<String> {
    let line = |record: &Record| format!("{record:?}");
    let mut lines: Vec<_> = endpoint.records().iter().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn what_a_receiver_of_others_takes_from_us_is_what_we_sent() {
    let Some(rotel) = rotel() else { return };
    for protocol in ["http/protobuf", "http/json", "grpc"] {
        let (direct, behind) = (OrgEndpoint::start(), OrgEndpoint::start());
        let peer = Peer::start(&rotel, &behind);
        let port = if protocol == "grpc" { peer.grpc } else { peer.http };
        let mut sandbox = Sandbox::new();
        sandbox.plays("05a-traces-tool-details").set("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1");
        let config = format!(
            "[destinations.direct]\nendpoint = \"{}\"\n\
             [destinations.peer]\nendpoint = \"http://127.0.0.1:{port}\"\nprotocol = \"{protocol}\"\n",
            direct.url()
        );
        sandbox.write("home/.config/cc-observe/config.toml", &config);
        assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
        sandbox.wait_until_idle();
        let sent = arrived(&direct);
        wait_until(&format!("{protocol}: rotel hands on what we sent"), || arrived(&behind).len() >= sent.len());
        assert_eq!(arrived(&behind), sent, "{protocol}");
        for signal in Signal::ALL {
            assert!(direct.records().iter().any(|record| record.signal == signal), "{signal:?}");
        }
    }
}

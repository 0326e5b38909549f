//! The door of the relay, tried by somebody who wants in.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use cc_observe::otlp::Signal;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::{Capture, OrgEndpoint, Sandbox, Started, assert_no_needle, start};

/// A run whose claude waits, and what it was told about the relay.
struct Door {
    sandbox: Sandbox,
    endpoint: OrgEndpoint,
    started: Option<Started>,
    address: String,
    path: String,
    token: String,
}

/// An answer, as far as anybody looks at it.
#[derive(Debug, Eq, PartialEq)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Door {
    fn open() -> Self {
        let endpoint = OrgEndpoint::start();
        let mut sandbox = Sandbox::new();
        sandbox.plays("01-default").set("CC_OBSERVE_ENDPOINT", endpoint.url());
        sandbox.does(["touch:../out/ready", "wait-file:../out/go"]);
        let summary = sandbox.at("out/summary.json");
        let mut command = sandbox.cc_observe([] as [&str; 0]);
        command.arg("--summary-file").arg(summary).args(["claude", "-p", "go"]);
        let started = start(command);
        sandbox.wait_for_file("out/ready");
        let telemetry = &sandbox.world()["telemetry"];
        let text = |name: &str| telemetry[name].as_str().unwrap().to_owned();
        let base = text("OTEL_EXPORTER_OTLP_ENDPOINT");
        let (address, path) = base.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let token = text("OTEL_EXPORTER_OTLP_HEADERS");
        Self {
            address: address.to_owned(),
            path: format!("/{path}"),
            token: token.strip_prefix("x-cc-observe-token=").unwrap().to_owned(),
            started: Some(started),
            sandbox,
            endpoint,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// A request that is let in, as headers; to be bent by the caller.
    fn headers(&self) -> Vec<(String, String)> {
        [
            ("Host", self.address.as_str()),
            ("x-cc-observe-token", &self.token),
            ("Content-Type", "application/x-protobuf"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    fn logs(&self) -> String {
        format!("{}/v1/logs", self.path)
    }

    /// Sends a request on a connection of its own.
    fn ask(&self, method: &str, path: &str, headers: &[(String, String)], body: &[u8]) -> Answer {
        let mut stream = self.connect();
        ask_on(&mut stream, method, path, headers, body)
    }

    /// Lets claude go on, and gives the summary.
    fn finish(&mut self) -> serde_json::Value {
        self.sandbox.write("out/go", "");
        let run = self.started.take().unwrap().wait();
        assert_eq!(run.code(), Some(0), "{}", run.err());
        self.sandbox.wait_until_idle();
        self.endpoint.wait_for_event("cc_observe.run_ended");
        serde_json::from_slice(&std::fs::read(self.sandbox.at("out/summary.json")).unwrap()).unwrap()
    }
}

fn ask_on(stream: &mut TcpStream, method: &str, path: &str, headers: &[(String, String)], body: &[u8]) -> Answer {
    let mut lines = vec![format!("{method} {path} HTTP/1.1")];
    lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
    if !headers.iter().any(|(name, _)| name == "Content-Length" || name == "Transfer-Encoding") {
        lines.push(format!("Content-Length: {}", body.len()));
    }
    let head = lines.join("\r\n") + "\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    // Who refuses by the head alone may close before the body is through.
    let _ = stream.write_all(body);
    read_answer(stream)
}

fn read_answer(stream: &mut TcpStream) -> Answer {
    let mut received = Vec::new();
    let mut byte = [0];
    while !received.ends_with(b"\r\n\r\n") {
        assert_eq!(
            stream.read(&mut byte).expect("an answer"),
            1,
            "closed after {}",
            String::from_utf8_lossy(&received)
        );
        received.push(byte[0]);
    }
    let head = String::from_utf8(received).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Answer { status, head, body }
}

/// The headers with one of them changed.
fn with(headers: &[(String, String)], name: &str, value: &str) -> Vec<(String, String)> {
    let mut headers: Vec<_> = headers.iter().filter(|(known, _)| known != name).cloned().collect();
    headers.push((name.to_owned(), value.to_owned()));
    headers
}

fn without(headers: &[(String, String)], name: &str) -> Vec<(String, String)> {
    headers.iter().filter(|(known, _)| known != name).cloned().collect()
}

fn and(headers: &[(String, String)], name: &str, value: &str) -> Vec<(String, String)> {
    headers.iter().cloned().chain([(name.to_owned(), value.to_owned())]).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn captured_logs() -> Vec<u8> {
    Capture::load("14a-logs-only").requests[0].body.clone()
}

#[test]
fn who_is_not_claude_is_turned_away() {
    let mut door = Door::open();
    let (good, logs, body) = (door.headers(), door.logs(), captured_logs());
    let host = door.address.clone();
    let port = host.rsplit_once(':').unwrap().1;
    let other_run = "/r/019ab700-0000-7000-8000-000000000000/v1/logs";
    let token = door.token.clone();
    for (what, status, method, path, headers) in [
        ("no token", 401, "POST", &*logs, without(&good, "x-cc-observe-token")),
        ("a wrong token", 401, "POST", &logs, with(&good, "x-cc-observe-token", &"0".repeat(32))),
        ("half a token", 401, "POST", &logs, with(&good, "x-cc-observe-token", &token[..16])),
        ("no text at all", 401, "POST", &logs, with(&good, "x-cc-observe-token", "")),
        ("two tokens", 401, "POST", &logs, and(&good, "x-cc-observe-token", &token)),
        ("a bearer", 401, "POST", &logs, with(&without(&good, "x-cc-observe-token"), "Authorization", &token)),
        ("another host", 403, "POST", &logs, with(&good, "Host", "attacker.example")),
        ("another host and our port", 403, "POST", &logs, with(&good, "Host", &format!("attacker.example:{port}"))),
        ("localhost", 403, "POST", &logs, with(&good, "Host", &format!("localhost:{port}"))),
        ("two hosts", 403, "POST", &logs, and(&good, "Host", &host)),
        ("a page", 403, "POST", &logs, and(&good, "Origin", "https://attacker.example")),
        ("a page of nowhere", 403, "POST", &logs, and(&good, "Origin", "null")),
        ("a browser", 403, "POST", &logs, and(&good, "Sec-Fetch-Site", "same-origin")),
        ("the root", 404, "POST", "/", good.clone()),
        ("no run", 404, "POST", "/v1/logs", good.clone()),
        ("another run", 404, "POST", other_run, good.clone()),
        ("another signal", 404, "POST", &format!("{}/v1/profiles", door.path), good.clone()),
        ("a longer path", 404, "POST", &format!("{logs}/"), good.clone()),
        ("a winding path", 404, "POST", &format!("{}/../v1/logs", door.path), good.clone()),
        ("reading", 405, "GET", &logs, good.clone()),
        ("a preflight", 405, "OPTIONS", &logs, good.clone()),
        ("replacing", 405, "PUT", &logs, good.clone()),
        ("a form", 415, "POST", &logs, with(&good, "Content-Type", "application/x-www-form-urlencoded")),
        ("plain text", 415, "POST", &logs, with(&good, "Content-Type", "text/plain")),
        ("no type", 415, "POST", &logs, without(&good, "Content-Type")),
        ("brotli", 415, "POST", &logs, and(&good, "Content-Encoding", "br")),
        ("twice compressed", 415, "POST", &logs, and(&good, "Content-Encoding", "gzip, gzip")),
    ] {
        let answer = door.ask(method, path, &headers, &body);
        assert_eq!(answer.status, status, "{what}");
        assert_eq!(answer.body, b"", "{what}: nothing is told");
        assert!(!answer.head.to_lowercase().contains("access-control"), "{what}");
    }
    let summary = door.finish();
    assert_eq!(summary["received"]["logs"]["requests"], 1, "claude's own, and nothing else");
    assert!(summary["received"]["logs"]["rejected_requests"].as_u64().unwrap() >= 20);
}

#[test]
fn what_is_too_large_or_no_telemetry_is_refused() {
    let mut door = Door::open();
    let (good, logs) = (door.headers(), door.logs());
    let zipped = and(&good, "Content-Encoding", "gzip");
    let json = with(&good, "Content-Type", "application/json");
    // 8 million empty `ResourceLogs` in 16 MB: 833 MB once they are decoded.
    let flood = [0x0a, 0x00].repeat(8 << 20);
    let deep = "[".repeat(100_000);
    let bomb = gzip(&vec![0; 65 << 20]);
    let bomb_in_bomb = gzip(&bomb);
    for (what, status, headers, body) in [
        ("65 MiB in its own words", 413, and(&good, "Content-Length", &(65_u64 << 20).to_string()), &b""[..]),
        ("a bomb", 413, zipped.clone(), &bomb),
        ("a flood of items", 413, good.clone(), &flood),
        ("a flood of items, compressed", 413, zipped.clone(), &gzip(&flood)),
        ("garbage", 400, good.clone(), b"\xff\xff\xff\xff FAKE"),
        ("a bomb in a bomb, which is garbage", 400, zipped.clone(), &bomb_in_bomb),
        ("half a batch", 400, good.clone(), &captured_logs()[..1000]),
        ("no gzip", 400, zipped.clone(), b"FAKE"),
        ("half a gzip", 400, zipped.clone(), &gzip(&captured_logs())[..500]),
        ("no JSON", 400, json.clone(), b"FAKE"),
        ("deep JSON", 400, json.clone(), deep.as_bytes()),
    ] {
        let answer = door.ask("POST", &logs, &headers, body);
        assert_eq!(answer.status, status, "{what}");
        // google.rpc.Status { code: 3 }
        let expected: &[u8] = match (status, headers == json) {
            (400, true) => br#"{"code":3}"#,
            (400, false) => b"\x08\x03",
            _ => b"",
        };
        assert_eq!(answer.body, expected, "{what}");
    }
    let summary = door.finish();
    assert_eq!(summary["received"]["logs"]["requests"], 1);
    door.sandbox.assert_no_needle();
    for request in door.endpoint.requests() {
        assert_no_needle("what the endpoint got", &request.body);
    }
}

#[test]
fn chunks_and_compression_and_json_are_taken() {
    let mut door = Door::open();
    let (good, logs, body) = (door.headers(), door.logs(), captured_logs());
    let chunked: Vec<u8> = body
        .chunks(700)
        .chain([&[][..]])
        .flat_map(|chunk| [format!("{:x}\r\n", chunk.len()).into_bytes(), chunk.to_vec(), b"\r\n".to_vec()].concat())
        .collect();
    assert_eq!(door.ask("POST", &logs, &and(&good, "Transfer-Encoding", "chunked"), &chunked).status, 200);
    assert_eq!(door.ask("POST", &logs, &and(&good, "Content-Encoding", "gzip"), &gzip(&body)).status, 200);
    let charset = with(&good, "Content-Type", "Application/X-Protobuf; charset=utf-8");
    assert_eq!(door.ask("POST", &logs, &charset, &body).status, 200);
    assert_eq!(door.ask("POST", &logs, &good, b"").status, 200, "an empty batch is one");
    let json = door.ask("POST", &logs, &with(&good, "Content-Type", "application/json"), b"{\"resourceLogs\":[]}");
    assert_eq!((json.status, &*json.body), (200, &b"{}"[..]));
    let summary = door.finish();
    assert_eq!(summary["received"]["logs"]["requests"], 6);
    // The same events three times, and claude's own: what came is delivered, and counted once.
    let requests = summary["requests"].as_u64().unwrap();
    assert_eq!(summary["received"]["logs"]["rejected_requests"], 0);
    assert!(requests > 0);
}

#[test]
fn a_large_batch_goes_on_in_pieces_of_a_megabyte() {
    let mut door = Door::open();
    // Batches behind one another are one batch.
    let body = captured_logs();
    let body = body.repeat(3_500_000 / body.len());
    assert_eq!(door.ask("POST", &door.logs(), &door.headers(), &body).status, 200);
    let summary = door.finish();
    let requests = door.endpoint.requests();
    let sizes: Vec<usize> = requests.iter().map(|request| request.body.len()).collect();
    assert!(sizes.iter().sum::<usize>() > 3_000_000, "{sizes:?}");
    // What is added to each record when it is sent comes on top.
    assert!(sizes.iter().all(|bytes| *bytes < 1_300_000), "{sizes:?}");
    let arrived = door.endpoint.records().iter().filter(|record| record.signal == Signal::Logs).count();
    let own = door.endpoint.records().iter().filter(|record| record.scope == "cc_observe").count();
    assert_eq!(summary["received"]["logs"]["records"], arrived - own);
}

#[test]
fn a_connection_may_pause_between_requests() {
    let mut door = Door::open();
    let (good, logs, body) = (door.headers(), door.logs(), captured_logs());
    let mut kept = door.connect();
    assert_eq!(ask_on(&mut kept, "POST", &logs, &good, &body).status, 200);
    for _ in 0..100 {
        assert_eq!(door.ask("POST", &logs, &without(&good, "x-cc-observe-token"), &body).status, 401);
    }
    for _ in 0..3 {
        assert_eq!(ask_on(&mut kept, "POST", &logs, &good, &body).status, 200, "the same connection");
    }
    // Two requests at once, and their answers in order.
    let request = |path: &str| {
        let headers: Vec<String> = good.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        format!("POST {path} HTTP/1.1\r\n{}\r\nContent-Length: 0\r\n\r\n", headers.join("\r\n"))
    };
    kept.write_all((request(&logs) + &request("/elsewhere") + &request(&logs)).as_bytes()).unwrap();
    assert_eq!([(); 3].map(|()| read_answer(&mut kept).status), [200, 404, 200]);
    drop(kept);
    door.finish();
}

#[test]
fn idle_connections_do_not_keep_claude_out() {
    let mut door = Door::open();
    let idle: Vec<TcpStream> = (0..150).map(|_| door.connect()).collect();
    let mut slow = door.connect();
    slow.write_all(format!("POST {} HTTP/1.1\r\nHost: {}\r\n", door.logs(), door.address).as_bytes()).unwrap();
    let answer = door.ask("POST", &door.logs(), &door.headers(), &captured_logs());
    assert_eq!(answer.status, 200);
    // Claude itself comes next.
    let summary = door.finish();
    assert_eq!(summary["received"]["logs"]["requests"], 2);
    assert_eq!(summary["received"]["metrics"]["requests"], 1);
    drop(idle);
}

#[test]
fn a_head_that_never_ends_is_given_up() {
    let mut door = Door::open();
    let mut slow = door.connect();
    slow.write_all(format!("POST {} HTTP/1.1\r\nHost: {}\r\n", door.logs(), door.address).as_bytes()).unwrap();
    let mut rest = Vec::new();
    // Closed, by whatever way, before the read times out.
    match slow.read_to_end(&mut rest) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
    }
    door.finish();
}

#[test]
fn after_the_run_nobody_inherits_the_port() {
    let mut door = Door::open();
    door.finish();
    // Bound by nobody, or closed to all: what matters is that our token opens nothing.
    assert!(TcpStream::connect(&door.address).is_err());
}

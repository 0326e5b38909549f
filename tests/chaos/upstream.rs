//! The endpoint fails.

use nix::sys::signal::Signal;

use super::endpoint::{Fault, Tls};
use super::oracle::judge;
use super::trial::Trial;
use super::{Asked, Dice, Judged, for_all};
use crate::support::run;

const HTML: &[(&str, &str)] = &[("content-type", "text/html")];

const FAULTS: &[(&str, Fault)] = &[
    ("307", Fault::Status(307, &[("location", "http://127.0.0.1:9/v1/logs")], "")),
    ("301 without a place", Fault::Status(301, &[], "")),
    ("400", Fault::Status(400, &[], "no")),
    ("401", Fault::Status(401, &[], "")),
    ("403", Fault::Status(403, HTML, "<p>forbidden")),
    ("404", Fault::Status(404, &[], "")),
    ("405", Fault::Status(405, &[], "")),
    ("408", Fault::Status(408, &[], "")),
    ("413 for more than 10 records", Fault::TooLarge(10)),
    ("413 for more than 1 record", Fault::TooLarge(1)),
    ("418", Fault::Status(418, &[], "a teapot")),
    ("429", Fault::Status(429, &[("retry-after", "1")], "")),
    ("429 until a date that is past", Fault::Status(429, &[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")], "")),
    ("429 until garbage", Fault::Status(429, &[("retry-after", "soon, \x1b[31mperhaps")], "")),
    ("500", Fault::Status(500, &[], "")),
    ("501", Fault::Status(501, &[], "")),
    ("502", Fault::Status(502, HTML, "<p>bad gateway")),
    ("503", Fault::Status(503, &[], "")),
    ("503 for an age", Fault::Status(503, &[("retry-after", "99999999999999999999")], "")),
    ("504", Fault::Status(504, &[], "")),
    ("599", Fault::Status(599, &[], "")),
    ("a login page", Fault::Status(200, HTML, "<!doctype html><title>Log in</title>")),
    ("200 with JSON that is none", Fault::Status(200, &[("content-type", "application/json")], "{")),
    (
        "200 with protobuf that is none",
        Fault::Status(200, &[("content-type", "application/x-protobuf")], "\x7f\x7f\x7f"),
    ),
    ("a partial success", Fault::Partial),
    ("a reset at once", Fault::EndsAtOnce { reset: true }),
    ("an end at once", Fault::EndsAtOnce { reset: false }),
    ("a half that is closed", Fault::HalfClosed),
    ("nobody reads", Fault::Deaf),
    ("a reset in the request", Fault::ResetInBody),
    ("an end behind the request", Fault::EndsAfterBody { takes: false, reset: false }),
    ("a reset behind the request", Fault::EndsAfterBody { takes: false, reset: true }),
    ("taken, then an end", Fault::EndsAfterBody { takes: true, reset: false }),
    ("taken, then a reset", Fault::EndsAfterBody { takes: true, reset: true }),
    ("taken, the answer cut in its head", Fault::CutAnswer { head: true }),
    ("taken, the answer cut in its body", Fault::CutAnswer { head: false }),
    ("taken, no answer", Fault::Stalls { takes: true }),
    ("no answer", Fault::Stalls { takes: false }),
    ("taken, a trickle", Fault::Trickles),
    ("taken, ten megabytes", Fault::Huge),
    ("taken, a head of a megabyte", Fault::HugeHead),
    ("garbage", Fault::Says(b"\x00\xff\x16\x03\x01 what?\r\n\r\n")),
    ("no HTTP", Fault::Says(b"220 mail.example.com ESMTP\r\n")),
    (
        "two answers",
        Fault::Says(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    ),
    ("an answer that is early", Fault::Early),
    ("taken, then an end without a word", Fault::EndsAfterAnswer),
    ("a certificate that is expired", Fault::Tls(Tls::Expired)),
    ("a certificate for another host", Fault::Tls(Tls::WrongHost)),
    ("a certificate of an unknown authority", Fault::Tls(Tls::UnknownAuthority)),
    ("no TLS", Fault::Tls(Tls::Plain)),
    ("an end in the handshake", Fault::Tls(Tls::EndsInHandshake)),
    ("no address", Fault::Elsewhere("http://nowhere.invalid:4318")),
    ("nobody listens", Fault::Elsewhere("http://127.0.0.1:9")),
    ("a proxy that wants credentials", Fault::Proxy(407)),
    ("a proxy that finds nobody", Fault::Proxy(502)),
];

fn trial(fault: Fault, mut dice: Dice) -> Judged {
    // For ever, or for a few: then the endpoint heals by itself while the session runs.
    let times = if dice.once_in(3) { usize::MAX / 2 } else { usize::try_from(dice.between(1, 3)).unwrap() };
    let requests = dice.between(5, 14);
    let mut trial = Trial::new(fault, times, &mut dice, requests);
    let observed = run(trial.sandbox.observed(["-p", "go"]));
    let violations = trial.ended(observed);
    if trial.was_unobserved() {
        return None;
    }
    match dice.between(0, 3) {
        0 if trial.was_slow() => return None,
        0 => trial.end(Some(Signal::SIGKILL)),
        1 if !matches!(fault, Fault::Elsewhere(_)) => {
            // It goes on by itself, as far as it does.
            trial.endpoint.heal();
            trial.end(None);
        }
        _ => trial.end(Some(Signal::SIGTERM)),
    }
    trial.heal_and_flush();
    trial.judge(violations)
}

#[test]
fn whatever_the_endpoint_does_nothing_is_lost_leaked_or_doubled() {
    for_all("upstream:", FAULTS, &Asked::or(1, 0), trial);
}

#[test]
#[ignore = "takes a quarter of an hour: .ci/full runs it"]
fn whatever_the_endpoint_does_nothing_is_lost_leaked_or_doubled_with_many_seeds() {
    for_all("upstream:", FAULTS, &Asked::or(20, 0), trial);
}

/// The positive control of the whole: plain claude leaks, and the same harness says so.
#[test]
fn a_session_without_us_is_found_out() {
    let mut dice = Dice::new("control", 1);
    let fault = Fault::Status(503, &[], "");
    let mut trial = Trial::new(fault, 0, &mut dice, 8);
    let url = trial.endpoint.url();
    trial.sandbox.set("CLAUDE_CODE_ENABLE_TELEMETRY", "1").set("OTEL_EXPORTER_OTLP_ENDPOINT", url);
    for signal in ["METRICS", "LOGS", "TRACES"] {
        trial.sandbox.set(format!("OTEL_{signal}_EXPORTER"), "otlp");
    }
    trial.sandbox.set("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    let plain = run(trial.sandbox.plain(["-p", "go"]));
    assert_eq!(trial.ended(plain), [""; 0]);
    let evidence = trial.evidence();
    assert!(!evidence.acknowledged.is_empty());
    let violations = judge(&evidence);
    assert!(violations.iter().any(|violation| violation.contains("a planted secret in what the endpoint got")));
    // What an exporter without a queue is refused is gone.
    let mut lost = evidence.clone();
    lost.ingested.pop();
    assert!(judge(&lost).iter().any(|violation| violation.contains("lost")));
}

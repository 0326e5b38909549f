//! What an attempt's outcome means for its batch and for the endpoint: a table, and nothing but.
//!
//! After the OTLP specification ("Failures" of OTLP/HTTP), but more careful with what would be thrown away: a refusal
//! that a person can mend (401, 404, a certificate …) keeps everything.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

use jiff::fmt::rfc2822::DateTimeParser;

use crate::secrets::TokenError;

/// The statuses of gRPC that mean something here.
const CANCELLED: u32 = 1;
const INVALID_ARGUMENT: u32 = 3;
const DEADLINE_EXCEEDED: u32 = 4;
const NOT_FOUND: u32 = 5;
const PERMISSION_DENIED: u32 = 7;
const RESOURCE_EXHAUSTED: u32 = 8;
const ABORTED: u32 = 10;
const OUT_OF_RANGE: u32 = 11;
const UNIMPLEMENTED: u32 = 12;
const UNAVAILABLE: u32 = 14;
const DATA_LOSS: u32 = 15;
/// Who we are is not known, or not believed.
pub const UNAUTHENTICATED: u32 = 16;

/// A status as the libraries name it.
fn grpc_name(code: u32) -> Cow<'static, str> {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    let name = usize::try_from(code).ok().and_then(|code| NAMES.get(code));
    name.map_or_else(|| format!("the gRPC status {code}").into(), |name| (*name).into())
}

/// What came of one attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The endpoint answered.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The `Retry-After` header as it came, bounded.
        retry_after: Option<String>,
        /// What the body was.
        body: AnswerBody,
    },
    /// No answer, or none that could be read to its end.
    Unreachable(Unreachable),
    /// The endpoint's certificate is not trusted, expired or for another name.
    Certificate,
    /// A gRPC endpoint answered with a status that is not OK.
    Grpc {
        /// The status.
        code: u32,
        /// When it wants to be asked again.
        retry_delay: Option<Duration>,
        /// What was sent is too large for it.
        too_large: bool,
    },
    /// The request cannot be made: a configured header or URL is not one.
    Unsendable,
    /// The request cannot be made: a configured certificate or key cannot be used.
    TlsFiles,
    /// The request cannot be made: there is no credential.
    NoCredential(TokenError),
}

impl Outcome {
    /// Taken, whole.
    pub(super) const TAKEN: Self = Self::Answered { status: 200, retry_after: None, body: AnswerBody::Empty };

    /// Whether the endpoint may have taken the batch all the same: what is sent again may then be there twice.
    pub fn may_have_been_taken(&self) -> bool {
        match self {
            // Sumo Logic says that a part may be there after a 408.
            Self::Answered { status, .. } => matches!(status, 200..=299 | 408 | 500..=599),
            Self::Unreachable(why) => match why {
                Unreachable::Reset | Unreachable::TimedOut | Unreachable::Network => true,
                Unreachable::Name | Unreachable::Refused | Unreachable::Tls | Unreachable::Proxy => false,
            },
            Self::Grpc { code, too_large, .. } => {
                !too_large
                    && ![
                        INVALID_ARGUMENT,
                        NOT_FOUND,
                        PERMISSION_DENIED,
                        RESOURCE_EXHAUSTED,
                        UNIMPLEMENTED,
                        UNAUTHENTICATED,
                    ]
                    .contains(code)
            }
            Self::Certificate | Self::Unsendable | Self::TlsFiles | Self::NoCredential(_) => false,
        }
    }
}

/// The body of a successful answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AnswerBody {
    /// Nothing.
    Empty,
    /// An OTLP export response.
    Otlp {
        /// Records that the endpoint threw away.
        rejected: u64,
        /// Its words for it, sanitized and bounded.
        message: Option<String>,
    },
    /// Something else: a login page of an inspecting proxy, for example.
    Foreign,
}

/// Why nothing answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unreachable {
    /// The host has no address.
    Name,
    /// Nobody listens.
    Refused,
    /// The connection ended before the answer did.
    Reset,
    /// No connection or no whole answer in time.
    TimedOut,
    /// TLS failed, but not by the certificate.
    Tls,
    /// A proxy on the way does not let us through, or is not there.
    Proxy,
    /// Anything else on the way.
    Network,
}

/// What is wrong with the endpoint, to be said after its name: "org refuses connections".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trouble {
    /// It does not answer.
    Unreachable(Unreachable),
    /// It answers something else than OTLP, with success.
    Foreign,
    /// It answers with an error.
    Status(u16),
    /// It answers with an error of gRPC.
    Grpc(u32),
    /// Its certificate is not trusted.
    Certificate,
    /// Its headers or URL are not usable.
    Unsendable,
    /// The files of its TLS are not usable.
    TlsFiles,
    /// There is nothing that would let us in.
    NoCredential(TokenError),
    /// It refuses a batch again and again while it takes others.
    Refused,
    /// Not the endpoint: today's configuration cannot be used, and may be stricter.
    Configuration,
    /// Not the endpoint: our own disk does not give the batch, or does not take its halves.
    Disk,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(Unreachable::Name) => f.write_str("has no address"),
            Self::Unreachable(Unreachable::Refused) => f.write_str("refuses connections"),
            Self::Unreachable(Unreachable::Reset) => f.write_str("ends connections without an answer"),
            Self::Unreachable(Unreachable::TimedOut) => f.write_str("does not answer in time"),
            Self::Unreachable(Unreachable::Tls) => f.write_str("fails the TLS handshake"),
            Self::Unreachable(Unreachable::Network) => f.write_str("cannot be reached"),
            Self::Unreachable(Unreachable::Proxy) => f.write_str("is behind a proxy that does not let us through"),
            Self::Foreign => f.write_str("answers something that is not OTLP (a proxy's login page?)"),
            Self::Status(status @ (401 | 403)) => write!(f, "answers {status}: its credentials are not accepted"),
            Self::Status(407) => f.write_str("is behind a proxy that wants credentials (407)"),
            Self::Grpc(code @ (UNAUTHENTICATED | PERMISSION_DENIED)) => {
                write!(f, "answers {}: its credentials are not accepted", grpc_name(*code))
            }
            Self::Grpc(code) => write!(f, "answers {}", grpc_name(*code)),
            Self::TlsFiles => f.write_str("has a certificate or key file that cannot be used"),
            Self::NoCredential(why) => write!(f, "has no credential: {why}"),
            Self::Status(404) => f.write_str("answers 404: its URL is not right"),
            Self::Status(status @ 300..=399) => write!(f, "redirects ({status}), which is not followed"),
            Self::Status(status) => write!(f, "answers {status}"),
            Self::Certificate => f.write_str("has a certificate that is not trusted"),
            Self::Unsendable => f.write_str("has a URL or header that cannot be sent"),
            Self::Refused => f.write_str("refuses a batch again and again, but takes others"),
            Self::Configuration => f.write_str("is sent nothing while the configuration file cannot be used"),
            Self::Disk => f.write_str("has batches that cannot be read from or split on disk"),
        }
    }
}

/// How long to wait, in all cases. One set of numbers, so that tests can wait less.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Delays {
    /// The shortest back-off.
    pub least: Duration,
    /// The longest back-off.
    pub most: Duration,
    /// The longest that `Retry-After` is obeyed.
    pub most_asked: Duration,
    /// Between two probes of an endpoint that refuses.
    pub probe: Duration,
}

impl Delays {
    /// What the program uses.
    pub const DEFAULT: Self = Self {
        least: Duration::from_secs(1),
        most: Duration::from_secs(5 * 60),
        most_asked: Duration::from_secs(60 * 60),
        probe: Duration::from_secs(10 * 60),
    };

    /// Full jitter: anything from `least` to a ceiling that begins at twice that and doubles with each failure.
    pub fn back_off(&self, failures: u32, random: f64) -> Duration {
        let ceiling = self.least.saturating_mul(2_u32.saturating_pow(failures.saturating_add(1))).min(self.most);
        let random = if random.is_finite() { random.clamp(0.0, 1.0) } else { 1.0 };
        self.least + ceiling.saturating_sub(self.least).mul_f64(random)
    }
}

/// What the decision needs to know besides the outcome.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// Failures of this endpoint in a row before this one.
    pub failures: u32,
    /// Records in the batch.
    pub records: u64,
    /// The time of day, for `Retry-After` dates.
    pub now: SystemTime,
    /// From 0 to 1, evenly.
    pub random: f64,
}

/// What to do next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// The endpoint has it.
    Delivered {
        /// All but these.
        rejected: u64,
        /// Its words for it.
        message: Option<String>,
    },
    /// Try the same again after this long; nothing else is tried before.
    Retry {
        /// From now.
        after: Duration,
        /// Why.
        trouble: Trouble,
    },
    /// Halve the batch and send the halves.
    Halve,
    /// Keep the batch aside and go on.
    Park(Trouble),
    /// Keep everything of this signal; try one batch after this long.
    Stop {
        /// From now.
        probe: Duration,
        /// Why.
        trouble: Trouble,
    },
}

/// The table of `docs/spool.md`, "Delivery".
pub fn step(outcome: &Outcome, attempt: &Attempt, delays: &Delays) -> Step {
    let back_off = || delays.back_off(attempt.failures, attempt.random);
    let (status, retry_after, body) = match outcome {
        Outcome::Answered { status, retry_after, body } => (*status, retry_after.as_deref(), body),
        Outcome::Unreachable(why) => {
            return Step::Retry { after: back_off(), trouble: Trouble::Unreachable(*why) };
        }
        Outcome::Certificate => return Step::Stop { probe: delays.probe, trouble: Trouble::Certificate },
        Outcome::Unsendable => return Step::Stop { probe: delays.probe, trouble: Trouble::Unsendable },
        Outcome::TlsFiles => return Step::Stop { probe: delays.probe, trouble: Trouble::TlsFiles },
        // A helper asks somebody else, who may be there again soon.
        Outcome::NoCredential(why) => return Step::Retry { after: back_off(), trouble: Trouble::NoCredential(*why) },
        Outcome::Grpc { code, retry_delay, too_large } => {
            let trouble = Trouble::Grpc(*code);
            let asked = retry_delay.map(|delay| delay.clamp(delays.least, delays.most_asked));
            return match *code {
                RESOURCE_EXHAUSTED | OUT_OF_RANGE if *too_large && attempt.records > 1 => Step::Halve,
                RESOURCE_EXHAUSTED | OUT_OF_RANGE if *too_large => Step::Park(trouble),
                CANCELLED | DEADLINE_EXCEEDED | RESOURCE_EXHAUSTED | ABORTED | OUT_OF_RANGE | UNAVAILABLE
                | DATA_LOSS => Step::Retry { after: asked.unwrap_or_else(back_off), trouble },
                INVALID_ARGUMENT => Step::Park(trouble),
                // What a person has to look at.
                _ => Step::Stop { probe: delays.probe, trouble },
            };
        }
    };
    let trouble = Trouble::Status(status);
    match status {
        200..=299 => match body {
            AnswerBody::Empty => Step::Delivered { rejected: 0, message: None },
            AnswerBody::Otlp { rejected, message } => Step::Delivered { rejected: *rejected, message: message.clone() },
            AnswerBody::Foreign => Step::Retry { after: back_off(), trouble: Trouble::Foreign },
        },
        408 | 429 | 502 | 503 | 504 => {
            let asked = retry_after.and_then(|text| parse_retry_after(text, attempt.now));
            let after = asked.map_or_else(back_off, |asked| asked.clamp(delays.least, delays.most_asked));
            Step::Retry { after, trouble }
        }
        413 if attempt.records > 1 => Step::Halve,
        400 | 413 => Step::Park(trouble),
        // 401, 403, 404, 500, 501, redirects, and whatever else a person has to look at.
        _ => Step::Stop { probe: delays.probe, trouble },
    }
}

/// Seconds or an HTTP date (RFC 9110, 10.2.3). None for anything else, zero, and dates that are past.
fn parse_retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    let asked = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        http_date(text)?.duration_since(now).ok()?
    };
    (!asked.is_zero()).then_some(asked)
}

/// A date as HTTP has it (RFC 9110, 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(super) fn http_date(text: &str) -> Option<SystemTime> {
    DateTimeParser::new().parse_timestamp(text.trim()).ok().map(SystemTime::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAYS: Delays = Delays::DEFAULT;

    fn attempt() -> Attempt {
        // 2026-01-01T00:00:00Z
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        Attempt { failures: 0, records: 10, now, random: 0.0 }
    }

    fn answered(status: u16) -> Outcome {
        Outcome::Answered { status, retry_after: None, body: AnswerBody::Empty }
    }

    fn asked(status: u16, text: &str) -> Duration {
        let outcome = Outcome::Answered { status, retry_after: Some(text.to_owned()), body: AnswerBody::Empty };
        match step(&outcome, &attempt(), &DELAYS) {
            Step::Retry { after, .. } => after,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_status_has_its_step() {
        let first = DELAYS.least;
        let retry = |status| Step::Retry { after: first, trouble: Trouble::Status(status) };
        let stop = |status| Step::Stop { probe: DELAYS.probe, trouble: Trouble::Status(status) };
        for status in [200, 202, 204, 299] {
            let want = Step::Delivered { rejected: 0, message: None };
            assert_eq!(step(&answered(status), &attempt(), &DELAYS), want, "{status}");
        }
        for status in [408, 429, 502, 503, 504] {
            assert_eq!(step(&answered(status), &attempt(), &DELAYS), retry(status), "{status}");
        }
        for status in [401, 403, 404, 500, 501, 301, 302, 307, 308, 402, 405, 407, 415, 422, 505, 101, 999] {
            assert_eq!(step(&answered(status), &attempt(), &DELAYS), stop(status), "{status}");
        }
        assert_eq!(step(&answered(400), &attempt(), &DELAYS), Step::Park(Trouble::Status(400)));
        assert_eq!(step(&answered(413), &attempt(), &DELAYS), Step::Halve);
        let single = Attempt { records: 1, ..attempt() };
        assert_eq!(step(&answered(413), &single, &DELAYS), Step::Park(Trouble::Status(413)));
    }

    #[test]
    fn every_status_of_grpc_has_its_step() {
        let of = |code, retry_delay, too_large, records| {
            step(&Outcome::Grpc { code, retry_delay, too_large }, &Attempt { records, ..attempt() }, &DELAYS)
        };
        for code in [1, 4, 8, 10, 11, 14, 15] {
            let retry = |after| Step::Retry { after, trouble: Trouble::Grpc(code) };
            assert_eq!(of(code, None, false, 10), retry(DELAYS.least), "{code}");
            for (asked, obeyed) in [(7, 7), (99_999, 3600)] {
                let asked = Some(Duration::from_secs(asked));
                assert_eq!(of(code, asked, false, 10), retry(Duration::from_secs(obeyed)), "{code}");
            }
        }
        for code in [2, 5, 6, 7, 9, 12, 13, 16, 17, u32::MAX] {
            let stop = Step::Stop { probe: DELAYS.probe, trouble: Trouble::Grpc(code) };
            assert_eq!(of(code, None, false, 10), stop, "{code}");
        }
        assert_eq!(of(3, None, false, 10), Step::Park(Trouble::Grpc(3)));
        for code in [8, 11] {
            assert_eq!(of(code, None, true, 2), Step::Halve);
            assert_eq!(of(code, None, true, 1), Step::Park(Trouble::Grpc(code)));
        }
        assert_eq!(Trouble::Grpc(14).to_string(), "answers UNAVAILABLE");
        assert_eq!(Trouble::Grpc(16).to_string(), "answers UNAUTHENTICATED: its credentials are not accepted");
        assert_eq!(Trouble::Grpc(99).to_string(), "answers the gRPC status 99");
    }

    #[test]
    fn what_may_have_been_taken_is_told_from_what_was_not() {
        for (status, want) in
            [(200, true), (408, true), (500, true), (503, true), (429, false), (401, false), (413, false)]
        {
            assert_eq!(answered(status).may_have_been_taken(), want, "{status}");
        }
        for (code, want) in [(1, true), (14, true), (13, true), (3, false), (8, false), (12, false), (16, false)] {
            assert_eq!(
                Outcome::Grpc { code, retry_delay: None, too_large: false }.may_have_been_taken(),
                want,
                "{code}"
            );
        }
        assert!(Outcome::Unreachable(Unreachable::TimedOut).may_have_been_taken());
        assert!(!Outcome::Unreachable(Unreachable::Refused).may_have_been_taken());
        assert!(!Outcome::NoCredential(TokenError::Env).may_have_been_taken());
    }

    #[test]
    fn without_a_credential_everything_waits_and_it_is_said_why() {
        let outcome = Outcome::NoCredential(TokenError::Late);
        let trouble = Trouble::NoCredential(TokenError::Late);
        assert_eq!(step(&outcome, &attempt(), &DELAYS), Step::Retry { after: DELAYS.least, trouble });
        assert_eq!(trouble.to_string(), "has no credential: the helper command does not answer within 5 s");
    }

    #[test]
    fn what_does_not_answer_is_tried_again_and_what_is_not_trusted_is_not() {
        for why in [
            Unreachable::Name,
            Unreachable::Refused,
            Unreachable::Reset,
            Unreachable::TimedOut,
            Unreachable::Tls,
            Unreachable::Proxy,
            Unreachable::Network,
        ] {
            let want = Step::Retry { after: DELAYS.least, trouble: Trouble::Unreachable(why) };
            assert_eq!(step(&Outcome::Unreachable(why), &attempt(), &DELAYS), want);
        }
        let stop = |trouble| Step::Stop { probe: DELAYS.probe, trouble };
        assert_eq!(step(&Outcome::Certificate, &attempt(), &DELAYS), stop(Trouble::Certificate));
        assert_eq!(step(&Outcome::TlsFiles, &attempt(), &DELAYS), stop(Trouble::TlsFiles));
        assert_eq!(step(&Outcome::Unsendable, &attempt(), &DELAYS), stop(Trouble::Unsendable));
    }

    #[test]
    fn a_login_page_with_200_is_no_delivery() {
        let page = Outcome::Answered { status: 200, retry_after: None, body: AnswerBody::Foreign };
        let want = Step::Retry { after: DELAYS.least, trouble: Trouble::Foreign };
        assert_eq!(step(&page, &attempt(), &DELAYS), want);
    }

    #[test]
    fn a_partial_success_is_delivered_with_its_losses() {
        let body = AnswerBody::Otlp { rejected: 3, message: Some("too old".into()) };
        let outcome = Outcome::Answered { status: 200, retry_after: None, body };
        let want = Step::Delivered { rejected: 3, message: Some("too old".into()) };
        assert_eq!(step(&outcome, &attempt(), &DELAYS), want);
    }

    #[test]
    fn retry_after_is_obeyed_within_bounds() {
        for (text, seconds) in [
            ("1", 1),
            (" 120 ", 120),
            ("3600", 3600),
            ("3601", 3600),
            ("99999999999999999999999", 3600),
            ("Thu, 01 Jan 2026 00:01:30 GMT", 90),
            ("Fri, 01 Jan 2100 00:00:00 GMT", 3600),
            // Past, zero and garbage: our own back-off.
            ("Wed, 31 Dec 2025 23:59:59 GMT", 1),
            ("0", 1),
            ("-5", 1),
            ("soon", 1),
            ("", 1),
            ("1.5", 1),
            ("١", 1),
        ] {
            assert_eq!(asked(429, text), Duration::from_secs(seconds), "{text:?}");
            assert_eq!(asked(503, text), Duration::from_secs(seconds), "{text:?}");
        }
    }

    #[test]
    fn the_back_off_grows_to_five_minutes_and_never_beyond() {
        for (failures, random, seconds) in [
            (0, 0.0, 1.0),
            (0, 1.0, 2.0),
            (0, 0.5, 1.5),
            (1, 1.0, 4.0),
            (3, 1.0, 16.0),
            (7, 1.0, 256.0),
            (8, 1.0, 300.0),
            (31, 1.0, 300.0),
            (u32::MAX, 1.0, 300.0),
            (u32::MAX, 0.0, 1.0),
            (0, f64::NAN, 2.0),
            (0, 7.0, 2.0),
        ] {
            assert_eq!(DELAYS.back_off(failures, random), Duration::from_secs_f64(seconds), "{failures} {random}");
        }
    }
}

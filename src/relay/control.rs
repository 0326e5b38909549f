//! The messages between launcher and relay, and how they are framed on the control socket.
//!
//! A frame is a length (four bytes, big endian) and that many bytes of JSON. Both ends are the same binary of the same
//! file; [`PROTOCOL`] is checked all the same, since a later version may find an older relay.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{Destination, Endpoint, EndpointError};
use crate::otlp::Signal;
use crate::redact::{CaptureLevel, OwnRules};
use crate::report::{Note, RunSummary};
use crate::secrets::Secret;

/// The header in which claude shows the token.
pub const TOKEN_HEADER: &str = "x-cc-observe-token";

/// The version of these messages.
pub const PROTOCOL: u32 = 1;

/// The longest frame that is read, in bytes.
pub const MAX_FRAME: usize = 8 << 20;

/// From the launcher.
#[derive(Deserialize, Serialize)]
pub enum ToRelay {
    /// The first message: everything the relay needs to know.
    Start(Box<Start>),
    /// Claude runs under this pid. In exec mode there is no such message: claude has the launcher's pid.
    Child {
        /// Its pid.
        pid: i32,
    },
    /// Claude is gone: answer with the summary.
    Exited(Exit),
}

/// From the relay.
#[derive(Deserialize, Serialize)]
pub enum ToLauncher {
    /// The answer to `Exited`: what is known so far, and once more when all has been done.
    Summary {
        /// What happened.
        summary: Box<RunSummary>,
        /// Whether there will be no other.
        last: bool,
    },
}

/// How claude ended, and what is to happen then.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Exit {
    /// Its exit code, if it exited.
    pub code: Option<i32>,
    /// The signal that killed it, if one did.
    pub signal: Option<i32>,
    /// Deliver for so long before answering, and end then, whatever is left.
    pub drain: Option<Duration>,
}

/// A run, as the launcher prepared it.
#[derive(Deserialize, Serialize)]
pub struct Start {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// UUIDv7 in hyphenated form.
    pub run_id: String,
    /// What claude sends in the header [`TOKEN_HEADER`].
    pub token: String,
    /// The port of the listening socket, for the `Host` check.
    pub port: u16,
    /// The launcher's pid: claude's, in exec mode.
    pub launcher: i32,
    /// Whether claude takes the launcher's place.
    pub exec: bool,
    /// When the run began, RFC 3339.
    pub started: jiff::Timestamp,
    /// Where claude runs.
    pub directory: Option<SentPath>,
    /// No `-p`, and a terminal to talk to.
    pub interactive: bool,
    /// Where state is kept.
    pub state: SentPath,
    /// The settings file of this run, removed when no process names it any more.
    pub settings: Option<SentPath>,
    /// Variables of the continuous integration that runs us.
    pub ci: Vec<(String, String)>,
    /// Who receives what.
    pub destinations: Vec<SentDestination>,
    /// What the launcher already knows to say.
    pub notes: Vec<Note>,
    /// The person's own rules, unchecked.
    pub redaction: OwnRules,
}

/// A path on its way to another process: bytes, since a path need not be text.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SentPath(Vec<u8>);

impl From<&Path> for SentPath {
    fn from(path: &Path) -> Self {
        Self(path.as_os_str().as_bytes().to_vec())
    }
}

impl From<SentPath> for PathBuf {
    fn from(sent: SentPath) -> Self {
        OsString::from_vec(sent.0).into()
    }
}

/// A destination on its way to the relay. Its secrets are exposed for the control socket alone.
#[derive(Clone, Deserialize, Serialize)]
pub struct SentDestination {
    name: String,
    spool: String,
    base: String,
    own: Vec<(Signal, String)>,
    headers: Vec<(String, String)>,
    capture: CaptureLevel,
    signals: Vec<Signal>,
}

impl std::fmt::Debug for SentDestination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SentDestination").field("name", &self.name).finish_non_exhaustive()
    }
}

impl SentDestination {
    /// Packs a destination.
    pub fn pack(destination: &Destination) -> Self {
        let endpoint = &destination.endpoint;
        Self {
            name: destination.name.clone(),
            spool: destination.spool.clone(),
            base: endpoint.base().expose().to_owned(),
            own: Signal::ALL
                .into_iter()
                .filter_map(|signal| Some((signal, endpoint.own_url(signal)?.expose().to_owned())))
                .collect(),
            headers: destination.headers.iter().map(|(n, v)| (n.clone(), v.expose().to_owned())).collect(),
            capture: destination.capture,
            signals: destination.signals.clone(),
        }
    }

    /// Gives it metadata and no more, whatever it was to be given.
    pub fn close(&mut self) {
        self.capture = CaptureLevel::Metadata;
    }

    /// Unpacks it in the relay.
    pub fn unpack(self) -> Result<Destination, EndpointError> {
        let mut endpoint = Endpoint::parse(&self.base)?;
        for (signal, url) in &self.own {
            endpoint = endpoint.with_signal(*signal, url)?;
        }
        Ok(Destination {
            name: self.name,
            spool: self.spool,
            endpoint,
            headers: self.headers.into_iter().map(|(name, value)| (name, Secret::new(value))).collect(),
            capture: self.capture,
            signals: self.signals,
        })
    }
}

/// Why a frame is no message.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Longer than [`MAX_FRAME`].
    #[error("frame of {0} bytes")]
    TooLong(usize),
    /// Not JSON of this type: the other end is of another version.
    #[error("not a message of this version")]
    NotAMessage,
}

/// A message with its length in front.
pub fn frame<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let body = serde_json::to_vec(message).map_err(|_| FrameError::NotAMessage)?;
    let length = u32::try_from(body.len()).map_err(|_| FrameError::TooLong(body.len()))?;
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend(body);
    Ok(frame)
}

/// How many bytes follow a length.
pub fn length(prefix: [u8; 4]) -> Result<usize, FrameError> {
    let length = usize::try_from(u32::from_be_bytes(prefix)).unwrap_or(usize::MAX);
    if length > MAX_FRAME { Err(FrameError::TooLong(length)) } else { Ok(length) }
}

/// The message in a frame's body.
pub fn message<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, FrameError> {
    serde_json::from_slice(body).map_err(|_| FrameError::NotAMessage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_arrives_as_it_was_packed() {
        let endpoint =
            Endpoint::parse("https://h/FAKE").unwrap().with_signal(Signal::Logs, "https://h/FAKE/l").unwrap();
        let destination = Destination {
            name: "org".to_owned(),
            spool: "org".to_owned(),
            endpoint,
            headers: vec![("a".to_owned(), Secret::new("FAKE"))],
            capture: CaptureLevel::Commands,
            signals: vec![Signal::Logs],
        };
        let packed = SentDestination::pack(&destination);
        assert!(!format!("{packed:?}").contains("FAKE"));
        let bytes = frame(&packed).unwrap();
        let received: SentDestination = message(&bytes[4..]).unwrap();
        let mut closed = received.clone();
        assert_eq!(received.unpack().unwrap(), destination);
        closed.close();
        assert_eq!(closed.unpack().unwrap().capture, CaptureLevel::Metadata);
    }

    #[test]
    fn a_path_that_is_no_text_arrives_as_it_is() {
        let path = PathBuf::from(OsString::from_vec(vec![b'/', 0xff, b'x']));
        let bytes = frame(&SentPath::from(path.as_path())).unwrap();
        let received: SentPath = message(&bytes[4..]).unwrap();
        assert_eq!(PathBuf::from(received), path);
    }

    #[test]
    fn a_frame_too_long_is_refused() {
        assert!(matches!(length([0xff; 4]), Err(FrameError::TooLong(_))));
        assert_eq!(length([0, 0, 1, 0]).unwrap(), 256);
    }
}

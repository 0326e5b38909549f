//! Edge: reads the captures that are kept as fixtures; for tests only.

use std::fs;
use std::io::Read;
use std::path::Path;

use super::{Event, read};
use crate::otlp::{Batch, Encoding, Signal, decode, encode};
use crate::redact::{CaptureLevel, Policy, Redacted, Redactor};

/// The batches of one capture, in the order they were sent, as the most careful level leaves them.
pub(crate) fn batches(name: &str) -> Vec<Redacted<Batch>> {
    let (redactor, policy) = (Redactor::of_tests(), Policy::of(CaptureLevel::Metadata));
    let bodies = bodies(name).into_iter();
    bodies.map(|(signal, body)| redactor.again(signal, &body, &policy).unwrap()).collect()
}

/// The bodies of one capture as protobuf, in the order they were sent.
pub(crate) fn bodies(name: &str) -> Vec<(Signal, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/captures").join(name);
    let mut files: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut bodies = Vec::new();
    for file in files {
        let file_name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let encodings = [(".bin.gz", Encoding::Protobuf), (".json.gz", Encoding::Json)].into_iter();
        let mut named = encodings.filter_map(|(end, encoding)| Some((file_name.strip_suffix(end)?, encoding)));
        let Some(((_, signal), encoding)) = named.find_map(|(name, encoding)| Some((name.split_once('.')?, encoding)))
        else {
            continue;
        };
        let signal = Signal::ALL.into_iter().find(|known| known.as_str() == signal).unwrap();
        let mut body = Vec::new();
        flate2::read::GzDecoder::new(&*fs::read(&file).unwrap()).read_to_end(&mut body).unwrap();
        bodies.push((signal, encode(&decode(signal, encoding, &body).unwrap())));
    }
    assert!(!bodies.is_empty(), "no capture {name}");
    bodies
}

/// Everything that happened in one capture.
pub(crate) fn events(name: &str) -> Vec<Event> {
    batches(name).iter().flat_map(read).collect()
}

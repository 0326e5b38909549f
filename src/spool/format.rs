//! The bytes of a spool file and the meaning of its name (`docs/spool.md` has them as a table).

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use uuid::Uuid;

use crate::otlp::{MAX_BODY_BYTES, MAX_ITEMS, Signal};
use crate::redact::Redacted;

/// The first bytes of every spool file.
pub const MAGIC: [u8; 8] = *b"CCOSPOOL";

/// The version that is written, and the newest that is read.
pub const VERSION: u16 = 1;

/// The header in bytes; the gzip body follows and ends the file.
pub const HEADER_BYTES: usize = 56;

/// The largest file that is read: a body that gzip could not make smaller, its framing, and the header.
pub const MAX_FILE_BYTES: usize = MAX_BODY_BYTES + (MAX_BODY_BYTES >> 10) + HEADER_BYTES;

/// The distance between the sequence numbers of two batches: room for the halves of halves between them.
pub const STRIDE: u64 = 1 << 20;

/// The largest sequence number of a file that is taken for ours: numbers can go on from any of them.
const MAX_SEQUENCE: u64 = u64::MAX / 2;

/// What the header says about the body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// Which request it is.
    pub signal: Signal,
    /// Log records, data points or spans.
    pub records: u64,
    /// The batch's own number.
    pub batch: Uuid,
    /// A hash of the policy that redacted it.
    pub policy: u64,
    /// The body's length on disk.
    body_bytes: u64,
    /// CRC-32 (IEEE) of the header before this field, then the body.
    checksum: u32,
}

/// A batch read back. Its body is trusted no more than the network: redact it again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Spooled {
    /// What was known when it was written.
    pub header: Header,
    /// The encoded OTLP request.
    pub body: Vec<u8>,
}

/// Why a file is no spool file of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FormatError {
    /// Shorter than its header says, or than a header.
    #[error("it is cut short")]
    Short,
    /// Longer than its header says, or than any file of ours.
    #[error("it is too long")]
    Long,
    /// Something else altogether.
    #[error("it is no spool file")]
    Magic,
    /// Written by a newer version.
    #[error("its format version is {0}, newer than {VERSION}")]
    Newer(u16),
    /// A signal or compression that this version does not know.
    #[error("its header makes no sense")]
    Header,
    /// What was written is not what is there.
    #[error("its checksum is wrong")]
    Checksum,
    /// The body does not inflate, or to more than a request may have.
    #[error("its body cannot be inflated")]
    Body,
}

const GZIP: u8 = 1;

/// A whole file: header and compressed body. Made of redacted bytes only.
pub(super) fn pack(
    signal: Signal,
    records: u64,
    batch: Uuid,
    policy: u64,
    body: &Redacted<Vec<u8>>,
) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(vec![0; HEADER_BYTES], Compression::fast());
    encoder.write_all(body.get())?;
    let mut file = encoder.finish()?;
    let body_bytes = (file.len() - HEADER_BYTES) as u64;
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.extend_from_slice(&MAGIC);
    header.extend_from_slice(&VERSION.to_be_bytes());
    header.push(code(signal));
    header.push(GZIP);
    header.extend_from_slice(&records.to_be_bytes());
    header.extend_from_slice(batch.as_bytes());
    header.extend_from_slice(&policy.to_be_bytes());
    header.extend_from_slice(&body_bytes.to_be_bytes());
    let (_, packed) = file.split_at(HEADER_BYTES);
    let checksum = checksum(&header, packed);
    header.extend_from_slice(&checksum.to_be_bytes());
    if let Some(place) = file.get_mut(..HEADER_BYTES) {
        place.copy_from_slice(&header);
    }
    Ok(file)
}

impl Header {
    /// Reads the header of a file that is `file_bytes` long.
    pub fn read(bytes: &[u8], file_bytes: u64) -> Result<Self, FormatError> {
        let (magic, rest) = bytes.split_first_chunk::<8>().ok_or(FormatError::Short)?;
        if *magic != MAGIC {
            return Err(FormatError::Magic);
        }
        let (version, rest) = take::<2>(rest)?;
        match u16::from_be_bytes(version) {
            VERSION => {}
            0 => return Err(FormatError::Header),
            newer => return Err(FormatError::Newer(newer)),
        }
        let ([signal, compression], rest) = take::<2>(rest)?;
        let (records, rest) = take::<8>(rest)?;
        let (batch, rest) = take::<16>(rest)?;
        let (policy, rest) = take::<8>(rest)?;
        let (body_bytes, rest) = take::<8>(rest)?;
        let (checksum, _) = take::<4>(rest)?;
        let signal = Signal::ALL.into_iter().find(|known| code(*known) == signal).ok_or(FormatError::Header)?;
        let records = u64::from_be_bytes(records);
        if compression != GZIP || records > MAX_ITEMS as u64 {
            return Err(FormatError::Header);
        }
        let body_bytes = u64::from_be_bytes(body_bytes);
        match body_bytes.checked_add(HEADER_BYTES as u64) {
            Some(whole) if whole > file_bytes => return Err(FormatError::Short),
            Some(whole) if whole < file_bytes || whole > MAX_FILE_BYTES as u64 => return Err(FormatError::Long),
            Some(_) => {}
            None => return Err(FormatError::Short),
        }
        Ok(Self {
            signal,
            records,
            batch: Uuid::from_bytes(batch),
            policy: u64::from_be_bytes(policy),
            body_bytes,
            checksum: u32::from_be_bytes(checksum),
        })
    }
}

/// How many records a damaged file says that it held, as far as its header can be read: to be counted, and no more.
pub(super) fn claimed_records(head: &[u8]) -> u64 {
    let length = head.get(HEADER_BYTES - 12..).and_then(|rest| rest.first_chunk::<8>());
    let whole = length.map_or(0, |length| u64::from_be_bytes(*length)).saturating_add(HEADER_BYTES as u64);
    Header::read(head, whole).map_or(0, |header| header.records)
}

/// Reads a whole file.
pub(super) fn unpack(file: &[u8]) -> Result<Spooled, FormatError> {
    let header = Header::read(file, file.len() as u64)?;
    let (head, packed) = file.split_at_checked(HEADER_BYTES).ok_or(FormatError::Short)?;
    let (covered, _) = head.split_at_checked(HEADER_BYTES - 4).ok_or(FormatError::Short)?;
    if checksum(covered, packed) != header.checksum {
        return Err(FormatError::Checksum);
    }
    let mut body = Vec::new();
    let mut bounded = GzDecoder::new(packed).take(MAX_BODY_BYTES as u64 + 1);
    bounded.read_to_end(&mut body).map_err(|_| FormatError::Body)?;
    if body.len() > MAX_BODY_BYTES {
        return Err(FormatError::Body);
    }
    Ok(Spooled { header, body })
}

/// `00000000000001048576.logs.otlp`: sorts first in, first out.
pub(super) fn file_name(signal: Signal, sequence: u64) -> String {
    format!("{sequence:020}.{}.otlp", signal.as_str())
}

/// The signal and sequence of a file name, or None if it is not exactly what [`file_name`] writes.
pub(super) fn parse_name(name: &str) -> Option<(Signal, u64)> {
    let (sequence, rest) = name.split_once('.')?;
    let (signal, "otlp") = rest.split_once('.')? else { return None };
    let signal = Signal::ALL.into_iter().find(|known| known.as_str() == signal)?;
    if sequence.len() != 20 || !sequence.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let sequence = sequence.parse().ok().filter(|sequence| *sequence <= MAX_SEQUENCE)?;
    Some((signal, sequence))
}

/// What a file is called until it is whole.
pub(super) const TEMPORARY: &str = ".tmp";

fn code(signal: Signal) -> u8 {
    match signal {
        Signal::Logs => 1,
        Signal::Metrics => 2,
        Signal::Traces => 3,
    }
}

fn take<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), FormatError> {
    bytes.split_first_chunk::<N>().map(|(head, rest)| (*head, rest)).ok_or(FormatError::Short)
}

fn checksum(header: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(header);
    hasher.update(body);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::tests::redacted;

    fn file() -> Vec<u8> {
        pack(Signal::Metrics, 0, Uuid::from_u128(7), 0xfeed, &redacted(Signal::Metrics, 3)).unwrap()
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        let body = redacted(Signal::Logs, 3);
        let file = pack(Signal::Logs, 3, Uuid::from_u128(7), 0xfeed, &body).unwrap();
        let got = unpack(&file).unwrap();
        assert_eq!(got.body, *body.get());
        let Header { signal, records, batch, policy, .. } = got.header;
        assert_eq!((signal, records, batch, policy), (Signal::Logs, 3, Uuid::from_u128(7), 0xfeed));
    }

    #[test]
    fn a_file_that_is_cut_anywhere_is_refused() {
        let file = file();
        for length in 0..file.len() {
            assert_eq!(unpack(&file[..length]).unwrap_err(), FormatError::Short, "{length}");
        }
    }

    #[test]
    fn a_byte_changed_anywhere_is_noticed() {
        let file = file();
        for index in 0..file.len() {
            let mut bent = file.clone();
            bent[index] ^= 0x10;
            assert!(unpack(&bent).is_err(), "{index}");
        }
    }

    #[test]
    fn a_newer_version_and_trailing_bytes_are_told_apart() {
        let mut newer = file();
        newer[9] = 2;
        assert_eq!(unpack(&newer).unwrap_err(), FormatError::Newer(2));
        let mut longer = file();
        longer.push(0);
        assert_eq!(unpack(&longer).unwrap_err(), FormatError::Long);
        assert_eq!(unpack(b"PK\x03\x04 something else").unwrap_err(), FormatError::Magic);
    }

    #[test]
    fn names_sort_first_in_first_out_and_are_read_back() {
        let names: Vec<_> = [1, 9, 10, STRIDE, u64::MAX].map(|n| file_name(Signal::Logs, n)).into();
        assert!(names.is_sorted());
        assert_eq!(parse_name(&names[3]), Some((Signal::Logs, STRIDE)));
        for name in ["", "1.logs.otlp", "00000000000000000001.blogs.otlp", "00000000000000000001.logs.otlp.tmp", "lock"]
        {
            assert_eq!(parse_name(name), None, "{name}");
        }
    }
}

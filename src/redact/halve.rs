//! Halves of what is redacted are redacted.

use super::Redacted;
use crate::otlp::Batch;

impl Redacted<Batch> {
    /// Both halves by [`Batch::halve`], or None for fewer than two records.
    pub fn halve(self) -> Option<(Self, Self)> {
        self.0.halve().map(|(first, second)| (Self(first), Self(second)))
    }

    /// Appends what another batch of the same signal holds.
    pub fn append(&mut self, other: Self) {
        self.0.append(other.0);
    }

    /// The batch as protobuf, in pieces of at most so many bytes, each with its records. A piece of one record may be
    /// larger.
    pub fn pieces(self, most_bytes: usize) -> Vec<(u64, Redacted<Vec<u8>>)> {
        let (mut left, mut pieces) = (vec![self], Vec::new());
        while let Some(batch) = left.pop() {
            let (records, bytes) = (batch.0.records(), batch.encode());
            if bytes.get().len() <= most_bytes || records < 2 {
                pieces.push((records, bytes));
            } else if let Some((first, second)) = batch.halve() {
                left.extend([second, first]);
            }
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::{Signal, decode_protobuf};
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};

    fn batch(records: u64) -> Redacted<Batch> {
        let log_records = (1..=records).map(|n| LogRecord { time_unix_nano: n, ..Default::default() }).collect();
        let scope_logs = vec![ScopeLogs { log_records, ..Default::default() }];
        let resource_logs = vec![ResourceLogs { scope_logs, ..Default::default() }];
        Redacted(Batch::Logs(ExportLogsServiceRequest { resource_logs }))
    }

    #[test]
    fn pieces_are_as_small_as_asked_and_hold_everything_in_order() {
        let whole = batch(1000);
        let pieces = whole.clone().pieces(2000);
        assert!(pieces.len() > 4 && pieces.iter().all(|(_, piece)| piece.get().len() <= 2000));
        let mut read = pieces.iter().map(|(records, piece)| {
            let piece = decode_protobuf(Signal::Logs, piece.get()).unwrap();
            assert_eq!(piece.records(), *records);
            Redacted(piece)
        });
        let mut joined = read.next().unwrap();
        read.for_each(|piece| joined.append(piece));
        assert_eq!(joined, whole);
    }

    #[test]
    fn one_record_is_one_piece_however_large() {
        let pieces = batch(2).pieces(1);
        assert_eq!(pieces.iter().map(|(records, _)| *records).collect::<Vec<_>>(), [1, 1]);
        assert_eq!(batch(0).pieces(1).len(), 1);
    }
}

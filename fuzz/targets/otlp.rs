//! Bodies of requests: what decodes is redacted at every level, keeps its records, and is told once as it is told twice.

#![no_main]

mod oracle;

use cc_observe::otlp::{Batch, Signal, decode_json, decode_protobuf, encode, encode_json};
use cc_observe::redact::{CaptureLevel, MIN_ATTRIBUTE_BYTES, Policy};
use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use oracle::planting::planted;

/// Puts an attribute on every record.
fn plant(batch: &mut Batch, key: &str, value: &str) {
    let attribute = || KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) }),
        ..KeyValue::default()
    };
    match batch {
        Batch::Logs(request) => {
            let scopes = request.resource_logs.iter_mut().flat_map(|resource| &mut resource.scope_logs);
            scopes.flat_map(|scope| &mut scope.log_records).for_each(|record| record.attributes.push(attribute()));
        }
        Batch::Metrics(request) => {
            request
                .resource_metrics
                .iter_mut()
                .filter_map(|r| r.resource.as_mut())
                .for_each(|r| r.attributes.push(attribute()));
        }
        Batch::Traces(request) => {
            let scopes = request.resource_spans.iter_mut().flat_map(|resource| &mut resource.scope_spans);
            scopes.flat_map(|scope| &mut scope.spans).for_each(|span| span.attributes.push(attribute()));
        }
    }
}

/// Trace and span ids, in their order.
fn ids(batch: &Batch) -> Vec<&[u8]> {
    match batch {
        Batch::Logs(request) => {
            let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
            scopes
                .flat_map(|scope| &scope.log_records)
                .flat_map(|record| [&*record.trace_id, &*record.span_id])
                .collect()
        }
        Batch::Metrics(_) => Vec::new(),
        Batch::Traces(request) => {
            let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
            scopes.flat_map(|scope| &scope.spans).flat_map(|span| [&*span.trace_id, &*span.span_id]).collect()
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((first, body)) = data.split_first() else { return };
    let signal = Signal::ALL[usize::from(*first) % 3];
    let decoded = if body.first() == Some(&b'{') { decode_json(signal, body) } else { decode_protobuf(signal, body) };
    let Ok(mut batch) = decoded else { return };
    let planted = planted(u64::from(*first) << 32 | body.len() as u64, usize::from(*first) % 3);
    plant(&mut batch, "tool_input", &planted.text);
    for level in [CaptureLevel::Metadata, CaptureLevel::Commands, CaptureLevel::Content] {
        let policy = Policy::of(level);
        let outcome = oracle::REDACTOR.batch(batch.clone(), &policy);
        assert_eq!(outcome.batch.get().records() + outcome.withheld.records, batch.records());
        if outcome.withheld == Default::default() || outcome.withheld.records == 0 {
            let (before, after) = (ids(&batch), ids(outcome.batch.get()));
            assert!(before.len() == after.len() && before.iter().zip(&after).all(|(a, b)| a == b || b.is_empty()));
        }
        let spooled = encode(outcome.batch.get());
        let again = oracle::REDACTOR.again(signal, &spooled, &policy).expect("what was encoded decodes");
        // By their bytes: NaN is not equal to itself.
        assert!(encode(again.get()) == spooled, "once is enough");
        for told in [spooled, encode_json(outcome.batch.get())] {
            assert_eq!(planted.told(&String::from_utf8_lossy(&told)), None, "{level:?} {}", planted.text);
        }
        let mut short = outcome.batch;
        short.shorten(MIN_ATTRIBUTE_BYTES);
    }
});

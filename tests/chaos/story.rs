//! A session of numbered records, each with a secret in its command, in the form of a capture that the stand-in plays.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;

use cc_observe::otlp::{Batch, Signal, decode, encode};
use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

use super::Dice;
use crate::support::{Capture, Sandbox};

/// The number of a record is its time, counted from here: nothing on the way may change that.
pub(super) const EPOCH: u64 = 1_800_000_000_000_000_000;

/// A record by its signal and number.
pub(super) type Number = (Signal, u64);

/// What claude will say.
pub(super) struct Story {
    /// By the file that holds it: the records of a request.
    requests: BTreeMap<String, BTreeSet<Number>>,
}

impl Story {
    /// Writes a story of so many requests into the sandbox; its claude plays it from then on.
    pub(super) fn write(sandbox: &mut Sandbox, dice: &mut Dice, requests: u64) -> Self {
        let templates = Signal::ALL.map(|signal| (signal, template(signal)));
        let mut story = Self { requests: BTreeMap::new() };
        let (mut number, mut listed) = (0, Vec::new());
        for at in 0..requests {
            let signal = dice.pick(&[Signal::Logs, Signal::Logs, Signal::Logs, Signal::Metrics, Signal::Traces]);
            let records = if dice.once_in(8) { dice.between(100, 400) } else { dice.between(1, 30) };
            let numbers: Vec<u64> = (number..number + records).collect();
            number += records;
            let template = &templates.iter().find(|(of, _)| *of == signal).unwrap().1;
            let body = encode(&numbered(template.clone(), &numbers));
            let file = format!("{at:03}.{}.bin.gz", signal.as_str());
            sandbox.write(&format!("story/{file}"), gzip(&body));
            let is_final = at + 2 >= requests;
            listed.push(serde_json::json!({
                "file": file, "signal": signal.as_str(), "at_ms": 0, "content_type": "application/x-protobuf",
                "final": is_final,
            }));
            story.requests.insert(file, numbers.into_iter().map(|number| (signal, number)).collect());
        }
        let capture = serde_json::json!({
            "about": "a story", "print": true, "exit_code": 0, "total_cost_usd": null, "wall_ms": 0, "requests": listed,
        });
        sandbox.write("story/capture.json", capture.to_string());
        let (directory, acknowledged) = (sandbox.at("story"), sandbox.at("out/acknowledged"));
        sandbox.set("FAKE_CLAUDE_CAPTURE", directory).set("FAKE_CLAUDE_ACKNOWLEDGED", acknowledged);
        sandbox.set("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1");
        story
    }

    /// All that it tells.
    pub(super) fn numbers(&self) -> BTreeSet<Number> {
        self.requests.values().flatten().copied().collect()
    }

    /// What claude was told to have arrived so far.
    pub(super) fn acknowledged(&self, sandbox: &Sandbox) -> BTreeSet<Number> {
        let lines = fs::read_to_string(sandbox.at("out/acknowledged")).unwrap_or_default();
        lines.lines().flat_map(|file| &self.requests[file]).copied().collect()
    }
}

/// The numbers of a batch's records, without ours.
pub(super) fn numbers(batch: &Batch) -> Vec<Number> {
    let records = crate::support::records(batch);
    let theirs = records.iter().filter(|record| record.scope != "cc_observe");
    theirs.map(|record| (record.signal, record.time.saturating_sub(EPOCH))).collect()
}

/// A captured batch of the signal with one record that holds a command.
fn template(signal: Signal) -> Batch {
    let capture = Capture::load(if signal == Signal::Traces { "05a-traces-tool-details" } else { "02-tool-details" });
    let of_signal = capture.requests.iter().filter(|request| request.signal == signal);
    let batches = of_signal.map(|request| decode(signal, request.encoding(), &request.body).unwrap());
    let mut batch = batches.into_iter().find(|batch| commands(&mut batch.clone()) > 0).unwrap();
    only_one(&mut batch);
    batch
}

/// How many records could hold a command.
fn commands(batch: &mut Batch) -> usize {
    match batch {
        Batch::Logs(logs) => {
            let scopes = logs.resource_logs.iter().flat_map(|from| &from.scope_logs);
            scopes.flat_map(|scope| &scope.log_records).filter(|log| holds_command(&log.attributes)).count()
        }
        Batch::Metrics(_) => 1,
        Batch::Traces(traces) => {
            let scopes = traces.resource_spans.iter().flat_map(|from| &from.scope_spans);
            scopes.flat_map(|scope| &scope.spans).filter(|span| holds_command(&span.attributes)).count()
        }
    }
}

const COMMANDS: [&str; 2] = ["tool_parameters", "full_command"];

fn holds_command(attributes: &[KeyValue]) -> bool {
    attributes.iter().any(|attribute| COMMANDS.contains(&attribute.key.as_str()))
}

fn only_one(batch: &mut Batch) {
    match batch {
        Batch::Logs(logs) => {
            logs.resource_logs.truncate(1);
            let scopes = &mut logs.resource_logs[0].scope_logs;
            scopes.truncate(1);
            scopes[0].log_records.retain(|log| holds_command(&log.attributes));
            scopes[0].log_records.truncate(1);
        }
        Batch::Metrics(metrics) => {
            metrics.resource_metrics.truncate(1);
            let scopes = &mut metrics.resource_metrics[0].scope_metrics;
            scopes.truncate(1);
            scopes[0].metrics.retain(|metric| metric.name == "claude_code.cost.usage");
            if let Some(Data::Sum(sum)) = &mut scopes[0].metrics[0].data {
                sum.data_points.truncate(1);
            }
        }
        Batch::Traces(traces) => {
            traces.resource_spans.truncate(1);
            let scopes = &mut traces.resource_spans[0].scope_spans;
            scopes.truncate(1);
            scopes[0].spans.retain(|span| holds_command(&span.attributes));
            scopes[0].spans.truncate(1);
        }
    }
}

/// The one record of the template so many times, each with its number, and a command with a secret of its own.
fn numbered(mut batch: Batch, numbers: &[u64]) -> Batch {
    match &mut batch {
        Batch::Logs(logs) => {
            let records = &mut logs.resource_logs[0].scope_logs[0].log_records;
            let one = records.remove(0);
            records.extend(numbers.iter().map(|number| {
                let mut log = one.clone();
                log.time_unix_nano = EPOCH + number;
                log.observed_time_unix_nano = EPOCH + number;
                plant(&mut log.attributes, *number);
                log
            }));
        }
        Batch::Metrics(metrics) => {
            let metric = &mut metrics.resource_metrics[0].scope_metrics[0].metrics[0];
            let Some(Data::Sum(sum)) = &mut metric.data else { panic!("cost is a sum") };
            let one = sum.data_points.remove(0);
            sum.data_points.extend(numbers.iter().map(|number| {
                let mut point = one.clone();
                point.time_unix_nano = EPOCH + number;
                point
            }));
        }
        Batch::Traces(traces) => {
            let spans = &mut traces.resource_spans[0].scope_spans[0].spans;
            let one = spans.remove(0);
            spans.extend(numbers.iter().map(|number| {
                let mut span = one.clone();
                span.start_time_unix_nano = EPOCH + number - 1;
                span.end_time_unix_nano = EPOCH + number;
                span.span_id = (number + 1).to_be_bytes().to_vec();
                plant(&mut span.attributes, *number);
                span
            }));
        }
    }
    batch
}

fn plant(attributes: &mut [KeyValue], number: u64) {
    // As long and as mixed as a real one; nobody's.
    let secret = format!("FAKE{number}x{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let command = match number % 4 {
        0 => format!("curl -u deploy:{secret} https://intern.example.com/{number}"),
        1 => format!("mysql -uroot -p{secret} -e 'select {number}'"),
        2 => format!("deploy --password {secret} --number {number}"),
        _ => format!("curl -H 'Authorization: Bearer {secret}' https://intern.example.com/{number}"),
    };
    for attribute in attributes {
        let text = match attribute.key.as_str() {
            "tool_parameters" => serde_json::json!({ "bash_command": "curl", "full_command": command }).to_string(),
            "full_command" => command.clone(),
            "event.sequence" => {
                attribute.value = Some(AnyValue { value: Some(any_value::Value::IntValue(number.cast_signed())) });
                continue;
            }
            _ => continue,
        };
        attribute.value = Some(AnyValue { value: Some(any_value::Value::StringValue(text)) });
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

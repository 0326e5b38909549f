//! Edge: what redaction costs, beside copying the same bytes and beside the `regex` crate, in one run.
//!
//! `cargo bench --bench redact` prints each figure; `-- clean generators` prints some of them: there are `start`, `batch`,
//! `clean`, `commands`, `secrets` and `generators`. With `check` among them, ratios are asserted, and nothing else: how fast a
//! machine is says nothing about the code.
#![allow(
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measuring tool: it prints, and what should not happen ends it"
)]

#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "shared with the tests, which use more of it")]
mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant};

use cc_observe::otlp::{Encoding, decode_json, decode_protobuf};
use cc_observe::redact::{CaptureLevel, Policy, Redactor, TagKey};
use regex::Regex;
use serde_json::Value;
use support::Capture;

/// How large a text is that is measured, in bytes.
const SIZE: usize = 1 << 20;
/// How large the strings of a record are together, in bytes.
const RECORD: usize = 2048;
/// How long something is repeated before the best time counts.
const PATIENCE: Duration = Duration::from_millis(400);
/// The log batch that is typical of five seconds of work: the second of this capture.
const TYPICAL: (&str, usize) = ("02-tool-details", 1);

/// What hostile texts are repeated from.
const UNITS: [&str; 25] = [
    "password=",
    "\"password\":\"",
    "-----BEGIN RSA PRIVATE KEY-----",
    "eyJ",
    "eyJa.",
    "https://",
    "https://a:",
    "a:b@",
    "\\",
    "\"",
    "\\\\\\\"",
    "A",
    "QUJD",
    "deadbeef",
    " -p",
    "Bearer ",
    "ghp_",
    "sk-",
    "Cookie: a=b; ",
    "a=b=c=",
    "\n",
    "\0",
    "é",
    "🔑",
    "{\"a\":",
];

/// Commands as people run them, with nothing secret in them, near as some come.
const COMMANDS: [&str; 24] = [
    "git status --short && git log --oneline -5",
    "cargo test --all --locked 2>&1 | tail -40",
    "npm run build -- --mode production",
    "docker ps -a --format '{{.Names}}\t{{.Status}}'",
    "kubectl get pods -n payments -o wide",
    "grep -rn \"password\" src/ --include=*.rs | head",
    "curl -fsS https://registry.example.org/v2/_catalog | jq -r '.repositories[]'",
    "ls -la ~/.config && cat package.json",
    "python -m pytest tests/test_tokens.py -k 'refresh and not slow' -x",
    "find . -name '*.key' -not -path './target/*' -print",
    "sed -n '1,80p' crates/auth/src/session.rs",
    "ssh deploy@build-07.example.org 'uptime; df -h /'",
    "export PATH=\"$HOME/.local/bin:$PATH\"",
    "for file in docs/*.md; do echo \"$file\"; wc -l \"$file\"; done",
    "gh pr view 1824 --json title,author,reviews",
    "tar -czf release-1.4.2.tar.gz -C target/release app",
    "rg -n 'api_key|secret' config/ || true",
    "psql -h localhost -U app -d app -c 'select count(*) from tokens'",
    "mkdir -p build && cmake -S . -B build -DCMAKE_BUILD_TYPE=Release",
    "openssl x509 -in server.crt -noout -dates",
    "go test ./... -run TestKeyRotation -count=1",
    "echo \"done: $(date -u +%H:%M)\" >> build.log",
    "node scripts/check-links.js --root docs --ignore-case",
    "aws s3 ls s3://example-artifacts/releases/ --region eu-central-1",
];

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let check = asked.iter().any(|part| part == "check");
    let wanted = |part: &str| asked.iter().all(|asked| asked == "check") || asked.iter().any(|asked| asked == part);
    println!("redaction on one core; load average {}", fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    // First, since everything is built at its first use.
    let redactor = start();
    let bench = Bench { redactor, check };
    let parts: [(&str, Measure); 5] = [
        ("batch", Bench::batch),
        ("clean", Bench::clean),
        ("commands", Bench::commands),
        ("secrets", Bench::secrets),
        ("generators", Bench::generators),
    ];
    for (name, measure) in parts {
        if wanted(name) {
            measure(&bench);
        }
    }
}

/// Builds all tables, by searching a text with something of everything.
fn start() -> Redactor {
    let begun = Instant::now();
    let redactor = Redactor::new(TagKey::new(&[7; 32]));
    black_box(redactor.text("DB_PASSWORD=x curl -u a:b https://a:b@c key: value; mysql -px"));
    println!("start      {:>9.2} ms until all tables are built (goal 5)", begun.elapsed().as_secs_f64() * 1e3);
    redactor
}

/// One part of what is measured.
type Measure = fn(&Bench);

/// Something else that is done with the same texts, and what it is called.
type Other<'o> = (&'o str, &'o dyn Fn(&str));

struct Bench {
    redactor: Redactor,
    /// Whether ratios are asserted.
    check: bool,
}

impl Bench {
    /// The best time in which something is done.
    fn best(mut work: impl FnMut() -> Duration) -> f64 {
        let begun = Instant::now();
        let mut best = Duration::MAX;
        while begun.elapsed() < PATIENCE {
            best = best.min(work());
        }
        best.as_secs_f64()
    }

    /// How long the redaction of texts takes at best, and how much is masked.
    fn redact(&self, texts: &[String]) -> (f64, usize) {
        let mut masked = 0;
        let best = Self::best(|| {
            let begun = Instant::now();
            masked = texts.iter().map(|text| black_box(self.redactor.text(black_box(text))).1.len()).sum();
            begun.elapsed()
        });
        (best, masked)
    }

    /// Prints the rate of redaction and of others on the same texts; gives their ratio, each beside redaction.
    fn compare(&self, name: &str, goal: &str, texts: &[String], others: &[Other<'_>]) -> Vec<f64> {
        let bytes: usize = texts.iter().map(String::len).sum();
        let rate = |seconds: f64| bytes as f64 / seconds / 1e6;
        let (seconds, masked) = self.redact(texts);
        let mut line = format!("{name:<34} {:>7.1} MB/s{goal}, {masked} masked in {bytes} bytes", rate(seconds));
        let ratios = others.iter().map(|(other, work)| {
            let theirs = Self::best(|| {
                let begun = Instant::now();
                for text in texts {
                    work(black_box(text));
                }
                begun.elapsed()
            });
            write!(line, "; {other} {:.0} MB/s", rate(theirs)).unwrap();
            seconds / theirs
        });
        let ratios = ratios.collect();
        println!("{line}");
        ratios
    }

    /// A ratio that must not be greater than this.
    fn at_most(&self, what: &str, ratio: f64, most: f64) {
        assert!(!self.check || ratio <= most, "{what}: {ratio:.1} times, and {most} at most");
    }

    fn batch(&self) {
        let (name, at) = TYPICAL;
        let body = Capture::load(name).requests[at].body.clone();
        let batch = decode_protobuf(cc_observe::otlp::Signal::Logs, &body).unwrap();
        for level in [CaptureLevel::Metadata, CaptureLevel::Commands, CaptureLevel::Content] {
            let policy = Policy::of(level);
            let best = Self::best(|| {
                let batch = batch.clone();
                let begun = Instant::now();
                black_box(self.redactor.batch(batch, &policy));
                begun.elapsed()
            });
            let (records, bytes) = (batch.records(), body.len());
            println!(
                "batch      {:>9.1} us for {records} records, {bytes} bytes, at {} (goal 100)",
                best * 1e6,
                level.as_str()
            );
        }
    }

    fn clean(&self) {
        let strings: Vec<String> =
            strings_of_captures().into_iter().filter(|text| self.redactor.text(text).1.is_empty()).collect();
        let average = strings.iter().map(String::len).sum::<usize>() / strings.len();
        let one_by_one: Vec<String> = strings.iter().cycle().take(SIZE / average).cloned().collect();
        let records = filled(|text, at| {
            text.push_str(&strings[at % strings.len()]);
            text.push('\n');
        });
        let copy = |text: &str| drop(black_box(text.to_owned()));
        self.compare("clean: strings of captures", "", &one_by_one, &[("copied", &copy)]);
        let ratios =
            self.compare("clean: 2 KB of them at once", " (goal 1000)", &cut(&records, RECORD), &[("copied", &copy)]);
        self.at_most("2 KB of clean strings beside a copy", ratios[0], 400.0);
        let plain = filled(|text, at| writeln!(text, "line {at} of what a build prints, {} ms", at * 7 % 901).unwrap());
        let ratios =
            self.compare("clean: 2 KB of plain lines", " (goal 1000)", &cut(&plain, RECORD), &[("copied", &copy)]);
        self.at_most("2 KB of plain lines beside a copy", ratios[0], 100.0);
    }

    fn commands(&self) {
        let all: Vec<String> = COMMANDS.iter().cycle().take(5000).map(|&command| command.to_owned()).collect();
        self.compare("commands: ordinary", "", &all, &[]);
        let json = |command: &String| serde_json::json!({ "command": command, "description": "a step" }).to_string();
        let all: Vec<String> = all.iter().map(json).collect();
        self.compare("commands: ordinary, as tool input", "", &all, &[]);
    }

    fn secrets(&self) {
        let mut random = Random(0x5eed);
        let tokens = filled(|text, at| {
            let (prefix, length) = SHAPES[at % SHAPES.len()];
            write!(text, "round {at}: the answer of the server was {prefix}{} and ", random.letters(length)).unwrap();
            text.push_str("the job went on with what it had been told to do before, line after line of it\n");
        });
        let shapes: Vec<String> =
            SHAPES.iter().map(|(prefix, length)| format!("{prefix}[A-Za-z0-9]{{{length}}}")).collect();
        let regex = Regex::new(&shapes.join("|")).unwrap();
        let replace = |text: &str| drop(black_box(regex.replace_all(text, "[REDACTED]")));
        let ratios =
            self.compare("secrets: tokens, 2 KB", " (goal 150)", &cut(&tokens, RECORD), &[("regex", &replace)]);
        self.at_most("tokens beside regex with eight shapes", ratios[0], 40.0);
        let mixed = filled(|text, at| {
            let value = random.letters(20);
            match at % 6 {
                0 => writeln!(text, "DB_PASSWORD={value}"),
                1 => {
                    writeln!(text, "curl -H \"Authorization: Bearer {value}{value}\" https://api.example.org/v1/items")
                }
                2 => writeln!(text, "psql postgres://app:{value}@db.example.org:5432/app -c 'select 1'"),
                3 => writeln!(text, "mysql -u root -p{value} app < dump.sql"),
                4 => writeln!(text, "  \"api_key\": \"{value}\","),
                _ => writeln!(text, "the token is ghp_{}{}", random.letters(16), value),
            }
            .unwrap();
            text.push_str("ordinary text stands between them: paths like src/main.rs, numbers like 4711, and words\n");
        });
        self.compare("secrets: mixed, 2 KB", " (goal 150)", &cut(&mixed, RECORD), &[]);
        let each: Vec<String> = mixed.lines().map(str::to_owned).collect();
        self.compare("secrets: mixed, line by line", "", &each, &[]);
    }

    fn generators(&self) {
        for unit in UNITS {
            let text = [unit.repeat(SIZE / unit.len())];
            let half = [unit.repeat(SIZE / unit.len() / 2)];
            let ((seconds, masked), (before, _)) = (self.redact(&text), self.redact(&half));
            let rate = text[0].len() as f64 / seconds / 1e6;
            let growth = seconds / before;
            println!(
                "generator {unit:<36?} {rate:>7.1} MB/s (goal 50), {masked} masked, twice the text {growth:.1} times the time"
            );
            // A quadratic one would take four times as long; caches and the machine's other work account for some.
            self.at_most(unit, growth, 3.4);
        }
    }
}

/// Tokens by their beginnings, and how many letters and digits follow.
const SHAPES: [(&str, usize); 8] = [
    ("ghp_", 36),
    ("gho_", 36),
    ("glpat-", 20),
    ("xoxb-1234567890-", 24),
    ("AKIA", 16),
    ("npm_", 36),
    ("sk_live_", 24),
    ("hf_", 34),
];

/// The strings in all captures, each once.
fn strings_of_captures() -> BTreeSet<String> {
    let mut strings = BTreeSet::new();
    let directory = Capture::directory("");
    for entry in fs::read_dir(directory)
        .unwrap()
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("capture.json").exists())
    {
        for request in Capture::read(&entry.path()).requests {
            let batch = match request.encoding() {
                Encoding::Json => decode_json(request.signal, &request.body),
                Encoding::Protobuf => decode_protobuf(request.signal, &request.body),
            };
            let Ok(batch) = batch else { continue };
            let value = match &batch {
                cc_observe::otlp::Batch::Logs(logs) => serde_json::to_value(logs),
                cc_observe::otlp::Batch::Metrics(metrics) => serde_json::to_value(metrics),
                cc_observe::otlp::Batch::Traces(traces) => serde_json::to_value(traces),
            };
            collect(&value.unwrap(), &mut strings);
        }
    }
    strings
}

fn collect(value: &Value, strings: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(strings.insert(text.clone())),
        Value::Array(values) => values.iter().for_each(|value| collect(value, strings)),
        Value::Object(values) => values.values().for_each(|value| collect(value, strings)),
        _ => {}
    }
}

/// A text of the size that is measured, of pieces.
fn filled(mut piece: impl FnMut(&mut String, usize)) -> String {
    let mut text = String::with_capacity(SIZE + RECORD);
    for at in 0.. {
        if text.len() >= SIZE {
            break;
        }
        piece(&mut text, at);
    }
    text
}

/// A text cut at the ends of lines into pieces that are a little longer than this.
fn cut(text: &str, length: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if pieces.last().is_some_and(|piece| piece.len() >= length) {
            pieces.push(String::new());
        }
        pieces.last_mut().unwrap().push_str(line);
    }
    pieces
}

/// Letters and digits that are the same in every run: xorshift.
struct Random(u64);

impl Random {
    fn letters(&mut self, count: usize) -> String {
        const ALL: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let letter = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            char::from(ALL[(self.0 >> 20) as usize % ALL.len()])
        };
        std::iter::repeat_with(letter).take(count).collect()
    }
}

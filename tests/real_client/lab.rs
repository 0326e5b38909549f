//! Edge: runs in the lab (`tests/lab`): the real client, plain and through us, one after the other in the same place.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cc_observe::otlp::{Batch, Encoding, Signal, decode};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::Client;
use crate::support::records::{Record, records};
use crate::support::sandbox::{cc_observe, lab};

/// Where the organization's endpoint is in the lab.
pub(crate) const ORG: &str = "http://127.0.0.1:4318";
/// Where an endpoint is that a test says should get nothing, or something else.
pub(crate) const OTHER: &str = "http://127.0.0.1:4319";

/// What plain claude needs to export to [`ORG`] what we ask it for at the level `commands`.
pub(crate) const EXPORT: [(&str, &str); 7] = [
    ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
    ("OTEL_LOGS_EXPORTER", "otlp"),
    ("OTEL_METRICS_EXPORTER", "otlp"),
    ("OTEL_TRACES_EXPORTER", "otlp"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", ORG),
    ("OTEL_LOG_TOOL_DETAILS", "1"),
];

/// One place for several runs. Home and working directory are new for each, unless the home is kept.
pub(crate) struct Lab {
    client: &'static Client,
    root: TempDir,
    environment: Vec<(OsString, OsString)>,
    options: Vec<OsString>,
}

/// What came out of a run.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The exit code, 128 and more for signals, 124 when it had to be ended.
    pub(crate) code: i32,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it complained about.
    pub(crate) stderr: String,
    /// What the organization's endpoint got.
    pub(crate) org: Vec<Export>,
    /// What the other endpoint got.
    pub(crate) other: Vec<Export>,
    /// What those got that `--squat` let take a port of ours when it was free.
    pub(crate) stolen: Vec<Export>,
    /// Those ports.
    pub(crate) taken: Vec<u16>,
    /// What `--summary-file` says; null for plain claude.
    pub(crate) summary: Value,
}

/// One request to an endpoint.
#[derive(Debug)]
pub(crate) struct Export {
    /// As it came, inflated.
    pub(crate) body: Vec<u8>,
    /// Decoded.
    pub(crate) batch: Batch,
    /// Path, headers, status and sizes, as `tests/lab` writes them.
    pub(crate) about: Value,
}

impl Export {
    /// A header of the request.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let headers = self.about["headers"].as_array().into_iter().flatten();
        headers
            .filter(|pair| pair[0].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name)))
            .find_map(|pair| pair[1].as_str())
    }
}

/// Everything in exports that the endpoint has accepted.
pub(crate) fn accepted(exports: &[Export]) -> Vec<Record> {
    exports.iter().filter(|export| export.about["status"] == 200).flat_map(|export| records(&export.batch)).collect()
}

impl Lab {
    /// A place in which the model says what the scenario says. In it `@OUT@` stands for this place, `@WORK@` for the
    /// working directory.
    pub(crate) fn new(client: &'static Client, scenario: &str) -> Self {
        let root = tempfile::Builder::new().prefix("cco-lab").tempdir().unwrap();
        fs::create_dir_all(root.path().join("seed")).unwrap();
        fs::create_dir_all(root.path().join("out")).unwrap();
        let lab = Self { client, root, environment: Vec::new(), options: Vec::new() };
        lab.plays(scenario);
        lab
    }

    /// From the next run on the model says this.
    pub(crate) fn plays(&self, scenario: &str) {
        let scenario = scenario.replace("@OUT@", self.out().to_str().unwrap());
        fs::write(self.root.path().join("scenario.json"), scenario).unwrap();
    }

    /// A variable for the runs to come.
    pub(crate) fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> &mut Self {
        let name = name.into();
        self.unset(&name);
        self.environment.push((name, value.into()));
        self
    }

    /// Variables for the runs to come.
    pub(crate) fn set_all<const N: usize>(&mut self, pairs: [(&str, &str); N]) -> &mut Self {
        for (name, value) in pairs {
            self.set(name, value);
        }
        self
    }

    /// No such variable in the runs to come.
    pub(crate) fn unset(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        self.environment.retain(|(known, _)| known != name.as_ref());
        self
    }

    /// Options of the lab for the runs to come: `--sink 503`, say.
    pub(crate) fn options<const N: usize>(&mut self, options: [&str; N]) -> &mut Self {
        self.options = options.map(OsString::from).to_vec();
        self
    }

    /// A file that is there before the runs to come: `home/.claude/settings.json`, `work/…`.
    pub(crate) fn file(&self, path: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let file = self.seeded(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, contents).unwrap();
        self.at(path)
    }

    /// Claude has been used before: it asks neither for a theme nor for trust nor for a key.
    pub(crate) fn has_been_used(&self) {
        let known = json!({
            "hasCompletedOnboarding": true,
            "theme": "dark",
            "projects": { self.at("work").to_str().unwrap(): { "hasTrustDialogAccepted": true } },
            // The last twenty characters of the key.
            "customApiKeyResponses": { "approved": ["sk-ant-fake-lab-key"], "rejected": [] },
        });
        self.file("home/.claude.json", known.to_string());
    }

    /// Where such a file is kept until it is copied into place.
    pub(crate) fn seeded(&self, path: &str) -> PathBuf {
        self.root.path().join("seed").join(path)
    }

    /// None of the files any more.
    pub(crate) fn no_files(&self) {
        let seed = self.root.path().join("seed");
        fs::remove_dir_all(&seed).unwrap();
        fs::create_dir(&seed).unwrap();
    }

    /// Where home, working directory and everything else is.
    pub(crate) fn out(&self) -> PathBuf {
        self.root.path().join("out")
    }

    /// Something in there.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.out().join(path)
    }

    /// Our state directory in there.
    pub(crate) fn state(&self) -> PathBuf {
        self.at("home/.local/state/cc-observe")
    }

    /// How many runs have batches waiting, whatever the destination.
    pub(crate) fn waiting(&self) -> usize {
        let entries = |path: PathBuf| std::fs::read_dir(path).into_iter().flatten().map(|entry| entry.unwrap().path());
        entries(self.state().join("spool")).flat_map(entries).filter(|path| path.is_dir()).count()
    }

    /// Runs plain claude with these arguments.
    #[track_caller]
    pub(crate) fn plain<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Finished {
        self.run(
            std::iter::once("claude".into()).chain(arguments.into_iter().map(|argument| argument.as_ref().to_owned())),
        )
    }

    /// Runs it through us.
    #[track_caller]
    pub(crate) fn observed<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Finished {
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned());
        self.run(self.observed_command().into_iter().chain(arguments))
    }

    /// `cc-observe --summary-file FILE claude`
    pub(crate) fn observed_command(&self) -> Vec<OsString> {
        vec![cc_observe().into(), "--summary-file".into(), self.at("summary.json").into(), "claude".into()]
    }

    /// Runs any command to its end.
    #[track_caller]
    pub(crate) fn run(&self, command: impl IntoIterator<Item = OsString>) -> Finished {
        self.start(command).finish()
    }

    /// Starts any command.
    #[track_caller]
    pub(crate) fn start(&self, command: impl IntoIterator<Item = OsString>) -> Running<'_> {
        self.start_and_settle(command, 30)
    }

    /// Starts any command. What it leaves behind has so many seconds to end.
    #[track_caller]
    pub(crate) fn start_and_settle(&self, command: impl IntoIterator<Item = OsString>, seconds: u32) -> Running<'_> {
        let _ = fs::remove_file(self.at("summary.json"));
        let mut process = Command::new(self.client.unshare[0]);
        process.args(&self.client.unshare[1..]).arg(lab()).arg("--claude").arg(&self.client.claude);
        process
            .args(["--settle", &seconds.to_string(), "--seed"])
            .arg(self.root.path().join("seed"))
            .args(&self.options);
        for (name, value) in &self.environment {
            let mut pair = name.clone();
            pair.push("=");
            pair.push(value);
            process.arg("--env").arg(pair);
        }
        process.arg(self.out()).arg(self.root.path().join("scenario.json")).args(command);
        let complaints = fs::File::create(self.root.path().join("lab.stderr")).unwrap();
        process.stdin(Stdio::null()).stdout(Stdio::null()).stderr(complaints);
        Running { lab: self, process: process.spawn().unwrap() }
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.at(name)).unwrap_or_default()).into_owned()
    }
}

/// A run that goes on. Everything in it ends when this is dropped.
pub(crate) struct Running<'a> {
    lab: &'a Lab,
    process: Child,
}

impl Running<'_> {
    /// Waits for its end.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Finished {
        self.process.wait().unwrap();
        let complaints = fs::read_to_string(self.lab.root.path().join("lab.stderr")).unwrap_or_default();
        let code = self.lab.text("rc").trim().parse().unwrap_or_else(|_| panic!("the lab failed: {complaints}"));
        Finished {
            code,
            stdout: self.lab.text("stdout"),
            stderr: self.lab.text("stderr"),
            org: exports(&self.lab.at("org")),
            other: exports(&self.lab.at("other")),
            stolen: exports(&self.lab.at("stolen")),
            taken: self.lab.text("taken").lines().map(|port| port.parse().unwrap()).collect(),
            summary: serde_json::from_str(&self.lab.text("summary.json")).unwrap_or_default(),
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // `unshare --kill-child` takes the whole namespace with it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the lab has kept of an endpoint, in order of arrival.
fn exports(directory: &Path) -> Vec<Export> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "headers"));
    files.sort();
    let read = |file: PathBuf| {
        let about: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let path = about["path"].as_str().unwrap();
        let signal =
            Signal::ALL.into_iter().find(|signal| path.ends_with(signal.path())).unwrap_or_else(|| panic!("{path}"));
        let (body, encoding) = match fs::read(file.with_extension("json")) {
            Ok(body) => (body, Encoding::Json),
            Err(_) => (fs::read(file.with_extension("bin")).unwrap(), Encoding::Protobuf),
        };
        Export { batch: decode(signal, encoding, &body).unwrap(), body, about }
    };
    files.into_iter().map(read).collect()
}

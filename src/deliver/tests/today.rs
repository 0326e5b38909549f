//! The configuration file changes while a relay runs.

use std::path::{Path, PathBuf};

use super::*;
use crate::config::Config;
use crate::config::reading::Reading;
use crate::deliver::Today;
use crate::redact::CaptureLevel;

const BEGAN_WITH: &str = "capture = \"content\"\n";
const STRICTER: &str = "capture = \"metadata\"\n";

struct File {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

impl File {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.toml");
        std::fs::write(&path, BEGAN_WITH).unwrap();
        Self { _directory: directory, path }
    }

    /// As an editor does it: another file takes its place.
    fn write(&self, text: &str) {
        let new = self.path.with_extension("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, &self.path).unwrap();
    }

    fn watched(&self) -> Arc<Today> {
        let began_with = Config::parse(Path::new("config.toml"), BEGAN_WITH).unwrap().fingerprint;
        Arc::new(Today::new(
            Reading { file: Some(self.path.clone()), ..Reading::default() },
            began_with,
            Arc::new(Redactor::of_tests()),
        ))
    }
}

#[test]
fn only_what_is_stricter_than_at_the_start_counts() {
    let file = File::new();
    let today = file.watched();
    let given = Policy::of(CaptureLevel::Commands);
    let level = |name: &str| Ok::<_, ()>(today.policy(name, &given).map_err(|_| ())?.map(|today| today.level()));
    assert_eq!(level("org"), Ok(None), "it is the file that the relay began with");
    for (text, expected) in [
        (STRICTER, Ok(Some(CaptureLevel::Metadata))),
        ("summary = \"off\"\n", Ok(Some(CaptureLevel::Commands))),
        ("capture = \"content\"\n# more\n", Ok(Some(CaptureLevel::Commands))),
        (
            "[destinations.org]\nendpoint = \"https://otlp.example.com\"\ncapture = \"metadata\"\n",
            Ok(Some(CaptureLevel::Metadata)),
        ),
        (
            "capture = \"content\"\n[[redaction.rules]]\nid = \"broken\"\npattern = \"(\"\n",
            Ok(Some(CaptureLevel::Metadata)),
        ),
        ("capture = ", Err(())),
        (BEGAN_WITH, Ok(None)),
    ] {
        file.write(text);
        assert_eq!(level("org"), expected, "{text}");
    }
    file.write(STRICTER);
    assert_eq!(level("org"), Ok(Some(CaptureLevel::Metadata)));
    std::fs::remove_file(&file.path).unwrap();
    assert_eq!(level("org"), Ok(None), "a file that is gone asks for nothing more");
    std::fs::create_dir(&file.path).unwrap();
    assert_eq!(level("org"), Err(()));
}

#[tokio::test]
async fn while_the_file_cannot_be_used_nothing_is_sent_and_nothing_is_lost() {
    let (fixture, endpoint, file) = (fixture(), EndpointStub::start([]).await, File::new());
    let destination = destination(&endpoint.url);
    let redaction =
        Redaction::new(Arc::new(Redactor::of_tests()), &Policy::default(), &destination, Some(file.watched()));
    file.write("capture = ");
    let queue = queue_of(&fixture, "run-1", &[1, 2]);
    let delivery = Delivery::start_with(&destination, redaction, queue, Vec::new(), LATER, 100);
    assert_eq!(delivery.idle(Instant::now() + Duration::from_secs(60)).await, Idle::Held);
    let counts = delivery.close().await;
    assert_eq!(counts.last_error.as_deref(), Some("is sent nothing while the configuration file cannot be used"));
    assert_eq!(counts.own.logs.spooled, Count { batches: 2, records: 3 });
    assert!(endpoint.received().is_empty());
}

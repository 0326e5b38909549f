//! Delivery to a real endpoint on loopback, which answers as it is told.

mod endpoint;
mod outage;
mod today;
mod together;
mod totals;
mod transports;

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::net::TcpListener;
use tokio::time::Instant;

use super::prepare::Redaction;
use super::worker::{Delivery, Idle};
use super::{Delays, DeliveryCounts};
use crate::config::{Destination, Endpoint};
use crate::otlp::Signal;
use crate::redact::{CaptureLevel, Policy, Redactor};
use crate::secrets::Secret;
use crate::spool::tests::{Fixture, fixture, push as store, redacted};
use crate::spool::{Bounds, Count, Kept, Queue};
use endpoint::{EndpointStub, Reply};

/// No waiting to speak of: what is tested is what is done, not when.
const NOW: Delays = Delays {
    least: Duration::from_millis(1),
    most: Duration::from_millis(2),
    most_asked: Duration::from_millis(2),
    probe: Duration::from_millis(1),
};

/// Nothing is tried a second time.
const LATER: Delays = Delays {
    least: Duration::from_secs(3600),
    most: Duration::from_secs(3600),
    most_asked: Duration::from_secs(3600),
    probe: Duration::from_secs(3600),
};

/// A deadline that no test reaches.
fn never() -> Instant {
    Instant::now() + Duration::from_secs(120)
}

fn destination(url: &str) -> Destination {
    Destination {
        spool: "org".to_owned(),
        name: "org".into(),
        endpoint: Endpoint::parse(url).unwrap(),
        headers: vec![("x-sumo-token".into(), Secret::new("FAKE%20token"))],
        capture: CaptureLevel::Metadata,
        auth: None,
        transport: crate::config::Transport::default(),
        max_attribute_bytes: None,
        temporality: crate::config::Temporality::default(),
        bounds: Bounds::DEFAULT,
        durability: crate::spool::Durability::default(),
        signals: Signal::ALL.to_vec(),
    }
}

/// Sends batches one by one.
fn start(destination: &Destination, own: Queue, adopted: Vec<Queue>, delays: Delays) -> Delivery {
    start_with(destination, own, adopted, delays, 1)
}

fn start_with(
    destination: &Destination,
    own: Queue,
    adopted: Vec<Queue>,
    delays: Delays,
    most_together: usize,
) -> Delivery {
    let redaction = Redaction::new(Arc::new(Redactor::of_tests()), &Policy::default(), destination, None);
    Delivery::start_with(destination, redaction, own, adopted, delays, most_together)
}

impl Fixture {
    fn queue(&self, run: &str) -> Queue {
        self.spool.queue("org", run).unwrap()
    }

    fn aside(&self, kind: &str) -> usize {
        std::fs::read_dir(self.root.join("org").join(kind)).map_or(0, Iterator::count)
    }
}

async fn push(delivery: &Delivery, records: u64) {
    let kept = delivery.push(Signal::Logs, records, 7, redacted(Signal::Logs, records)).await;
    assert_eq!(kept, Kept::OnDisk);
}

/// Pushes batches of 1, 2 … records to an endpoint that answers so, and waits until nothing waits.
async fn deliver(fixture: &Fixture, endpoint: &EndpointStub, batches: u64) -> DeliveryCounts {
    let queue = fixture.queue("run-1");
    for records in 1..=batches {
        store(&queue, records);
    }
    let delivery = start(&destination(&endpoint.url), queue, Vec::new(), NOW);
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    let counts = delivery.close().await;
    assert!(counts.own.logs.adds_up(), "{counts:?}");
    counts
}

#[tokio::test]
async fn what_is_pushed_arrives_compressed_with_the_headers_as_configured() {
    let (fixture, endpoint) = (fixture(), EndpointStub::start([]).await);
    let delivery = start(&destination(&endpoint.url), fixture.queue("run-1"), Vec::new(), NOW);
    push(&delivery, 3).await;
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    push(&delivery, 4).await;
    let metrics = delivery.push(Signal::Metrics, 0, 7, redacted(Signal::Metrics, 0)).await;
    assert_eq!(metrics, Kept::OnDisk);
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    let received = endpoint.received();
    assert_eq!(received.len(), 3);
    assert_eq!((received[0].path.as_str(), received[0].records), ("/FAKEpath/v1/logs", 3));
    for (name, value) in [
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "gzip"),
        ("x-sumo-token", "FAKE%20token"),
        ("user-agent", concat!("cc-observe/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(received[0].headers[name], value);
    }
    let counts = delivery.close().await;
    assert_eq!(counts.own.logs.delivered, Count { batches: 2, records: 7 });
    assert_eq!((counts.last_error, counts.failing_since), (None, None));
    assert!(!fixture.root.join("org/run-1").exists());
}

#[tokio::test]
async fn an_endpoint_that_comes_back_gets_everything_in_order() {
    let endpoint = EndpointStub::start([
        Reply::Status(503),
        Reply::With(429, "retry-after", "3600", b"slow down"),
        Reply::Close,
        Reply::Status(408),
        Reply::Status(504),
    ])
    .await;
    let counts = deliver(&fixture(), &endpoint, 3).await;
    assert_eq!(endpoint.records(), [1, 1, 1, 1, 1, 1, 2, 3]);
    assert_eq!(counts.own.logs.delivered, Count { batches: 3, records: 6 });
    assert_eq!(counts.last_error, None);
}

#[tokio::test]
async fn what_may_have_been_taken_before_says_so_and_bears_the_same_number() {
    let replies = [Reply::Status(429), Reply::Close, Reply::Status(429), Reply::Status(503), Reply::Status(200)];
    let endpoint = EndpointStub::start(replies).await;
    let fixture = fixture();
    deliver(&fixture, &endpoint, 2).await;
    let header = |name: &str| -> Vec<String> {
        let value =
            |request: &endpoint::Received| request.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        endpoint.received().iter().map(|request| value(request).unwrap_or_default()).collect()
    };
    assert_eq!(endpoint.records(), [1, 1, 1, 1, 1, 2]);
    assert_eq!(header("x-cc-observe-attempt"), ["", "", "2", "2", "3", ""]);
    let numbers = header("x-cc-observe-batch-id");
    assert!(numbers[..5].iter().all(|number| *number == numbers[0]) && numbers[5] != numbers[0], "{numbers:?}");
    // Of what an earlier run left nobody knows.
    let earlier = fixture.queue("run-2");
    store(&earlier, 3);
    let delivery = start(&destination(&endpoint.url), fixture.queue("run-3"), vec![earlier], NOW);
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    assert_eq!(header("x-cc-observe-attempt")[6..], ["2"]);
}

#[tokio::test]
async fn a_disk_that_stalls_delays_no_acknowledgement_and_no_delivery() {
    let (fixture, endpoint) = (fixture(), EndpointStub::start([]).await);
    let queue = fixture.queue("run-1");
    queue.gate.set(true);
    let delivery = start(&destination(&endpoint.url), queue, Vec::new(), NOW);
    for records in [3, 4] {
        let kept = delivery.push(Signal::Logs, records, 7, redacted(Signal::Logs, records)).await;
        assert_eq!(kept, Kept::InMemory);
    }
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    assert_eq!(endpoint.records(), [3, 4]);
    assert_eq!(delivery.counts().disk_error.as_deref(), Some("the disk does not answer in time"));
    delivery.gate(false);
    let counts = delivery.close().await;
    assert_eq!(counts.own.logs.delivered, Count { batches: 2, records: 7 });
    assert!(counts.own.logs.adds_up() && !fixture.root.join("org/run-1").exists());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_delivery() {
    let endpoint = EndpointStub::start([Reply::Broken]).await;
    let counts = deliver(&fixture(), &endpoint, 1).await;
    assert_eq!(endpoint.records(), [1, 1]);
    assert_eq!(counts.own.logs.delivered, Count { batches: 1, records: 1 });
}

#[tokio::test]
async fn a_login_page_is_no_delivery() {
    let page = Reply::With(200, "content-type", "text/html", b"<!doctype html>");
    let endpoint = EndpointStub::start([page]).await;
    let counts = deliver(&fixture(), &endpoint, 2).await;
    assert_eq!(endpoint.records(), [1, 1, 2]);
    assert_eq!(counts.own.logs.delivered.batches, 2);
}

#[tokio::test]
async fn an_answer_without_end_is_no_delivery() {
    static LONG: [u8; super::MAX_ANSWER_BYTES + 1] = [0; super::MAX_ANSWER_BYTES + 1];
    let endpoint = EndpointStub::start([Reply::With(200, "content-type", "application/x-protobuf", &LONG)]).await;
    let counts = deliver(&fixture(), &endpoint, 1).await;
    assert_eq!(endpoint.records(), [1, 1]);
    assert_eq!(counts.own.logs.delivered.batches, 1);
}

#[tokio::test]
async fn a_batch_answered_400_is_parked_and_the_next_is_sent() {
    let (fixture, endpoint) = (fixture(), EndpointStub::start([Reply::Status(400)]).await);
    let counts = deliver(&fixture, &endpoint, 3).await;
    assert_eq!(endpoint.records(), [1, 2, 3]);
    assert_eq!(counts.own.logs.parked, Count { batches: 1, records: 1 });
    assert_eq!(counts.own.logs.delivered, Count { batches: 2, records: 5 });
    assert_eq!(counts.parked_because.as_deref(), Some("answers 400"));
    assert_eq!(fixture.aside("parked"), 1);
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_halved_until_it_fits() {
    let fixture = fixture();
    let endpoint = EndpointStub::answering(|request| Reply::Status(if request.records > 2 { 413 } else { 200 })).await;
    let queue = fixture.queue("run-1");
    store(&queue, 7);
    store(&queue, 1);
    let delivery = start(&destination(&endpoint.url), queue, Vec::new(), NOW);
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    assert_eq!(endpoint.records(), [7, 3, 1, 2, 4, 2, 2, 1]);
    let counts = delivery.close().await;
    assert_eq!(counts.own.logs.delivered, Count { batches: 5, records: 8 });
    assert!(counts.own.logs.adds_up());
}

#[tokio::test]
async fn a_single_record_that_is_too_large_is_parked() {
    let fixture = fixture();
    let endpoint = EndpointStub::answering(|_| Reply::Status(413)).await;
    let counts = deliver(&fixture, &endpoint, 2).await;
    assert_eq!(counts.own.logs.parked, Count { batches: 3, records: 3 });
    assert_eq!(fixture.aside("parked"), 3);
}

#[tokio::test]
async fn a_refusal_keeps_everything_and_is_not_hammered() {
    for status in [401, 403, 404, 500, 501] {
        let (fixture, endpoint) = (fixture(), EndpointStub::answering(move |_| Reply::Status(status)).await);
        let queue = fixture.queue("run-1");
        for records in 1..=3 {
            store(&queue, records);
        }
        // The real delays: the next probe is ten minutes away, so nothing will be tried before the deadline.
        let delivery = start(&destination(&endpoint.url), queue, Vec::new(), Delays::DEFAULT);
        assert_eq!(delivery.idle(never()).await, Idle::Held);
        let counts = delivery.close().await;
        assert_eq!(endpoint.records(), [1], "{status}");
        assert_eq!(counts.own.logs.spooled, Count { batches: 3, records: 6 });
        let error = counts.last_error.unwrap();
        assert!(error.starts_with(&format!("answers {status}")), "{error}");
        assert!(counts.failing_since.is_some());
        drop(delivery);
        assert_eq!(fixture.spool.adopt("org").unwrap()[0].waiting(), 3);
    }
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let other = EndpointStub::start([]).await;
    let to: &'static str = Box::leak(format!("{}/v1/logs", other.url).into_boxed_str());
    let endpoint = EndpointStub::start([Reply::With(302, "location", to, b"")]).await;
    let counts = deliver(&fixture(), &endpoint, 1).await;
    assert_eq!((endpoint.received().len(), other.received().len()), (2, 0));
    assert_eq!(counts.own.logs.delivered.batches, 1);
}

#[tokio::test]
async fn one_poisonous_batch_does_not_block_the_rest() {
    let fixture = fixture();
    let endpoint = EndpointStub::answering(|request| Reply::Status(if request.records == 1 { 500 } else { 200 })).await;
    let counts = deliver(&fixture, &endpoint, 3).await;
    assert_eq!(endpoint.records(), [1, 1, 1, 2, 3]);
    assert_eq!(counts.own.logs.parked, Count { batches: 1, records: 1 });
    assert_eq!(counts.own.logs.delivered, Count { batches: 2, records: 5 });
    assert_eq!(fixture.aside("parked"), 1);
}

/// A queue with batches of so many records each.
fn queue_of(fixture: &Fixture, run: &str, batches: &[u64]) -> Queue {
    let queue = fixture.queue(run);
    for &records in batches {
        store(&queue, records);
    }
    queue
}

/// Takes what is poisonous for an answer of 500, by its number of records.
async fn picky(poisonous: &'static [u64]) -> EndpointStub {
    EndpointStub::answering(|request| Reply::Status(if poisonous.contains(&request.records) { 500 } else { 200 })).await
}

#[tokio::test]
async fn a_poisonous_batch_of_an_earlier_run_is_parked_and_the_rest_delivered_at_once() {
    let (fixture, endpoint) = (fixture(), picky(&[1]).await);
    // The first run: with the real delays, nothing after the refusal is tried.
    let delivery =
        start(&destination(&endpoint.url), queue_of(&fixture, "run-1", &[1, 2]), Vec::new(), Delays::DEFAULT);
    assert_eq!(delivery.idle(never()).await, Idle::Held);
    assert_eq!(delivery.close().await.own.logs.spooled.batches, 2);
    drop(delivery);

    let own = queue_of(&fixture, "run-2", &[3]);
    let adopted = fixture.spool.adopt("org").unwrap();
    let delivery = start(&destination(&endpoint.url), own, adopted, Delays::DEFAULT);
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    let counts = delivery.close().await;
    // In the first run; then before ours, and once more after it.
    assert_eq!(endpoint.records(), [1, 1, 3, 1, 2]);
    assert_eq!(counts.adopted.logs.parked, Count { batches: 1, records: 1 });
    assert_eq!(counts.adopted.logs.delivered, Count { batches: 1, records: 2 });
    assert_eq!(counts.own.logs.delivered, Count { batches: 1, records: 3 });
    assert_eq!(counts.parked_because.as_deref(), Some("refuses a batch again and again, but takes others"));
    assert_eq!((counts.last_error.clone(), counts.failing_since), (None, None));
    assert!(counts.total().adds_up());
    assert_eq!(fixture.aside("parked"), 1);
}

#[tokio::test]
async fn poisonous_batches_of_earlier_runs_wait_for_ours_to_pass() {
    let (fixture, endpoint) = (fixture(), picky(&[1, 2]).await);
    drop((queue_of(&fixture, "run-1", &[1]), queue_of(&fixture, "run-2", &[2])));
    let own = fixture.queue("run-3");
    let adopted = fixture.spool.adopt("org").unwrap();
    let delivery = start(&destination(&endpoint.url), own, adopted, Delays::DEFAULT);
    assert_eq!(delivery.idle(never()).await, Idle::Held);
    assert_eq!(endpoint.records(), [1, 2]);
    push(&delivery, 3).await;
    assert_eq!(delivery.idle(never()).await, Idle::Held);
    push(&delivery, 4).await;
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    assert_eq!(endpoint.records(), [1, 2, 3, 1, 2, 4, 2]);
    let counts = delivery.close().await;
    assert_eq!((counts.own.logs.delivered.batches, counts.adopted.logs.parked.batches), (2, 2));
}

#[tokio::test]
async fn an_endpoint_that_refuses_everything_gets_one_extra_try_and_nothing_is_parked() {
    let (fixture, endpoint) = (fixture(), EndpointStub::answering(|_| Reply::Status(401)).await);
    drop(queue_of(&fixture, "run-1", &[1, 2]));
    let own = queue_of(&fixture, "run-2", &[3, 4]);
    let adopted = fixture.spool.adopt("org").unwrap();
    let delivery = start(&destination(&endpoint.url), own, adopted, Delays::DEFAULT);
    assert_eq!(delivery.idle(never()).await, Idle::Held);
    push(&delivery, 5).await;
    assert_eq!(delivery.idle(never()).await, Idle::Held);
    assert_eq!(endpoint.records(), [1, 3]);
    let counts = delivery.close().await;
    assert_eq!((counts.own.logs.spooled.batches, counts.adopted.logs.spooled.batches), (3, 2));
    assert_eq!((counts.total().parked.batches, fixture.aside("parked")), (0, 0));
    assert!(counts.last_error.unwrap().starts_with("answers 401"));
}

#[tokio::test]
async fn a_signal_that_is_refused_does_not_hold_back_the_others() {
    let fixture = fixture();
    let endpoint =
        EndpointStub::answering(|request| Reply::Status(if request.path.contains("metrics") { 404 } else { 200 }))
            .await;
    let queue = fixture.queue("run-1");
    queue.push(Signal::Metrics, 0, 7, &redacted(Signal::Metrics, 0)).unwrap();
    for records in 1..=5 {
        store(&queue, records);
    }
    let delivery = start(&destination(&endpoint.url), queue, Vec::new(), Delays::DEFAULT);
    assert_eq!(delivery.idle(never()).await, Idle::Held);
    let counts = delivery.counts();
    assert_eq!((counts.own.logs.delivered.batches, counts.own.metrics.spooled.batches), (5, 1));
    assert_eq!(counts.last_error.as_deref(), Some("answers 404: its URL is not right"));
}

#[tokio::test]
async fn a_partial_success_is_counted_and_its_words_are_kept_unless_they_repeat_a_credential() {
    let partial = |body| Reply::With(200, "content-type", "application/json", body);
    let endpoint = EndpointStub::start([
        partial(br#"{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"too old"}}"#),
        partial(br#"{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"token FAKE%20token is bad"}}"#),
        partial(br#"{"partialSuccess":{"errorMessage":"use /FAKEpath/v1/logs"}}"#),
    ])
    .await;
    let counts = deliver(&fixture(), &endpoint, 3).await;
    let logs = counts.own.logs;
    assert_eq!((logs.delivered.records, logs.dropped.records, logs.rejected.records), (4, 2, 2));
    assert_eq!(counts.message.as_deref(), Some("too old"));
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_said_so_and_nothing_is_lost() {
    let fixture = fixture();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/FAKEpath", listener.local_addr().unwrap());
    drop(listener);
    let queue = fixture.queue("run-1");
    store(&queue, 1);
    let delays = Delays { least: Duration::from_secs(600), most: Duration::from_secs(600), ..Delays::DEFAULT };
    let delivery = start(&destination(&url), queue, Vec::new(), delays);
    assert_eq!(delivery.idle(never()).await, Idle::Held);
    let counts = delivery.close().await;
    assert_eq!(counts.last_error.as_deref(), Some("refuses connections"));
    assert_eq!(counts.own.logs.spooled.batches, 1);
    assert!(!format!("{counts:?}").contains("FAKE"));
    let json = serde_json::to_string(&counts).unwrap();
    assert_eq!(serde_json::from_str::<DeliveryCounts>(&json).unwrap(), counts);
}

#[tokio::test]
async fn closing_breaks_off_a_request_and_keeps_its_batch() {
    let (fixture, endpoint) = (fixture(), EndpointStub::answering(|_| Reply::Silence).await);
    let delivery = start(&destination(&endpoint.url), fixture.queue("run-1"), Vec::new(), NOW);
    push(&delivery, 5).await;
    endpoint.wait_for(1).await;
    assert_eq!(delivery.idle(Instant::now()).await, Idle::Late);
    let counts = delivery.close().await;
    assert_eq!(counts.own.logs.spooled, Count { batches: 1, records: 5 });
}

#[tokio::test]
async fn what_a_dead_relay_left_is_delivered_before_our_own() {
    let (fixture, endpoint) = (fixture(), EndpointStub::start([]).await);
    for (run, records) in [("run-1", 1), ("run-2", 2)] {
        let queue = fixture.queue(run);
        store(&queue, records);
    }
    let own = fixture.queue("run-3");
    store(&own, 3);
    let adopted = fixture.spool.adopt("org").unwrap();
    assert_eq!(adopted.len(), 2);
    let delivery = start(&destination(&endpoint.url), own, adopted, NOW);
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    let late = fixture.queue("run-0");
    store(&late, 4);
    drop(late);
    delivery.adopt(fixture.spool.adopt("org").unwrap()).await;
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    let counts = delivery.close().await;
    assert_eq!(endpoint.records(), [1, 2, 3, 4]);
    assert_eq!(counts.adopted.logs.delivered, Count { batches: 3, records: 7 });
    assert_eq!(counts.own.logs.delivered, Count { batches: 1, records: 3 });
    assert_eq!(std::fs::read_dir(fixture.root.join("org")).unwrap().count(), 0);
}

#[tokio::test]
async fn the_oldest_makes_room_where_more_waits_than_may() {
    let (fixture, endpoint) = (fixture(), EndpointStub::start([]).await);
    for (run, records) in [("run-1", 1..=40), ("run-2", 41..=90)] {
        let queue = fixture.queue(run);
        records.for_each(|records| store(&queue, records));
    }
    let own = fixture.queue("run-3");
    (91..=100).for_each(|records| store(&own, records));
    // Held by another relay: it counts, and stays.
    let other = fixture.queue("run-4");
    (1..=5).for_each(|records| store(&other, records));
    // Nothing is sent at first: the endpoint has no time.
    let bounds = Bounds { files: 60, ..Bounds::DEFAULT };
    let dead = Destination { bounds, ..destination("http://127.0.0.1:1") };
    let delivery = start(&dead, own, Vec::new(), LATER);
    delivery.adopt(fixture.spool.adopt("org").unwrap()).await;
    let counts = delivery.close().await;
    assert_eq!(counts.total().evicted.batches, 105 - 60);
    assert_eq!(counts.total().dropped, counts.total().evicted);
    drop((delivery, other));
    // The newest are there, in their order.
    let delivery = start(&destination(&endpoint.url), fixture.queue("run-5"), fixture.spool.adopt("org").unwrap(), NOW);
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    let records = endpoint.records();
    assert_eq!(records[..records.len() - 5], (46..=100).collect::<Vec<_>>());
    assert!(delivery.close().await.total().adds_up());
}

#[tokio::test]
async fn what_is_pushed_makes_room_for_itself() {
    let fixture = fixture();
    let bounds = Bounds { files: 128, ..Bounds::DEFAULT };
    let dead = Destination { bounds, ..destination("http://127.0.0.1:1") };
    let delivery = start(&dead, fixture.queue("run-1"), Vec::new(), LATER);
    for records in 1..=300 {
        assert_eq!(delivery.push(Signal::Logs, records, 7, redacted(Signal::Logs, records)).await, Kept::OnDisk);
    }
    let counts = delivery.close().await;
    // Looked at with every third.
    let left = counts.own.logs.spooled.batches;
    assert!((126..=131).contains(&left), "{left}");
    assert_eq!(counts.own.logs.evicted.batches, 300 - left);
    assert!(counts.total().adds_up());
    drop(delivery);
    let [left] = fixture.spool.adopt("org").unwrap().try_into().unwrap();
    let oldest = left.first(Signal::Logs, None).unwrap();
    assert!(left.load(Signal::Logs, oldest).unwrap().header.records > 300 - 131);
}

#[tokio::test]
async fn what_is_too_old_is_tried_once_more_before_it_is_dropped() {
    let (fixture, endpoint) = (fixture(), EndpointStub::start([]).await);
    let old = || {
        let queue = fixture.queue("run-1");
        store(&queue, 7);
        let file = fixture.root.join("org/run-1").join(format!("{:020}.logs.otlp", crate::spool::STRIDE));
        let file = std::fs::File::options().write(true).open(file).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(180_000)).unwrap();
    };
    let bounds = Bounds { age: Duration::from_secs(176_400), ..Bounds::DEFAULT };
    // It takes it: nothing is lost.
    old();
    let alive = Destination { bounds, ..destination(&endpoint.url) };
    let delivery = start(&alive, Queue::in_memory(), fixture.spool.adopt("org").unwrap(), NOW);
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    assert_eq!((endpoint.records(), delivery.close().await.total().dropped.batches), (vec![7], 0));
    // It does not.
    old();
    let own = fixture.queue("run-2");
    store(&own, 8);
    let dead = Destination { bounds, ..destination("http://127.0.0.1:1") };
    let delivery = start(&dead, own, fixture.spool.adopt("org").unwrap(), LATER);
    assert_eq!(delivery.idle(Instant::now() + Duration::from_secs(1)).await, Idle::Held);
    let counts = delivery.close().await;
    assert_eq!(counts.adopted.logs.evicted, Count { batches: 1, records: 7 });
    assert_eq!(counts.own.logs.spooled, Count { batches: 1, records: 8 });
    assert!(counts.total().adds_up());
}

#[tokio::test]
async fn a_signal_that_the_destination_is_not_given_any_more_is_dropped_and_counted() {
    let (fixture, endpoint) = (fixture(), EndpointStub::start([]).await);
    let queue = fixture.queue("run-1");
    store(&queue, 2);
    let destination = Destination { signals: vec![Signal::Metrics], ..destination(&endpoint.url) };
    let delivery = start(&destination, queue, Vec::new(), NOW);
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    assert_eq!(delivery.close().await.own.logs.dropped, Count { batches: 1, records: 2 });
    assert_eq!(endpoint.received().len(), 0);
}

#[tokio::test]
async fn a_push_that_nobody_waits_for_is_delivered_all_the_same() {
    let (fixture, endpoint) = (fixture(), EndpointStub::start([]).await);
    let delivery = start(&destination(&endpoint.url), fixture.queue("run-1"), Vec::new(), NOW);
    let push = Box::pin(delivery.push(Signal::Logs, 3, 7, redacted(Signal::Logs, 3)));
    // Polled once, then dropped.
    poll_once(push).await;
    endpoint.wait_for(1).await;
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    assert_eq!(delivery.close().await.own.logs.delivered, Count { batches: 1, records: 3 });
}

/// Polls a future once and drops it.
async fn poll_once<F: Future + Unpin>(mut future: F) {
    std::future::poll_fn(|context| {
        let _ = std::pin::Pin::new(&mut future).poll(context);
        std::task::Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_decoded_does_not_leave() {
    let (fixture, endpoint) = (fixture(), EndpointStub::start([]).await);
    let queue = fixture.queue("run-1");
    // Log records in a file that says traces: the checksum is right, the content is not what it says.
    queue.push(Signal::Traces, 300, 7, &redacted(Signal::Logs, 300)).unwrap();
    store(&queue, 2);
    let delivery = start(&destination(&endpoint.url), queue, Vec::new(), NOW);
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    let counts = delivery.close().await;
    assert_eq!(counts.own.traces.corrupt.batches, 1);
    assert_eq!(counts.own.logs.delivered, Count { batches: 1, records: 2 });
    assert!(counts.total().adds_up());
    assert_eq!(endpoint.records(), [2]);
    assert_eq!(fixture.aside("corrupt"), 1);
}

#[tokio::test]
async fn a_disk_that_takes_nothing_still_delivers() {
    let (fixture, endpoint) = (fixture(), EndpointStub::start([Reply::Status(503)]).await);
    let queue = fixture.queue("run-1");
    std::fs::remove_dir_all(fixture.root.join("org/run-1")).unwrap();
    for queue in [queue, Queue::in_memory()] {
        let delivery = start(&destination(&endpoint.url), queue, Vec::new(), NOW);
        assert_eq!(delivery.push(Signal::Logs, 2, 7, redacted(Signal::Logs, 2)).await, Kept::InMemory);
        assert_eq!(delivery.idle(never()).await, Idle::Empty);
        let counts = delivery.close().await;
        assert_eq!(counts.own.logs.delivered, Count { batches: 1, records: 2 });
        assert!(counts.disk_error.is_some());
    }
}

#[tokio::test]
async fn what_is_left_in_memory_at_the_end_is_counted_as_dropped() {
    let endpoint = EndpointStub::answering(|_| Reply::Status(401)).await;
    let delivery = start(&destination(&endpoint.url), Queue::in_memory(), Vec::new(), Delays::DEFAULT);
    assert_eq!(delivery.push(Signal::Logs, 2, 7, redacted(Signal::Logs, 2)).await, Kept::InMemory);
    assert_eq!(delivery.idle(never()).await, Idle::Held);
    assert_eq!(delivery.counts().own.logs.in_memory.records, 2);
    let counts = delivery.close().await;
    assert_eq!(counts.own.logs.dropped, Count { batches: 1, records: 2 });
    assert!(counts.own.logs.adds_up());
}

#[tokio::test]
async fn a_header_that_cannot_be_sent_stops_and_is_not_repeated() {
    let (fixture, endpoint) = (fixture(), EndpointStub::start([]).await);
    let mut destination = destination(&endpoint.url);
    destination.headers.push(("x".into(), Secret::new("FAKE\nvalue")));
    let delivery = start(&destination, fixture.queue("run-1"), Vec::new(), Delays::DEFAULT);
    push(&delivery, 1).await;
    assert_eq!(delivery.idle(never()).await, Idle::Held);
    let counts = delivery.close().await;
    assert_eq!(counts.last_error.as_deref(), Some("has a URL or header that cannot be sent"));
    assert_eq!(endpoint.received().len(), 0);
}

#[tokio::test]
async fn a_host_without_an_address_is_told_from_one_that_refuses() {
    let fixture = fixture();
    let queue = fixture.queue("run-1");
    store(&queue, 1);
    let delays = Delays { least: Duration::from_secs(600), most: Duration::from_secs(600), ..Delays::DEFAULT };
    // A label of more than 63 characters cannot be asked for: no packet leaves.
    let host = format!("http://{}.invalid/", "x".repeat(64));
    let delivery = start(&destination(&host), queue, Vec::new(), delays);
    assert_eq!(delivery.idle(never()).await, Idle::Held);
    assert_eq!(delivery.close().await.last_error.as_deref(), Some("has no address"));
}

#[tokio::test]
async fn the_counts_add_up_at_every_moment() {
    let fixture = fixture();
    let turn = Mutex::new(0_usize);
    let endpoint = EndpointStub::answering(move |request| {
        let mut turn = turn.lock().unwrap();
        *turn += 1;
        match *turn % 7 {
            0 => Reply::Status(400),
            1 => Reply::Status(503),
            2 => Reply::Close,
            3 if request.records > 1 => Reply::Status(413),
            4 => Reply::Status(500),
            _ => Reply::Status(200),
        }
    })
    .await;
    let delivery = start(&destination(&endpoint.url), fixture.queue("run-1"), Vec::new(), NOW);
    let mut pushed = 0;
    for records in (1..=8).cycle().take(60) {
        push(&delivery, records).await;
        pushed += records;
        let counts = delivery.counts();
        assert!(counts.own.logs.adds_up(), "{counts:?}");
        assert_eq!(counts.own.logs.accepted.records, pushed);
    }
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    let logs = delivery.close().await.own.logs;
    assert_eq!((logs.accepted.records, logs.delivered.records + logs.parked.records), (pushed, pushed));
}

//! Small batches that wait are sent as one.

use super::*;

/// What was stored and adopted is there before the first is sent.
async fn deliver_together(fixture: &Fixture, endpoint: &EndpointStub, batches: &[u64]) -> DeliveryCounts {
    let queue = queue_of(fixture, "run-1", batches);
    let delivery = start_with(&destination(&endpoint.url), queue, Vec::new(), NOW, 100);
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    let counts = delivery.close().await;
    assert!(counts.own.logs.adds_up(), "{counts:?}");
    counts
}

fn numbers(endpoint: &EndpointStub) -> Vec<Vec<String>> {
    let header = |request: endpoint::Received| request.headers["x-cc-observe-batch-id"].to_str().unwrap().to_owned();
    endpoint.received().into_iter().map(|request| header(request).split(',').map(str::to_owned).collect()).collect()
}

fn attempts(endpoint: &EndpointStub) -> Vec<Option<String>> {
    let header = |request: &endpoint::Received| {
        request.headers.get("x-cc-observe-attempt").map(|attempt| attempt.to_str().unwrap().to_owned())
    };
    endpoint.received().iter().map(header).collect()
}

#[tokio::test]
async fn what_waits_is_sent_as_one_and_each_batch_keeps_its_number() {
    let (fixture, endpoint) = (fixture(), EndpointStub::start([]).await);
    let counts = deliver_together(&fixture, &endpoint, &[1, 2, 3, 4, 5]).await;
    assert_eq!(endpoint.records(), [15]);
    let numbers = numbers(&endpoint).remove(0);
    let different: std::collections::BTreeSet<_> = numbers.iter().collect();
    assert_eq!((numbers.len(), different.len()), (5, 5));
    assert_eq!(counts.own.logs.delivered, Count { batches: 5, records: 15 });
    assert!(!fixture.root.join("org/run-1").exists());
}

#[tokio::test]
async fn what_is_large_enough_is_sent_alone() {
    let endpoint = EndpointStub::start([]).await;
    deliver_together(&fixture(), &endpoint, &[60_000, 60_000, 1, 2]).await;
    assert_eq!(endpoint.records(), [60_000, 60_003]);
}

#[tokio::test]
async fn a_poisonous_batch_is_found_among_those_it_was_sent_with() {
    let endpoint = EndpointStub::answering(|request| Reply::Status(if request.records >= 8 { 400 } else { 200 })).await;
    let counts = deliver_together(&fixture(), &endpoint, &[1, 2, 8, 3]).await;
    assert_eq!(endpoint.records(), [14, 1, 2, 8, 3]);
    assert_eq!(counts.own.logs.delivered, Count { batches: 3, records: 6 });
    assert_eq!(counts.own.logs.parked, Count { batches: 1, records: 8 });
}

#[tokio::test]
async fn where_one_of_many_is_refused_the_others_arrive_all_the_same() {
    let endpoint = EndpointStub::answering(|request| Reply::Status(if request.records >= 8 { 500 } else { 200 })).await;
    let counts = deliver_together(&fixture(), &endpoint, &[1, 2, 8, 3]).await;
    assert_eq!(counts.own.logs.delivered, Count { batches: 3, records: 6 });
    assert_eq!(counts.own.logs.parked, Count { batches: 1, records: 8 });
}

#[tokio::test]
async fn an_endpoint_that_finds_it_too_large_is_sent_less_at_once() {
    let endpoint = EndpointStub::answering(|request| Reply::Status(if request.records > 6 { 413 } else { 200 })).await;
    let counts = deliver_together(&fixture(), &endpoint, &[2; 20]).await;
    assert_eq!(counts.own.logs.delivered, Count { batches: 20, records: 40 });
    let taken = endpoint.records().into_iter().filter(|records| *records <= 6).collect::<Vec<_>>();
    assert!(taken.iter().any(|records| *records > 2), "{taken:?}");
    assert_eq!(taken.iter().sum::<u64>(), 40);
}

#[tokio::test]
async fn after_a_failure_one_goes_ahead() {
    let endpoint = EndpointStub::start([Reply::Status(503), Reply::Close]).await;
    deliver_together(&fixture(), &endpoint, &[1, 2, 3, 4]).await;
    assert_eq!(endpoint.records(), [10, 1, 1, 9]);
    // All were on their way when the endpoint failed; the first of them twice.
    let attempt = |number: u32| Some(number.to_string());
    assert_eq!(attempts(&endpoint), [None, attempt(2), attempt(3), attempt(2)]);
}

#[tokio::test]
async fn batches_of_different_attempts_are_not_mixed_and_runs_are() {
    let (fixture, endpoint) = (fixture(), EndpointStub::start([]).await);
    drop(queue_of(&fixture, "run-1", &[1, 2]));
    drop(queue_of(&fixture, "run-2", &[3]));
    let adopted = fixture.spool.adopt("org").unwrap();
    let own = queue_of(&fixture, "run-3", &[4, 5]);
    let delivery = start_with(&destination(&endpoint.url), own, adopted, NOW, 100);
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    assert_eq!(endpoint.records(), [6, 9]);
    assert_eq!(attempts(&endpoint), [Some("2".to_owned()), None]);
    let counts = delivery.close().await;
    assert_eq!(counts.adopted.logs.delivered, Count { batches: 3, records: 6 });
    assert_eq!(counts.own.logs.delivered, Count { batches: 2, records: 9 });
}

#[tokio::test]
async fn a_damaged_batch_does_not_hold_back_those_beside_it() {
    let (fixture, endpoint) = (fixture(), EndpointStub::start([]).await);
    let queue = queue_of(&fixture, "run-1", &[1, 2, 3]);
    let directory = fixture.root.join("org/run-1");
    let mut files: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    std::fs::write(&files[1], b"CCOSPOOL and something else").unwrap();
    let delivery = start_with(&destination(&endpoint.url), queue, Vec::new(), NOW, 100);
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    assert_eq!(endpoint.records(), [4]);
    let counts = delivery.close().await;
    assert_eq!((counts.own.logs.corrupt.batches, fixture.aside("corrupt")), (1, 1));
    assert_eq!(counts.own.logs.delivered, Count { batches: 2, records: 4 });
}

#[tokio::test]
async fn a_part_that_is_thrown_away_is_counted_once() {
    const PARTIAL: &[u8] = &[0x0a, 0x02, 0x08, 0x02];
    let reply = Reply::With(200, "content-type", "application/x-protobuf", PARTIAL);
    let endpoint = EndpointStub::start([reply]).await;
    let counts = deliver_together(&fixture(), &endpoint, &[1, 2, 3]).await;
    assert_eq!(counts.own.logs.delivered, Count { batches: 3, records: 4 });
    assert_eq!(counts.own.logs.rejected.records, 2);
}

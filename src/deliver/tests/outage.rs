//! An endpoint that is away for three days, on a clock that the test holds.

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn after_three_days_everything_arrives_oldest_first_and_nobody_was_hammered() {
    let fixture = fixture();
    let away = EndpointStub::answering(|_| Reply::Status(503)).await;
    let began = Instant::now();
    let (mut attempts, mut records) = (0, 0);
    // A run each day, whose relay goes on for a day: then the machine is switched off.
    for day in 0..3_u64 {
        let adopted = fixture.spool.adopt("org").unwrap();
        let queue = fixture.queue(&format!("run-{day}"));
        let delivery = start_with(&destination(&away.url), queue, adopted, Delays::DEFAULT, 100);
        for _ in 0..24 {
            records += 1;
            push(&delivery, records).await;
            tokio::time::sleep(HOUR).await;
        }
        let counts = delivery.close().await;
        assert_eq!(counts.total().waiting().batches, 24 * (day + 1));
        assert_eq!(counts.total().dropped, Count::default());
        attempts = away.received().len();
    }
    assert!(began.elapsed() >= 72 * HOUR);
    // At most every five minutes, and on the average every two and a half, but for the first ones of each run.
    assert!((400..4000).contains(&attempts), "{attempts}");

    tokio::time::resume();
    let back = EndpointStub::start([]).await;
    let adopted = fixture.spool.adopt("org").unwrap();
    let delivery = start(&destination(&back.url), fixture.queue("run-9"), adopted, NOW);
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    assert_eq!(back.records(), (1..=72).collect::<Vec<_>>());
    assert_eq!(delivery.close().await.adopted.logs.delivered, Count { batches: 72, records: 72 * 73 / 2 });
}

#[tokio::test(start_paused = true)]
async fn after_a_long_sleep_one_request_goes_out_and_no_burst() {
    let (fixture, endpoint) = (fixture(), EndpointStub::answering(|_| Reply::Status(503)).await);
    let queue = queue_of(&fixture, "run-1", &[1, 2, 3]);
    let delivery = start_with(&destination(&endpoint.url), queue, Vec::new(), Delays::DEFAULT, 100);
    endpoint.wait_for(1).await;
    // The lid is closed: every timer is due at once when it opens.
    let before = endpoint.received().len();
    tokio::time::advance(24 * HOUR).await;
    endpoint.wait_for(before + 1).await;
    let counts = delivery.close().await;
    assert!(endpoint.received().len() <= before + 2, "{}", endpoint.received().len());
    assert_eq!(counts.own.logs.spooled, Count { batches: 3, records: 6 });
}

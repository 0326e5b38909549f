//! What stands around records, and what is counted of what does not pass.

use super::*;

/// A batch of one log record with a resource and a scope that say where they come from.
fn batch(schema: &str) -> Batch {
    let Batch::Logs(mut request) = logs(EVENTS, vec![text("service.name", "claude-code")], vec![vec![]]) else {
        panic!("logs")
    };
    let from = &mut request.resource_logs[0];
    schema.clone_into(&mut from.schema_url);
    from.scope_logs[0].schema_url = schema.to_owned();
    from.resource.as_mut().unwrap().dropped_attributes_count = 3;
    from.scope_logs[0].scope.as_mut().unwrap().dropped_attributes_count = 4;
    Batch::Logs(request)
}

#[test]
fn what_a_client_says_that_it_dropped_stays_said() {
    let (batch, _) = redact(batch(""));
    let Batch::Logs(request) = batch.get() else { panic!("logs") };
    let logs = &request.resource_logs[0];
    let scope = logs.scope_logs[0].scope.as_ref().unwrap();
    assert_eq!((logs.resource.as_ref().unwrap().dropped_attributes_count, scope.dropped_attributes_count), (3, 4));
}

#[test]
fn a_schema_of_the_project_passes_and_another_url_is_text() {
    for (url, at_metadata) in [
        ("https://opentelemetry.io/schemas/1.27.0", true),
        ("https://opentelemetry.io/schemas/1.27.0?x=y z", false),
        ("https://example.com/schemas/1.27.0", false),
    ] {
        for level in LEVELS {
            let outcome = at(level, batch(url));
            let Batch::Logs(request) = outcome.batch.get() else { panic!("logs") };
            let logs = &request.resource_logs[0];
            let given = if at_metadata || level >= CaptureLevel::Commands { url } else { "" };
            assert_eq!((&*logs.schema_url, &*logs.scope_logs[0].schema_url), (given, given), "{level:?}");
        }
    }
}

#[test]
fn what_was_withheld_of_two_batches_adds_up() {
    let long = || "x".repeat(walk::MAX_TEXT_BYTES + 1);
    let one = || {
        let mut policy = Policy::of(CaptureLevel::Commands);
        policy.drop.attributes.insert("model".to_owned());
        let record = vec![text("novel", "1"), text("other", "1"), text("model", "m"), text("error", &long())];
        Redactor::of_tests().batch(event("api_error", record), &policy).withheld
    };
    let mut all = one();
    assert_eq!((all.attributes, all.records, all.configured, all.unreadable), (2, 0, 1, 1));
    all.add(redact(logs("evil", vec![], vec![vec![], vec![]])).1);
    all.add(one());
    assert_eq!((all.attributes, all.records, all.configured, all.unreadable), (4, 2, 2, 2));
}

#[test]
fn two_texts_that_are_too_long_are_two() {
    let long = || "x".repeat(walk::MAX_TEXT_BYTES + 1);
    let outcome = at(CaptureLevel::Content, event("api_error", vec![text("error", &long()), text("novel", &long())]));
    assert_eq!(outcome.withheld.unreadable, 2);
    assert!(keys(&outcome.batch).is_empty());
}

#[test]
fn a_policy_for_another_sink_differs_in_its_level_alone() {
    let mut policy = Policy::of(CaptureLevel::Content);
    policy.drop.attributes.insert("model".to_owned());
    let other = policy.at(CaptureLevel::Metadata);
    assert_eq!(other.level, CaptureLevel::Metadata);
    assert_eq!(other.drop, policy.drop);
}

#[test]
fn an_own_record_says_what_it_is_and_when() {
    let record = Redacted::own_record("run_started", Timestamp::from_second(7).unwrap(), &[], &Enrichment::default());
    let Batch::Logs(request) = record.get() else { panic!("logs") };
    let record = &request.resource_logs[0].scope_logs[0].log_records[0];
    let Some(Value::StringValue(body)) = record.body.as_ref().and_then(|body| body.value.as_ref()) else {
        panic!("a text")
    };
    assert!(body.ends_with(".run_started"), "{body}");
    assert_eq!((record.time_unix_nano, record.observed_time_unix_nano), (7_000_000_000, 7_000_000_000));
}

#[test]
fn a_token_behind_a_name_is_told_by_what_it_is() {
    let token = ["ghp_", "FAKE0000aB1cD2eF3gH4iJ5kL6mN7oP8qR"].concat();
    for text in [format!("password={token}"), format!("Authorization: Bearer {token}")] {
        let (_, masked) = Redactor::of_tests().text(&text);
        assert_eq!(masked.iter().map(|masked| masked.rule.as_str()).collect::<Vec<_>>(), ["github-token"], "{text}");
    }
}

//! What real sessions add up to, and that neither order nor repeats change it.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::event::captures;
use crate::event::{ApiRequest, Fixed, Metric, NanoUsd, Point, Temporality, Tokens};

fn totals(events: impl IntoIterator<Item = Event>) -> SessionTotals {
    let mut ledger = Ledger::default();
    for event in events {
        ledger.record(event);
    }
    ledger.totals()
}

fn captured(name: &str) -> SessionTotals {
    totals(captures::events(name))
}

/// `(name, dollars)` for a list of shares.
fn costs(shares: &[Share]) -> String {
    shares.iter().fold(String::new(), |mut text, share| {
        let _ = write!(text, "{} {} ({} requests); ", share.name, share.cost.dollars(), share.requests);
        text
    })
}

/// What `claude` itself printed as `total_cost_usd`, capture by capture.
#[test]
fn cost_is_what_claude_itself_says() {
    for (capture, total_cost_usd) in [
        ("01-default", 0.903_204_799_999_999_6),
        ("05a-traces-tool-details", 0.903_204_799_999_999_6),
        ("08-api-429-then-ok", 0.017_041_600_000_000_004),
        ("08c-api-500-exhausted", 0.0),
        ("08l-api-stream-cut", 0.027_683_200_000_000_005),
        ("08p-api-max-tokens", 0.068_166_400_000_000_02),
        ("08q-api-refusal", 0.034_083_200_000_000_01),
        ("09e-print-decisions-default-mode", 0.289_707_199_999_999_94),
        ("12-cumulative-1s", 0.340_831_999_999_999_9),
        ("14-metrics-only", 0.136_332_800_000_000_03),
        ("14a-logs-only", 0.136_332_800_000_000_03),
        ("18-models-opus-and-haiku", 0.142_028_859_999_999_98),
        ("18b-model-sonnet-alias", 0.071_468_86),
        ("18c-model-1m", 0.120_248_859_999_999_99),
        ("18d-effort-high", 0.142_028_859_999_999_98),
    ] {
        let totals = captured(capture);
        assert_eq!(totals.cost, NanoUsd::from_dollars(total_cost_usd), "{capture}");
        assert_eq!(totals.missing_events, 0, "{capture}");
        for shares in [&totals.by_model, &totals.by_agent, &totals.by_query_source] {
            assert_eq!(shares.iter().map(|share| share.cost).sum::<NanoUsd>(), totals.cost, "{capture}");
        }
        if capture != "14-metrics-only" {
            assert_eq!(totals.cost_not_itemised, NanoUsd::ZERO, "{capture}");
        }
    }
}

#[test]
fn a_whole_session_is_summed_up() {
    let SessionTotals { tools, decisions, code, active, counted, .. } = captured("05a-traces-tool-details");
    let tools: Vec<_> = tools.iter().map(|tool| format!("{} {}/{}", tool.tool, tool.ran, tool.failed)).collect();
    insta::assert_snapshot!(tools.join(", "), @"Bash 40/1, Read 3/1, Write 2/0, Agent 1/0, Edit 1/0, Glob 1/0, Grep 1/0, TaskCreate 1/0, ToolSearch 1/0, WebFetch 1/1, WebSearch 1/0");
    insta::assert_snapshot!(format!("{:?}", decisions.by_decided_by), @r#"{"mode": Verdicts { accepted: 53, rejected: 0 }}"#);
    insta::assert_snapshot!(format!("{code:?}\n{active:?}\n{counted:?}"), @r#"
    Code { lines_added: 11, lines_removed: 1, commits: 2, pull_requests: 1, edits: Verdicts { accepted: 3, rejected: 0 } }
    Active { user: 0ns, client: 6.424s }
    Counted { events: 170, points: 24, spans: 213 }
    "#);
}

#[test]
fn cost_is_shared_out_by_model_and_agent() {
    let totals = captured("18c-model-1m");
    insta::assert_snapshot!(costs(&totals.by_model), @"claude-sonnet-4-5 0.11934 (3 requests); claude-haiku-5-5 0.00090886 (2 requests);");
    insta::assert_snapshot!(costs(&totals.by_agent), @"main 0.11934 (3 requests); general-purpose 0.00090886 (2 requests);");
    insta::assert_snapshot!(costs(&totals.by_query_source), @"sdk 0.11934 (3 requests); agent:builtin:general-purpose 0.00090886 (2 requests);");
    insta::assert_snapshot!(costs(&captured("24-custom-agent-default").by_agent), @"main 0.0511248 (3 requests); custom 0.0340832 (2 requests);");
}

#[test]
fn an_aborted_answer_is_not_itemised() {
    let totals = captured("09d-interactive-aborts");
    assert_eq!(totals.cost, NanoUsd::from_dollars(0.085_208));
    assert_eq!(totals.cost_not_itemised, NanoUsd::from_dollars(0.017_041_6));
    assert_eq!(totals.tokens.output, 5 * 321);
    assert_eq!(totals.tokens_not_itemised.output, 321);
    insta::assert_snapshot!(costs(&totals.by_model), @"claude-opus-5-5 0.085208 (4 requests);");
    insta::assert_snapshot!(costs(&totals.by_agent), @"main 0.085208 (4 requests);");
    insta::assert_snapshot!(costs(&totals.by_query_source), @"repl_main_thread 0.0681664 (4 requests); main 0.0170416 (0 requests);");
}

#[test]
fn the_tokens_of_a_cut_stream_are_those_of_both_attempts() {
    let totals = captured("08l-api-stream-cut");
    assert_eq!(totals.requests, 1);
    assert_eq!((totals.tokens.input, totals.tokens_not_itemised.input), (2468, 1234));
}

#[test]
fn with_logs_off_the_metric_is_the_source() {
    let totals = captured("14-metrics-only");
    assert_eq!((totals.requests, totals.cost), (0, totals.cost_not_itemised));
    insta::assert_snapshot!(costs(&totals.by_agent), @"main 0.1022496 (0 requests); general-purpose 0.0340832 (0 requests);");
    assert_eq!(totals.session_ids.len(), 1);
}

#[test]
fn with_metrics_off_the_events_are_the_source() {
    let totals = captured("14a-logs-only");
    assert_eq!((totals.counted.points, totals.requests), (0, 8));
    assert_eq!(totals.code, Code::default());
}

#[test]
fn decisions_of_an_interactive_session_are_counted_by_who_made_them() {
    let totals = captured("09-interactive-decisions");
    insta::assert_snapshot!(serde_json::to_string(&totals.decisions).unwrap(), @r#"{"all":{"accepted":12,"rejected":5},"by_source":{"config":{"accepted":5,"rejected":1},"hook":{"accepted":1,"rejected":1},"user_permanent":{"accepted":1,"rejected":0},"user_reject":{"accepted":0,"rejected":3},"user_temporary":{"accepted":5,"rejected":0}},"by_decided_by":{"click_always":{"accepted":1,"rejected":0},"click_once":{"accepted":5,"rejected":3},"hook":{"accepted":1,"rejected":1},"mode":{"accepted":1,"rejected":0},"rule":{"accepted":4,"rejected":1}}}"#);
    let bash = totals.tools.iter().find(|tool| tool.tool == "Bash").unwrap();
    assert_eq!((bash.calls, bash.ran, bash.failed, bash.rejected), (13, 9, 1, 4));
}

#[test]
fn rules_of_print_mode_are_no_clicks() {
    let totals = captured("09e-print-decisions-default-mode");
    assert_eq!(totals.decisions.by_decided_by.keys().collect::<Vec<_>>(), ["hook", "rule"]);
    assert_eq!(totals.decisions.all, Verdicts { accepted: 6, rejected: 8 });
}

#[test]
fn what_the_caller_knows_of_the_session_counts_more() {
    let mut ledger = Ledger::default();
    ledger.set_interactive(Some(true));
    for event in captures::events("09e-print-decisions-default-mode") {
        ledger.record(event);
    }
    assert!(ledger.totals().decisions.by_decided_by.contains_key("click_always"));
}

#[test]
fn clear_makes_a_second_session_of_the_same_process() {
    let totals = captured("09b-interactive-slash-commands");
    assert_eq!((totals.session_ids.len(), totals.missing_events), (2, 0));
    assert_eq!((totals.prompts, totals.slash_commands, totals.compactions), (9, 6, 1));
}

#[test]
fn the_throw_away_session_of_continue_is_no_session() {
    let totals = captured("11-sessions-2-continue");
    assert_eq!(totals.session_ids, ["a6e22be3-bc4d-4f7f-ae60-fa7cd350ff6a"]);
    assert_eq!((totals.requests, totals.missing_events), (1, 0));
}

#[test]
fn a_tool_cut_short_by_a_signal_is_a_call_that_did_not_run() {
    let totals = captured("15-sigterm-during-tool");
    let tool = &totals.tools[0];
    assert_eq!((tool.calls, tool.ran, tool.failed, tool.rejected), (1, 0, 0, 0));
}

#[test]
fn a_request_that_was_given_up_is_an_error_with_its_retries() {
    let errors = captured("08c-api-500-exhausted").errors;
    insta::assert_snapshot!(serde_json::to_string(&errors).unwrap(), @r#"{"api_errors":1,"by_status":{"500":1},"retries":2,"retries_exhausted":1,"refusals":0}"#);
    assert_eq!(captured("08q-api-refusal").errors.refusals, 2);
}

#[test]
fn a_metric_that_lags_behind_is_no_error() {
    // The last request for metrics never came.
    let batches = captures::batches("12-cumulative-1s");
    let lagging = totals(batches.iter().take(batches.len() - 1).flat_map(crate::event::read));
    assert_eq!(lagging.cost, captured("12-cumulative-1s").cost);
    assert_eq!(lagging.cost_not_itemised, NanoUsd::ZERO);
}

#[test]
fn a_lost_batch_is_a_gap() {
    let lost: u64 = captures::batches("12-cumulative-1s")[1].get().records();
    let rest = captures::batches("12-cumulative-1s");
    let rest =
        rest.iter().enumerate().filter(|(index, _)| *index != 1).flat_map(|(_, batch)| crate::event::read(batch));
    assert_eq!(totals(rest).missing_events, lost);
}

#[test]
fn a_summary_is_read_back_as_it_was_written() {
    for capture in ["01-default", "09d-interactive-aborts", "08c-api-500-exhausted"] {
        let totals = captured(capture);
        let mut back: SessionTotals = serde_json::from_str(&serde_json::to_string(&totals).unwrap()).unwrap();
        // Moments are written to the millisecond.
        (back.first_event, back.last_event) = (totals.first_event, totals.last_event);
        assert_eq!(back, totals);
    }
}

fn request(session: Option<&str>, sequence: Option<u64>, micros: u64) -> Event {
    Event {
        time: Moment::from_unix_nanos(1 + sequence.unwrap_or(0)),
        session: session.map(Into::into),
        prompt: None,
        sequence,
        client_version: None,
        kind: Kind::ApiRequest(ApiRequest {
            model: "m".into(),
            cost: NanoUsd::from_micros(micros),
            ..ApiRequest::default()
        }),
    }
}

fn cost_point(session: Option<&str>, series: u64, dollars: f64) -> Event {
    let point = Point {
        metric: Metric::Cost,
        value: Fixed::from_f64(dollars),
        temporality: Temporality::Cumulative,
        start: 1,
        end: 2,
        series,
        model: Some("m".into()),
        query_source: None,
        agent: None,
    };
    Event { kind: Kind::Point(point), ..request(session, None, 0) }
}

#[test]
fn a_metric_larger_by_rounding_only_is_the_same() {
    let itemised = totals([request(Some("s"), Some(0), 5), cost_point(Some("s"), 1, 0.000_005_9)]);
    assert_eq!((itemised.cost, itemised.cost_not_itemised), (NanoUsd::from_micros(5), NanoUsd::ZERO));
}

#[test]
fn a_metric_without_session_ids_is_compared_with_all_sessions() {
    let both =
        totals([request(Some("a"), Some(0), 1000), request(Some("b"), Some(1), 2000), cost_point(None, 1, 0.003)]);
    assert_eq!(both.cost, NanoUsd::from_micros(3000));
}

#[test]
fn two_requests_in_one_millisecond_are_two() {
    let mut second = request(Some("s"), Some(1), 5);
    second.time = Moment::from_unix_nanos(1);
    assert_eq!(totals([request(Some("s"), Some(0), 5), second]).requests, 2);
}

#[test]
fn tokens_are_those_of_every_type() {
    let tokens = captured("01-default").tokens;
    assert_eq!(tokens, Tokens { input: 65402, output: 17013, cache_read: 300_934, cache_creation: 48230 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever comes twice or in another order: the same happened.
    #[test]
    fn order_and_repeats_change_nothing(
        capture in prop::sample::select(vec![
            "12-cumulative-1s", "09d-interactive-aborts", "09b-interactive-slash-commands", "18c-model-1m",
        ]),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..600),
        seed in any::<u64>(),
    ) {
        let events = captures::events(capture);
        let mut shuffled: Vec<Event> = order.iter().map(|index| index.get(&events).clone()).collect();
        shuffled.extend(events.iter().cloned());
        shuffled.sort_by_cached_key(|event| {
            let mut hasher = DefaultHasher::new();
            (seed, format!("{event:?}")).hash(&mut hasher);
            hasher.finish()
        });
        prop_assert_eq!(totals(shuffled), totals(events));
    }
}

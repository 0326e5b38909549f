//! What a person sees, as snapshots, and that nothing they see is more than text.

use std::time::Duration;

use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

use super::*;
use crate::event::{Moment, NanoUsd, captures};
use crate::otlp::Signal;
use crate::session::{Active, Ledger, SessionTotals, Share, ToolTotals, Verdicts};

const STARTED: &str = "2026-11-22T13:20:00.000Z";

fn moment(text: &str) -> Moment {
    text.parse::<jiff::Timestamp>().unwrap().into()
}

fn run(session: SessionTotals) -> RunSummary {
    RunSummary {
        run_id: "019ab7c2-1f3e-7c4d-8a5b-6c7d8e9f0a1b".into(),
        tool_version: "0.1.0".into(),
        started: Some(moment(STARTED)),
        ended: Some(moment("2026-11-22T14:00:12.000Z")),
        duration: Duration::from_secs(40 * 60 + 12),
        exit: Some(Exit::Code(0)),
        repository: Some("https://example.com/acme/widgets".into()),
        branch: Some("fix/login".into()),
        session,
        ..RunSummary::default()
    }
}

fn captured(name: &str) -> RunSummary {
    let mut ledger = Ledger::default();
    for event in captures::events(name) {
        ledger.record(event);
    }
    run(ledger.totals())
}

fn tool(name: &str, ran: u64, failed: u64, rejected: u64) -> ToolTotals {
    ToolTotals { tool: name.into(), calls: ran + rejected, ran, failed, rejected, duration: Duration::ZERO }
}

fn share(name: &str, micros: u64) -> Share {
    Share { name: name.into(), cost: crate::event::NanoUsd::from_micros(micros), ..Share::default() }
}

fn amount(batches: u64) -> Amount {
    Amount { batches, records: batches * 50 }
}

/// The picture of the design.
fn a_working_day() -> RunSummary {
    let mut session = SessionTotals {
        cost: crate::event::NanoUsd::from_micros(4_310_000),
        requests: 64,
        by_model: vec![share("claude-opus-5-5", 3_720_000), share("claude-haiku-5-5", 590_000)],
        by_agent: vec![share("main", 3_120_000), share("Explore", 680_000), share("general-purpose", 510_000)],
        tools: vec![
            tool("Bash", 31, 3, 1),
            tool("Edit", 14, 0, 0),
            tool("Read", 9, 0, 0),
            tool("Agent", 2, 0, 0),
            tool("Grep", 2, 0, 0),
        ],
        active: Active { user: Duration::from_secs(11 * 60), client: Duration::from_secs(26 * 60) },
        ..SessionTotals::default()
    };
    session.tokens.input = 61_000;
    session.tokens.cache_read = 1_770_000;
    session.tokens.cache_creation = 109_000;
    session.tokens.output = 38_000;
    session.errors.api_errors = 1;
    for (who, accepted, rejected) in [("rule", 20, 0), ("mode", 28, 0), ("click_once", 9, 1), ("click_always", 1, 0)] {
        session.decisions.by_decided_by.insert(who.into(), Verdicts { accepted, rejected });
    }
    session.code.lines_added = 412;
    session.code.lines_removed = 96;
    session.code.commits = 2;
    session.code.pull_requests = 1;
    let masked = |rule: &str, what: &str, secrets| Masked { rule: rule.into(), what: what.into(), secrets, places: 4 };
    RunSummary {
        redaction: Redaction {
            masked: vec![masked("curl-user", "curl -u", 2), masked("aws-access-key", "AWS key", 1)],
            ..Redaction::default()
        },
        delivery: vec![Delivery {
            destination: "org".into(),
            endpoint: "https://collectors.example.com".into(),
            spooled: amount(37),
            last_error: Some("refuses connections".into()),
            failing_since: Some(moment("2026-11-22T14:02:11Z")),
            ..Delivery::default()
        }],
        ..run(session)
    }
}

fn with(note: Note) -> RunSummary {
    RunSummary { notes: vec![note], ..run(SessionTotals::default()) }
}

fn every_note() -> Vec<Note> {
    let text = || "something".to_owned();
    vec![
        Note::NothingArrived { reason: NothingReason::EndedEarly },
        Note::Gap { missing: 12 },
        Note::Gap { missing: 1 },
        Note::Refused { destination: text(), status: Some(403), batches: 1 },
        Note::OnTheirWay { destination: text(), batches: 2 },
        Note::LocalOnly,
        Note::Bypassed { by: text() },
        Note::SettingsNotMerged { why: text() },
        Note::NotObserved { why: text() },
        Note::Unobserved,
        Note::Dry,
        Note::EndpointNotSupported { protocol: "grpc".into(), signals: Vec::new() },
        Note::EndpointNotSupported { protocol: "grpc".into(), signals: vec![Signal::Traces] },
        Note::EndpointNotUsable {
            variable: "OTEL_EXPORTER_OTLP_ENDPOINT".into(),
            why: "not a URL".into(),
            signals: Signal::ALL.to_vec(),
        },
        Note::RulesNotUsable { errors: vec![text(), text(), text()] },
        Note::ManagedNotUsable { why: text() },
        Note::ConfigLeftOut { why: text() },
        Note::BudgetPassed {
            period: Period::Day,
            budget: NanoUsd::from_micros(50_000_000),
            spent: NanoUsd::from_micros(61_200_000),
        },
        Note::RelayGone,
        Note::RelayRestarted { at: None },
        Note::TracesMissing,
        Note::Incomplete,
    ]
}

#[test]
fn a_working_day_is_the_picture_of_the_design() {
    insta::assert_snapshot!(full(&a_working_day(), &Style::PLAIN), @r#"
    cc-observe  widgets@fix/login   40m 12s (you 11m, claude 26m)   run 019ab7c2
    Cost      $4.31 at list price   opus-5-5 $3.72, haiku-5-5 $0.59
    Agents    main $3.12, Explore $0.68, general-purpose $0.51
    Tokens    1.94M in (91% cached), 38k out, 64 requests, 1 API error
    Tools     58 ran: Bash 31 (3 failed), Edit 14, Read 9, Agent 2, Grep 2
    Decided   48 rule or mode, 9 you once, 1 you always, 1 you rejected
    Rejected  Bash 1
    Code      +412 -96 lines, 2 commits, 1 pull request
    Masked    3 in telemetry: curl -u (2), AWS key (1); rotate them
    Sent      0 of 37 batches: org refuses connections since 14:02; kept on disk
    "#);
    insta::assert_snapshot!(line(&a_working_day(), &Style { width: 100, ..Style::PLAIN }), @"cc-observe $4.31 40m 58 tools 3 failed 1 rejected 1 API error 3 masked org:37 held");
}

#[test]
fn a_real_session_is_shown_without_the_lines_that_say_nothing() {
    let mut summary = captured("01-default");
    summary.notes.push(Note::LocalOnly);
    insta::assert_snapshot!(full(&summary, &Style::PLAIN), @r#"
    cc-observe  widgets@fix/login   40m 12s (claude 4s)   run 019ab7c2
    Cost      $0.90 at list price   opus-5-5 $0.90
    Agents    main $0.85, general-purpose $0.0341, web_search_tool $0.0170
    Tokens    415k in (72% cached), 17k out, 53 requests
    Tools     53 ran: Bash 40 (1 failed), Read 3 (1 failed), Write 2, +8 more
    Decided   53 rule or mode
    Code      +11 -1 lines, 2 commits, 1 pull request
    Sent      nothing, local only
    "#);
    insta::assert_snapshot!(line(&summary, &Style::PLAIN), @"cc-observe $0.90 40m 53 tools 3 failed local only");
}

#[test]
fn an_interactive_session_tells_who_decided() {
    insta::assert_snapshot!(full(&captured("09-interactive-decisions"), &Style::PLAIN), @r#"
    cc-observe  widgets@fix/login   40m 12s (you 59s, claude 5s)   run 019ab7c2
    Cost      $0.51 at list price   opus-5-5 $0.51
    Tokens    235k in (72% cached), 9.6k out, 30 requests
    Tools     12 ran: Bash 9 (1 failed), Write 3
    Decided   6 rule or mode, 2 hook, 5 you once, 1 you always, 3 you rejected
    Rejected  Bash 4, Write 1
    Code      +7 -0 lines
    "#);
}

#[test]
fn what_no_event_accounts_for_is_called_not_itemised() {
    insta::assert_snapshot!(full(&captured("09d-interactive-aborts"), &Style::PLAIN), @r#"
    cc-observe  widgets@fix/login   40m 12s (you 4s, claude 10s)   run 019ab7c2
    Cost      $0.0852 at list price, $0.0170 not itemised   opus-5-5 $0.0852
    Tokens    39k in (72% cached), 1.6k out, 4 requests
    Tools     1 ran: Bash 1
    Decided   1 you once, 2 you rejected
    Rejected  Bash 2
    "#);
}

#[test]
fn a_failed_session_shows_its_errors() {
    insta::assert_snapshot!(full(&captured("08c-api-500-exhausted"), &Style::PLAIN), @r#"
    cc-observe  widgets@fix/login   40m 12s (claude 2s)   run 019ab7c2
    Tokens    1 API error, 2 retries
    "#);
    insta::assert_snapshot!(line(&captured("08c-api-500-exhausted"), &Style::PLAIN), @"cc-observe $0.00 40m 1 API error");
}

#[test]
fn a_tool_cut_short_is_mentioned() {
    insta::assert_snapshot!(full(&captured("15-sigterm-during-tool"), &Style::PLAIN), @r#"
    cc-observe  widgets@fix/login   40m 12s   run 019ab7c2
    Cost      $0.0170 at list price   opus-5-5 $0.0170
    Tokens    7.8k in (72% cached), 321 out, 1 request
    Tools     0 ran, 1 cut short
    Decided   1 rule or mode
    "#);
}

#[test]
fn nothing_is_shown_when_the_model_was_not_asked() {
    let summary = run(SessionTotals::default());
    assert!(summary.is_silent());
    assert_eq!(full(&summary, &Style::PLAIN) + &line(&summary, &Style::PLAIN) + &markdown(&summary), "");
    assert!(with(Note::LocalOnly).is_silent());
    assert!(json(&summary).contains("\"requests\": 0"));
}

#[test]
fn that_nothing_arrived_is_said_with_the_reason() {
    let summary = with(Note::NothingArrived { reason: NothingReason::ManagedSettings });
    insta::assert_snapshot!(full(&summary, &Style::PLAIN), @r#"
    cc-observe  widgets@fix/login   40m 12s   run 019ab7c2
    Note      Nothing arrived from Claude Code: managed settings decide about
              telemetry on this machine.
    "#);
    insta::assert_snapshot!(line(&summary, &Style::PLAIN), @"cc-observe Nothing arrived from Claude Code: managed settings decide about tele…");
}

#[test]
fn every_note_is_one_plain_sentence() {
    let sentences: Vec<_> = every_note().iter().map(Note::sentence).collect();
    insta::assert_snapshot!(sentences.join("\n"), @r#"
    Nothing arrived from Claude Code: it ended before it exported anything.
    12 events never arrived; the numbers may be too low.
    1 event never arrived; the numbers may be too low.
    something refuses what it is sent with status 403; 1 batch is kept on disk.
    2 batches are still on the way to something.
    No destination is configured; nothing leaves this machine.
    Telemetry went past cc-observe: something sends it elsewhere.
    Your --settings was passed on alone, so a settings file can redirect telemetry: something.
    This run was not observed: something.
    Not observed, as you asked: only that there was a session is told.
    A dry run: what would be sent was shown, and sent to nobody.
    The configured endpoint wants grpc, which this version cannot speak; nothing was sent.
    The configured endpoint wants grpc, which this version cannot speak; traces were not sent.
    OTEL_EXPORTER_OTLP_ENDPOINT cannot be used (not a URL); logs, metrics and traces were not sent.
    Your own redaction rules cannot be used (something) and 2 more; only metadata is captured.
    Your organization's configuration cannot be used: something. No more than metadata is captured, and nothing is sent.
    Your own configuration is left out, and your organization's counts alone: something
    Today's budget of $50.00 is passed: $61.20 so far, at list price.
    The relay ended early; what it had not yet written to disk is lost.
    The relay ended early and was started again; what came before that is not in these numbers.
    Traces were asked for, but none arrived.
    Events may still be arriving; the numbers may be too low.
    "#);
}

#[test]
fn one_line_has_a_word_for_what_is_missing() {
    let mut summary = captured("18c-model-1m");
    summary.notes = every_note();
    summary.session.missing_events = 12;
    insta::assert_snapshot!(line(&summary, &Style { width: 360, ..Style::PLAIN }), @"cc-observe $0.12 40m 2 tools 12 missing local only bypassed settings not merged not observed unobserved, as asked dry run not sent traces not sent logs, metrics and traces not sent own rules not usable organization's configuration not usable own configuration not usable over day budget relay gone relay restarted no traces incomplete");
}

/// What is said of a delivery, in full and in the one line.
fn shown(delivery: Delivery) -> String {
    let mut summary = captured("18c-model-1m");
    summary.delivery = vec![Delivery { destination: "org".into(), ..delivery }];
    let sent: Vec<_> =
        full(&summary, &Style::PLAIN).lines().skip_while(|line| !line.starts_with("Sent")).map(str::to_owned).collect();
    sent.join("\n") + "\n" + &line(&summary, &Style::PLAIN)
}

#[test]
fn delivery_is_mentioned_only_while_it_is_not_done() {
    let done = Delivery { delivered: amount(3), ..Delivery::default() };
    insta::assert_snapshot!(shown(done.clone()), @"cc-observe $0.12 40m 2 tools");
    insta::assert_snapshot!(shown(Delivery { spooled: amount(2), ..done.clone() }), @r#"
    Sent      3 of 5 batches to org, the rest is on its way
    cc-observe $0.12 40m 2 tools org:2 on the way
    "#);
    let refused = Delivery { parked: amount(2), dropped: amount(1), last_error: Some("answers 403".into()), ..done };
    insta::assert_snapshot!(shown(refused), @r#"
    Sent      3 of 6 batches: org answers 403; 2 refused for good and set aside; 1
              dropped
    cc-observe $0.12 40m 2 tools org:1 dropped org:2 held
    "#);
}

#[test]
fn masked_secrets_are_named_by_kind_and_counted() {
    let mut summary = captured("18c-model-1m");
    let kind = |number: u64| Masked { what: format!("kind {number}"), secrets: number, ..Masked::default() };
    let mut row = |kinds: Vec<Masked>| {
        summary.redaction.masked = kinds;
        let rows = full(&summary, &Style::PLAIN);
        rows.lines().skip_while(|line| !line.starts_with("Masked")).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(row(vec![kind(1)]), @"Masked    1 in telemetry: kind 1 (1); rotate it");
    insta::assert_snapshot!(row((0..9).map(|number| kind(9 - number)).collect()), @r"
    Masked    45 in telemetry: kind 9 (9), kind 8 (8), kind 7 (7), kind 6 (6), kind
              5 (5), kind 4 (4), +3 more; rotate them
    ");
    assert_eq!(row(Vec::new()), "");
}

#[test]
fn what_the_disk_did_not_take_is_not_called_kept() {
    let disk_error = Some("could not write a spool file: No space left on device".to_owned());
    let failing = Delivery { last_error: Some("refuses connections".into()), ..Delivery::default() };
    let in_memory = Delivery { in_memory: amount(2), disk_error, ..Delivery::default() };
    insta::assert_snapshot!(shown(Delivery { last_error: failing.last_error.clone(), ..in_memory.clone() }), @r#"
    Sent      0 of 2 batches: org refuses connections; held in memory; disk: could
              not write a spool file: No space left on device
    cc-observe $0.12 40m 2 tools org:2 in memory
    "#);
    insta::assert_snapshot!(shown(Delivery { spooled: amount(3), ..failing }), @r#"
    Sent      0 of 3 batches: org refuses connections; kept on disk
    cc-observe $0.12 40m 2 tools org:3 held
    "#);
    insta::assert_snapshot!(shown(Delivery { spooled: amount(3), delivered: amount(1), ..in_memory }), @r#"
    Sent      1 of 6 batches to org, the rest is on its way, 2 held in memory; disk:
              could not write a spool file: No space left on device
    cc-observe $0.12 40m 2 tools org:3 on the way org:2 in memory
    "#);
}

#[test]
fn what_is_set_aside_or_thrown_away_is_said_with_the_reason() {
    let parked_because = Some("answers 400".to_owned());
    insta::assert_snapshot!(shown(Delivery { parked: amount(2), parked_because, ..Delivery::default() }), @r#"
    Sent      0 of 2 batches to org; 2 refused for good and set aside: org answers
              400
    cc-observe $0.12 40m 2 tools org:2 held
    "#);
    let rejected = Amount { batches: 0, records: 3 };
    let message = Some("too old".to_owned());
    let done = Delivery { delivered: amount(2), message, ..Delivery::default() };
    insta::assert_snapshot!(shown(done.clone()), @"cc-observe $0.12 40m 2 tools");
    insta::assert_snapshot!(shown(Delivery { dropped: rejected, ..done }), @r#"
    Sent      2 of 2 batches to org; 3 records dropped; org says: too old
    cc-observe $0.12 40m 2 tools org:3 records dropped
    "#);
}

#[test]
fn colours_mean_failure_and_holding_back() {
    let style = Style { colour: true, width: 100, ..Style::PLAIN };
    insta::assert_snapshot!(line(&a_working_day(), &style).replace('\u{1b}', "ESC"), @"ESC[2mcc-observeESC[0m $4.31 40m 58 tools ESC[31m3 failedESC[0m ESC[31m1 rejectedESC[0m ESC[31m1 API errorESC[0m ESC[33m3 maskedESC[0m ESC[33morg:37 heldESC[0m");
    let coloured = full(&a_working_day(), &style);
    let mut plain = coloured.clone();
    for code in ["0", "2", "31", "33"] {
        plain = plain.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(plain, full(&a_working_day(), &Style { width: 100, ..Style::PLAIN }));
}

#[test]
fn a_step_summary_is_a_table() {
    insta::assert_snapshot!(markdown(&a_working_day()), @r#"
    ### Claude Code: $4.31, 40m 12s

    | cc-observe | |
    |---|---|
    | Where | widgets&#64;fix/login |
    | Cost | \$4.31 at list price   opus-5-5 \$3.72, haiku-5-5 \$0.59 |
    | Agents | main \$3.12, Explore \$0.68, general-purpose \$0.51 |
    | Tokens | 1.94M in (91% cached), 38k out, 64 requests, 1 API error |
    | Tools | 58 ran: Bash 31 (3 failed), Edit 14, Read 9, Agent 2, Grep 2 |
    | Decided | 48 rule or mode, 9 you once, 1 you always, 1 you rejected |
    | Rejected | Bash 1 |
    | Code | +412 -96 lines, 2 commits, 1 pull request |
    | Masked | 3 in telemetry: curl -u (2), AWS key (1); rotate them |
    | Sent | 0 of 37 batches: org refuses connections since 14:02; kept on disk |
    | Run | 019ab7c2-1f3e-7c4d-8a5b-6c7d8e9f0a1b |
    "#);
}

#[test]
fn long_lists_are_cut_and_counted() {
    let mut summary = a_working_day();
    summary.session.tools.extend((0..9).map(|n| tool(&format!("mcp__server__tool_{n}"), 1, 0, 0)));
    let style = Style { width: 60, ..Style::PLAIN };
    let shown = full(&summary, &style);
    insta::assert_snapshot!(shown.lines().find(|line| line.starts_with("Tools")).unwrap(), @"Tools     67 ran: Bash 31 (3 failed), Edit 14, +12 more");
}

#[test]
fn the_document_is_read_back_as_it_was_written() {
    let mut summary = a_working_day();
    summary.notes = every_note();
    let text = json(&summary);
    assert_eq!(serde_json::from_str::<RunSummary>(&text).unwrap(), summary);
}

#[test]
fn a_document_of_another_version_is_read_as_far_as_possible() {
    let text = r#"{"schema_version":1,"new_field":{"x":[1]},"notes":[{"kind":"later","x":1},{"kind":"local_only"},
        {"kind":"nothing_arrived","reason":"later"},{"kind":"endpoint_not_supported","protocol":"grpc"}],"cost_nano_usd":5,"tools":[{"tool":"Bash","later":2}]}"#;
    let summary: RunSummary = serde_json::from_str(text).unwrap();
    assert_eq!(summary.notes[0], Note::Unknown);
    assert_eq!(summary.notes[2], Note::NothingArrived { reason: NothingReason::Unknown });
    assert_eq!((summary.session.cost.nanos(), summary.session.tools[0].ran), (5, 0));
    assert!(serde_json::from_str::<RunSummary>("{}").is_ok());
}

#[test]
fn every_field_of_the_document_is_described() {
    fn keys(value: &serde_json::Value, into: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(object) => {
                for (key, value) in object {
                    into.push(key.clone());
                    keys(value, into);
                }
            }
            serde_json::Value::Array(array) => array.iter().for_each(|value| keys(value, into)),
            _ => {}
        }
    }
    let description = include_str!("../../docs/summary.md");
    let mut summary = a_working_day();
    summary.notes = every_note();
    let mut names = Vec::new();
    keys(&serde_json::to_value(&summary).unwrap(), &mut names);
    names.extend(every_note().iter().map(|note| serde_json::to_value(note).unwrap()["kind"].as_str().unwrap().into()));
    for name in names {
        assert!(description.contains(&format!("`{name}`")), "docs/summary.md does not mention `{name}`");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Names, places, errors and notes of any characters, in any width: text that fits, and nothing else.
    #[test]
    fn nothing_from_outside_can_do_more_than_be_read(
        text in prop::collection::vec(prop_oneof![any::<char>(), Just('\u{1b}'), Just('日')], 0..40),
        width in 20..120_usize,
        colour in any::<bool>(),
    ) {
        let text: String = text.into_iter().collect();
        let mut summary = a_working_day();
        summary.run_id.clone_from(&text);
        summary.repository = Some(text.clone());
        summary.branch = Some(text.clone());
        summary.session.by_model[0].name.clone_from(&text);
        summary.session.by_agent[1].name.clone_from(&text);
        summary.session.tools[0].tool.clone_from(&text);
        summary.session.client_version = Some(text.clone());
        summary.redaction.masked[0].what.clone_from(&text);
        summary.delivery[0].destination.clone_from(&text);
        summary.delivery[0].last_error = Some(text.clone());
        summary.delivery[0].in_memory = amount(1);
        summary.delivery[0].parked = amount(1);
        summary.delivery[0].parked_because = Some(text.clone());
        summary.delivery[0].message = Some(text.clone());
        summary.delivery[0].disk_error = Some(text.clone());
        summary.notes = vec![
            Note::Bypassed { by: text.clone() },
            Note::NotObserved { why: text.clone() },
            Note::RulesNotUsable { errors: vec![text.clone(); 2] },
            Note::Refused { destination: format!("{text}2"), status: None, batches: 1 },
        ];
        let style = Style { colour, width, time_zone: TimeZone::UTC };
        let plain = Style { colour: false, ..style.clone() };
        for rendered in [full(&summary, &plain), line(&summary, &plain)] {
            for line in rendered.split('\n') {
                prop_assert!(line.chars().all(printable::is_safe), "{line:?}");
                prop_assert!(line.width() <= width, "{} columns: {line:?}", line.width());
            }
        }
        // With colours: only the four sequences of ours.
        let mut coloured = full(&summary, &style) + &line(&summary, &style);
        for code in ["0", "2", "31", "33"] {
            coloured = coloured.replace(&format!("\u{1b}[{code}m"), "");
        }
        prop_assert!(coloured.chars().all(|c| c == '\n' || printable::is_safe(c)));
        let json = json(&summary);
        prop_assert!(json.chars().all(|c| c == '\n' || printable::is_safe(c)));
        let written = safe_json(&serde_json::json!({ "of": text }).to_string());
        prop_assert!(written.chars().all(printable::is_safe), "{written:?}");
        prop_assert_eq!(&serde_json::from_str::<serde_json::Value>(&written).unwrap()["of"], &text);
        prop_assert_eq!(serde_json::from_str::<RunSummary>(&json).unwrap(), summary.clone());
        prop_assert!(markdown(&summary).chars().all(|c| c == '\n' || printable::is_safe(c)));
    }
}

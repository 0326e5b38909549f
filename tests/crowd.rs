//! Many runs at once on one spool: nothing is lost, and nothing goes to another's endpoint.

use std::collections::BTreeMap;
use std::time::Duration;

use cc_observe::otlp::decode;

use crate::support::{Capture, Mode, OrgEndpoint, Record, Sandbox, records, run, start, wait_within};

/// What claude itself said, by run: the names of its records, sorted.
fn by_run(endpoint: &OrgEndpoint) -> BTreeMap<String, Vec<String>> {
    let mut runs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in endpoint.records().into_iter().filter(|record| record.scope != "cc_observe") {
        let run = record.resource["cc_observe.run_id"].as_str().unwrap().to_owned();
        runs.entry(run).or_default().push(name(&record));
    }
    for names in runs.values_mut() {
        names.sort();
    }
    runs
}

fn name(record: &Record) -> String {
    format!("{} {} {}", record.signal.as_str(), record.name, record.time)
}

/// So many runs at once, every other one for another endpoint. Both answer 503 to the first requests.
fn crowd(count: usize) {
    let mode = Mode::Status { code: 503, first: Some(count / 4) };
    let endpoints = [OrgEndpoint::start_as(mode.clone()), OrgEndpoint::start_as(mode)];
    let mut sandbox = Sandbox::new();
    // All are there before the first one says anything.
    sandbox.plays("01-default").does(["wait-file:../out/go"]);
    let configs = ["a", "b"].into_iter().zip(&endpoints).map(|(name, endpoint)| {
        let text = format!("[destinations.{name}]\nendpoint = \"{}\"\n", endpoint.url());
        sandbox.write(&format!("home/{name}.toml"), text)
    });
    let configs: Vec<_> = configs.collect();
    let started: Vec<_> = (0..count)
        .map(|number| {
            let mut command = sandbox.observed(["-p", "go"]);
            command.env("CC_OBSERVE_CONFIG", &configs[number % 2]);
            for file in ["FAKE_CLAUDE_DUMP", "FAKE_CLAUDE_SIGNALS", "FAKE_CLAUDE_ACKNOWLEDGED"] {
                command.env(file, sandbox.at(&format!("out/{file}-{number}")));
            }
            let started = start(command);
            sandbox.wait_for_file(&format!("out/FAKE_CLAUDE_DUMP-{number}"));
            started
        })
        .collect();
    sandbox.write("out/go", "");
    for run in started {
        let run = run.wait();
        assert_eq!(run.code(), Some(0), "{}", run.err());
    }
    wait_within(Duration::from_secs(120), "no process is left", || sandbox.our_processes().is_empty().then_some(()));
    // Whatever a relay had to leave.
    for config in &configs {
        let mut flush = sandbox.cc_observe(["spool", "flush", "--wait", "60s"]);
        flush.env("CC_OBSERVE_CONFIG", config);
        assert_eq!(run(flush).code(), Some(0));
    }
    let status = run(sandbox.cc_observe(["spool", "status"]));
    assert_eq!(String::from_utf8(status.stdout).unwrap(), "nothing waits\n");

    let capture = Capture::load("01-default");
    let requests: BTreeMap<_, _> = capture.requests.iter().map(|request| (request.file.as_str(), request)).collect();
    let names_of = |file: &str| -> Vec<String> {
        let request = requests[file];
        let batch = decode(request.signal, request.encoding(), &request.body).unwrap();
        records(&batch).iter().map(name).collect()
    };
    let mut got = endpoints.each_ref().map(by_run);
    let mut unobserved = 0;
    for number in 0..count {
        let read = |what| std::fs::read_to_string(sandbox.at(&format!("out/{what}-{number}"))).unwrap_or_default();
        let world = read("FAKE_CLAUDE_DUMP");
        // A client that is kept from the processor gives up on a batch after two seconds: what counts is what it was
        // told to have arrived.
        let mut acknowledged: Vec<_> = read("FAKE_CLAUDE_ACKNOWLEDGED").lines().flat_map(names_of).collect();
        acknowledged.sort();
        let [ours, others] = [number % 2, 1 - number % 2].map(|at| {
            let run = got[at].keys().find(|run| world.contains(run.as_str())).cloned();
            run.and_then(|run| got[at].remove(&run))
        });
        assert_eq!(others, None, "what goes to one endpoint went to the other");
        if ours.is_none() && acknowledged.is_empty() {
            unobserved += 1;
            continue;
        }
        let mut left = ours.unwrap_or_default();
        for name in &acknowledged {
            let at = left.binary_search(name).unwrap_or_else(|_| panic!("run {number}: {name} was lost"));
            left.remove(at);
        }
        // A batch that came too late to be acknowledged may have come all the same, once.
        let sent: Vec<_> = capture.requests.iter().flat_map(|request| names_of(&request.file)).collect();
        for name in acknowledged.iter().chain(&left) {
            let times = |of: &[String]| of.iter().filter(|other| *other == name).count();
            assert!(times(&acknowledged) + times(&left) <= times(&sent), "run {number}: {name} is there twice");
        }
    }
    assert!(got.iter().all(BTreeMap::is_empty), "records of runs that nobody started: {got:?}");
    // A machine that is too busy to prepare a run in time starts claude without us, and says so.
    let log = std::fs::read_to_string(sandbox.state().join("cc-observe.log")).unwrap_or_default();
    assert_eq!(log.lines().filter(|line| line.contains("not observed")).count(), unobserved, "{log}");
    assert!(unobserved < count / 2, "{log}");
}

#[test]
fn what_many_runs_have_at_once_is_all_delivered_and_to_the_right_endpoint() {
    crowd(16);
}

#[test]
#[ignore = "takes a minute: .ci/full runs it"]
fn what_a_hundred_runs_have_at_once_is_all_delivered_and_to_the_right_endpoint() {
    crowd(100);
}

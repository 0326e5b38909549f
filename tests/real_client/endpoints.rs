//! An organization's endpoint that does not do what it should: claude is not disturbed, and nothing is lost.

use super::client::client;
use super::compare::{assert_same, essence_of_run, expected, run_ids, scrubbed};
use super::lab::{EXPORT, Lab, ORG};
use super::{GO, SHORT};

#[test]
fn whatever_the_endpoint_does_claude_is_not_disturbed_and_the_next_run_delivers_everything() {
    let Some(client) = client() else { return };
    let mut lab = Lab::new(client, SHORT);
    lab.set_all(EXPORT);
    let plain = lab.plain(GO);
    for (name, _) in EXPORT {
        lab.unset(name);
    }
    lab.set("CC_OBSERVE_ENDPOINT", ORG);
    let mut runs = Vec::new();
    for sink in ["refused", "503", "hang", "deaf", "close"] {
        match sink {
            // The home is new in the first of these runs, and kept by the others.
            "refused" => lab.options(["--settle", "0.3", "--sink", sink]),
            _ => lab.options(["--settle", "0.3", "--sink", sink, "--keep-home"]),
        };
        let run = lab.observed(GO);
        assert_eq!((run.code, scrubbed(&run.stdout)), (plain.code, scrubbed(&plain.stdout)), "{sink}");
        assert_eq!(run.stderr, plain.stderr, "{sink}");
        let delivery = &run.summary["delivery"][0];
        let [delivered, dropped, parked] = ["delivered", "dropped", "parked"].map(|what| &delivery[what]["batches"]);
        assert_eq!((delivered, dropped, parked), (&0.into(), &0.into(), &0.into()), "{sink}: {delivery}");
        // Claude's logs and metrics, and our record of the start; that of the end comes after the summary.
        assert_eq!(delivery["spooled"]["batches"], 3, "{sink}: {delivery}");
        runs.push(run.summary["run_id"].as_str().unwrap().to_owned());
    }

    lab.options(["--keep-home"]);
    let good = lab.observed(GO);
    assert_eq!(good.code, 0, "{}", good.stderr);
    runs.push(good.summary["run_id"].as_str().unwrap().to_owned());
    runs.sort();
    assert_eq!(run_ids(&good.org), runs);
    for run in &runs {
        assert_same(&expected(&plain.org), &essence_of_run(&good.org, run));
    }
    assert_eq!(lab.waiting(), 0, "the spool is empty");
}

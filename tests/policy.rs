//! What people are told of what leaves their machine.

use serde_json::{Value, json};

use crate::support::{Sandbox, on_a_machine_with, run};

fn told(sandbox: &Sandbox) -> Value {
    let told = run(sandbox.cc_observe(["policy", "--json"]));
    assert_eq!((told.code(), told.err().as_str()), (Some(0), ""));
    serde_json::from_str(&told.out()).unwrap()
}

const FILE: &str = "home/.config/cc-observe/config.toml";

#[test]
fn every_part_of_the_policy_names_the_line_that_says_so() {
    let sandbox = Sandbox::new();
    sandbox.write(
        FILE,
        "capture = \"metadata\"\n[destinations.org]\nendpoint = \"https://user:FAKEpw9x@otlp.example.com/receiver/FAKEtoken\"\n\
         signals = [\"logs\"]\nauth = { token = \"keyring\" }\n[identity]\nemail = \"hash\"\n[drop]\nmetrics = [\"session.count\"]\n\
         [levels]\n\"user_prompt.prompt_length\" = \"content\"\n[[redaction.rules]]\nid = \"ticket\"\npattern = \"ACME-[0-9]+\"\n",
    );
    let told = told(&sandbox);
    let line = |number: u32| json!([format!("~/.config/cc-observe/config.toml:{number}")]);
    let destination = &told["destinations"][0];
    assert_eq!(destination["endpoint"], "https://otlp.example.com");
    assert_eq!(destination["decided"]["by"], line(3));
    assert_eq!((&destination["capture"]["value"], &destination["capture"]["by"]), (&json!("metadata"), &line(1)));
    assert_eq!(destination["signals"], json!(["logs"]));
    assert_eq!(told["identity"][0], json!(["email", { "value": "hash", "by": line(7), "by_organization": false }]));
    assert_eq!(told["dropped"][0]["by"], line(9));
    assert_eq!(told["placed"][0][1]["by"], line(11));
    assert_eq!(told["secrets"]["own_rules"], 1);
    assert_eq!((&told["locked"], &told["unobserved_allowed"]), (&json!([]), &json!(true)));
    let plain = run(sandbox.cc_observe(["policy"])).out();
    assert!(!plain.contains("FAKE") && !told.to_string().contains("FAKE"), "{plain}");
    for words in ["no destination", "otlp.example.com", "told as a pseudonym", "all of this is for you to decide"] {
        assert_eq!(plain.contains(words), words != "no destination", "{words}: {plain}");
    }
    assert!(plain.lines().all(|line| line.chars().count() <= 80), "{plain}");
}

#[test]
fn what_is_locked_is_told_with_the_one_who_locked_it() {
    let said = "capture = \"metadata\"\nrequired = true\n[destinations.org]\nendpoint = \"https://otlp.example.com\"\n";
    on_a_machine_with(&[("cc-observe/managed.toml", said)], || {
        let mut sandbox = Sandbox::new();
        sandbox.write(FILE, "capture = \"content\"\n[destinations.mine]\nendpoint = \"https://mine.example.com\"\n");
        sandbox.set("CC_OBSERVE_ENDPOINT", "https://elsewhere.example.com");
        let telling = told(&sandbox);
        assert_eq!(telling["destinations"].as_array().unwrap().len(), 1);
        let by = |line: u32| json!([format!("/etc/cc-observe/managed.toml:{line}")]);
        assert_eq!(telling["destinations"][0]["decided"], json!({ "value": "", "by": by(4), "by_organization": true }));
        assert_eq!(telling["capture"], json!({ "value": "metadata", "by": by(1), "by_organization": true }));
        assert_eq!(telling["locked"], json!(["capture", "destinations"]));
        assert_eq!((&telling["required"], &telling["unobserved_allowed"]), (&json!(true), &json!(false)));
        // Where the organization's file is no good, that is the first thing to be said.
        std::fs::write("/etc/cc-observe/managed.toml", "capture = 7\n").unwrap();
        let telling = told(&sandbox);
        assert!(telling["wrong"].as_str().unwrap().contains("/etc/cc-observe/managed.toml:1"), "{telling}");
        assert_eq!(telling["destinations"], json!([]));
    });
}

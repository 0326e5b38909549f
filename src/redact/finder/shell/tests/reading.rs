//! What of a command is taken for what, condition by condition.

use super::super::input::told;
use super::super::programs::What;
use super::*;

/// A made-up token that looks random.
const RANDOM: &str = concat!("qX7rT2vB9mZk", "D4wLsGhJ6yN3", "pQ8fRt5u");

/// Checks commands, each with how it should look; tells all that fail. `{P}` is a password, `{T}` a token, `{R}` a random one, `#` what is masked.
pub(super) fn check(rows: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (template, wanted) in rows {
        let fill = |text: &str| text.replace("{P}", PASSWORD).replace("{T}", TOKEN).replace("{R}", RANDOM);
        let (text, wanted) = (fill(template), fill(wanted));
        let masked = masked(&text);
        if masked != wanted {
            wrong.push(format!("{text}\n   is {masked}\n  not {wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n"), wrong.len());
}

/// Checks that of each command all that is filled in is masked.
pub(super) fn hides(templates: &[&str]) {
    let rows: Vec<_> =
        templates.iter().map(|row| (*row, row.replace("{P}", "#").replace("{T}", "#").replace("{R}", "#"))).collect();
    check(&rows.iter().map(|(text, wanted)| (*text, wanted.as_str())).collect::<Vec<_>>());
}

/// Checks that nothing of these commands is masked.
pub(super) fn shows(templates: &[&str]) {
    check(&templates.iter().map(|row| (*row, *row)).collect::<Vec<_>>());
}

/// The secrets of a text itself, if anchors stand at these places. None: everywhere.
fn found(text: &str, places: Option<&[usize]>) -> Vec<String> {
    let mut found = Vec::new();
    read(text, places, &mut found);
    let secret = |found: &Found| match found {
        Found::Secret { span, .. } => Some(text[span.clone()].to_owned()),
        Found::Nested { .. } => None,
    };
    found.iter().filter_map(secret).collect()
}

#[test]
fn a_pipeline_is_read_if_an_anchor_stands_in_it() {
    let text = "mysql -pone1 a; mysql -ptwo2 b; mysql -pthree3 c";
    for (place, wanted) in [(0, "one1"), (14, "one1"), (16, "two2"), (30, "two2"), (32, "three3"), (47, "three3")] {
        assert_eq!(found(text, Some(&[place])), [wanted], "{place}");
    }
    assert_eq!(found(text, Some(&[])), [""; 0]);
    assert_eq!(found(text, Some(&[15])), [""; 0], "between two");
    assert_eq!(found(text, Some(&[14, 32])), ["one1", "three3"]);
    assert_eq!(found("mysql -p\\one1 a; mysql -ptwo2 b", Some(&[])), ["\\one1"], "what is escaped may hold one");
}

#[test]
fn a_program_is_known_by_its_name() {
    hides(&[
        "/usr/bin/mysql -p{P}",
        r"C:\bin\mysql -p{P}",
        "mysql.exe -p{P}",
        "MySQL.EXE -p{P}",
        "mysql.cmd -p{P}",
        "mysql.bat -p{P}",
        "`mysql -p{P}`",
        "'mysql' -p{P}",
        "mysql. -p{P}",
        "MYSQL -p{P}",
        "bash <(curl -s https://codecov.io/bash) -t {T}",
    ]);
    shows(&["mysql.sh -p{P}", "mysqlx -p{P}", "xmysql -p{P}", "bash <(curl -s https://example.com/bash) -t {T}"]);
    let long = |length: usize| format!("/{}/mysql -p{{P}}", "d".repeat(length));
    hides(&[&long(180), &long(300)]);
}

#[test]
fn a_command_behind_a_message_is_a_command() {
    hides(&[
        "bob@host:~$ echo {P} | docker login --password-stdin",
        "Error: Command failed with exit code 1: echo {P} | docker login --password-stdin",
        "Failed: PIN=x echo {P} | docker login --password-stdin",
        "1. mysql -p{P}",
        "Error: Command failed: sudo docker swarm join --token {T} host",
        "Error: 7 lines: Command failed: $ sudo mysql -p{P}",
    ]);
    let lead = |words: usize| format!("{}x: echo {{P}} | docker login --password-stdin", "a ".repeat(words));
    hides(&[&lead(0), &lead(LEAD - 1)]);
    shows(&[&lead(LEAD)]);
}

/// How many words of a message may stand in front of a command.
const LEAD: usize = 16;

#[test]
fn programs_in_the_middle_of_a_command_are_read_as_far_as_they_may_be() {
    let far = |words: usize| format!("foo bar sshpass {}-p {{P}}", "-x ".repeat(words));
    hides(&["foo bar sshpass -p {P}", "foo -x sshpass -p {P}", "foo sshpass -p {P} bar", &far(58)]);
    shows(&["foo -sshpass -p {P}", "apt install sshpass -p {P}", &far(59), &far(60)]);
    // Twelve programs of a sentence are looked at.
    let many = |programs: usize| format!("foo {}sshpass -p {{P}}", "git ".repeat(programs));
    hides(&[&many(11)]);
    shows(&[&many(12)]);
}

#[test]
fn a_wrapper_runs_what_stands_behind_it() {
    hides(&[
        "sudo mysql -p{P}",
        "sudo -u bob mysql -p{P}",
        "sudo -n A=b -- mysql -p{P}",
        "timeout -s KILL 5 mysql -p{P}",
        "env -u x A=b mysql -p{P}",
        "docker exec -u root db mysql -p{P}",
        "docker run --rm -it image mysql -p{P}",
    ]);
    // Twelve of them.
    let deep = |wrappers: usize| format!("{}tool -u bob -p {{P}}", "sudo ".repeat(wrappers));
    hides(&[&deep(0), &deep(11)]);
    shows(&[&deep(12)]);
}

#[test]
fn a_variable_stands_for_what_is_assigned_to_it() {
    hides(&[
        "X={P}; mysql -p$X",
        "X={P}; mysql -p${X}",
        "X='{P}' && mysql --password=\"$X\"",
        "export X={P}; mysql -p$X",
        "local -r X={P}\nmysql -p$X",
        "declare -x X={P}\nmysql -p$X",
        "typeset -g X={P}\nmysql -p$X",
        "readonly X={P}\nmysql -p$X",
        "for x in {P} {P}; do mysql -p$x; done",
        "$x = '{P}'; mysql --password $x",
        "$x = '{P}'; mysql --password=$env:x",
        "Error: Command failed: X={P} mysql -p$X",
        "curl -u bob:$X https://example.com; X={P}",
        "A=1 B=2 X={P}; mysql -p$X",
    ]);
    shows(&[
        "X={P}; mysql -p$Y",
        "X={P}; mysql -p '$X'",
        "X=$Y{P}; mysql -p$X",
        "from x in {P}; mysql -p$x",
        "for x of {P}; mysql -p$x",
        "x = '{P}'; mysql --password $x",
        "$x == '{P}'; mysql --password $x",
        "$x {P}; mysql --password $x",
        "foo X={P}; mysql -p$X",
        "X=; mysql -p$X",
        "Error: Command said: X={P} mysql -p$Y",
    ]);
    // Eight values of one variable are remembered.
    let values = |count: usize| format!("{}X={{P}}; mysql -p$X", "X=value1; ".repeat(count));
    let hidden = |count: usize| format!("{}X=#; mysql -p$X", "X=#; ".repeat(count));
    check(&[(&values(7), &hidden(7))]);
    check(&[(&values(8), &hidden(8).replace("X=#; mysql", "X={P}; mysql"))]);
    // And 256 of all.
    let others = |count: usize| (0..count).map(|n| format!("V{n}=a\n")).collect::<Vec<_>>().concat();
    hides(&[&format!("{}X={{P}}\nmysql -p$X", others(255))]);
    shows(&[&format!("{}X={{P}}\nmysql -p$X", others(256))]);
    // So many are looked up.
    let asked = |count: usize| format!("X={{P}}\n{}mysql -p$X", "mysql -p$Y\n".repeat(count));
    hides(&[&asked(100)]);
    shows(&[&asked(256)]);
}

#[test]
fn what_expect_sends_is_a_password_where_one_is_asked_for() {
    hides(&[
        "expect \"assword:\"\nsend \"{P}\\r\"",
        "expect \"assphrase:\"\nsend \"{P}\\n\"",
        "expect \"assword:\"\nsend -- \"{P}\\r\"",
    ]);
    shows(&[
        "expect \"name:\"\nsend \"{P}\\r\"",
        "expect \"assword:\"\nsend \"{P}\"",
        "expect \"assword:\"\nsent \"{P}\\r\"",
        "expect \"assword:\"\nsend yes \"{P}\\r\"",
    ]);
}

#[test]
fn what_a_workflow_is_told_to_mask_is_a_secret() {
    hides(&["echo \"::add-mask::{P}\"", "echo ::add-mask::{P}"]);
    let variable = format!("echo \"##vso[task.setvariable variable=x;issecret=true]{PASSWORD}\"");
    assert_eq!(found(&variable, None), [PASSWORD]);
    shows(&["echo \"::debug::{P}\"", "echo \"##vso[task.setvariable variable=x]{P}\"", "cat \"::add-mask::{P}\""]);
}

#[test]
fn what_is_read_into_a_name_of_a_secret_is_one() {
    hides(&["read PASSWORD <<< {P}", "read -r DB_PASSWORD <<< '{P}'", "echo {P} | read -r TOKEN"]);
    shows(&["read NAME <<< {P}", "read -PASSWORD <<< {P}", "reads PASSWORD <<< {P}"]);
}

#[test]
fn what_jq_is_given_under_a_secrets_name_is_one() {
    hides(&[
        "jq --arg token {T} .x",
        "jq -n --argjson token {T} .x",
        "jq -n -r --arg a b --arg password {P} --arg token {T} .x",
    ]);
    shows(&["jq --arg name {P} .x", "jq --args token {T}", "jq --arg token"]);
}

#[test]
fn what_takes_the_place_of_a_secrets_name_is_one() {
    hides(&[
        "sed s/__API_KEY__/{P}/ x",
        "sed -i 's|__API_KEY__|{P}|g' x",
        "sed -e 's#DB_PASSWORD#{P}#' x",
        "gsed 's,{{ db.password }},{P},' x",
        "perl -pe 's@API-TOKEN@{P}@' x",
        "sed 's~TOKEN~{P}~; s/a/b/' x",
        "sed 's!TOKEN!{P}!' x",
        "sed 's:TOKEN:{P}:' x",
        "sed 's%TOKEN%{P}%' x",
        "sed 's+TOKEN+{P}+' x",
    ]);
    check(&[
        ("sed s/TOKEN/12ab12ab12ab/ x", "sed s/TOKEN/#/ x"),
        ("sed s/TOKEN/12-34-56-ab/ x", "sed s/TOKEN/12-34-56-ab/ x"),
    ]);
    shows(&[
        "sed s/__NAME__/{P}/ x",
        "sed s/__API_KEY__/{P} x",
        "sed y/__API_KEY__/{P}/ x",
        "sed s/__API_KEY__/word/ x",
        "sed 's/__API_KEY__/{P}&/' x",
        "sed 's/__API_KEY__/{P}\\1/' x",
        "sed 's/API.*KEY/{P}/' x",
        "sed s^TOKEN^{P}^ x",
        "head s/__API_KEY__/{P}/ x",
    ]);
    let long =
        |length: usize| format!("sed 's/TOKEN/{{P}}/;{}' x", "#".repeat(length - "s/TOKEN//;".len() - PASSWORD.len()));
    check(&[(&long(1024), &long(1024))]);
    let wanted = long(1023).replace("{P}", "\u{1}");
    check(&[(&long(1023), &wanted.replace('\u{1}', "#"))]);
}

#[test]
fn a_format_names_what_it_is_filled_with() {
    hides(&[
        "printf 'TOKEN=%s' {T}",
        "printf 'TOKEN=%s\\n' {T}",
        "printf 'A=%s\\nTOKEN=%s\\n' x {T}",
        "printf '{{\"password\": \"%s\"}}' {P}",
        "printf 'password: %s' {P}",
        "printf \"password: '%s'\" {P}",
        "printf 'a,password=%s' {P}",
        "printf 'PASSWORD=%s' {P}",
    ]);
    shows(&[
        "printf 'NAME=%s' {P}",
        "printf 'PASSWORD %s' {P}",
        "printf 'PASSWORD=x %s' {P}",
        "printf 'PASSWORD=%d' x {P}",
        "printf 'PASSWORD=%s' $X {P}",
        "printf",
        "prantf 'PASSWORD=%s' {P}",
    ]);
}

#[test]
fn what_is_printed_with_escapes_is_a_text_of_its_own() {
    check(&[
        ("printf 'a\\x20b\\nmysql -p{P}'", "printf 'a\\x20b\\nmysql -p#'"),
        ("printf 'mysql\\x20-p{P}'", "printf 'mysql\\x20-p#'"),
        ("printf 'mysql\\x20-pFake\\x41Pass'", "printf 'mysql\\x20-p#'"),
        ("printf é'mysql\\x20-p\\x41é9Fake'", "printf é'mysql\\x20-p\\x41é9Fake'"),
        ("printf 'é mysql\\x20-p\\x41Fake'", "printf 'é mysql\\x20-p#'"),
        ("cat 'mysql\\x20-p{P}'", "cat 'mysql\\x20-p{P}'"),
    ]);
    let mut found = Vec::new();
    read(r"printf 'a\x41\né\q'", None, &mut found);
    let written = vec![(8, 9), (9, 13), (13, 15), (15, 17), (15, 17), (17, 18), (18, 19)];
    assert_eq!(found, [Found::Nested { text: "aA\né\\q".to_owned(), written }]);
}

/// The texts in a text that are read on their own.
fn nested(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    read(text, None, &mut found);
    let text = |found| match found {
        Found::Nested { text, .. } => Some(text),
        Found::Secret { .. } => None,
    };
    found.into_iter().filter_map(text).collect()
}

#[test]
fn what_is_quoted_and_of_several_words_is_a_text_of_its_own() {
    for (text, wanted) in [
        ("x 'a b'", vec!["a b"]),
        ("x -c'a b'", vec!["a b"]),
        ("x --c='a b'", vec!["a b"]),
        ("x y='a b'", vec!["a b"]),
        ("x y@'a b'", vec!["a b"]),
        ("x y'a b'", vec!["ya b"]),
        ("x a\\b", vec!["ab"]),
        ("x 'ab'", vec![]),
        ("x ab", vec![]),
        ("x ''", vec![]),
        ("x <<< 'a b'", vec!["a b"]),
        ("x < 'a b'", vec!["a b"]),
        ("x > 'a b'", vec!["a b"]),
        ("x y <<E\na b\nE", vec!["a b\n"]),
        ("x y <<E\n \nE", vec![]),
    ] {
        assert_eq!(nested(text), wanted, "{text}");
    }
}

#[test]
fn what_only_searches_or_shows_is_given_no_secret() {
    shows(&["grep --password={P} x", "git log --token={T}", "find . --password={P}", "cat --password={P}"]);
    hides(&["PASSWORD={P} grep x y", "git push --token={T}", "find . -exec x --password={P} ;", "env PASSWORD={P} x"]);
}

#[test]
fn what_a_command_is_fed_with_is_its_password() {
    let mut templates = Vec::new();
    for option in [
        "--password-stdin",
        "--passphrase-stdin",
        "--token-stdin",
        "--secret-stdin",
        "--key-stdin",
        "--pass-stdin",
        "--api-key-stdin",
        "--with-token",
        "'a; sudo -S ls'",
        "'x y --with-token'",
    ] {
        templates.push(format!("echo {{P}} | foo {option}"));
    }
    templates.push("foo --password-stdin <<< {P}".to_owned());
    templates.push("foo --password-stdin < <(echo {P})".to_owned());
    templates.push("foo --password-stdin <<E\n{P}\nE".to_owned());
    templates.push("{ echo {P}; } | foo --password-stdin".to_owned());
    templates.push("cat <<< {P} | foo --password-stdin".to_owned());
    templates.push("sudo cat <<E | foo --password-stdin\n{P}\nE".to_owned());
    hides(&templates.iter().map(String::as_str).collect::<Vec<_>>());
    shows(&[
        "echo {P} | foo --stdin",
        "echo {P} | foo --name-stdin",
        "echo {P} | foo 'a; sudo ls'",
        "echo {P} > foo --password-stdin",
        "tac <<< {P} | foo --password-stdin",
        "echo yes | foo --password-stdin",
        "echo {P} | foo --password-stdin <<< yes",
    ]);
    let late = |words: usize| format!("{}cat <<E | foo --password-stdin\n{{P}}\nE", "a ".repeat(words));
    hides(&[&late(15)]);
    shows(&[&late(16)]);
    let group = |commands: usize| format!("{{ {}echo {{P}}; }} | foo --password-stdin", "cd x; ".repeat(commands));
    hides(&[&group(15)]);
    shows(&[&group(16)]);
}

#[test]
fn a_word_that_asks_for_a_secret_is_fed_with_one() {
    for word in [
        "login",
        "signin",
        "unlock",
        "passwd",
        "auth",
        "-W",
        "setpassw",
        "change-passwd",
        "aaaaaaaaaaaaaaaaaapassw",
        "--password",
        "--admin-password",
        "functions:secrets:set",
        "--a-token",
        "--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-token",
    ] {
        hides(&[&format!("echo {{P}} | foo {word}"), &format!("echo {{T}} | foo {word}")]);
        shows(&[&format!("echo word | foo {word}")]);
    }
    for word in [
        "logins",
        "-passw",
        "a=passw",
        "a/passw",
        "a.passw",
        "a:passw",
        "aaaaaaaaaaaaaaaaaaapassw",
        "--a=password",
        "--a/password",
        "--a.password",
        "functions:names:set",
        "secret:get",
        "secretset",
        "token",
        "--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-token",
    ] {
        shows(&[&format!("echo {{P}} | foo {word}")]);
    }
}

#[test]
fn what_is_printed_into_a_file_of_a_secret_is_one() {
    hides(&[
        "foo --api-key <(echo {T})",
        "foo --api-key=<(echo {T})",
        "foo --api-key-file <(echo {T})",
        "foo --api-key-file=<(echo {T})",
        "foo --api-key=@<(echo {T})",
    ]);
    shows(&["foo --name <(echo {P})", "foo --name=<(echo {P})", "foo <(echo {P})", "foo password -x <(echo {P})"]);
}

#[test]
fn a_line_says_what_of_it_is_secret() {
    let whole = |line: &str, what: What| told(line, what).map(|part| line[part].to_owned());
    for (line, what, wanted) in [
        ("bob:secret", What::After(':'), Some("secret")),
        ("bob", What::After(':'), None),
        ("A=b", What::Pair, Some("b")),
        ("A=\"b\"", What::Pair, Some("b")),
        ("A='b'", What::Pair, Some("b")),
        ("A='b\"", What::Pair, Some("'b\"")),
        ("A=''", What::Pair, Some("''")),
        ("A", What::Pair, None),
        ("Hunter2x", What::Chosen, Some("Hunter2x")),
        ("hunter2x", What::Chosen, None),
        ("qX7rT2vB9mZkD4wLqX7rT2vB9mZkD4wL", What::Chosen, Some("qX7rT2vB9mZkD4wLqX7rT2vB9mZkD4wL")),
        ("qX7rT2vB9mZ/D4wLqX7rT2vB9mZkD4wL", What::Chosen, Some("qX7rT2vB9mZ/D4wLqX7rT2vB9mZkD4wL")),
        ("qX7rT2vB9mZ/D4wLqX7rT2vB9mZkD4w", What::Chosen, None),
        ("user bob secret", What::Line("user ", ' '), Some("secret")),
        ("USER bob secret;", What::Line("user ", ' '), Some("secret")),
        ("user bob", What::Line("user ", ' '), None),
        ("pass secret", What::Line("pass ", ' '), Some("secret")),
        ("pass \"secret\"", What::Line("pass ", ' '), Some("secret")),
        ("bass secret", What::Line("pass ", ' '), None),
        ("pass", What::Line("pass ", ' '), None),
        ("user = \"bob:secret\"", What::Line("user", ':'), Some("secret")),
        ("user = \"bob\"", What::Line("user", ':'), None),
        ("connect bob/secret@db", What::Line("connect ", '/'), Some("secret")),
        ("connect bob/sec@ret@db", What::Line("connect ", '/'), Some("sec@ret")),
        ("connect bob/secret", What::Line("connect ", '/'), None),
        ("connect b@b/secret", What::Line("connect ", '/'), None),
        ("anything", What::Whole, Some("anything")),
    ] {
        assert_eq!(whole(line, what).as_deref(), wanted, "{line} {what:?}");
    }
}

#[test]
fn of_a_body_the_lines_that_are_secret_are_told() {
    check(&[
        ("foo --password-stdin <<E\n\n  {P} \n\n{P}\nE", "foo --password-stdin <<E\n\n  # \n\n#\nE"),
        ("foo --password-stdin <<E\n{P}\nother\nE", "foo --password-stdin <<E\n{P}\nother\nE"),
        ("pass insert -m x <<E\n{P}\nother\nE", "pass insert -m x <<E\n#\nother\nE"),
        ("chpasswd <<E\nbob:{P}\n\n alice:{P}\nroot\nE", "chpasswd <<E\nbob:#\n\n alice:#\nroot\nE"),
        ("foo --password-stdin <<E\n{P} x\nE", "foo --password-stdin <<E\n{P} x\nE"),
        ("foo --password-stdin <<E\n{P}$x\nE", "foo --password-stdin <<E\n{P}$x\nE"),
        ("foo --password-stdin <<E\n{P}`x`\nE", "foo --password-stdin <<E\n{P}`x`\nE"),
        (
            "fly secrets import <<E\nA_PASSWORD='{P}'\nHOST={P}\nA_ID={P}\nE",
            "fly secrets import <<E\nA_PASSWORD='#'\nHOST={P}\nA_ID={P}\nE",
        ),
        ("echo bob:{P} | chpasswd", "echo bob:# | chpasswd"),
        ("echo https://{P} | chpasswd", "echo https://{P} | chpasswd"),
        ("echo $USER:{P} | chpasswd", "echo $USER:# | chpasswd"),
        ("echo -e 'a:{P}\\nb:{P}' | chpasswd", "echo -e 'a:#\\nb:#' | chpasswd"),
        ("echo 'a:{P}\nb:{P}\n' | chpasswd", "echo 'a:#\nb:#\n' | chpasswd"),
    ]);
    let body = |lines: usize| format!("chpasswd <<E\n{}bob:{{P}}\nE", "x\n".repeat(lines));
    hides(&[&body(255)]);
    shows(&[&body(256)]);
}

#[test]
fn what_is_printed_is_what_a_command_is_fed_with() {
    for print in [
        "echo {P}",
        "echo -n {P}",
        "echo -ne {P}",
        "echo -en {P}",
        "echo -e -E -- {P}",
        "print -r {P}",
        "Write-Output -NoNewline {P}",
        "printf {P}",
        "printf '%s' {P}",
        "printf '%s\\n' {P}",
        "printf '%s %s' {P} {P}",
        "/bin/echo {P}",
        "@echo {P}",
        "sudo echo {P}",
        "command echo {P}",
        "builtin exec time echo {P}",
        "A=b if echo {P}",
        "'{P}'",
        "a b$ echo {P}",
        "x: sudo echo {P}",
    ] {
        hides(&[&format!("{print} | foo --password-stdin")]);
    }
    for print in ["cat {P}", "{P}", "'{P} x'", "x'{P}'", "printf '%{P}' x", "a b echo {P}", "echo"] {
        shows(&[&format!("{print} | foo --password-stdin")]);
    }
    check(&[
        ("echo {P}= > .vault_pass", "echo # > .vault_pass"),
        ("printf {P}% | foo --password-stdin", "printf # | foo --password-stdin"),
    ]);
    let lead = |words: usize| format!("{}x: echo {{P}} | foo --password-stdin", "a ".repeat(words));
    hides(&[&lead(15)]);
    shows(&[&lead(16)]);
}

#[test]
fn what_is_written_into_a_file_of_secrets_is_one() {
    hides(&[
        "echo {P} > .vault_pass",
        "printf '%s' {P} >> db_password.txt",
        "print {P} > token",
        "echo {P} 2> x > .vault_pass",
        "echo {P} > x > .vault_pass",
        "echo {P} | tee .vault_pass",
        "echo {P} | sudo tee -a .vault_pass",
        "echo {P} | sudo -u bob tee -a .vault_pass",
        "cat <<< {P} > .vault_pass",
        "cat > .vault_pass <<E\n{P}\nE",
        "cat > .vault_pass <<E\n\n  {P}  \nE",
        "tee .vault_pass <<< {P}",
        "sudo tee .vault_pass <<E\n{P}\nE",
        "echo a:b:c:d:{P} > ~/.pgpass",
        "cat > ~/.pgpass <<E\na:b:c:d:{P}\nE",
        "cat > ~/.pgpass <<E\n  a:b:c:d:{P}\nE",
        "echo bob:{P} > .htpasswd",
        "echo a:b=c:d:e:{P} > ~/.pgpass",
    ]);
    shows(&[
        "echo {P} > x",
        "echo {P} > .vault_pass > x",
        "echo {P} < .vault_pass",
        "echo {P} | tee x > .vault_pass",
        "tac <<< {P} > .vault_pass",
        "echo a:b:c:{P} > ~/.pgpass",
        "echo 'a {P}' > .vault_pass",
        "echo X={P} > .vault_pass",
        "echo a://{P} > .vault_pass",
        "cat > .vault_pass <<E\n{P}$x\nE",
        "cat > .vault_pass <<E\n{P}`x`\nE",
        "cat > .vault_pass <<E\n{P}\n{P}\nE",
        "cat > .vault_pass <<E\n<{P}>\nE",
        "echo {P} | sudo a b c tee .vault_pass",
    ]);
}

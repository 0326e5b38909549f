//! What names say of the value behind them, row by row.

use super::*;

#[test]
fn what_stands_in_front_of_a_command_is_told() {
    for text in ["if", "sudo=1", "{", "$", "A=b", "RUN"] {
        assert!(is_front(text), "{text}");
    }
    for text in ["iffy", "sudo", "/a=b", "a", ""] {
        assert!(!is_front(text), "{text}");
    }
    for text in ["failed:", "bob@host:~$", "#", "50%", "1.", "12."] {
        assert!(is_lead(text), "{text}");
    }
    for text in ["", ".", "a.", "failed", "1"] {
        assert!(!is_lead(text), "{text}");
    }
}

#[test]
fn a_program_that_only_looks_is_quiet() {
    for (head, arguments) in [
        ("grep", &["-r", "x"][..]),
        ("find", &[".", "-name", "x"]),
        ("git", &["log"]),
        ("git", &["-p", "show"]),
        ("[[", &[]),
    ] {
        assert!(is_quiet(head, arguments), "{head} {arguments:?}");
    }
    for (head, arguments) in
        [("find", &[".", "-exec", "x"][..]), ("git", &["clone"]), ("git", &[]), ("curl", &["grep"]), ("", &[])]
    {
        assert!(!is_quiet(head, arguments), "{head} {arguments:?}");
    }
    assert!(is_installer("apt") && !is_installer("curl"));
}

#[test]
fn a_name_says_what_is_behind_it() {
    for (name, password) in [
        ("PGPASSWORD", Some(true)),
        ("db.password", Some(true)),
        ("spring/datasource:password", Some(true)),
        ("password[]", Some(true)),
        ("api_key", Some(false)),
        ("adminPasswordKey", Some(false)),
        ("dbpass", Some(true)),
        ("color", None),
        ("password_file", None),
        ("password.", Some(true)),
        ("", None),
    ] {
        assert_eq!(kind(name).map(|kind| kind == Kind::Password), password, "{name}");
    }
    let long = |length: usize| format!("{}_password", "x".repeat(length - 9));
    assert_eq!(kind(&long(101)), None);
}

#[test]
fn an_option_of_a_file_or_a_question_takes_no_secret() {
    for name in ["password", "api-key", "db_password", "secret", "no"] {
        assert!(takes_secret(name, ""), "{name}");
    }
    for name in [
        "use-password-x",
        "password-file",
        "password_path",
        "token-ttl",
        "no-password",
        "ask.password",
        "passwordfile",
        "passwordstdin",
        "passwordenv",
        "passwordcmd",
        "passwordpath",
        "public-key",
        "existingSecret",
        "secretName",
    ] {
        assert!(!takes_secret(name, ""), "{name}");
    }
    for (program, name) in [
        ("gcloud", "secret"),
        ("gcloud", "keyring"),
        ("docker", "secret"),
        ("podman", "secret-add"),
        ("kubectl", "secret"),
        ("pulumi", "secret"),
    ] {
        assert!(!takes_secret(name, program), "{program} {name}");
        assert!(takes_secret("password", program), "{program}");
    }
}

#[test]
fn a_name_tells_who_or_both_at_once() {
    for name in ["db_user", "HOST", "api-url", "a.region"] {
        assert!(says_who(name), "{name}");
    }
    for name in ["user_x", "password", ""] {
        assert!(!says_who(name), "{name}");
    }
    assert!(says_login("registry-creds") && says_login("AUTH") && !says_login("creds-x"));
    for (program, only) in [("mysql", true), ("mysqldump", true), ("mariadb", true), ("psql", false), ("", false)] {
        assert_eq!(takes_glued_only(program), only, "{program}");
    }
}

#[test]
fn a_file_is_told_by_its_name() {
    for (path, fields) in [
        ("~/.pgpass", Some(4)),
        ("C:\\x\\pgpass.conf", Some(4)),
        ("/etc/.htpasswd", Some(1)),
        (".passwd-s3fs", Some(1)),
        ("~/.ssh/id_rsa", Some(0)),
        ("password.txt", Some(0)),
        ("db_password", Some(0)),
        (".vault-token", Some(0)),
        ("token", Some(0)),
        ("x.psk", Some(0)),
        ("pw.txt", Some(0)),
        ("key", Some(0)),
        ("notes.txt", None),
        ("x.auth", None),
        ("password.md", None),
        ("password.rs", None),
        ("main", None),
        ("", None),
    ] {
        assert_eq!(secret_file(path), fields, "{path}");
    }
}

#[test]
fn what_begins_like_an_option_is_a_secret_if_it_is_long_and_random() {
    let random = concat!("-qX7rT2vB9mZ", "kD4wL");
    assert!(is_dash_led_secret(random));
    for text in [&random[..15], &random.replace("-q", "--q"), &random.replace('Z', "="), "-abcdefghijklmnopq"] {
        assert!(!is_dash_led_secret(text), "{text}");
    }
}

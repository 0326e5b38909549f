//! What is written out, and what only stands for a value, row by row.

use super::super::lexer::lex;
use super::*;

/// A token of no service, with digits and letters of both cases.
const RANDOM: &str = concat!("qX7rT2vB", "9mZkD4wL");

/// What is secret of the last word of a command.
fn of_last_word(command: &str, kind: Kind) -> Option<String> {
    let script = lex(command, None);
    let word = script.pipelines.last()?.last()?.words.last()?;
    let value = word.text.find('=').map_or(0, |at| at + 1)..word.text.len();
    secret(word, value, kind).map(|range| word.text[range].to_owned())
}

#[test]
fn of_a_word_only_what_is_written_out_is_secret() {
    for (command, kind, wanted) in [
        ("x p=hunter2", Kind::Password, Some("hunter2")),
        ("x p=\"'hunter2'\"", Kind::Password, Some("hunter2")),
        ("x p=\"'hunter2\"", Kind::Password, Some("'hunter2")),
        ("x p=\"''\"", Kind::Password, Some("''")),
        ("x p=$HUNTER", Kind::Password, None),
        ("x p=abcde", Kind::Key, None),
        ("x p=abcdef", Kind::Key, Some("abcdef")),
        ("x p=abcdefg", Kind::Token, None),
        ("x p=abc4efgh", Kind::Token, Some("abc4efgh")),
        // What was cut is not judged by how it looks, and ends with its line.
        ("x p='abcdefg", Kind::Token, Some("abcdefg")),
        ("x p='abcdefg\nand more", Kind::Token, Some("abcdefg")),
        ("x p='abcdefg\nand more'", Kind::Password, Some("abcdefg\nand more")),
        // A dollar that should have been quoted, and one that is a variable's.
        ("x p=passw0rd$1", Kind::Password, Some("passw0rd$1")),
        ("x p=passw$1", Kind::Password, None),
        ("x p=passw0rd$HOME", Kind::Password, None),
        ("x p=passw0rd$@", Kind::Password, None),
        ("x p=------$$", Kind::Password, None),
        // Partly variable: the longest part that is written out, if it is random.
        ("x p=a1b2c3d4e5f6${X}g7h8", Kind::Password, Some("a1b2c3d4e5f6")),
        ("x p=g7h8${X}a1b2c3d4e5f6", Kind::Password, Some("a1b2c3d4e5f6")),
        ("x p=a1b2c3d4e5f${X}", Kind::Password, None),
    ] {
        assert_eq!(of_last_word(command, kind).as_deref(), wanted, "{command}");
    }
}

#[test]
fn a_character_is_looked_for_outside_of_substitutions_and_markers() {
    for (command, wanted) in [
        ("x user:pw", Some(4)),
        ("x user", None),
        ("x ${U:-a}:pw", Some(7)),
        ("x [REDACTED:secret]:pw", Some(17)),
        ("x [REDACTED:pw", None),
        ("x \"$(a b:c)\"", None),
    ] {
        let script = lex(command, None);
        let word = script.pipelines.last().and_then(|line| line.last()?.words.last()).unwrap();
        assert_eq!(find(word, 0..word.text.len(), ':'), wanted, "{command}");
    }
    let script = lex("x a:b:c", None);
    let word = &script.pipelines[0][0].words[1];
    assert_eq!(find(word, 2..5, ':'), Some(1), "counted from the part's start");
}

#[test]
fn a_value_that_stands_for_another_is_no_secret() {
    for text in [
        "",
        "  ",
        "-",
        "public",
        "db-pass:latest",
        "[REDACTED:secret]",
        "<anything at all>",
        "{{ anything at all }}",
        "${anything at all}",
        "%ANYTHING%",
        "$(anything at all)",
        "{name1}",
        "[name 1]",
        "$env:Anything1",
        "$Env:Anything1",
        "$SOME_NAME2",
        "$_X",
        "env:X9",
        "file:X9",
        "fileb:X9",
        "fd:3",
        "op://a/b",
        "vault:X9",
        "ref+X9",
        "secretref:X9",
        "prompt:X9",
        "stdin:X9",
        "awskms:X9",
        "gcpkms:X9",
        "@env:X9",
        "@keychain:X9",
        "@./file",
        "/delete",
        "/persistent:yes",
        "****",
        "xxxx",
        "XXXX",
        "....",
        "----",
        "____",
        "????",
        "####",
        "\u{2022}\u{2022}\u{2022}",
        "\u{2026}",
        "YOUR_API_KEY",
        "your-password-here",
        "PASSWORD",
    ] {
        assert!(stands_for(text), "{text}");
    }
    for text in [
        "publik",
        "<half",
        "half>",
        "{{half",
        "%",
        "%half",
        "{a, b1}",
        "{\"a1\"}",
        "[a+b1]",
        "$env",
        "$some_name",
        "$1abc",
        "$",
        "@notapath",
        "/UPPER",
        "/abcdefghijklmnopqrst",
        "aaaa",
        "1111",
        "hunter2",
        "my7token",
    ] {
        assert!(!stands_for(text), "{text}");
    }
}

#[test]
fn words_about_secrets_are_none() {
    for text in
        ["YOUR_TOKEN", "your token", "my.api.key", "token-here", "insert-key", "SECRET", "API_KEY", "__MY_KEY__"]
    {
        assert!(is_named_placeholder(text), "{text}");
    }
    for text in [
        "",
        "___",
        "api_key",
        "password",
        "your_zebra",
        "ZEBRA",
        "YOUR_KEY_7",
        "the.password",
        "your a a a a a a a key",
    ] {
        assert!(!is_named_placeholder(text), "{text}");
    }
    assert!(is_named_placeholder("your a a a a a a key"), "eight words");
}

#[test]
fn a_path_is_told_from_a_value() {
    for text in [
        "/run/secrets/db",
        "./x",
        "../x",
        "~/x",
        "fileb://x",
        "file://x",
        "a.pem",
        "dir/a.json",
        "/a/qX7rT2vB9mZkD4wLsGhJ6yN",
    ] {
        assert!(is_path(text), "{text}");
    }
    for text in ["", "x", "/a+b", "/a=b", ".pem", "a.pemx", "a/b", "~x", "/a/qX7rT2vB9mZkD4wLsGhJ6yN3"] {
        assert!(!is_path(text), "{text}");
    }
}

#[test]
fn a_word_that_options_are_set_to_is_told() {
    for text in ["x", "7", "true", "FALSE", "Null", "stdin", "oauth2"] {
        assert!(is_setting(text), "{text}");
    }
    for text in ["", "tru", "xy", "hunter2"] {
        assert!(!is_setting(text), "{text}");
    }
}

#[test]
fn an_expression_of_a_program_is_told() {
    for (name, text) in [
        ("password", "password"),
        ("password", "PASSWORD,"),
        ("token", "get()"),
        ("token", "%s"),
        ("token", "%s)"),
        ("token", "settings.token"),
        ("token", "settings.api_key)"),
        ("token", "self.anything"),
        ("token", "this.anything;"),
        ("token", "None,"),
        ("token", "f(x)"),
        ("token", "x[0],"),
        ("kind", "a!b.kind,"),
        ("token", "some_name,"),
    ] {
        assert!(is_code(name, text), "{name}={text}");
    }
    for (name, text) in [
        ("password", "passwort"),
        ("token", "%sx"),
        ("token", "xs"),
        ("token", "a!b.token"),
        ("token", "settings.colour"),
        ("token", "self.a!b"),
        ("token", "none"),
        ("token", "f(x"),
        ("token", "some_name"),
        ("token", "some_name7,"),
        ("token", "somename,"),
    ] {
        assert!(!is_code(name, text), "{name}={text}");
    }
}

#[test]
fn a_token_is_long_or_mixed() {
    for text in [
        "abcdefg7",
        "1234567890",
        "abcdefGHIJKL",
        "abcdefghijklmnopqrstuvwxyzabcdef",
        "FlyV1 abcdefghijklmnopqrs7",
        "FlyV12345678 abcdefghijklmnopqrs7",
    ] {
        assert!(is_token(text), "{text}");
    }
    for text in [
        "abcdef7",
        "abcdefgh",
        "123456789",
        "abcdeGHIJKL",
        "abcdefGHIJK.",
        "abcdef/GHIJKL",
        "abcdefghijklmnopqrstuvwxyzabcde",
        "abcdefghijklmnopqrst,uvwxyzabcdef",
        "my-bucket-2",
        "./abcdefg7",
        "http://abcdefg7",
        "https://abcdefg7",
        "abcdefg\t7",
        "FlyV1 abcdefghijklmnopqr7",
        "FlyV123456789 abcdefghijklmnopqrs7",
        "FlyV1 abcdefghijkl mnopqrs7890",
    ] {
        assert!(!is_token(text), "{text}");
    }
}

#[test]
fn what_a_person_chose_has_letters_and_something_else() {
    for text in ["hunt3r", "h!nter", "ab1234", "Hunter22", "hunter222", "hun2ter"] {
        assert!(is_chosen(text), "{text}");
    }
    for text in [
        "hunt3",
        "hunter",
        "a12345",
        "123456",
        "hunter2",
        "hunter22",
        "-hunt3r",
        "hunt/3r",
        "hunt:3r",
        "hunt=3r",
        "hunt\\3r",
        "hunt 3r",
        "hunt,3r",
        "hu2nt.pem",
        "my-bucket-2",
        "$HUNT3R",
    ] {
        assert!(!is_chosen(text), "{text}");
    }
    assert!(is_chosen(&format!("h3{}", "x".repeat(126))));
    assert!(!is_chosen(&format!("h3{}", "x".repeat(127))));
}

#[test]
fn what_has_small_letters_capitals_and_digits_is_a_password_and_no_id() {
    for text in ["Hunt3r22", "toolu_Hunt3r22", &format!("zebra_{RANDOM}"), &format!("toolu_{RANDOM}!")] {
        assert!(is_password(text), "{text}");
    }
    for kind in ["toolu", "srvtoolu", "req", "msg"] {
        let id = |length: usize| format!("{kind}_{}", &RANDOM[..length]);
        assert!(!is_password(&id(16)) && is_password(&id(15)), "{kind}");
    }
    for text in ["Hunt3r2", "hunt3r22", "HUNT3R22", "Hunter!!", "Hunt3r/22"] {
        assert!(!is_password(text), "{text}");
    }
}

#[test]
fn what_is_random_has_digits_among_letters() {
    for text in [RANDOM, "abc12", "abc+1=2~"] {
        assert!(is_random(text, 5), "{text}");
    }
    for text in ["ab12", "abc1d", "ab123", "abc12!", "abc-12", "./abc12"] {
        assert!(!is_random(text, 5), "{text}");
    }
    assert!(is_random(RANDOM, 16) && !is_random(RANDOM, 17));
}

#[test]
fn what_is_mixed_is_long_with_letters_of_both_cases() {
    assert!(is_mixed(RANDOM));
    assert!(is_mixed("qX7r/2vB9mZ/D4wLx"));
    for text in [&RANDOM[1..], &RANDOM.to_ascii_lowercase(), &RANDOM.to_ascii_uppercase(), "qX7r/2vB9mZ/D4wL/"] {
        assert!(!is_mixed(text), "{text}");
    }
    for text in ["abcdefghijklmnopQR1", "abcdefghijklmnopQ12", "ABCDEFGHIJKLMNOPq12"] {
        assert!(!is_mixed(text), "{text}");
    }
}

#[test]
fn words_and_numbers_with_marks_between_are_a_name() {
    for text in ["my-bucket-2", "v1.2.3", "prod/db_password", "a-1234", "abcdefg8.x", "Abc-Def", "ABC-DEF", "a-"] {
        assert!(is_dashed_words(text), "{text}");
    }
    for text in ["bucket2", "a-123456789", "a-1b2c", "abcdefgh8.x", "aBc-x", "a-1b"] {
        assert!(!is_dashed_words(text), "{text}");
    }
}

#[test]
fn a_sentence_goes_on_behind_an_option() {
    assert!(is_prose("option") && is_prose("Flag,") && !is_prose("(the") && !is_prose("options7"));
}

//! What is read as a string of JSON, and what an escape stands for.

use super::*;

/// The strings of a text as they are written.
fn written(text: &str) -> Vec<&str> {
    strings(text).map(|literal| &text[literal.start..literal.end]).collect()
}

#[test]
fn the_strings_of_a_document_are_what_stands_between_quotes() {
    for (text, inside) in [
        ("", &[][..]),
        ("{}", &[]),
        ("\"\"", &[""]),
        ("{\"a\": \"b\", \"c\": [\"d\", 1]}", &["a", "b", "c", "d"]),
        (r#"["a\"b", "c\\", "d"]"#, &[r#"a\"b"#, r"c\\", "d"]),
        ("\"cut", &["cut"]),
        ("\"cut\\", &["cut\\"]),
        ("\"a\" \"", &["a", ""]),
    ] {
        assert_eq!(written(text), inside, "{text}");
    }
}

#[test]
fn a_string_knows_where_it_stands_and_whether_it_is_escaped() {
    let all: Vec<_> = strings(r#"{"a": "b\n"}"#).collect();
    assert_eq!(all, [Literal { start: 2, end: 3, escaped: false }, Literal { start: 7, end: 10, escaped: true }]);
}

#[test]
fn a_text_may_be_json_by_its_first_character() {
    assert!(may_be("{") && may_be(" \n[") && may_be("\"a"));
    assert!(!may_be("") && !may_be("a{") && !may_be("1"));
}

#[test]
fn json_in_lines_is_read_from_where_it_begins() {
    let texts = |text: &str| -> Vec<String> {
        in_lines(text).iter().map(|literal| text[literal.start..literal.end].to_owned()).collect()
    };
    assert_eq!(texts("info {\"a\": \"b\"}\nno \"json\"\n  \"c\": 1\nx [\"d\"] {\"e\"\n"), ["a", "b", "c", "d", "e"]);
    assert_eq!(texts("it's { \"a\" } and [ \"b\" ]"), [""; 0], "a quote behind a space begins none");
    assert_eq!(texts("\"a\nb\"\n{\"c\"}"), ["a\n", "c"]);
}

#[test]
fn an_escape_means_one_character_and_keeps_its_place() {
    let meaning = |inside: &str| {
        let text = format!("..{inside}");
        let literal = Literal { start: 2, end: text.len(), escaped: true };
        let (meaning, written) = unescape(&text, &literal).unwrap();
        assert_eq!(meaning.len(), written.len(), "{inside}");
        (meaning, written)
    };
    for (inside, means) in [
        (r"a\nb", "a\nb"),
        (r"\t\r\b\f", "\t\r\u{8}\u{c}"),
        (r#"\"\\\/"#, "\"\\/"),
        (r"\u0041\u00e9", "A\u{e9}"),
        (r"\ud83d\ude00", "\u{1f600}"),
        (r"\ud83d!", "\u{fffd}!"),
        (r"\ud83d\u0041", "\u{fffd}A"),
        (r"\ude00", "\u{fffd}"),
        (r"\u00g0", "u00g0"),
        (r"\u00", "u00"),
        (r"\xA", r"\xA"),
        (r"a\", r"a\"),
        ("\u{e9}a", "\u{e9}a"),
    ] {
        assert_eq!(meaning(inside).0, means, "{inside}");
    }
    assert_eq!(meaning(r"a\nb").1, [(2, 3), (3, 5), (5, 6)]);
    assert_eq!(meaning(r"\u00e9b").1, [(2, 8), (2, 8), (8, 9)]);
    assert_eq!(meaning("\u{e9}b").1, [(2, 4), (2, 4), (4, 5)]);
    assert_eq!(meaning(r"\ud83d\ude00").1, [(2, 14); 4]);
    assert_eq!(meaning(r"\xA").1, [(2, 3), (3, 4), (4, 5)]);
    // The first and the last of each kind of surrogate.
    assert_eq!(meaning(r"\ud800\udc00").0, "\u{10000}");
    assert_eq!(meaning(r"\udbff\udfff").0, "\u{10ffff}");
    assert_eq!(meaning(r"\ud800\ue000").0, "\u{fffd}\u{e000}");
}

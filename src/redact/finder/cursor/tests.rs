//! What is taken for a quote, a gap, an operator, and where a quoted value ends.

use super::*;

/// How many bytes are eaten.
fn eaten<'t, R>(text: &'t str, eat: impl FnOnce(&mut Cursor<'t>) -> R) -> (R, usize) {
    let mut cursor = Cursor::new(text, 0);
    let result = eat(&mut cursor);
    (result, cursor.at())
}

#[test]
fn a_literal_is_eaten_in_either_case_and_whole() {
    assert_eq!(eaten("Token x", |cursor| cursor.eat("token")), (true, 5));
    assert_eq!(eaten("tok", |cursor| cursor.eat("token")), (false, 0));
    assert_eq!(eaten("x", |cursor| cursor.eat("token")), (false, 0));
    assert_eq!(eaten("", |cursor| cursor.eat("token")), (false, 0));
    let mut cursor = Cursor::new("abc", 1);
    assert_eq!((cursor.peek(), cursor.rest()), (Some(b'b'), &b"bc"[..]));
    cursor.skip(9);
    assert_eq!((cursor.at(), cursor.peek()), (3, None), "not behind the end");
}

#[test]
fn blanks_are_spaces_and_tabs_however_they_are_written() {
    for (text, any, length) in [
        ("  \tx", true, 3),
        ("x", false, 0),
        ("\nx", false, 0),
        ("\\tx", true, 2),
        (" %20\\t\u{a0}\u{3000}x", true, 11),
        ("%2x", false, 0),
    ] {
        assert_eq!(eaten(text, Cursor::eat_blanks), (any, length), "{text:?}");
    }
    assert_eq!(eaten(&" ".repeat(300), Cursor::eat_blanks), (true, 256));
}

#[test]
fn colours_of_a_terminal_are_skipped_however_the_escape_is_written() {
    for (text, length) in [
        ("\x1b[0mx", 4),
        ("\\x1b[1;31mx", 10),
        ("\\u001b[mx", 8),
        ("\\033[0mx", 7),
        ("\\e[0mx", 5),
        ("\x1b[0m\x1b[1mx", 8),
        ("\x1b0m", 0),
        ("\x1b[0x", 0),
        ("\\n", 0),
        ("x", 0),
    ] {
        assert_eq!(eaten(text, Cursor::eat_colours).1, length, "{text:?}");
    }
    assert_eq!(eaten("**x", Cursor::eat_marks).1, 2);
    assert_eq!(eaten("__**", Cursor::eat_marks).1, 3);
}

#[test]
fn a_quote_is_known_however_it_is_written() {
    let char = |quote, backslashes| Some(Quote::Char { quote, backslashes });
    for (text, quote, length) in [
        ("\"x", char(b'"', 0), 1),
        ("'x", char(b'\'', 0), 1),
        ("`x", char(b'`', 0), 1),
        ("\\\\\\\"x", char(b'"', 3), 4),
        ("%22x", Some(Quote::Percent(b'2')), 3),
        ("%27x", Some(Quote::Percent(b'7')), 3),
        ("&quot;x", Some(Quote::Other("&quot;")), 6),
        ("&#34;x", Some(Quote::Other("&#34;")), 5),
        ("&#39;x", Some(Quote::Other("&#39;")), 5),
        ("&apos;x", Some(Quote::Other("&apos;")), 6),
        ("\\u0022x", Some(Quote::Other("\\u0022")), 6),
        ("\\u0027x", Some(Quote::Other("\\u0027")), 6),
        ("\\x22x", Some(Quote::Other("\\x22")), 4),
        ("\\x27x", Some(Quote::Other("\\x27")), 4),
        ("\u{201c}x", Some(Quote::Other("\u{201d}")), 3),
        ("\u{201e}x", Some(Quote::Other("\u{201c}")), 3),
        ("\u{ab}x", Some(Quote::Other("\u{bb}")), 2),
        ("\u{300c}x", Some(Quote::Other("\u{300d}")), 3),
        ("\\x", None, 0),
        ("%21", None, 0),
        ("\u{e9}", None, 0),
        ("x", None, 0),
        ("", None, 0),
    ] {
        assert_eq!(eaten(text, Cursor::eat_quote), (quote, length), "{text:?}");
    }
}

#[test]
fn an_operator_is_the_longest_that_stands_there() {
    use Operator::{Colon, Equals, Loose, Percent};
    for (text, operator) in [
        ("=", Equals),
        (":", Colon),
        ("?:", Colon),
        (":=", Loose),
        ("::=", Loose),
        (":::=", Loose),
        ("||=", Loose),
        ("===", Loose),
        ("!==", Loose),
        ("?=", Loose),
        (".=", Loose),
        ("+=", Loose),
        ("=>", Loose),
        ("->", Loose),
        ("==", Loose),
        ("!=", Loose),
        ("=%3D", Equals),
        ("%3D", Percent),
        ("%3a", Percent),
        ("\\u003d", Equals),
        ("\\u003a", Colon),
        ("\\x3d", Equals),
        ("&#61;", Equals),
        ("&#58;", Colon),
        ("\u{ff1a}", Colon),
        ("\u{ff1d}", Equals),
        ("\u{2192}", Loose),
    ] {
        assert_eq!(eaten(&format!("{text}x"), Cursor::eat_operator), (Some(operator), text.len()));
    }
    for none in ["::x", "x", "", "%20", "-", "|", "\\n", "&amp;", "."] {
        assert_eq!(eaten(none, Cursor::eat_operator), (None, 0), "{none:?}");
    }
    assert_eq!(eaten("=:", Cursor::eat_operator), (Some(Equals), 1));
    assert_eq!(eaten("=%x", Cursor::eat_operator), (Some(Equals), 1));
}

#[test]
fn a_quoted_value_ends_at_a_quote_that_is_as_deep() {
    let closing = |text: &str, quote, backslashes| {
        let closing = Cursor::new(text, 0).closing(Quote::Char { quote, backslashes });
        (closing.end, closing.closed)
    };
    for (text, quote, level, end, closed) in [
        ("abc\" d", b'"', 0, 3, true),
        (r#"a\"b" c"#, b'"', 0, 4, true),
        (r#"a\\" c"#, b'"', 0, 3, true),
        (r#"a\" c"#, b'"', 1, 1, true),
        (r#"a\\\"b\" c"#, b'"', 1, 6, true),
        (r#"a" c"#, b'"', 1, 1, true),
        ("it\\' x", b'\'', 0, 3, true),
        ("it\\'x' y", b'\'', 0, 5, true),
        ("it\\'", b'\'', 0, 3, true),
        ("it\\'s\" ", b'"', 0, 5, true),
        ("a\\\"\" ", b'"', 0, 3, true),
        ("abc", b'"', 0, 3, false),
        ("abc\nd", b'"', 0, 3, false),
    ] {
        assert_eq!(closing(text, quote, level), (end, closed), "{text:?} {level}");
    }
}

#[test]
fn encoded_and_typographic_quotes_close_like_they_open() {
    let closing = |text: &str, quote| {
        let closing = Cursor::new(text, 0).closing(quote);
        (closing.end, closing.closed)
    };
    assert_eq!(closing("ab%22c", Quote::Percent(b'2')), (2, true));
    assert_eq!(closing("ab%22c%27", Quote::Percent(b'7')), (6, true));
    assert_eq!(closing("ab%2c\nx", Quote::Percent(b'2')), (5, false));
    assert_eq!(closing("ab&quot;", Quote::Other("&quot;")), (2, true));
    assert_eq!(closing("ab&quo", Quote::Other("&quot;")), (6, false));
}

#[test]
fn what_has_no_end_ends_with_its_line_or_with_what_is_read() {
    let quote = Quote::Char { quote: b'"', backslashes: 0 };
    let long = "x".repeat(MAX_QUOTED + 5);
    let closing = Cursor::new(&long, 0).closing(quote);
    assert_eq!((closing.end, closing.closed), (MAX_QUOTED, false));
    let closing = Cursor::new(&long, 5).closing(quote);
    assert_eq!((closing.end, closing.closed), (MAX_QUOTED, false), "all of it was read");
    let line = format!("ab\n{long}");
    assert_eq!(Cursor::new(&line, 0).closing(quote).end, 2);
}

#[test]
fn the_first_of_some_words_is_eaten_and_told() {
    static WORDS: OneOf = OneOf::new(&["is ", "is: ", "war ", "w"]);
    assert_eq!(eaten("IS x", |cursor| WORDS.eat_from(0, cursor)), (Some(0), 3));
    assert_eq!(eaten("is: x", |cursor| WORDS.eat_from(0, cursor)), (Some(1), 4));
    assert_eq!(eaten("war x", |cursor| WORDS.eat_from(0, cursor)), (Some(2), 4));
    assert_eq!(eaten("war x", |cursor| WORDS.eat_from(3, cursor)), (Some(3), 1), "from the last on");
    assert_eq!(eaten("is x", |cursor| WORDS.eat_from(1, cursor)), (None, 0));
    assert_eq!(eaten("was", |cursor| WORDS.eat(cursor)), (true, 1));
    assert_eq!(eaten("x", |cursor| WORDS.eat(cursor)), (false, 0));
    assert_eq!(eaten("", |cursor| WORDS.eat(cursor)), (false, 0));
}

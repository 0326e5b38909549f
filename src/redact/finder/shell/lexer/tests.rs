//! How shell text falls into words.

use super::*;

/// The commands of a text: words by blanks, `|` between those of a pipeline, one line each.
fn lexed(text: &str) -> Vec<String> {
    let script = lex(text, None);
    let words = |command: &Command<'_>| {
        let words = command.words.iter().map(|word| format!("‹{}›", word.text));
        let redirections = command.redirections.iter().map(|redirection| match redirection {
            Redirection::From(word) => format!("<{}", word.text),
            Redirection::To(word) => format!(">{}", word.text),
            Redirection::HereString(word) => format!("<<<{}", word.text),
            Redirection::HereDocument(number) => {
                format!("<<{:?}", script.bodies[*number].clone().and_then(|body| text.get(body)).unwrap_or("?"))
            }
        });
        words.chain(redirections).collect::<Vec<_>>().join(" ")
    };
    script.pipelines.iter().map(|pipeline| pipeline.iter().map(words).collect::<Vec<_>>().join(" | ")).collect()
}

#[test]
fn words_are_unquoted() {
    for (text, wanted) in [
        ("a  b\tc", "‹a› ‹b› ‹c›"),
        ("a 'b c' d", "‹a› ‹b c› ‹d›"),
        ("a \"b 'c' d\" e", "‹a› ‹b 'c' d› ‹e›"),
        ("a b'c'\"d\"e f", "‹a› ‹bcde› ‹f›"),
        (r#"a "b \"c\" \\ \$d \e" f"#, "‹a› ‹b \"c\" \\ $d \\e› ‹f›"),
        (r"a b\ c \'d f", "‹a› ‹b c› ‹'d› ‹f›"),
        (r"a $'b\tc\x41\u00e9\'d\101' f", "‹a› ‹b\tcAé'dA› ‹f›"),
        ("a $\"b c\" d", "‹a› ‹b c› ‹d›"),
        ("a '' \"\" b", "‹a› ‹› ‹› ‹b›"),
        ("a \\\n b\\\r\n c", "‹a› ‹b› ‹c›"),
        ("a=b c=\"d e\" f", "‹a=b› ‹c=d e› ‹f›"),
        ("a $b ${c} $(d e) `f g` $((1 + 2)) h", "‹a› ‹$b› ‹${c}› ‹$(d e)› ‹`f g`› ‹$((1 + 2))› ‹h›"),
        ("a \"x $(b \"c d\") y\" e", "‹a› ‹x $(b \"c d\") y› ‹e›"),
        ("don't do that", "‹don't› ‹do› ‹that›"),
        ("a 5\" screen", "‹a› ‹5\"› ‹screen›"),
        ("a 'b c", "‹a› ‹b c›"),
    ] {
        assert_eq!(lexed(text).last().map(String::as_str), Some(wanted), "{text}");
    }
}

#[test]
fn commands_end_where_the_shell_ends_them() {
    assert_eq!(lexed("a b; c d && e f || g h & i j"), ["‹a› ‹b›", "‹c› ‹d›", "‹e› ‹f›", "‹g› ‹h›", "‹i› ‹j›"]);
    assert_eq!(lexed("a b | c d |& e f\r\ng h"), ["‹a› ‹b› | ‹c› ‹d› | ‹e› ‹f›", "‹g› ‹h›"]);
    assert_eq!(lexed("a b |\n  c d"), ["‹a› ‹b› | ‹c› ‹d›"]);
    assert_eq!(lexed("(a b) # c 'd\ne f"), ["‹a› ‹b›", "‹c› ‹d›", "‹e› ‹f›"]);
    assert_eq!(
        lexed("x $(case y in a) b c;; esac) d"),
        ["‹case› ‹y› ‹in› ‹a›", "‹b› ‹c›", "‹x› ‹$(case y in a) b c;; esac)› ‹d›"]
    );
}

#[test]
fn redirections_are_no_arguments() {
    assert_eq!(lexed("a b > c 2>&1 < d >> e 2> f g"), ["‹a› ‹b› ‹g› >c <d >e >f"]);
    assert_eq!(lexed("a b <<< 'c d' &> e"), ["‹a› ‹b› <<<c d >e"]);
}

#[test]
fn here_documents_have_bodies() {
    assert_eq!(lexed("a x <<E y\nb\n c\nE\nd e"), ["‹a› ‹x› ‹y› <<\"b\\n c\\n\"", "‹d› ‹e›"]);
    assert_eq!(lexed("a x <<-'E'\n\tb\n\tE\nd e"), ["‹a› ‹x› <<\"\\tb\\n\"", "‹d› ‹e›"]);
    assert_eq!(lexed("a x <<A <<B\n1\nA\n2\nB\nd e"), ["‹a› ‹x› <<\"1\\n\" <<\"2\\n\"", "‹d› ‹e›"]);
    assert_eq!(lexed("a \"$(b x <<E\nc\nE\n)\" d"), ["‹b› ‹x› <<\"c\\n\"", "‹a› ‹$(b x <<E\nc\nE\n)› ‹d›"]);
    assert_eq!(lexed("cout << x << y;\na b"), ["‹cout› <<\"?\" <<\"?\"", "‹a› ‹b›"], "no here-document");
}

#[test]
fn each_byte_knows_where_it_is_written() {
    let text = r#"a "x\"é" b"#;
    let script = lex(text, None);
    let word = &script.pipelines[0][0].words[1];
    assert_eq!(word.text, "x\"é");
    assert_eq!(word.written(0..1), Some(3..4));
    assert_eq!(word.written(1..2), Some(4..6), "an escape is taken as a whole");
    assert_eq!(word.written(2..4), Some(6..8));
    assert_eq!(word.written(0..0), None);
    assert_eq!(word.written(0..9), None);
}

#[test]
fn what_the_shell_replaces_is_told() {
    let script = lex("x \"a$b${c}d$(e)\"", None);
    let word = &script.pipelines[0][0].words[1];
    let dynamic: Vec<_> = word.dynamic.iter().map(|part| &word.text[part.clone()]).collect();
    assert_eq!(dynamic, ["$b", "${c}", "$(e)"]);
}

#[test]
fn nesting_without_end_is_read_as_far_as_it_may_be() {
    for unit in ["$(", "\"$(", "`", "${", "<(", "((", "{ ", "$'", "<<A\n", "# "] {
        lex(&unit.repeat(20_000), None);
    }
}

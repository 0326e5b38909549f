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

#[test]
fn a_plain_word_alone_is_no_command() {
    assert_eq!(lexed("word"), [""; 0]);
    for (text, wanted) in [
        ("-a", "‹-a›"),
        ("a=b", "‹a=b›"),
        ("a\\b", "‹ab›"),
        ("'a'", "‹a›"),
        ("$(b c)", "‹$(b c)›"),
        ("a >b", "‹a› >b"),
        ("a | c", "‹a› | ‹c›"),
        (">b", ">b"),
        ("(b c) | d", " | ‹d›"),
        ("{ b c; } | d", "‹}› | ‹d›"),
    ] {
        assert_eq!(lexed(text).last().map(String::as_str), Some(wanted), "{text}");
    }
}

/// Of each group whose output goes on, what its pipelines are.
fn groups(text: &str) -> Vec<Vec<&str>> {
    let script = lex(text, None);
    let commands = script.pipelines.iter().flatten().filter(|command| !command.group.is_empty());
    let spans = |command: &Command<'_>| script.spans[command.group.clone()].iter().map(|span| &text[span.clone()]);
    commands.map(|command| spans(command).collect()).collect()
}

#[test]
fn a_group_holds_the_pipelines_between_its_brackets() {
    assert_eq!(groups("x y; (a b; c d) | e f"), [["a b;", "c d)"]]);
    assert_eq!(groups("x y; { a b; c d; } | e f"), [["{ a b;", "c d;"]]);
    assert_eq!(groups("((a b) | e f; g h) | i j"), [vec!["a b)"], vec!["a b)", "a b) | e f;", "g h)"]]);
    for text in
        ["(a b) || c d", "(a b)\n| c d", "(a b) ; c d", "{ a b; }; c d", "echo } | c d", "a b; } | c d", "a b) | c d"]
    {
        assert_eq!(groups(text), [[""; 0]; 0], "{text}");
    }
}

#[test]
fn a_pipeline_stands_from_its_first_word_to_what_ends_it() {
    let script = lex("  a b | c d ;\n\te 'f g' &\nh i", None);
    assert_eq!(script.spans, [2..13, 15..24, 25..28]);
}

#[test]
fn a_pattern_of_case_closes_no_substitution() {
    assert_eq!(lexed("x $(case y in a) b c;; esac) d").last().unwrap(), "‹x› ‹$(case y in a) b c;; esac)› ‹d›");
    assert_eq!(
        lexed("x $(esac; case y in a) b c;; esac) d").last().unwrap(),
        "‹x› ‹$(esac; case y in a) b c;; esac)› ‹d›"
    );
    assert_eq!(
        lexed("x $(case y in a) case z in b) c d;; esac;; esac) e").last().unwrap(),
        "‹x› ‹$(case y in a) case z in b) c d;; esac;; esac)› ‹e›"
    );
    assert_eq!(lexed("x $(echo case) d").last().unwrap(), "‹x› ‹$(echo case)› ‹d›");
    assert_eq!(lexed("x $( (a b) c d) e").last().unwrap(), "‹x› ‹$( (a b) c d)› ‹e›");
}

#[test]
fn a_comment_ends_with_its_line() {
    assert_eq!(lexed("a # b c\nd e"), ["‹b› ‹c›", "‹d› ‹e›"]);
    assert_eq!(lexed("a #b 'c\nd e"), ["‹b› ‹c›", "‹d› ‹e›"], "and so does a quote in it");
    assert_eq!(lexed("a #b # c d\ne f"), ["‹c› ‹d›", "‹e› ‹f›"], "a comment of a comment");
    assert_eq!(lexed("x $(a # b)\nc d"), ["‹x› ‹$(a # b)›", "‹c› ‹d›"], "inside of a substitution there is none");
    assert_eq!(lexed("a#b c"), ["‹a#b› ‹c›"], "inside of a word there is none");
}

#[test]
fn a_redirection_says_what_it_is() {
    for (text, wanted) in [
        ("a b &> c d", "‹a› ‹b› ‹d› >c"),
        ("a b & > c d", "‹d› >c"),
        ("a b >| c d", "‹a› ‹b› ‹d› >c"),
        ("a b <> c d", "‹a› ‹b› ‹d› <c"),
        ("a b >> c d", "‹a› ‹b› ‹d› >c"),
        ("a b < c d", "‹a› ‹b› ‹d› <c"),
        ("a b <<< c d", "‹a› ‹b› ‹d› <<<c"),
        ("a b <&3 c", "‹a› ‹b› ‹c›"),
        ("a b >&2 c", "‹a› ‹b› ‹c›"),
        ("a b 2>&1- c", "‹a› ‹b› ‹c›"),
        ("a b <<<&3", "‹a› ‹b›"),
        ("a b 1> c", "‹a› ‹b› >c"),
        ("a b 12> c", "‹a› ‹b› >c"),
        // No number of a descriptor.
        ("a b 123> c", "‹a› ‹b› ‹123› >c"),
        ("a b x> c", "‹a› ‹b› ‹x› >c"),
        ("a b '2'> c", "‹a› ‹b› ‹2› >c"),
        ("a b 2 c", "‹a› ‹b› ‹2› ‹c›"),
        // Nothing behind it.
        ("a b > ;c", "‹a› ‹b›"),
        ("a b > )", "‹a› ‹b›"),
        ("a b > (", "‹a› ‹b›"),
        ("a b > &c", "‹a› ‹b›"),
        ("a b > \nc", "‹a› ‹b›"),
        ("a b <", "‹a› ‹b›"),
        ("a b > > c", "‹a› ‹b› >c"),
        ("a b > |c d", "‹a› ‹b› | ‹c› ‹d›"),
        // What a command prints, as a file.
        ("a b > >(c d) e", "‹a› ‹b› ‹e› >>(c d)"),
        ("a b < <(c d) e", "‹a› ‹b› ‹e› <<(c d)"),
        ("a b <(c d) e", "‹a› ‹b› ‹<(c d)› ‹e›"),
    ] {
        assert_eq!(lexed(text).last().map(String::as_str), Some(wanted), "{text}");
    }
}

#[test]
fn a_line_goes_on_behind_a_pipe_unless_a_body_begins_there() {
    assert_eq!(lexed("a b |\n\n  c d"), ["‹a› ‹b› | ‹c› ‹d›"]);
    assert_eq!(lexed("a b |& c d"), ["‹a› ‹b› | ‹c› ‹d›"]);
    assert_eq!(lexed("a b || c d"), ["‹a› ‹b›", "‹c› ‹d›"]);
    assert_eq!(lexed("a b <<E |\nx\nE\nc d"), ["‹a› ‹b› <<\"x\\n\"", "‹c› ‹d›"]);
}

#[test]
fn a_here_document_ends_with_its_delimiter_alone_on_a_line() {
    for (text, body) in [
        ("a b <<E\nE\nc d", "<<\"\""),
        ("a b <<-E\n E\nc d", "<<\"\""),
        ("a b <<E\nEx\nxE\nE\nc d", "<<\"Ex\\nxE\\n\""),
        ("a b <<E\nx\nE);\"\nc d", "<<\"x\\n\""),
        ("E\na b <<E\nx\nE\nc d", "<<\"x\\n\""),
        // Cut before its end.
        ("a b <<E\nc d\ne f", "<<\"c d\\ne f\""),
        ("a b <<E_F\nc d\ne f", "<<\"c d\\ne f\""),
        ("a b <<Ef\nc d\ne f", "<<\"?\""),
        ("a b <<E1\nc d\ne f", "<<\"?\""),
    ] {
        assert!(lexed(text).contains(&format!("‹a› ‹b› {body}")), "{text}");
    }
    let long = "E".repeat(80);
    assert!(lexed(&format!("a b <<{long}\nx\n{long}\nc d")).contains(&"‹c› ‹d›".to_owned()));
    assert_eq!(lex("a b <<E\n\nx\nE\n", None).bodies, [Some(8..11)], "an empty line is one of the body");
    assert_eq!(lex("a b <<A <<B\n1\nA\n\n2\nB\n", None).bodies, [Some(12..14), Some(16..19)]);
    let bodies = lex("a b <<E\n1 2\na b <<F\n3 4", None).bodies;
    assert_eq!(bodies, [Some(8..23), None], "one text is cut once");
    assert_eq!(
        lexed("a $(b <<E\nx\nE\n) <<F\ny\nF\nc d"),
        ["‹b› <<\"x\\n\"", "‹a› ‹$(b <<E\nx\nE\n)› <<\"y\\n\"", "‹c› ‹d›"]
    );
    assert_eq!(lexed("a b <<A <<B\n1\nA\n2\nB\n$(c d)\ne f").last().unwrap(), "‹e› ‹f›");
}

#[test]
fn a_quote_is_an_apostrophe_or_an_inch_where_one_may_stand() {
    for (text, wanted) in [
        ("a it's b's c", "‹a› ‹it's› ‹b's› ‹c›"),
        ("a we'd I'm we'll we've we're don't x'y z'", "‹a› ‹we'd› ‹I'm› ‹we'll› ‹we've› ‹we're› ‹don't› ‹xy z›"),
        ("a we're don'tx b'", "‹a› ‹we're› ‹dontx b›"),
        ("a it's' b", "‹a› ‹its› ‹b›"),
        ("a it's'' b", "‹a› ‹its b›"),
        ("a 7's b'c", "‹a› ‹7s bc›"),
        ("a 's' b", "‹a› ‹s› ‹b›"),
        ("a .'s b'", "‹a› ‹.s b›"),
        ("a 5\" b", "‹a› ‹5\"› ‹b›"),
        ("a x' b", "‹a› ‹x'› ‹b›"),
        ("a x.' b", "‹a› ‹x. b›"),
        ("a -5\" b", "‹a› ‹-5 b›"),
        ("a /5\" b", "‹a› ‹/5 b›"),
        ("a x=5\" b", "‹a› ‹x=5 b›"),
        ("a x:5\" b", "‹a› ‹x:5 b›"),
        ("a x'y'5\" b", "‹a› ‹xy5 b›"),
        ("a -x' b", "‹a› ‹-x b›"),
        ("a x'y\" z'", "‹a› ‹xy\" z›"),
        ("a 5\" b\" c", "‹a› ‹5 b› ‹c›"),
    ] {
        assert_eq!(lexed(text).last().map(String::as_str), Some(wanted), "{text}");
    }
}

#[test]
fn a_word_knows_how_it_is_quoted() {
    // Its text, where the first quoted part begins, whether an escape was taken out, whether a quote is never closed.
    for (text, wanted, quoted, escaped, open) in [
        ("x ab", "ab", None, false, false),
        ("x a'b'", "ab", Some(1), false, false),
        ("x a\"b\"'c'", "abc", Some(1), false, false),
        ("x a'b'\"c\"", "abc", Some(1), false, false),
        ("x a'b'$'c'", "abc", Some(1), false, false),
        ("x a$'b'", "ab", Some(1), false, false),
        ("x a$\"b\"", "ab", Some(1), false, false),
        ("x a\\b", "ab", None, true, false),
        ("x \"a\\\"\"", "a\"", Some(0), true, false),
        ("x \"a\\b\"", "a\\b", Some(0), false, false),
        ("x $'a\\n'", "a\n", Some(0), true, false),
        ("x $'a\\q'", "a\\q", Some(0), false, false),
        ("x a\\", "a\\", None, false, false),
        ("x \"a\\", "a\\", Some(0), false, true),
        ("x \"a", "a", Some(0), false, true),
        ("x 'a", "a", Some(0), false, true),
        ("x '", "", Some(0), false, true),
        ("x $'a", "a", Some(0), false, true),
        ("x $'a\\'", "a'", Some(0), true, true),
        ("x 'a'\"b", "ab", Some(0), false, true),
        ("x \"a\\\nb\"", "ab", Some(0), false, false),
        ("x \"a\\\r\nb\"", "ab", Some(0), false, false),
        ("x a\\\nb", "ab", None, false, false),
        ("x \"$\"", "$", Some(0), false, false),
        ("x \"$'a'\"", "$'a'", Some(0), false, false),
    ] {
        let script = lex(text, None);
        let word = script.pipelines[0][0].words.last().unwrap();
        assert_eq!((&*word.text, word.quoted, word.escaped, word.open), (wanted, quoted, escaped, open), "{text}");
    }
}

#[test]
fn each_part_of_a_word_is_found_where_it_is_written() {
    for (text, part, wanted) in [
        ("x abc", "b", "b"),
        ("x a'b'c", "b", "b"),
        ("x a'b'c", "abc", "a'b'c"),
        ("x a\"b\"$'c'", "c", "c"),
        ("x a$'\\x41'c", "A", "\\x41"),
        ("x a\\\nb", "ab", "a\\\nb"),
        ("x 'a'é\\ü", "é", "é"),
        ("x 'a'é\\ü", "ü", "\\ü"),
        ("x 'a'$b`c`\"$d\"", "$b`c`", "$b`c`"),
        ("x 'a'$b`c`\"$d\"", "$d", "$d"),
    ] {
        let script = lex(text, None);
        let word = script.pipelines.last().unwrap()[0].words.last().unwrap();
        let at = word.text.find(part).unwrap();
        let written = word.written(at..at + part.len()).map(|place| &text[place]);
        assert_eq!(written, Some(wanted), "{text}");
        let end = at + part.len();
        let places: Vec<_> = (at..end).map(|index| word.place(index).unwrap()).collect();
        assert_eq!(word.places(at).map(|places| places[..part.len()].to_vec()), Some(places), "{text}");
    }
    let script = lex("x abc d'e'", None);
    let [_, plain, quoted] = script.pipelines[0][0].words.as_slice() else { panic!("three words") };
    assert_eq!(plain.places(1), Some(vec![(3, 4), (4, 5)]));
    assert_eq!((plain.place(2), plain.written(1..3), plain.written(1..4)), (Some((4, 5)), Some(3..5), None));
    assert_eq!(quoted.places(1), Some(vec![(8, 9)]));
    assert_eq!((quoted.place(1), quoted.place(2), quoted.written(1..3)), (Some((8, 9)), None, None));
}

/// The parts of the last word that the shell replaces.
fn replaced(text: &str) -> Vec<String> {
    let script = lex(text, None);
    let word = script.pipelines.last().unwrap()[0].words.last().unwrap();
    word.dynamic.iter().map(|part| word.text[part.clone()].to_owned()).collect()
}

#[test]
fn a_variable_ends_where_its_name_ends() {
    for (text, wanted) in [
        ("x $_a1-", vec!["$_a1"]),
        ("x $Z9é", vec!["$Z9"]),
        ("x a$z", vec!["$z"]),
        ("x $12", vec!["$1"]),
        ("x $@$*$#$?$$$!$-.", vec!["$@", "$*", "$#", "$?", "$$", "$!", "$-"]),
        ("x $0$9", vec!["$0", "$9"]),
        ("x $env:b_1-c", vec!["$env:b_1"]),
        ("x $ENV:D.e", vec!["$ENV:D"]),
        ("x $envy:z", vec!["$envy"]),
        ("x $env", vec!["$env"]),
        ("x $", vec![]),
        ("x $%a", vec![]),
        ("x \\$a", vec![]),
        ("x '$a'", vec![]),
        ("x \"a$b'c$d'\"", vec!["$b", "$d"]),
        ("x $\"b$c\"", vec!["$c"]),
        ("x \\a$b", vec!["$b"]),
        ("x ${b}c", vec!["${b}"]),
        ("x ${b${c}d}e", vec!["${b${c}d}"]),
        ("x ${b${c${d}}}e", vec!["${b${c${d}}}"]),
        ("x ${b", vec![]),
        ("x $(b c)d", vec!["$(b c)"]),
        ("x $(b c", vec!["$(b c"]),
        ("x $((1 + (2)))3", vec!["$((1 + (2))"]),
        ("x \"$((1\n))\"2", vec!["$((1\n))"]),
        ("x `b \\`c\\` d`e", vec!["`b \\`c\\` d`"]),
        ("x `b", vec![]),
        ("x <(b c)", vec!["<(b c)"]),
        ("x >(b c)", vec![">(b c)"]),
    ] {
        assert_eq!(replaced(text), wanted, "{text}");
    }
}

#[test]
fn the_end_of_an_expansion_is_near() {
    for (length, wanted) in [(EXPANSION - 1, 1), (EXPANSION, 0)] {
        let name = "a".repeat(length - 2);
        assert_eq!(replaced(&format!("x ${{{name}}}b")).len(), wanted, "{length}");
    }
    // Arithmetic holds no command.
    for (length, pipelines) in [(ARITHMETIC, 1), (ARITHMETIC + 1, 2)] {
        let text = format!("x $((a {}))", "1".repeat(length - "$((a ))".len()));
        assert_eq!(lex(&text, None).pipelines.len(), pipelines, "{length}");
    }
    assert_eq!(lex("x $((a b\n))", None).pipelines.len(), 2, "and on the same line");
    assert_eq!(lex("x $((a b))", None).pipelines.len(), 1);
}

#[test]
fn a_default_is_remembered() {
    let text = "a ${b-c} ${d:=e} ${f=g} ${_h2:-i} ${j:-k${l}} ${m?n} ${o:+p} ${q}";
    let defaults = lex(text, None).defaults;
    let defaults: Vec<_> = defaults.iter().map(|(name, value)| (&text[name.clone()], &text[value.clone()])).collect();
    assert_eq!(defaults, [("b", "c"), ("d", "e"), ("f", "g"), ("_h2", "i")]);
}

#[test]
fn what_stands_inside_of_a_word_is_told() {
    for (text, wanted) in [
        ("x $(b c)$(d e)", 0..2),
        ("y z; x $(b c)", 1..2),
        ("x \"`b c`\"", 0..1),
        ("x <(b c)", 0..1),
        ("x $(b $(c d))", 0..2),
    ] {
        let script = lex(text, None);
        assert_eq!(script.pipelines.last().unwrap()[0].words.last().unwrap().inside, wanted, "{text}");
    }
}

#[test]
fn substitutions_are_followed_eight_deep() {
    for (open, close) in [("$(", ")"), ("<(", ")")] {
        let deep = |depth: usize| format!("{}a b{}", format!("x {open}").repeat(depth), close.repeat(depth));
        assert_eq!(lexed(&deep(8))[0], "‹a› ‹b›", "{open}");
        assert_ne!(lexed(&deep(9))[0], "‹a› ‹b›", "{open}");
        // How deep one went before does not count.
        let many = format!("x {}", "$(c d) ".repeat(20));
        assert_eq!(lexed(&many).last(), Some(&format!("‹x›{}", " ‹$(c d)›".repeat(20))));
    }
    let nested = |depth: usize| format!("{}x `a b`{}", "x $(".repeat(depth), ")".repeat(depth));
    assert_eq!(lexed(&nested(7))[0], "‹a› ‹b›");
    assert_ne!(lexed(&nested(8))[0], "‹a› ‹b›");
}

#[test]
fn lines_without_a_place_are_left_out() {
    let text = "a b\nc d\ne f\ng h\n";
    let lexed = |places: &[usize]| -> Vec<String> {
        lex(text, Some(places)).spans.iter().map(|span| text[span.clone()].trim_end().to_owned()).collect()
    };
    assert_eq!(lexed(&[]), [""; 0]);
    assert_eq!(lexed(&[0]), ["a b"]);
    assert_eq!(lexed(&[5]), ["c d"]);
    assert_eq!(lexed(&[4]), ["c d"]);
    assert_eq!(lexed(&[3, 9]), ["a b", "e f"]);
    assert_eq!(lexed(&[1, 6, 9, 14]), ["a b", "c d", "e f", "g h"]);
}

#[test]
fn a_line_is_not_left_out_if_it_reaches_the_next() {
    for byte in ["=", "'", "\"", "`", "\\", "$", "(", ")", "{", "}", "<", "|"] {
        let text = format!("a b\nc d {byte}\ne f\ng h");
        let place = text.len() - 1;
        let first = lex(&text, Some(&[place])).spans.first().map(|span| span.start);
        assert_eq!(first, Some(4), "{text}");
    }
    // A line is left out as a whole or not at all.
    assert_eq!(lex("a b; c d\ne f\n", Some(&[0])).spans, [0..4, 5..9]);
    assert_eq!(lex("a b\ne f\nx -\ng h", Some(&[14])).spans.first(), Some(&(12..15)));
    let text = "a b\nc d #\ne f\ng h";
    assert_eq!(lex(text, Some(&[text.len() - 1])).spans.first().map(|span| span.start), Some(14));
    // The body of a here-document is taken as it is.
    let text = "a b <<E\nc d\ne f\nE\ng h\n";
    assert_eq!(lex(text, Some(&[0])).bodies, [Some(8..16)]);
    // In a group lines are read.
    let text = "(\na b\nc d\n) | e f\ng h\n";
    assert_eq!(lex(text, Some(&[0])).spans.len(), 3);
}

#[test]
fn an_escape_means_a_character() {
    for (text, wanted) in [
        (r"\n", Some(('\n', 2))),
        (r"\tx", Some(('\t', 2))),
        (r"\r", Some(('\r', 2))),
        (r"\a", Some(('\u{7}', 2))),
        (r"\b", Some(('\u{8}', 2))),
        (r"\e", Some(('\u{1b}', 2))),
        (r"\E", Some(('\u{1b}', 2))),
        (r"\f", Some(('\u{c}', 2))),
        (r"\v", Some(('\u{b}', 2))),
        (r"\\", Some(('\\', 2))),
        (r"\'", Some(('\'', 2))),
        ("\\\"", Some(('"', 2))),
        (r"\?", Some(('?', 2))),
        (r"\x41B", Some(('A', 4))),
        (r"\xag", Some(('\n', 3))),
        (r"\u00e9f", Some(('é', 6))),
        (r"\U0001f511f", Some(('🔑', 10))),
        (r"\1013", Some(('A', 4))),
        (r"\08", Some(('\0', 2))),
        (r"\7", Some(('\u{7}', 2))),
        (r"\8", None),
        (r"\q", None),
        (r"\x", None),
        (r"\ud800", None),
        ("n", None),
        ("\\", None),
    ] {
        assert_eq!(unescape(text), wanted, "{text}");
    }
}

#[test]
fn the_next_place_is_remembered() {
    let text = "a'b'c";
    let mut next = Next::default();
    assert_eq!(next.from(text, 0, 5, '\''), Some(1));
    assert_eq!(next.from(text, 1, 5, '\''), Some(1));
    assert_eq!(next.from(text, 2, 5, '\''), Some(3));
    assert_eq!(next.from(text, 2, 3, '\''), None);
    assert_eq!(next.from(text, 4, 5, '\''), None);
    assert_eq!(Next::default().from(text, 4, 5, '\''), None);
    assert_eq!(Next::default().from(text, 2, 5, '\''), Some(3));
}

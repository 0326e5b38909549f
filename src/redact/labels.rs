//! The names that Claude Code gives only together with the payload: program, skill, MCP server and tool, subagent.
//!
//! On log events they stand in `tool_parameters` alone, beside the whole command. They are told as attributes of our own
//! at every level, so that what is counted by program is counted in the same way at `metadata`. On spans the client
//! has attributes of its own for them (`bash_argv0`, `skill_name`, `subagent_type`, `anthropic.mcp.server.name`).

use std::borrow::Cow;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use serde::Deserialize;

use super::levels::Given;
use super::levels::table::OWN_RECORD;

/// The attribute that they stand in.
pub(super) const SOURCE: &str = "tool_parameters";

/// What of `tool_parameters` is a name, and the command whose program is one.
#[derive(Deserialize)]
struct Parameters<'a> {
    #[serde(borrow)]
    full_command: Option<Cow<'a, str>>,
    #[serde(borrow)]
    mcp_server_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    mcp_tool_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    skill_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    subagent_type: Option<Cow<'a, str>>,
}

/// The labels of a record, each of the form that its row in the table demands.
pub(super) fn of(event: &str, parameters: &KeyValue) -> Vec<(&'static str, String)> {
    if !matches!(event, "tool_decision" | "tool_result") {
        return Vec::new();
    }
    let value = parameters.value.as_ref().and_then(|any| any.value.as_ref());
    let Some(Value::StringValue(json)) = value else { return Vec::new() };
    let Ok(parameters) = serde_json::from_str::<Parameters<'_>>(json) else { return Vec::new() };
    let program = parameters.full_command.and_then(|command| program(&command));
    let owned = |name: Option<Cow<'_, str>>| name.map(Cow::into_owned);
    let labels = [
        ("cc_observe.program", program),
        ("cc_observe.mcp_server", owned(parameters.mcp_server_name)),
        ("cc_observe.mcp_tool", owned(parameters.mcp_tool_name)),
        ("cc_observe.skill", owned(parameters.skill_name)),
        ("cc_observe.subagent_type", owned(parameters.subagent_type)),
    ];
    labels.into_iter().filter_map(|(key, label)| Some((key, label.filter(|label| is_label(key, label))?))).collect()
}

fn is_label(key: &str, label: &str) -> bool {
    let row = OWN_RECORD.iter().find(|(known, _)| *known == key);
    let fits = row.is_some_and(|(_, given)| matches!(given, Given::Metadata(shape) if shape.matches(label)));
    fits && label.chars().any(char::is_alphanumeric)
}

/// The longest word at the beginning of a command that is looked at, in bytes.
const MAX_WORD: usize = 4096;

/// The name of the program that a shell command begins with: its first word that is no assignment, without the path.
///
/// What runs behind it (`sudo`, pipes, `&&`) is not asked for; neither does the client.
fn program(command: &str) -> Option<String> {
    let mut rest = command;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '(' | ';'));
        if let Some(comment) = rest.strip_prefix('#') {
            rest = comment.split_once('\n')?.1;
            continue;
        }
        let (word, behind) = word(rest)?;
        rest = behind;
        let is_keyword = matches!(&*word, "{" | "!" | "if" | "while" | "until" | "time");
        if is_keyword || is_assignment(&word) {
            continue;
        }
        let name = word.rsplit('/').next().unwrap_or_default();
        return (!name.is_empty() && !name.starts_with('-')).then(|| name.to_owned());
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'[' | b']'))
    })
}

/// The first word without its quotes, and what is behind it. None where there is none, or none that ends.
fn word(text: &str) -> Option<(String, &str)> {
    let mut word = String::new();
    let (mut quote, mut depth, mut escaped, mut before) = (None, 0_usize, false, ' ');
    for (at, c) in text.char_indices() {
        if at > MAX_WORD {
            return None;
        }
        match (quote, c) {
            _ if escaped => {
                escaped = false;
                word.push(c);
            }
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('\''), _) => word.push(c),
            (_, '\\') => escaped = true,
            (None, '\'' | '"') => quote = Some(c),
            (_, '(') if before == '$' || depth > 0 => depth += 1,
            (_, ')') if depth > 0 => depth -= 1,
            (None, _) if depth == 0 && (c.is_whitespace() || ";|&()<>".contains(c)) => {
                return (!word.is_empty()).then(|| (word, text.get(at..).unwrap_or_default()));
            }
            (_, '`') => return None,
            _ => word.push(c),
        }
        before = c;
    }
    (!word.is_empty() && quote.is_none() && depth == 0).then_some((word, ""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_command_is_counted_by_its_program() {
        for (command, want) in [
            ("ls -la", Some("ls")),
            ("/usr/bin/git push", Some("git")),
            ("TOKEN='FAKE a' X=\"b c\" curl x", Some("curl")),
            ("A=$(cat FAKE | head) make", Some("make")),
            ("# why\n ( cd x && ls )", Some("cd")),
            ("! grep x", Some("grep")),
            ("./run.sh;ls", Some("run.sh")),
            ("'my tool' x", Some("my tool")),
            ("X=FAKE", None),
            ("`FAKE`", None),
            ("", None),
            ("--x", None),
            ("\"FAKE", None),
        ] {
            assert_eq!(program(command).as_deref(), want, "{command}");
        }
        assert_eq!(program(&"x".repeat(100_000)), None);
        assert_eq!(program(&"A=1 ".repeat(100_000)), None);
    }

    #[test]
    fn an_assignment_has_a_name_before_its_sign() {
        for word in ["A=1", "a_b=", "A1=x=y", "a[0]=1", "A+=1"] {
            assert!(is_assignment(word), "{word}");
        }
        for word in ["A", "=1", "+=1", "1a=1", "a-b=1", "./a=1", "a b=1", "a++=1"] {
            assert!(!is_assignment(word), "{word}");
        }
    }

    #[test]
    fn a_word_ends_where_a_shell_ends_it() {
        for (text, is) in [
            ("a b", Some(("a", " b"))),
            ("a;b", Some(("a", ";b"))),
            ("a|b", Some(("a", "|b"))),
            ("a&b", Some(("a", "&b"))),
            ("a(b", Some(("a", "(b"))),
            ("a)b", Some(("a", ")b"))),
            ("a<b", Some(("a", "<b"))),
            ("a>b", Some(("a", ">b"))),
            ("'a b'c d", Some(("a bc", " d"))),
            ("\"a 'b\" c", Some(("a 'b", " c"))),
            ("'a \"b' c", Some(("a \"b", " c"))),
            ("'a\\' c", Some(("a\\", " c"))),
            ("a\\ b c", Some(("a b", " c"))),
            ("a$(b (c) d)e f", Some(("a$b c de", " f"))),
            ("a", Some(("a", ""))),
            (" a", None),
            ("'a", None),
            ("$(a", None),
            ("a`b`", None),
            ("", None),
        ] {
            assert_eq!(word(text), is.map(|(word, rest)| (word.to_owned(), rest)), "{text}");
        }
        let long = "x".repeat(MAX_WORD + 1);
        assert_eq!(word(&long), Some((long.clone(), "")));
        assert_eq!(word(&format!("{long}x")), None);
    }

    proptest! {
        #[test]
        fn any_command_has_a_program_or_none(command in r#"([a-z/=$(){}'"`;|\\ \n#!]|\PC){0,60}"#) {
            program(&command);
        }
    }

    #[test]
    fn a_secret_is_no_label() {
        let token = format!("ghp_{}", "FAKE0000aB1cD2eF3gH4iJ5kL6mN7oP8qR");
        for key in ["cc_observe.program", "cc_observe.skill"] {
            assert!(is_label(key, "deploy"), "{key}");
            for label in [&*token, "", ".", "a\nb"] {
                assert!(!is_label(key, label), "{key} {label}");
            }
        }
    }
}

//! Claude Code's settings files, as far as they concern telemetry: what the person set, and what ours must say.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Why a `--settings` of the person cannot be merged with ours.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// A comment, a trailing comma, a cut file. Claude Code ignores such a file whole, without a word.
    #[error("it is not strict JSON")]
    NotJson,
    /// An array, a number.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// `"env": []`.
    #[error("its \"env\" is not an object")]
    EnvIsNoObject,
    /// More than Claude Code reads.
    #[error("it is larger than 2 MiB")]
    TooLarge,
    /// It has rules that are relative to its directory, and the directory cannot stand in a rule.
    #[error("its rules are relative to a directory whose name cannot stand in a rule")]
    Unanchored,
    /// Not there, a directory, a pipe, no permission.
    #[error("it is not a readable file")]
    Unreadable,
}

/// The largest settings file that Claude Code reads, in bytes.
pub const MAX_SETTINGS_BYTES: u64 = 2 << 20;

/// Tools whose permission rules are paths, relative to the file they stand in when they begin with one slash.
const PATH_TOOLS: &[&str] =
    &["Edit", "Glob", "Grep", "LS", "MultiEdit", "NotebookEdit", "NotebookRead", "Read", "Write"];

/// Reads a settings text as Claude Code would.
pub fn parse(text: &str) -> Result<Map<String, Value>, SettingsError> {
    match serde_json::from_str(text) {
        Ok(Value::Object(settings)) => Ok(settings),
        Ok(_) => Err(SettingsError::NotAnObject),
        Err(_) => Err(SettingsError::NotJson),
    }
}

/// The variables that a settings file sets. Values that are no text are taken as Claude Code takes them: as text.
pub fn variables(settings: &Map<String, Value>) -> BTreeMap<String, String> {
    let Some(Value::Object(env)) = settings.get("env") else { return BTreeMap::new() };
    env.iter()
        .filter_map(|(name, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(flag) => flag.to_string(),
                _ => return None,
            };
            Some((name.clone(), text))
        })
        .collect()
}

/// The person's settings with our assignments over them.
///
/// A name to be removed is set to nothing, which the client takes for none. The helper that would replace our token is
/// switched off.
pub fn merge(
    own: Map<String, Value>,
    assignments: &[(&'static str, Option<String>)],
) -> Result<Map<String, Value>, SettingsError> {
    let mut settings = own;
    let env = settings.entry("env").or_insert_with(|| Value::Object(Map::new()));
    let Value::Object(env) = env else { return Err(SettingsError::EnvIsNoObject) };
    for (name, value) in assignments {
        env.insert((*name).to_owned(), Value::String(value.clone().unwrap_or_default()));
    }
    settings.insert("otelHeadersHelper".to_owned(), Value::String(String::new()));
    Ok(settings)
}

/// Whether a settings file is one of ours that was silenced: it names the exporters, and nobody to send to.
pub fn is_silent(settings: &Map<String, Value>) -> bool {
    let variables = variables(settings);
    let ours = settings.get("otelHeadersHelper").and_then(Value::as_str) == Some("");
    ours && variables.get("OTEL_LOGS_EXPORTER").is_some_and(|exporter| exporter == "none")
        && !variables.keys().any(|name| name.starts_with("OTEL_EXPORTER_OTLP_"))
}

/// Whether managed settings decide where telemetry goes, so that ours does not count.
pub fn takes_telemetry(managed: &Map<String, Value>) -> bool {
    !telemetry_keys(managed).is_empty()
}

/// The keys by which settings decide where telemetry goes: `otelHeadersHelper`, `env.OTEL_LOGS_EXPORTER`, …
pub fn telemetry_keys(settings: &Map<String, Value>) -> Vec<String> {
    const HELPER: &str = "otelHeadersHelper";
    let helper = settings.get(HELPER).is_some_and(|helper| helper.as_str() != Some(""));
    let variables = variables(settings).into_keys().filter(|name| {
        let exporter = name.starts_with("OTEL_") && name.ends_with("_EXPORTER");
        let otlp = name.starts_with("OTEL_EXPORTER_OTLP_")
            && ["ENDPOINT", "HEADERS", "PROTOCOL"].iter().any(|end| name.ends_with(end));
        exporter || otlp || name == "CLAUDE_CODE_ENABLE_TELEMETRY" || name == "BETA_TRACING_ENDPOINT"
    });
    let variables = variables.map(|name| format!("env.{name}"));
    helper.then(|| HELPER.to_owned()).into_iter().chain(variables).collect()
}

/// Makes permission rules that are relative to their file absolute, since ours stands elsewhere:
/// `Read(/sub/**)` in `/home/me/x.json` means `Read(//home/me/sub/**)`.
///
/// Fails where a rule needs that and the directory cannot stand in a pattern: it is no text, or holds characters that
/// mean something in a pattern. A rule that silently matched nothing would be a `deny` lost.
pub fn anchor_rules(settings: &mut Map<String, Value>, directory: Option<&str>) -> Result<(), SettingsError> {
    let Some(Value::Object(permissions)) = settings.get_mut("permissions") else { return Ok(()) };
    for list in ["allow", "ask", "deny"] {
        let Some(Value::Array(rules)) = permissions.get_mut(list) else { continue };
        for rule in rules {
            if let Value::String(text) = rule
                && let Some((tool, path)) = relative_rule(text)
            {
                let directory = directory
                    .filter(|directory| !directory.contains(['*', '?', '[', ']', '{', '}', '!', '\\', '(', ')']))
                    .ok_or(SettingsError::Unanchored)?
                    .trim_matches('/');
                let between = if directory.is_empty() { "" } else { "/" };
                *text = format!("{tool}(//{directory}{between}{path}");
            }
        }
    }
    Ok(())
}

/// The tool, and the path behind the slash, of a rule that is relative to its file.
fn relative_rule(rule: &str) -> Option<(&str, &str)> {
    let (tool, rest) = rule.split_once('(')?;
    let path = rest.strip_prefix('/').filter(|path| !path.starts_with('/'))?;
    PATH_TOOLS.contains(&tool.trim()).then_some((tool, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_persons_settings_stay_beside_ours() {
        let own = parse(r#"{"model":"opus","env":{"A":"1","OTEL_LOGS_EXPORTER":"none"},"otelHeadersHelper":"./evil"}"#);
        let merged =
            merge(own.unwrap(), &[("OTEL_LOGS_EXPORTER", Some("otlp".to_owned())), ("BETA_TRACING_ENDPOINT", None)]);
        assert_eq!(
            Value::Object(merged.unwrap()),
            serde_json::json!({
                "model": "opus",
                "env": {"A": "1", "OTEL_LOGS_EXPORTER": "otlp", "BETA_TRACING_ENDPOINT": ""},
                "otelHeadersHelper": ""
            })
        );
    }

    #[test]
    fn what_claude_would_ignore_whole_is_not_merged() {
        for (text, error) in [
            ("{\"a\":1, // why\n}", SettingsError::NotJson),
            ("{\"a\":1,}", SettingsError::NotJson),
            ("[]", SettingsError::NotAnObject),
            ("", SettingsError::NotJson),
        ] {
            assert_eq!(parse(text), Err(error));
        }
        assert_eq!(merge(parse(r#"{"env":[]}"#).unwrap(), &[]), Err(SettingsError::EnvIsNoObject));
    }

    #[test]
    fn managed_settings_that_name_a_destination_are_told_from_others() {
        for (text, takes) in [
            (r#"{"env":{"OTEL_EXPORTER_OTLP_ENDPOINT":"http://h"}}"#, true),
            (r#"{"env":{"OTEL_EXPORTER_OTLP_LOGS_HEADERS":"a=b"}}"#, true),
            (r#"{"env":{"CLAUDE_CODE_ENABLE_TELEMETRY":"0"}}"#, true),
            (r#"{"otelHeadersHelper":"/opt/token"}"#, true),
            (r#"{"env":{"OTEL_RESOURCE_ATTRIBUTES":"team=x"},"model":"opus"}"#, false),
            ("{}", false),
        ] {
            assert_eq!(takes_telemetry(&parse(text).unwrap()), takes, "{text}");
        }
    }

    #[test]
    fn a_rule_relative_to_its_file_is_anchored_there() {
        let anchored = |rule: &str, directory: Option<&str>| {
            let mut settings = serde_json::json!({"permissions": {"deny": [rule]}}).as_object().cloned().unwrap();
            anchor_rules(&mut settings, directory)
                .map(|()| settings["permissions"]["deny"][0].as_str().unwrap().to_owned())
        };
        for (rule, want) in [
            ("Read(/sub/**)", "Read(//home/me/proj/sub/**)"),
            ("Edit(/a.txt)", "Edit(//home/me/proj/a.txt)"),
            ("Read(//etc/**)", "Read(//etc/**)"),
            ("Read(./sub/**)", "Read(./sub/**)"),
            ("Read(~/x)", "Read(~/x)"),
            ("Bash(/usr/bin/env:*)", "Bash(/usr/bin/env:*)"),
            ("Read", "Read"),
        ] {
            assert_eq!(anchored(rule, Some("/home/me/proj")).as_deref(), Ok(want));
        }
        assert_eq!(anchored("Read(/x)", Some("/")).as_deref(), Ok("Read(//x)"));
        for directory in [None, Some("/home/[me]"), Some("/home/{me}"), Some("/home/m*")] {
            assert_eq!(anchored("Read(/x)", directory), Err(SettingsError::Unanchored));
            assert_eq!(anchored("Read(//x)", directory).as_deref(), Ok("Read(//x)"));
        }
    }
}

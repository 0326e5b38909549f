//! What the real client puts into its records, as each level lets it out.

use serde_json::Value;

use super::client::client;
use super::lab::{Lab, ORG, accepted};
use super::{GO, SHORT};

#[test]
fn prompts_and_answers_come_at_content_commands_at_commands_and_names_at_metadata() {
    let Some(client) = client() else { return };
    let mut lab = Lab::new(client, SHORT);
    for (level, commands, content) in [("metadata", false, false), ("commands", true, false), ("content", true, true)] {
        let config =
            format!("capture = \"{level}\"\n[destinations.org]\nendpoint = \"{ORG}\"\ncapture = \"{level}\"\n");
        lab.file("home/.config/cc-observe/config.toml", config);
        lab.set("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1");
        let run = lab.observed(GO);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let arrived = accepted(&run.org);
        let texts = |name: &str, attribute: &str| -> Vec<String> {
            let events = arrived.iter().filter(|record| record.name == name);
            events.filter_map(|record| record.attributes.get(attribute)?.as_str().map(str::to_owned)).collect()
        };
        let real = |texts: Vec<String>| texts.iter().any(|text| !text.is_empty() && text != "<REDACTED>");
        assert_eq!(real(texts("claude_code.user_prompt", "prompt")), content, "{level}");
        assert_eq!(real(texts("claude_code.assistant_response", "response")), content, "{level}");
        assert_eq!(real(texts("claude_code.interaction", "user_prompt")), content, "{level}");
        let outputs = arrived.iter().flat_map(|record| &record.span_events);
        let mut outputs = outputs.filter_map(|(_, attributes)| attributes.get("output").and_then(Value::as_str));
        assert_eq!(outputs.any(|output| output.contains("hello")), content, "{level}");
        let parameters = texts("claude_code.tool_decision", "tool_parameters");
        assert_eq!(parameters.iter().any(|text| text.contains("echo hello")), commands, "{level}");
        assert_eq!(real(texts("claude_code.tool", "full_command")), commands, "{level}");
        assert_eq!(texts("claude_code.tool_decision", "cc_observe.program"), ["echo"], "{level}");
        let withheld = arrived.iter().filter(|record| record.name == "cc_observe.withheld").count();
        assert_eq!(withheld, usize::from(!content), "{level}");
    }
}

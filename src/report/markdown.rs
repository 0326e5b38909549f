//! The summary for `$GITHUB_STEP_SUMMARY`.

use super::full::full;
use super::printable::printable;
use super::summary::RunSummary;
use super::{Style, words};

/// A heading and a table; empty when there is nothing to show.
///
/// The table holds what the lines of [`full`] hold, so that both say the same.
pub fn markdown(summary: &RunSummary) -> String {
    const LABEL: usize = 10;
    let style = Style { width: 400, ..Style::PLAIN };
    let lines = full(summary, &style);
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("### Claude Code: {}, {}\n\n", summary.session.cost, words::duration(summary.duration));
    text.push_str("| cc-observe | |\n|---|---|\n");
    if let Some(place) = words::place(summary.repository.as_deref(), summary.branch.as_deref()) {
        text.push_str(&table_row("Where", &place));
    }
    for line in lines.lines().skip(1) {
        let (label, rest) = line.split_at_checked(LABEL).unwrap_or((line, ""));
        text.push_str(&table_row(label.trim(), rest));
    }
    if !summary.run_id.is_empty() {
        text.push_str(&table_row("Run", &summary.run_id));
    }
    text
}

fn table_row(label: &str, value: &str) -> String {
    format!("| {} | {} |\n", escaped(label), escaped(value))
}

/// Text that Markdown and HTML take as nothing but text, links among them.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in printable(text, 1000).as_str().chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '~' | '#' | '!' | '$' => {
                escaped.push('\\');
                escaped.push(character);
            }
            '@' => escaped.push_str("&#64;"),
            _ => escaped.push(character),
        }
    }
    // What GitHub would turn into a link.
    escaped.replace("://", "&#58;//").replace("www.", "www&#46;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_in_telemetry_is_text() {
        let text = "a|b`c`<img src=x>\n# *x* [l](https://www.example.com) @me \u{1b}[31m";
        insta::assert_snapshot!(escaped(text), @r#"a\|b\`c\`&lt;img src=x&gt; \# \*x\* \[l\](https&#58;//www&#46;example.com) &#64;me \[31m"#);
    }
}

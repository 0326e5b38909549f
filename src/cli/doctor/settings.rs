//! Edge: Claude Code's settings, as far as they bear on its telemetry.

use super::{check, hinted};
use crate::launch::examine::{self, ClaudeSettings, Wrapping};
use crate::launch::{Given, wrapper};
use crate::report::{Check, Verdict};

/// Settings of Claude Code that lead past us.
pub(super) fn settings(given: Given<'_>) -> Vec<Check> {
    const ABOUT: &str = "settings";
    let ClaudeSettings { beyond, remote, ignored, besides, wrapper } = examine::examine(given);
    let mut checks = Vec::new();
    for taking in &beyond {
        checks.push(hinted(
            ABOUT,
            Verdict::Failed,
            format!("{} says where telemetry goes, and beats cc-observe", taking.path.display()),
            format!("whoever manages it: take out {}", listed(&taking.keys)),
        ));
    }
    if let Some(taking) = &remote {
        checks.push(hinted(
            ABOUT,
            Verdict::Warning,
            format!(
                "{}: a server or a gateway says where telemetry goes, and beats cc-observe while you are signed in to it",
                taking.path.display()
            ),
            format!("whoever manages it: take out {}", listed(&taking.keys)),
        ));
    }
    if let Some((path, why)) = &ignored {
        checks.push(hinted(
            ABOUT,
            Verdict::Warning,
            format!("Claude Code ignores {} whole: {why}", path.display()),
            "mend it there: neither comments nor trailing commas are allowed",
        ));
    }
    if !besides.is_empty() {
        let found = format!("besides, and unmasked, as you have set it: {}", besides.join(", "));
        checks.push(check(ABOUT, Verdict::Ok, found));
    }
    if beyond.is_empty() && remote.is_none() {
        checks.push(check(ABOUT, Verdict::Ok, "none that are managed lead past cc-observe"));
    }
    checks.extend(wrapper.map(judged));
    checks
}

fn judged(wrapping: Wrapping) -> Check {
    const ABOUT: &str = "wrapper";
    const BACKGROUND: &str = "sessions in the background";
    let take_out = |place: &str| match place {
        wrapper::VARIABLE => format!("`unset {place}`"),
        _ => format!("take out {place}"),
    };
    match wrapping {
        Wrapping::Managed(path) => hinted(
            ABOUT,
            Verdict::Warning,
            format!("{} names a process wrapper: {BACKGROUND} are not observed", path.display()),
            format!("whoever manages it: take out {} and processWrapper", wrapper::VARIABLE),
        ),
        Wrapping::Kept { program } => {
            check(ABOUT, Verdict::Ok, format!("{program} is started behind cc-observe's own"))
        }
        Wrapping::Missing { program, place } => hinted(
            ABOUT,
            Verdict::Failed,
            format!("{program} cannot be executed: {BACKGROUND} do not start"),
            take_out(&place),
        ),
        Wrapping::Unreadable { place } => hinted(
            ABOUT,
            Verdict::Warning,
            format!("{place} is no list of words: {BACKGROUND} are not observed"),
            take_out(&place),
        ),
    }
}

/// `a, b`, in code.
fn listed(keys: &[String]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

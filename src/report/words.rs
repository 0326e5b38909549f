//! Numbers as people say them.

use std::time::Duration;

use super::printable::printable;
use super::summary::Amount;
use crate::session::Share;

/// `0.8s`, `12s`, `40m 12s`, `1h 02m`.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{}.{}s", seconds, duration.subsec_millis() / 100),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// `0s`, `12s`, `40m`, `1h02m`.
pub(super) fn short_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// `910`, `1.2k`, `38k`, `1.94M`, `12.3M`.
pub(super) fn tokens(count: u64) -> String {
    match count {
        0..1000 => count.to_string(),
        1000..9_950 => format!("{}.{}k", (count + 50) / 1000, (count + 50) / 100 % 10),
        9_950..999_500 => format!("{}k", (count + 500) / 1000),
        999_500..9_995_000 => {
            let hundredths = (count + 5_000) / 10_000;
            format!("{}.{:02}M", hundredths / 100, hundredths % 100)
        }
        _ => {
            let tenths = (count / 50_000).div_ceil(2);
            format!("{}.{}M", tenths / 10, tenths % 10)
        }
    }
}

/// `1 commit`, `2 commits`.
pub fn many(count: u64, one: &str) -> String {
    let ending = match (count, one.ends_with('h')) {
        (1, _) => "",
        (_, true) => "es",
        _ => "s",
    };
    format!("{count} {one}{ending}")
}

/// `1 dropped` of batches, or `2 records dropped` where they were part of batches that are not lost. None: nothing was.
pub(super) fn dropped(amount: Amount) -> Option<String> {
    match amount {
        Amount { batches: 0, records: 0 } => None,
        Amount { batches: 0, records } => Some(format!("{} dropped", many(records, "record"))),
        Amount { batches, .. } => Some(format!("{batches} dropped")),
    }
}

/// Columns for one name from telemetry: of a tool, a model, an agent, a destination.
pub(super) const NAME: usize = 30;

/// The share of the cost with a name, without what every model's name begins with.
pub(super) fn share(share: &Share) -> String {
    format!("{} {}", printable(share.name.strip_prefix("claude-").unwrap_or(&share.name), NAME), share.cost)
}

/// The repository's last part, such as `widgets` of `https://example.com/acme/widgets.git`, with the branch.
pub(super) fn place(repository: Option<&str>, branch: Option<&str>) -> Option<String> {
    let name = repository?.trim_end_matches('/');
    let name = name.rsplit(['/', ':']).next().unwrap_or(name);
    let name = name.strip_suffix(".git").unwrap_or(name);
    Some(branch.map_or_else(|| name.to_owned(), |branch| format!("{name}@{branch}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let shown = [0, 999, 1000, 9_949, 9_950, 38_400, 999_499, 999_500, 1_940_000, 9_994_999, 9_995_000, 12_349_999];
        insta::assert_snapshot!(shown.map(tokens).join(" "), @"0 999 1.0k 9.9k 10k 38k 999k 1.00M 1.94M 9.99M 10.0M 12.3M");
        let shown = [0, 850, 9_999, 12_000, 60_000, 2_412_000, 3_725_000].map(Duration::from_millis);
        insta::assert_snapshot!(shown.map(duration).join(", "), @"0.0s, 0.8s, 9.9s, 12s, 1m 00s, 40m 12s, 1h 02m");
        insta::assert_snapshot!(shown.map(short_duration).join(", "), @"0s, 0s, 9s, 12s, 1m, 40m, 1h02m");
        assert_eq!([many(1, "batch"), many(2, "batch"), many(0, "line")].join(", "), "1 batch, 2 batches, 0 lines");
    }

    #[test]
    fn a_place_is_the_repository_s_name_and_branch() {
        let place = |repository| place(Some(repository), Some("main")).unwrap();
        for repository in
            ["https://example.com/acme/widgets.git", "git@example.com:acme/widgets", "widgets/", "widgets"]
        {
            assert_eq!(place(repository), "widgets@main");
        }
    }
}

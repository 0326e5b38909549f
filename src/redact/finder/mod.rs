//! Finds the secrets in a text: which bytes, by which rule.

mod names;
mod notation;
mod rules;
mod token;
mod vendors;
mod view;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use view::View;

/// Which rule recognized a secret: the id of a token format (`github-token`) or of a context (`curl-user`).
///
/// Lower-case letters, digits and hyphens, and nothing else: it stands in markers, records and JSON unescaped.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RuleId(Cow<'static, str>);

impl RuleId {
    /// A rule of ours.
    pub(super) const fn of(id: &'static str) -> Self {
        Self(Cow::Borrowed(id))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A place where a secret stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// Bytes of the text, at character boundaries.
    pub span: Range<usize>,
    /// What recognized it.
    pub rule: RuleId,
    /// Whether somebody could find it by trying: a password, a short value. It gets no tag then.
    pub guessable: bool,
}

/// All rules, ready to be used. Built once.
#[derive(Default)]
pub struct Finder {}

impl Finder {
    /// The secrets in a text, in their order, without overlaps.
    #[allow(clippy::unused_self, reason = "the engine is being built")]
    pub fn find(&self, text: &str) -> Vec<Finding> {
        let _whole = View::whole(text);
        Vec::new()
    }
}

/// Whether a variable of this name is expected to hold a secret.
pub fn is_secret_name(name: &str) -> bool {
    names::hint(name) >= Some(names::Hint::Strong)
}

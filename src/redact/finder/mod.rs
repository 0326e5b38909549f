//! Finds the secrets in a text: which bytes, by which rule.

pub mod known;
mod names;
mod view;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use known::Known;
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
pub struct Finder {
    known: Known,
}

impl Finder {
    /// The same, and these values wherever they stand.
    #[must_use]
    pub fn with_known(mut self, known: Known) -> Self {
        self.known = known;
        self
    }

    /// The values that are known.
    pub(super) fn known(&self) -> &Known {
        &self.known
    }

    /// The secrets in a text, in their order, without overlaps.
    pub fn find(&self, text: &str) -> Vec<Finding> {
        let _whole = View::whole(text);
        let mut findings = Vec::new();
        self.known.find(text, &mut findings);
        findings
    }
}

/// Whether a variable of this name is expected to hold a secret.
pub fn is_secret_name(name: &str) -> bool {
    names::hint(name) >= Some(names::Hint::Strong)
}

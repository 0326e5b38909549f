//! Finds the secrets in a text: which bytes, by which rule.

mod anchors;
mod blocks;
mod calls;
mod context;
mod cursor;
mod encoded;
mod json;
mod keywords;
pub mod known;
mod literals;
mod logins;
mod names;
mod notation;
mod pem;
mod prose;
mod rules;
mod shell;
mod tables;
mod token;
mod url;
mod value;
mod vendors;
mod view;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use super::marker;
use anchors::{Anchor, Anchors};
use known::Known;
use view::View;

use super::custom::Custom;

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

    /// A rule of the person's own, whose id has been checked.
    pub(super) fn own(id: String) -> Self {
        Self(Cow::Owned(id))
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

/// How deep texts in texts are searched.
const MAX_DEPTH: usize = 8;

/// How many variables that secrets' names are given are looked for in a text.
const MAX_ASKED: usize = 16;

/// All rules, ready to be used. Built once.
pub struct Finder {
    rules: &'static Rules,
    known: Known,
    custom: Custom,
}

impl Default for Finder {
    fn default() -> Self {
        Self { rules: &RULES, known: Known::default(), custom: Custom::default() }
    }
}

/// What an anchor belongs to.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// A token's format, by its place among them.
    Token(usize),
    /// A word of a name.
    Name,
    /// `://` and its like, by its place among them.
    Url(&'static str),
    Oracle,
    Pem(&'static str),
    Block(&'static str),
    /// What a shell's command is known by.
    Shell,
    /// The name of a service.
    Vendor,
    /// A call, by its place among them.
    Call(usize),
    /// What stands behind a password in Go's names of databases.
    GoDsn,
    /// What a user and a password stand beside, by its place among them.
    Login(&'static str),
    /// A word in base64, and its place among four characters.
    Encoded(usize),
    /// A word in capitals that calls a value a key.
    Keyword(&'static str),
    /// An escape of JSON that a plain character may hide behind.
    Escape,
    /// What a code of one time is called.
    Code(&'static str),
}

/// The built-in rules, and where each begins.
struct Rules {
    anchors: Anchors<Kind>,
    tokens: Vec<token::Matcher>,
    /// Those of them that only points are known of.
    pointed: Vec<token::Matcher>,
    vendors: Option<vendors::Vendors>,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let any = |literal, kind| Anchor { literal, exact: false, apart: false, kind };
    let exact = |literal, kind| Anchor { literal, exact: true, apart: false, kind };
    // Every shape is read by a test, so none is left out here.
    let tokens: Vec<_> = token::all().filter_map(|(rule, form)| token::Matcher::new(rule, form).ok()).collect();
    let formats = tokens.iter().enumerate();
    let formats =
        formats.map(|(at, token)| Anchor { apart: token.begins_word(), ..exact(token.anchor(), Kind::Token(at)) });
    let names = context::WORDS.split('|').map(|word| any(word, Kind::Name));
    let urls = url::BORDERS.iter().map(|border| exact(border, Kind::Url(border)));
    let keys = pem::ANCHORS.iter().map(|anchor| exact(anchor, Kind::Pem(anchor)));
    let blocks = blocks::ANCHORS.iter().map(|anchor| any(anchor, Kind::Block(anchor)));
    let oracle = [any("jdbc:oracle:thin:", Kind::Oracle)];
    let vendors = vendors::Vendors::new().ok();
    let services = vendors.iter().flat_map(vendors::Vendors::words).map(|word| any(word, Kind::Vendor));
    let shell = shell::anchors().map(|literal| any(literal, Kind::Shell));
    let calls = calls::anchors().map(|(number, literal)| any(literal, Kind::Call(number)));
    let dsn = [exact("@tcp(", Kind::GoDsn), exact("@unix(", Kind::GoDsn)];
    let codes = prose::CODES.iter().map(|anchor| any(anchor, Kind::Code(anchor)));
    let encoded = encoded::anchors().map(|(word, phase)| exact(word, Kind::Encoded(phase)));
    let keywords = keywords::ANCHORS.iter().map(|anchor| exact(anchor, Kind::Keyword(anchor)));
    let escape = [any("\\u00", Kind::Escape)];
    let logins = logins::ANCHORS.iter().map(|anchor| exact(anchor, Kind::Login(anchor)));
    let anchors = Anchors::new(
        formats
            .chain(services)
            .chain(shell)
            .chain(names)
            .chain(urls)
            .chain(oracle)
            .chain(keys)
            .chain(blocks)
            .chain(calls)
            .chain(dsn)
            .chain(logins)
            .chain(codes)
            .chain(encoded)
            .chain(keywords)
            .chain(escape),
    );
    let pointed = tokens.iter().filter(|token| token.anchor() == token::POINT).cloned().collect();
    Rules { anchors, tokens, pointed, vendors }
});

impl Finder {
    /// The same, and these values wherever they stand.
    #[must_use]
    pub fn with_known(mut self, known: Known) -> Self {
        self.known = known;
        self
    }

    /// With the person's own rules beside ours.
    #[must_use]
    pub(super) fn with(mut self, custom: Custom) -> Self {
        self.custom = custom;
        self
    }

    /// The person's own rules.
    pub(super) fn custom(&self) -> &Custom {
        &self.custom
    }

    /// The values that are known.
    pub(super) fn known(&self) -> &Known {
        &self.known
    }

    /// The secrets in a text, in their order, without overlaps.
    pub fn find(&self, text: &str) -> Vec<Finding> {
        self.find_among(text, Vec::new())
    }

    /// The same of a text that is the value of something with a name.
    pub(super) fn find_named(&self, name: &str, text: &str) -> Vec<Finding> {
        let whole = context::named(name, text).map(|(rule, guessable)| Finding {
            span: 0..text.len(),
            rule: RuleId::of(rule),
            guessable,
        });
        self.find_among(text, whole.into_iter().collect())
    }

    fn find_among(&self, text: &str, mut hits: Vec<Finding>) -> Vec<Finding> {
        self.known.find(text, &mut hits);
        for at in token::pointed(text) {
            let token = self.rules.pointed.iter().find_map(|token| Some((token.rule().id, token.at(text, at)?)));
            hits.extend(token.map(|(rule, span)| Finding { span, rule: RuleId::of(rule), guessable: false }));
        }
        self.search(&View::whole(text), 0, &mut hits);
        repeated(text, &mut hits);
        hits.retain(|Finding { span, rule, .. }| {
            !text.get(span.clone()).is_some_and(|secret| self.custom.allows(secret, rule))
        });
        merge(text, hits)
    }

    fn search(&self, view: &View<'_>, depth: usize, hits: &mut Vec<Finding>) {
        let text = view.text();
        let mut own = Vec::new();
        self.custom.find(text, &mut own);
        hits.extend(own.into_iter().filter_map(|found| Some(Finding { span: view.root(found.span)?, ..found })));
        let mut anchors = self.rules.anchors.find(text.as_bytes());
        let mut next = anchors.next();
        if next.is_none() {
            return;
        }
        // The strings of JSON are searched by themselves: what stands inside an escaped one as it was meant and not as it
        // is written, what stands in any other once more, for commands.
        let document = json::may_be(text);
        let literals: Vec<json::Literal> = if document { json::strings(text).collect() } else { json::in_lines(text) };
        let mut strings = literals.iter().peekable();
        let mut inside: Vec<&json::Literal> = Vec::new();
        let mut tell = |span: Range<usize>, rule: &'static str, guessable: bool| {
            if let Some(span) = view.root(span) {
                hits.push(Finding { span, rule: RuleId::of(rule), guessable });
            }
        };
        let mut on = 0;
        let mut block = 0;
        let mut document_end = 0;
        let mut column = false;
        let mut table = 0;
        let mut encoded = 0;
        let mut commands = false;
        let mut asked = 0;
        let mut places = Vec::new();
        let mut nested = Vec::new();
        let mut listed = 0;
        let markers = marker::all(text);
        let mut markers = markers.iter().peekable();
        while let Some((kind, from, to)) = next.take().or_else(|| anchors.next()) {
            // What a marker says of a secret names none.
            while markers.next_if(|marker| marker.end <= from).is_some() {}
            if let Some(marker) = markers.peek()
                && marker.start <= from
            {
                anchors.go_on(marker.end);
                continue;
            }
            if matches!(kind, Kind::Shell) && !shell::counts(text, from..to) {
                continue;
            }
            if matches!(kind, Kind::Shell | Kind::Name) {
                places.push(from);
            }
            if matches!(kind, Kind::Shell)
                && from >= listed
                && depth < MAX_DEPTH
                && let Some((command, written, end)) = shell::list(text, from)
            {
                nested.push((command, written));
                listed = end;
            }
            while strings.next_if(|literal| literal.end <= from).is_some() {}
            let string = strings.peek().copied().filter(|literal| literal.start <= from);
            if let Some(literal) = string
                && depth < MAX_DEPTH
                && (literal.escaped || matches!(kind, Kind::Shell))
            {
                if inside.last().is_none_or(|last| last.start != literal.start) {
                    inside.push(literal);
                }
                // In other text than JSON the quotes may be those of a command.
                if document || !matches!(kind, Kind::Shell) {
                    continue;
                }
            }
            // What a variable is called says nothing of it, but where it is used: `PGPASSWORD=$P`.
            if !commands
                && asked < MAX_ASKED
                && matches!(kind, Kind::Name | Kind::Url("://"))
                && let Some(assigned) = shell::takes_variable(text, to, matches!(kind, Kind::Url(_)))
            {
                asked += 1;
                if let Some(literal) = string.filter(|_| assigned && document && depth < MAX_DEPTH) {
                    if inside.last().is_none_or(|last| last.start != literal.start) {
                        inside.push(literal);
                    }
                } else {
                    commands = assigned;
                    places.extend((assigned && matches!(kind, Kind::Url(_))).then_some(from));
                }
            }
            match kind {
                Kind::Token(at) => {
                    if let Some(token) = self.rules.tokens.get(at)
                        && let Some(span) = token.at(text, from)
                    {
                        tell(span, token.rule().id, false);
                    }
                }
                Kind::Name if from >= on => {
                    on = context::at(text, from..to, &mut tell);
                    if !column {
                        blocks::column(text, from, &mut tell);
                        column = true;
                    }
                    if from >= table {
                        table = tables::at(text, from, to, &mut tell);
                    }
                }
                Kind::Name => {}
                Kind::Url(border) => url::at(text, from, border, &mut tell),
                Kind::Oracle => url::oracle(text, to, &mut tell),
                Kind::Call(number) => calls::at(text, number, to, &mut tell),
                Kind::Encoded(phase) if from >= encoded && depth < MAX_DEPTH => {
                    if let Some(decoded) = encoded::around(text, from, phase) {
                        nested.push((decoded.meaning, decoded.written));
                        encoded = decoded.end;
                    }
                }
                Kind::Encoded(_) | Kind::Escape => {}
                Kind::Keyword(anchor) => keywords::at(text, from, anchor, &mut tell),
                Kind::Code(anchor) => prose::codes(text, from, anchor, &mut tell),
                Kind::Login(anchor) => logins::at(text, from, anchor, &mut tell),
                Kind::GoDsn => calls::go_dsn(text, from, &mut tell),
                Kind::Pem(anchor) => {
                    if let Some(span) = pem::at(text, from, anchor) {
                        // All of it is masked, whatever is said in it.
                        anchors.go_on(span.end);
                        tell(span, "private-key", false);
                    }
                }
                Kind::Block(anchor) if from >= block && (from >= document_end || !blocks::is_document(anchor)) => {
                    let mut heard = |span: Range<usize>, rule: &'static str, guessable: bool| {
                        block = block.max(span.end);
                        tell(span, rule, guessable);
                    };
                    document_end = document_end.max(blocks::at(text, from, anchor, &mut heard));
                }
                Kind::Block(_) => {}
                Kind::Shell => commands = true,
                Kind::Vendor => {
                    if let Some((span, rule)) =
                        self.rules.vendors.as_ref().and_then(|vendors| vendors.at(text, from, to - from))
                    {
                        tell(span, rule, false);
                    }
                }
            }
        }
        if commands {
            let mut found = Vec::new();
            shell::read(text, Some(&places), &mut found);
            for found in found {
                match found {
                    shell::Found::Secret { span, rule, guessable } => tell(span, rule, guessable),
                    shell::Found::Nested { text, written } if depth < MAX_DEPTH => nested.push((text, written)),
                    shell::Found::Nested { .. } => {}
                }
            }
        }
        for (text, written) in nested {
            if self.custom.is_empty() && self.rules.anchors.find(text.as_bytes()).next().is_none() {
                continue;
            }
            if let Some(inner) = view.unquoted(text, written) {
                self.search(&inner, depth + 1, hits);
            }
        }
        for literal in inside {
            if literal.escaped {
                let inner =
                    json::unescape(text, literal).and_then(|(meaning, written)| view.unquoted(meaning, written));
                if let Some(inner) = inner {
                    self.search(&inner, depth + 1, hits);
                }
            } else if let Some(inner) = view.part(literal.start..literal.end) {
                self.search(&inner, depth + 1, hits);
            }
        }
    }
}

/// How many secrets are looked for in the rest of a text.
const MAX_REPEATED: usize = 8;
/// How long such a secret is at least, in bytes.
const MIN_REPEATED: usize = 8;

/// What is known by the use of a variable alone is secret in the other strings of the text too: `"bash_command": "t=…"`.
fn repeated(text: &str, hits: &mut Vec<Finding>) {
    let mut again = Vec::new();
    for hit in hits.iter().filter(|hit| hit.rule.as_str() == shell::ASSIGNED).take(MAX_REPEATED) {
        let Some(secret) = text.get(hit.span.clone()).filter(|secret| secret.len() >= MIN_REPEATED) else { continue };
        let places = memchr::memmem::find_iter(text.as_bytes(), secret.as_bytes());
        again.extend(places.map(|at| Finding { span: at..at + secret.len(), ..hit.clone() }));
    }
    hits.append(&mut again);
}

/// Findings in their order, those that overlap made one; nothing that is a marker already.
pub(super) fn merge(text: &str, mut hits: Vec<Finding>) -> Vec<Finding> {
    if hits.is_empty() {
        return hits;
    }
    let markers = marker::all(text);
    hits.retain_mut(|hit| {
        if !markers.is_empty() {
            let from = markers.partition_point(|marker| marker.end <= hit.span.start);
            let to = markers.partition_point(|marker| marker.start < hit.span.end);
            if let Some([first, ..]) = markers.get(from..to)
                && let Some([.., last]) = markers.get(from..to)
            {
                hit.span = hit.span.start.min(first.start)..hit.span.end.max(last.end);
                let rest = text.get(hit.span.clone()).map(marker::without).unwrap_or_default();
                if rest.bytes().filter(u8::is_ascii_alphanumeric).count() < 4 {
                    return false;
                }
            }
        }
        hit.span.start < hit.span.end && text.get(hit.span.clone()).is_some()
    });
    hits.sort_by(|a, b| (a.span.start, b.span.end).cmp(&(b.span.start, a.span.end)));
    let mut merged: Vec<Finding> = Vec::with_capacity(hits.len());
    for hit in hits {
        match merged.last_mut() {
            Some(last) if hit.span.start < last.span.end => {
                last.span.end = last.span.end.max(hit.span.end);
                last.guessable &= hit.guessable;
                if is_context(&last.rule) && !is_context(&hit.rule) {
                    last.rule = hit.rule;
                }
            }
            _ => merged.push(hit),
        }
    }
    merged
}

/// Where the strings stand in a document of JSON, between their quotes. None: the text is none.
pub(super) fn strings(text: &str) -> Option<Vec<Range<usize>>> {
    json::may_be(text).then(|| json::strings(text).map(|string| string.start..string.end).collect())
}

/// Whether a rule knows only the surroundings of a secret, and not what it is.
fn is_context(rule: &RuleId) -> bool {
    matches!(rule.as_str(), "password" | "secret" | "key" | "authorization" | "url-token" | "url-password" | "cookie")
}

/// Whether a variable of this name is expected to hold a secret.
pub fn is_secret_name(name: &str) -> bool {
    names::hint(name) >= Some(names::Hint::Strong)
}

/// The formats of tokens: id, what, source.
pub(super) fn formats() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let services = vendors::all().iter().map(|vendor| (vendor.id, vendor.id, vendor.source));
    token::all().map(|(rule, _)| (rule.id, rule.what, rule.source)).chain(services)
}

/// The rules of programs: id, and the names of the programs.
pub(super) fn programs() -> impl Iterator<Item = (&'static str, &'static str)> {
    shell::programs()
}

#[cfg(test)]
mod forms;
#[cfg(test)]
mod tests;

//! Reads along a text, whatever it is escaped as: quotes, white space and operators in shells, JSON at any depth,
//! percent-encoding and HTML.

/// A place in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

/// A quote as it was written: the character, and how deep it is escaped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Quote {
    /// A character behind so many backslashes.
    Char { quote: u8, backslashes: usize },
    /// `%22`, `%27`: the text is percent-encoded.
    Percent(u8),
    /// `&quot;`, `&#34;`, `&#39;`, `\u0022`, `\x22`, `“`: closed by this.
    Other(&'static str),
}

/// Quotes of typography: the opening and the closing one.
const TYPOGRAPHIC: [(&str, &str); 6] = [
    ("\u{201e}", "\u{201c}"),
    ("\u{201c}", "\u{201d}"),
    ("\u{201d}", "\u{201d}"),
    ("\u{ab}", "\u{bb}"),
    ("\u{2018}", "\u{2019}"),
    ("\u{300c}", "\u{300d}"),
];

const OTHER_QUOTES: [&str; 10] =
    ["&quot;", "&#34;", "&#39;", "&apos;", "&#x27;", "&#x22;", "\\u0022", "\\u0027", "\\x22", "\\x27"];

/// The longest quoted value that is looked for the end of, in bytes.
pub(super) const MAX_QUOTED: usize = 16 * 1024;

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str, at: usize) -> Self {
        Self { text, at }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn skip(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.text.len());
    }

    /// Moves on if the text goes on like this; letters in either case.
    pub(super) fn eat(&mut self, literal: &str) -> bool {
        let rest = self.rest();
        // Nearly always the first byte differs.
        let begins = rest.first().zip(literal.as_bytes().first()).is_none_or(|(a, b)| a.eq_ignore_ascii_case(b));
        let fits =
            begins && rest.get(..literal.len()).is_some_and(|here| here.eq_ignore_ascii_case(literal.as_bytes()));
        if fits {
            self.at += literal.len();
        }
        fits
    }

    /// Spaces and tabs, at most 256 of them; says whether there were any.
    #[inline]
    pub(super) fn eat_blanks(&mut self) -> bool {
        matches!(self.peek(), Some(b' ' | b'\t' | b'\\' | b'%' | b'+' | 0xc2 | 0xe3)) && self.eat_some_blanks()
    }

    fn eat_some_blanks(&mut self) -> bool {
        let blanks = self.rest().iter().take(256).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        self.at += blanks;
        let mut any = blanks > 0;
        // `\t` as it is written in JSON.
        while matches!(self.peek(), Some(b'\\' | b'%' | 0xc2 | 0xe3))
            && (self.eat("\\t") || self.eat("%20") || self.eat("\u{a0}") || self.eat("\u{3000}"))
        {
            any = true;
        }
        // A blank as forms write it, beside what is percent-encoded.
        if self.peek() == Some(b'+') && self.beside_percent() {
            self.at += 1;
            any = true;
        }
        any
    }

    /// Whether `%…` stands directly before or behind the byte here.
    fn beside_percent(&self) -> bool {
        let before = self.at.checked_sub(3).and_then(|at| self.text.as_bytes().get(at));
        before == Some(&b'%') || self.rest().get(1) == Some(&b'%')
    }

    /// Colours of a terminal: `ESC [ … m`, with the escape as a byte or written out.
    #[inline]
    pub(super) fn eat_colours(&mut self) {
        if matches!(self.peek(), Some(0x1b | b'\\')) {
            self.eat_some_colours();
        }
    }

    fn eat_some_colours(&mut self) {
        for _ in 0..8 {
            if !matches!(self.peek(), Some(0x1b | b'\\')) {
                return;
            }
            let mut ahead = *self;
            let escape = ahead.eat("\x1b")
                || ahead.eat("\\x1b")
                || ahead.eat("\\u001b")
                || ahead.eat("\\033")
                || ahead.eat("\\e");
            if !escape || !ahead.eat("[") {
                return;
            }
            let digits =
                ahead.rest().iter().take(16).take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
            ahead.skip(digits);
            if !ahead.eat("m") {
                return;
            }
            *self = ahead;
        }
    }

    /// `**` and `__` of Markdown.
    pub(super) fn eat_marks(&mut self) {
        let marks = self.rest().iter().take(3).take_while(|byte| matches!(byte, b'*' | b'_')).count();
        self.at += marks;
    }

    /// A quote, opening or closing.
    pub(super) fn eat_quote(&mut self) -> Option<Quote> {
        let backslashes = self.rest().iter().take(128).take_while(|byte| **byte == b'\\').count();
        if let Some(quote @ (b'"' | b'\'' | b'`')) = self.rest().get(backslashes).copied() {
            self.at += backslashes + 1;
            return Some(Quote::Char { quote, backslashes });
        }
        // Most of what is no quote begins with none of what one can be written as.
        if !matches!(self.peek(), Some(b'%' | b'&' | b'\\' | 0x80..)) {
            return None;
        }
        if self.eat("%22") {
            return Some(Quote::Percent(b'2'));
        }
        if self.eat("%27") {
            return Some(Quote::Percent(b'7'));
        }
        if let Some(quote) = OTHER_QUOTES.into_iter().find(|other| self.eat(other)) {
            return Some(Quote::Other(quote));
        }
        // Typographic ones open and close differently, and not everywhere alike.
        if self.peek().is_none_or(|byte| byte.is_ascii()) {
            return None;
        }
        TYPOGRAPHIC.into_iter().find(|(open, _)| self.eat(open)).map(|(_, close)| Quote::Other(close))
    }

    /// `=`, `:`, `:=`, `=>`, … as they are or encoded.
    pub(super) fn eat_operator(&mut self) -> Option<Operator> {
        // Longest first.
        const OPERATORS: [(&str, Operator); 27] = [
            ("?:", Operator::Colon),
            (":::=", Operator::Loose),
            ("::=", Operator::Loose),
            ("||=", Operator::Loose),
            ("===", Operator::Loose),
            ("!==", Operator::Loose),
            (":=", Operator::Loose),
            ("?=", Operator::Loose),
            (".=", Operator::Loose),
            ("+=", Operator::Loose),
            ("=>", Operator::Loose),
            ("->", Operator::Loose),
            ("==", Operator::Loose),
            ("!=", Operator::Loose),
            ("=%3D", Operator::Equals),
            ("=", Operator::Equals),
            (":", Operator::Colon),
            ("%3D", Operator::Percent),
            ("%3A", Operator::Percent),
            ("\\u003d", Operator::Equals),
            ("\\u003a", Operator::Colon),
            ("\\x3d", Operator::Equals),
            ("&#61;", Operator::Equals),
            ("&#58;", Operator::Colon),
            ("\u{ff1a}", Operator::Colon),
            ("\u{ff1d}", Operator::Equals),
            ("\u{2192}", Operator::Loose),
        ];
        let first = self.peek()?;
        // Most are one of these two alone.
        let next = self.rest().get(1).copied().unwrap_or_default();
        if matches!(first, b'=' | b':') && !matches!(next, b'=' | b':' | b'>' | b'%') {
            self.at += 1;
            return Some(if first == b'=' { Operator::Equals } else { Operator::Colon });
        }
        if !matches!(first, b'?' | b':' | b'|' | b'=' | b'!' | b'.' | b'+' | b'-' | b'%' | b'\\' | b'&' | 0xe2 | 0xef) {
            return None;
        }
        // `::` is a path, not an operator.
        if self.rest().starts_with(b"::") && !self.rest().starts_with(b"::=") && !self.rest().starts_with(b":::=") {
            return None;
        }
        OPERATORS
            .into_iter()
            .filter(|(literal, _)| literal.as_bytes().first() == Some(&first))
            .find(|(literal, _)| self.eat(literal))
            .map(|(_, operator)| operator)
    }

    /// The end of a value that begins here, behind this quote: (where it ends, where the text goes on).
    ///
    /// A value that is not closed ends where its line does; one that was cut, where the text does.
    pub(super) fn closing(&self, quote: Quote) -> Closing {
        let rest = self.rest();
        let window = rest.get(..MAX_QUOTED.min(rest.len())).unwrap_or_default();
        match quote {
            Quote::Char { quote, backslashes } => closing_char(window, rest.len(), quote, backslashes),
            Quote::Percent(digit) => {
                let end = find(window, &[b'%', b'2', digit]);
                end.map_or_else(|| Closing::open(window, rest.len()), |end| Closing { end, closed: true })
            }
            Quote::Other(literal) => find(window, literal.as_bytes())
                .map_or_else(|| Closing::open(window, rest.len()), |end| Closing { end, closed: true }),
        }
    }
}

/// Where a quoted value ends, counted from its beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closing {
    pub end: usize,
    pub closed: bool,
}

impl Closing {
    fn open(window: &[u8], rest: usize) -> Self {
        let line = window.iter().position(|byte| *byte == b'\n');
        let end = line.unwrap_or(window.len());
        Self { end: if line.is_none() && window.len() == rest { rest } else { end }, closed: false }
    }
}

fn closing_char(window: &[u8], rest: usize, quote: u8, level: usize) -> Closing {
    let mut run = 0;
    for (at, byte) in window.iter().copied().enumerate() {
        if byte == b'\\' {
            run += 1;
            continue;
        }
        if byte == quote {
            // As deep as the opening quote, or less deep: the string around ends here.
            let escaped = if level == 0 { run % 2 == 1 } else { run > level };
            if !escaped {
                return Closing { end: at - run.min(level).min(at), closed: true };
            }
            // In a shell's '…' a backslash escapes nothing.
            let next = window.get(at + 1).copied();
            if quote == b'\''
                && level == 0
                && matches!(next, None | Some(b' ' | b'\n' | b';' | b')' | b'&' | b'|' | b','))
            {
                return Closing { end: at, closed: true };
            }
        }
        run = 0;
    }
    Closing::open(window, rest)
}

/// What stands between a name and its value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Operator {
    Equals,
    Colon,
    /// `:=`, `=>` and the like: of a program.
    Loose,
    /// `%3D`, `%3A`.
    Percent,
}

/// Words of which one may stand somewhere; 64 at most.
#[derive(Debug)]
pub(super) struct OneOf {
    words: &'static [&'static str],
    /// For each byte, which of them begin with it, in either case, as bits: nearly always none does.
    begins: [u64; 256],
}

impl OneOf {
    #[expect(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
    pub(super) const fn new(words: &'static [&'static str]) -> Self {
        let mut begins = [0; 256];
        let mut at = 0;
        while at < words.len() {
            let first = words[at].as_bytes()[0];
            begins[first.to_ascii_lowercase() as usize] |= 1 << at;
            begins[first.to_ascii_uppercase() as usize] |= 1 << at;
            at += 1;
        }
        Self { words, begins }
    }

    /// Moves on behind the first of them that stands here.
    pub(super) fn eat(&self, cursor: &mut Cursor<'_>) -> bool {
        self.eat_from(0, cursor).is_some()
    }

    /// Moves on behind the first that stands here of those from a number on; which one it was.
    pub(super) fn eat_from(&self, number: usize, cursor: &mut Cursor<'_>) -> Option<usize> {
        let begins = self.begins.get(usize::from(cursor.peek()?)).copied().unwrap_or_default();
        let mut left = begins.checked_shr(u32::try_from(number).ok()?)? << number;
        while left != 0 {
            let at = left.trailing_zeros() as usize;
            if self.words.get(at).is_some_and(|word| cursor.eat(word)) {
                return Some(at);
            }
            left &= left - 1;
        }
        None
    }
}

/// The first place of a few bytes.
pub(super) fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, needle)
}

#[cfg(test)]
mod tests;

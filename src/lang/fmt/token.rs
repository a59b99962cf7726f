//! The tokens of a text of the language, each with its own bytes: what stands between them is space, and nothing else.
//!
//! Invariant: the text is one that can be read, so nothing is judged here; tokens and spaces together are the text. It must
//! not know how a text should look.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword.
    Name,
    /// A number.
    Number,
    /// `.`
    Dot,
    /// `,`
    Comma,
    /// `...`
    Ellipsis,
    /// `::`
    Colons,
    /// `=`
    Equal,
    /// `{`, `[`, `(`
    Open(u8),
    /// `}`, `]`, `)`
    Close(u8),
    /// `!`
    Bang,
    /// `-`
    Minus,
    /// Any other operator, `?`, `:` and `=>` among them.
    Operator,
    /// The quote that opens a text.
    OpenQuote,
    /// The quote that closes it.
    CloseQuote,
    /// What a text or heredoc says literally.
    Literal,
    /// `${` and `%{`, with `~` if it has one.
    OpenSequence,
    /// The `}` that ends one, with its `~`.
    CloseSequence,
    /// `<<EOT` with the end of its line.
    OpenHeredoc,
    /// The last line of a heredoc without its end.
    CloseHeredoc,
    /// A comment, without the end of its line.
    Comment,
    /// The end of a line.
    Newline,
}

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    /// The space before it.
    pub space: &'a str,
    /// Whether it stands inside a heredoc, where the beginning of a line is text.
    pub in_heredoc: bool,
}

impl Token<'_> {
    /// How many brackets it opens, less those that it closes.
    pub(super) fn brackets(&self) -> isize {
        match self.kind {
            Kind::Open(_) | Kind::OpenSequence => 1,
            Kind::Close(_) | Kind::CloseSequence => -1,
            _ => 0,
        }
    }
}

/// What a place is in.
#[derive(Clone, Copy)]
enum Inside<'a> {
    Quote,
    Heredoc(&'a str),
    /// A sequence of a text, and how many braces are open in it.
    Sequence(usize),
}

/// The tokens of a text.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, at: 0, inside: Vec::new(), found: Vec::new() };
    while lexer.at < text.len() {
        match lexer.inside.last().copied() {
            Some(Inside::Quote) => lexer.quoted(),
            Some(Inside::Heredoc(mark)) => lexer.heredoc(mark),
            other => lexer.plain(other),
        }
    }
    lexer.found
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    inside: Vec<Inside<'a>>,
    found: Vec<Token<'a>>,
}

impl<'a> Lexer<'a> {
    fn push(&mut self, kind: Kind, space: &'a str, length: usize) {
        let in_heredoc = self.inside.iter().any(|inside| matches!(inside, Inside::Heredoc(_)));
        self.found.push(Token { kind, text: &self.text[self.at..self.at + length], space, in_heredoc });
        self.at += length;
    }

    fn plain(&mut self, inside: Option<Inside<'a>>) {
        let start = self.at;
        self.at += self.text[start..].find(|c| c != ' ' && c != '\t').unwrap_or(self.text.len() - start);
        let (space, rest) = (&self.text[start..self.at], &self.text[self.at..]);
        let depth = match inside {
            Some(Inside::Sequence(depth)) => Some(depth),
            _ => None,
        };
        let bytes = rest.as_bytes();
        match bytes {
            [] => {}
            [b'\r', b'\n', ..] => self.push(Kind::Newline, space, 2),
            [b'\n', ..] => self.push(Kind::Newline, space, 1),
            [b'#', ..] | [b'/', b'/', ..] => {
                let line = rest.find('\n').unwrap_or(rest.len());
                self.push(Kind::Comment, space, rest[..line].trim_end_matches('\r').len());
            }
            [b'/', b'*', ..] => self.push(Kind::Comment, space, rest.find("*/").map_or(rest.len(), |end| end + 2)),
            [b'"', ..] => {
                self.push(Kind::OpenQuote, space, 1);
                self.inside.push(Inside::Quote);
            }
            [b'<', b'<', ..] if heredoc(rest).is_some() => {
                let (mark, length) = heredoc(rest).unwrap_or_default();
                self.push(Kind::OpenHeredoc, space, length);
                self.inside.push(Inside::Heredoc(mark));
            }
            [b'~', b'}', ..] if depth == Some(0) => self.end_of_sequence(space, 2),
            [b'}', ..] if depth == Some(0) => self.end_of_sequence(space, 1),
            [open @ (b'{' | b'[' | b'('), ..] => {
                self.braces(*open, 1);
                self.push(Kind::Open(*open), space, 1);
            }
            [close @ (b'}' | b']' | b')'), ..] => {
                self.braces(*close, -1);
                self.push(Kind::Close(*close), space, 1);
            }
            _ => {
                let (kind, length) = word(rest);
                self.push(kind, space, length);
            }
        }
    }

    fn braces(&mut self, bracket: u8, by: isize) {
        if let (b'{' | b'}', Some(Inside::Sequence(depth))) = (bracket, self.inside.last_mut()) {
            *depth = depth.saturating_add_signed(by);
        }
    }

    fn end_of_sequence(&mut self, space: &'a str, length: usize) {
        self.push(Kind::CloseSequence, space, length);
        self.inside.pop();
    }

    /// A sequence that begins here, or nothing.
    fn sequence(&mut self) -> bool {
        let rest = &self.text.as_bytes()[self.at..];
        let [b'$' | b'%', b'{', ..] = rest else { return false };
        let length = if rest.get(2) == Some(&b'~') { 3 } else { 2 };
        self.push(Kind::OpenSequence, "", length);
        self.inside.push(Inside::Sequence(0));
        true
    }

    /// The length of literal text from here on, and whether it goes up to a quote or the end of a line that ends it.
    fn literal(&self, quoted: bool) -> usize {
        let bytes = self.text.as_bytes();
        let mut at = self.at;
        while at < bytes.len() {
            at += match &bytes[at..] {
                [b'\\', _, ..] if quoted => 2,
                [b'$', b'$', b'{', ..] | [b'%', b'%', b'{', ..] => 3,
                [b'$' | b'%', b'{', ..] => break,
                [b'"', ..] if quoted => break,
                [b'\n', ..] if !quoted => {
                    at += 1;
                    break;
                }
                _ => 1,
            };
        }
        self.text.ceil_char_boundary(at.min(bytes.len())) - self.at
    }

    fn quoted(&mut self) {
        if self.text[self.at..].starts_with('"') {
            self.push(Kind::CloseQuote, "", 1);
            self.inside.pop();
        } else if !self.sequence() {
            self.push(Kind::Literal, "", self.literal(true));
        }
    }

    fn heredoc(&mut self, mark: &'a str) {
        let at_start = self.at == 0 || self.text.as_bytes()[self.at - 1] == b'\n';
        let line = self.text[self.at..].split('\n').next().unwrap_or_default();
        if at_start && line.trim() == mark {
            self.push(Kind::CloseHeredoc, "", line.trim_end_matches('\r').len());
            self.inside.pop();
        } else if !self.sequence() {
            self.push(Kind::Literal, "", self.literal(false));
        }
    }
}

/// The mark of a heredoc that begins here, and the length of its first line.
fn heredoc(rest: &str) -> Option<(&str, usize)> {
    let (line, _) = rest.split_once('\n')?;
    let mark = line[2..].strip_prefix('-').unwrap_or(&line[2..]).trim_end_matches('\r');
    let is_mark = !mark.is_empty() && mark.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    is_mark.then_some((mark, line.len() + 1))
}

/// A name, a number or an operator.
fn word(rest: &str) -> (Kind, usize) {
    let end = |is: fn(char) -> bool| rest.find(|c| !is(c)).unwrap_or(rest.len());
    let first = rest.chars().next().unwrap_or_default();
    if first.is_alphabetic() || first == '_' {
        return (Kind::Name, end(|c| c.is_alphanumeric() || c == '_' || c == '-' || is_mark(c)));
    }
    if first.is_ascii_digit() {
        return (Kind::Number, number(rest));
    }
    for (text, kind) in [("...", Kind::Ellipsis), ("::", Kind::Colons), (".", Kind::Dot), (",", Kind::Comma)] {
        if rest.starts_with(text) {
            return (kind, text.len());
        }
    }
    for text in ["==", "!=", "<=", ">=", "=>", "&&", "||"] {
        if rest.starts_with(text) {
            return (Kind::Operator, text.len());
        }
    }
    match first {
        '=' => (Kind::Equal, 1),
        '!' => (Kind::Bang, 1),
        '-' => (Kind::Minus, 1),
        other => (Kind::Operator, other.len_utf8()),
    }
}

/// Marks that belong to the letter before them, as in a name that is written decomposed.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

fn number(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let digits = |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
            end = digits(end + 1 + sign);
        }
    }
    end
}

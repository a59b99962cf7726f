//! Where the tokens of a text stand: indentation, spaces, and what is aligned with its neighbours.
//!
//! Invariant: only space is changed; the text of a heredoc keeps its own.

use unicode_segmentation::UnicodeSegmentation as _;

use super::token::{Kind, Token};

/// The columns of one level.
const STEP: usize = 2;

/// A line: its tokens without the end, and where the parts begin that are aligned with those of neighbours.
struct Line<'t, 'a> {
    tokens: &'t [Token<'a>],
    end: &'a str,
    /// Where `=` is, if what follows it ends on the line.
    assign: Option<usize>,
    /// Where the comment is, if something stands before it.
    comment: Option<usize>,
    /// The columns before the first token; nothing where that is text of a heredoc.
    indent: Option<usize>,
    /// The spaces before the assignment and the comment.
    gaps: (usize, usize),
}

/// The text that the tokens make.
pub(super) fn laid_out(tokens: &[Token<'_>]) -> String {
    let mut lines = lines(tokens);
    indent(&mut lines);
    align(&mut lines, |line| line.assign.is_some(), Line::lead_width, |line, gap| line.gaps.0 = gap);
    align(&mut lines, |line| line.comment.is_some(), Line::code_width, |line, gap| line.gaps.1 = gap);
    let mut text = String::new();
    for line in &lines {
        line.write(&mut text);
    }
    text
}

fn lines<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<Line<'t, 'a>> {
    let mut lines = Vec::new();
    for tokens in tokens.split_inclusive(|token| token.kind == Kind::Newline) {
        let (tokens, end) = match tokens.split_last() {
            Some((last, rest)) if last.kind == Kind::Newline => (rest, last.text),
            _ => (tokens, ""),
        };
        let comment = tokens.len().checked_sub(1).filter(|last| *last > 0 && tokens[*last].kind == Kind::Comment);
        let code = &tokens[..comment.unwrap_or(tokens.len())];
        let equal = code.iter().position(|token| token.kind == Kind::Equal).filter(|at| *at > 0);
        // A value that goes on in the next lines stands for itself.
        let assign = equal.filter(|at| code[*at..].iter().map(Token::brackets).sum::<isize>() == 0);
        lines.push(Line { tokens, end, assign, comment, indent: Some(0), gaps: (1, 1) });
    }
    lines
}

/// Each line by the brackets that are open before it. Brackets that open on one line are one level, however many they are.
fn indent(lines: &mut [Line<'_, '_>]) {
    let mut levels: Vec<isize> = Vec::new();
    for line in lines {
        let change: isize = line.tokens.iter().map(Token::brackets).sum();
        let mut closed = -change;
        while closed > 0 {
            match levels.last_mut() {
                Some(level) if *level > closed => {
                    *level -= closed;
                    closed = 0;
                }
                Some(level) => {
                    closed -= *level;
                    levels.pop();
                }
                None => break,
            }
        }
        line.indent = match line.tokens.first() {
            Some(first) if first.in_heredoc => None,
            _ => Some(levels.len() * STEP),
        };
        if change > 0 {
            levels.push(change);
        }
    }
}

/// Gives the lines of each run that has a part the gap before it by which all stand in one column.
fn align<'t, 'a>(
    lines: &mut [Line<'t, 'a>],
    has: impl Fn(&Line<'t, 'a>) -> bool,
    width: impl Fn(&Line<'t, 'a>) -> usize,
    mut set: impl FnMut(&mut Line<'t, 'a>, usize),
) {
    for run in lines.chunk_by_mut(|a, b| has(a) && has(b)).filter(|run| has(&run[0])) {
        let widest = run.iter().map(&width).max().unwrap_or(0);
        for line in run {
            let gap = widest - width(line) + 1;
            set(line, gap);
        }
    }
}

impl Line<'_, '_> {
    fn lead_width(&self) -> usize {
        self.width(self.assign.unwrap_or(self.tokens.len()))
    }

    fn code_width(&self) -> usize {
        self.width(self.comment.unwrap_or(self.tokens.len()))
    }

    /// The columns of the first tokens, indentation included.
    fn width(&self, tokens: usize) -> usize {
        let mut text = String::new();
        self.write_tokens(tokens, &mut text);
        text.graphemes(true).count()
    }

    fn write(&self, text: &mut String) {
        self.write_tokens(self.tokens.len(), text);
        text.push_str(self.end);
    }

    fn write_tokens(&self, tokens: usize, text: &mut String) {
        for (at, token) in self.tokens[..tokens].iter().enumerate() {
            let spaces = match (at, self.indent) {
                (0, Some(indent)) => indent,
                (0, None) => {
                    text.push_str(token.space);
                    0
                }
                _ if self.assign == Some(at) => self.gaps.0,
                _ if self.comment == Some(at) => self.gaps.1,
                _ => usize::from(is_parted(at.checked_sub(2).map(|before| &self.tokens[before]), &self.tokens[at - 1], token)),
            };
            text.extend(std::iter::repeat_n(' ', spaces));
            text.push_str(token.text);
        }
    }
}

/// Whether a space stands between two tokens; `before` is the one before both.
fn is_parted(before: Option<&Token<'_>>, left: &Token<'_>, right: &Token<'_>) -> bool {
    use Kind::{
        Bang, Close, CloseHeredoc, CloseQuote, CloseSequence, Colons, Comma, Comment, Dot, Ellipsis, Literal, Minus, Name, Number, Open,
        OpenHeredoc, OpenQuote, OpenSequence,
    };
    match (left.kind, right.kind) {
        (_, Comma | Dot | Ellipsis | Colons) | (Dot | Colons | Bang, _) => false,
        (Comma, _) => true,
        // What is in a text stands as it is, and a sequence close to its braces.
        (OpenQuote | OpenHeredoc | Literal | OpenSequence, _) | (_, CloseQuote | CloseHeredoc | Literal | CloseSequence) => false,
        (CloseSequence, OpenSequence) => false,
        (Comment, _) | (_, Comment) => true,
        // `in` is followed by a value, and so is `if`, whose brackets may be written either way.
        (Name, Open(_)) if left.text == "in" => true,
        (Name, Open(b'(')) if left.text == "if" => !right.space.is_empty(),
        (Name, Open(b'(')) => false,
        (Name | Number | Close(_) | CloseQuote, Open(b'[')) => false,
        (Minus, _) => before.is_some_and(ends_a_value),
        (Open(b'{'), Close(b'}')) => false,
        (Open(b'{'), _) | (_, Close(b'}')) => true,
        (Open(_), _) | (_, Close(_)) => false,
        _ => true,
    }
}

/// Whether a value ends with this token, so that a minus after it takes something from it.
fn ends_a_value(token: &Token<'_>) -> bool {
    match token.kind {
        Kind::Name => !matches!(token.text, "in" | "if"),
        Kind::Number | Kind::Close(_) | Kind::CloseQuote | Kind::CloseHeredoc => true,
        _ => false,
    }
}

//! Old ways to write something that `fmt` brings into today's form: texts that are nothing but an insertion, labels without
//! quotes, types in quotes.
//!
//! Invariant: what is written means the same; it looks at blocks and arguments, never into values.

use super::token::{Kind, Token};

/// The tokens in today's form.
pub(super) fn modern<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut rewriter = Rewriter { tokens, at: 0, out: Vec::with_capacity(tokens.len()) };
    rewriter.body("");
    rewriter.out
}

struct Rewriter<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
    out: Vec<Token<'a>>,
}

impl<'a> Rewriter<'_, 'a> {
    fn copy(&mut self) {
        self.out.extend(self.tokens.get(self.at));
        self.at += 1;
    }

    /// Arguments and blocks up to the brace that closes this block, which is left to the caller. Blocks in blocks are walked on a
    /// stack of their own: a text may hold any number.
    fn body(&mut self, kind: &'a str) {
        let mut kinds = vec![kind];
        while let Some(token) = self.tokens.get(self.at) {
            match (token.kind, self.tokens.get(self.at + 1).map(|next| next.kind)) {
                (Kind::Name, Some(Kind::Equal)) => {
                    let name = token.text;
                    self.copy();
                    self.copy();
                    self.value(kinds.last() == Some(&"variable") && kinds.len() == 2 && name == "type");
                }
                (Kind::Name, _) => {
                    kinds.push(token.text);
                    self.copy();
                    self.labels();
                }
                (Kind::Close(b'}'), _) => {
                    kinds.pop();
                    self.copy();
                }
                _ => self.copy(),
            }
        }
    }

    /// The labels of a block and its brace.
    fn labels(&mut self) {
        while let Some(token) = self.tokens.get(self.at) {
            match token.kind {
                Kind::Name => {
                    let quote = |kind, space| Token { kind, text: "\"", space, in_heredoc: token.in_heredoc };
                    self.out.push(quote(Kind::OpenQuote, token.space));
                    self.out.push(Token { kind: Kind::Literal, space: "", ..*token });
                    self.out.push(quote(Kind::CloseQuote, ""));
                    self.at += 1;
                }
                Kind::Open(_) | Kind::Newline => {
                    self.copy();
                    return;
                }
                _ => self.copy(),
            }
        }
    }

    /// The value of an argument.
    fn value(&mut self, is_type: bool) {
        let rest = &self.tokens[self.at..];
        let mut depth = 0;
        let end = rest.iter().position(|token| {
            let over = depth == 0 && matches!(token.kind, Kind::Newline | Kind::Comment | Kind::Close(_));
            depth += token.brackets();
            over
        });
        let value = &rest[..end.unwrap_or(rest.len())];
        self.at += value.len();
        if is_type && let Some(ty) = old_type(value) {
            self.out.extend(ty);
        } else {
            self.out.extend(inserted(value).unwrap_or(value));
        }
    }
}

/// What a text inserts that is nothing but that, where it is as good without quotes.
fn inserted<'t, 'a>(value: &'t [Token<'a>]) -> Option<&'t [Token<'a>]> {
    let [open, start, inner @ .., end, close] = value else { return None };
    let whole = open.kind == Kind::OpenQuote
        && start.kind == Kind::OpenSequence
        && start.text.starts_with('$')
        && end.kind == Kind::CloseSequence
        && close.kind == Kind::CloseQuote
        && !inner.is_empty();
    // The sequence that begins here must be the one that ends there, and a line may end only where brackets are open.
    let mut depth = 0;
    let sound = inner.iter().all(|token| {
        depth += token.brackets();
        depth >= 0 && (depth > 0 || !matches!(token.kind, Kind::Newline | Kind::OpenHeredoc | Kind::Comment))
    });
    (whole && sound).then_some(inner)
}

/// A type as it was written once.
fn old_type<'a>(value: &[Token<'a>]) -> Option<Vec<Token<'a>>> {
    let (name, words): (&str, &[&str]) = match value {
        [open, name, close] if open.kind == Kind::OpenQuote && close.kind == Kind::CloseQuote => match name.text {
            "string" => ("string", &[]),
            "list" => ("list", &["(", "string", ")"]),
            "map" => ("map", &["(", "string", ")"]),
            _ => return None,
        },
        [name] if name.kind == Kind::Name => match name.text {
            "list" => ("list", &["(", "any", ")"]),
            "map" => ("map", &["(", "any", ")"]),
            "set" => ("set", &["(", "any", ")"]),
            _ => return None,
        },
        _ => return None,
    };
    let kind = |text: &str| match text {
        "(" => Kind::Open(b'('),
        ")" => Kind::Close(b')'),
        _ => Kind::Name,
    };
    let space = value[0].space;
    let token = |text| Token { kind: kind(text), text, space, in_heredoc: false };
    Some(std::iter::once(name).chain(words.iter().copied()).map(token).collect())
}

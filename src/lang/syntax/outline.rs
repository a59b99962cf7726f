//! The outline of a text that may be broken: where its blocks start, and which is not closed.
//!
//! Invariant: it looks at lines only, so that it is of use where the parser gave up.

/// The places where a line starts with a name and opens a block.
pub(super) fn headers(text: &str) -> impl Iterator<Item = usize> {
    lines(text).filter(|(_, line)| is_header(line)).map(|(at, _)| at)
}

pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    })
}

fn is_header(line: &str) -> bool {
    line.starts_with(|c: char| c.is_alphabetic() || c == '_') && line.contains('{') && !line.contains('=')
        || line.starts_with(|c: char| c.is_alphabetic() || c == '_') && line.find('{') < line.find('=') && line.contains('{')
}

pub(super) fn last_header(text: &str, before: usize) -> usize {
    headers(text).take_while(|at| *at <= before).last().unwrap_or(0)
}

/// The first block at the start of a line that another one, or the end of the text, follows without a `}` at the start of
/// a line in between.
pub(super) fn unclosed(text: &str) -> Option<usize> {
    let mut open = None;
    let mut heredoc: Option<String> = None;
    for (at, line) in lines(text) {
        if let Some(end) = &heredoc {
            if line.trim() == end {
                heredoc = None;
            }
            continue;
        }
        if is_header(line) {
            if let Some(start) = open
                && text[start..at].matches('{').count() > text[start..at].matches('}').count()
            {
                return open;
            }
            let body = line.split_once('{').map_or("", |(_, body)| body);
            let depth = body.matches('{').count() + 1;
            open = (body.matches('}').count() < depth).then_some(at);
        } else if line.starts_with('}') {
            open = None;
        }
        if let Some((_, mark)) = line.split_once("<<") {
            let mark = mark.trim_start_matches('-').trim_end();
            if !mark.is_empty() && mark.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
                heredoc = Some(mark.to_owned());
            }
        }
    }
    if heredoc.is_some() { None } else { open }
}

/// The mark of a heredoc that starts on the line before the end of a text.
pub(super) fn open_heredoc(before: &str) -> Option<&str> {
    let line = before.strip_suffix('\n')?.lines().last()?;
    let mark = line.rsplit_once("<<")?.1.trim_start_matches('-').trim_end();
    (!mark.is_empty() && mark.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')).then_some(mark)
}

pub(super) fn next_char(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.chars().next()).map_or(at, |c| at + c.len_utf8())
}

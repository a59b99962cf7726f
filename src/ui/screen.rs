//! Where output goes: the two streams of the process, or buffers in a test.
//!
//! Invariant: a reader that went away (a closed pipe) is no failure and does not stop the work; any other write error is kept
//! and told at the end. Nothing else in the program writes to a stream.

use std::io::{self, ErrorKind, Write};

use super::paint::Paint;

/// Standard output and standard error.
pub struct Screen {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    failed: Option<io::Error>,
    out_closed: bool,
    /// The colour of standard output.
    pub paint: Paint,
    /// The colour of standard error.
    pub err_paint: Paint,
    /// Whether somebody watches: lines that move may be drawn on standard error.
    pub lively: bool,
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen").field("paint", &self.paint).field("lively", &self.lively).finish_non_exhaustive()
    }
}

impl Screen {
    /// The streams of the process. `colour` says whether colour is welcome at all; a stream that is no terminal has none.
    #[must_use]
    pub fn of_process(colour: bool, lively: bool) -> Self {
        use std::io::IsTerminal as _;
        let (out, err) = (io::stdout(), io::stderr());
        let paint = Paint::new(colour && out.is_terminal());
        let err_paint = Paint::new(colour && err.is_terminal());
        let lively = lively && err.is_terminal();
        let choice = |paint: Paint| if paint.is_on() { anstream::ColorChoice::Always } else { anstream::ColorChoice::AlwaysAnsi };
        Self {
            out: Box::new(anstream::AutoStream::new(out, choice(paint))),
            err: Box::new(anstream::AutoStream::new(err, choice(err_paint))),
            failed: None,
            out_closed: false,
            paint,
            err_paint,
            lively,
        }
    }

    /// Streams that a test reads afterwards.
    #[must_use]
    pub fn over(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        Self { out, err, failed: None, out_closed: false, paint: Paint::PLAIN, err_paint: Paint::PLAIN, lively: false }
    }

    /// Writes text to standard output.
    pub fn print(&mut self, text: &str) {
        if self.out_closed {
            return;
        }
        if let Err(error) = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()) {
            self.out_closed = true;
            if error.kind() != ErrorKind::BrokenPipe {
                self.failed = Some(error);
            }
        }
    }

    /// Writes a line to standard output.
    pub fn line(&mut self, text: &str) {
        self.print(&format!("{text}\n"));
    }

    /// Writes text to standard error. If that fails there is nobody left to tell.
    pub fn complain(&mut self, text: &str) {
        let _ = self.err.write_all(text.as_bytes()).and_then(|()| self.err.flush());
    }

    /// What kept standard output from being written, other than a reader that went away.
    pub fn failure(&mut self) -> Option<io::Error> {
        self.failed.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        let mut screen = Screen::over(Box::new(Broken(ErrorKind::BrokenPipe)), Box::new(io::sink()));
        screen.line("x");
        screen.line("y");
        assert!(screen.failure().is_none());
    }

    #[test]
    fn a_full_disk_is_one() {
        let mut screen = Screen::over(Box::new(Broken(ErrorKind::StorageFull)), Box::new(io::sink()));
        screen.line("x");
        assert_eq!(screen.failure().map(|error| error.kind()), Some(ErrorKind::StorageFull));
    }
}

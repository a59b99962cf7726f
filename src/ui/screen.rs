//! Where output goes: the two streams of the process, or buffers in a test.
//!
//! Invariant: a reader that went away (a closed pipe) is no failure and does not stop the work; any other write error is kept
//! and told at the end. Nothing but this and the log writes to a stream, and what is known to be secret is cut out of all of it;
//! only `reveal` shows what the user asks to see.

use std::io::{self, ErrorKind, Write};

use terminal_size::{Height, Width, terminal_size_of};

use super::paint::Paint;
use dofloat_base::redact::Redactor;

/// Standard output and standard error.
pub struct Screen {
    known: Redactor,
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    events: Option<Box<dyn Write + Send>>,
    failed: Option<io::Error>,
    out_closed: bool,
    /// The colour of standard output.
    pub paint: Paint,
    /// The colour of standard error.
    pub err_paint: Paint,
    /// How long a line is, where standard output is a terminal.
    pub width: Option<usize>,
    /// The same of standard error.
    pub err_width: Option<usize>,
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
    pub fn of_process(colour: bool, lively: bool, known: Redactor) -> Self {
        use std::io::IsTerminal as _;
        let (out, err) = (io::stdout(), io::stderr());
        let paint = Paint::new(colour && out.is_terminal());
        let err_paint = Paint::new(colour && err.is_terminal());
        let (width, err_width) = (width(terminal_size_of(&out)), width(terminal_size_of(&err)));
        let lively = lively && err.is_terminal();
        let choice = |paint: Paint| if paint.is_on() { anstream::ColorChoice::Always } else { anstream::ColorChoice::AlwaysAnsi };
        Self {
            known,
            out: Box::new(anstream::AutoStream::new(out, choice(paint))),
            err: Box::new(anstream::AutoStream::new(err, choice(err_paint))),
            events: None,
            failed: None,
            out_closed: false,
            paint,
            err_paint,
            width,
            err_width,
            lively,
        }
    }

    /// Streams that a test reads afterwards.
    #[must_use]
    pub fn over(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        Self {
            known: Redactor::default(),
            out,
            err,
            events: None,
            failed: None,
            out_closed: false,
            paint: Paint::PLAIN,
            err_paint: Paint::PLAIN,
            width: None,
            err_width: None,
            lively: false,
        }
    }

    /// Lets events be written there too, a line each.
    pub fn record_events(&mut self, to: Box<dyn Write + Send>) {
        self.events = Some(to);
    }

    /// Whether events are written beside the output.
    #[must_use]
    pub fn records_events(&self) -> bool {
        self.events.is_some()
    }

    /// Writes a line to where events are written beside the output, secrets cut out. Who reads them may go away like a reader of the
    /// output.
    pub fn event(&mut self, text: &str) {
        let Some(events) = &mut self.events else { return };
        let text = format!("{}\n", self.known.cut_output(text));
        if let Err(error) = events.write_all(text.as_bytes()).and_then(|()| events.flush()) {
            self.events = None;
            if error.kind() != ErrorKind::BrokenPipe {
                self.failed.get_or_insert(error);
            }
        }
    }

    /// Text without what is known to be secret.
    #[must_use]
    pub fn cut(&self, text: &str) -> String {
        self.known.cut_output(text).into_owned()
    }

    /// Writes text to standard output, secrets cut out.
    pub fn print(&mut self, text: &str) {
        let text = self.known.cut_output(text).into_owned();
        self.reveal(&text);
    }

    /// Writes text to standard output as it is: the value that the user asks for by name, or a file that is to be whole.
    pub fn reveal(&mut self, text: &str) {
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
    pub fn print_err(&mut self, text: &str) {
        let text = self.known.cut(text);
        let _ = self.err.write_all(text.as_bytes()).and_then(|()| self.err.flush());
    }

    /// Lets panics be told on standard error like everything else: a message may quote a value.
    pub fn guard_panics(known: Redactor) {
        std::panic::set_hook(Box::new(move |panic| {
            let trace = std::backtrace::Backtrace::capture();
            let trace = if trace.status() == std::backtrace::BacktraceStatus::Captured { format!("{trace}\n") } else { String::new() };
            let text = format!("{panic}\n{trace}");
            // If that fails there is nobody left to tell.
            let _ = io::stderr().write_all(known.cut(&text).as_bytes());
        }));
    }

    /// The error that standard output failed with, other than a closed pipe.
    pub fn failure(&mut self) -> Option<io::Error> {
        self.failed.take()
    }
}

/// How long a line may be: on a very narrow terminal words would not fit, and very long lines are not read.
fn width(size: Option<(Width, Height)>) -> Option<usize> {
    Some(usize::from(size?.0.0).clamp(60, 140))
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

    #[derive(Clone, Default)]
    struct Kept(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl Kept {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("nobody panicked").clone()).expect("text")
        }
    }

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nobody panicked").extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_known_to_be_secret_is_printed_nowhere() {
        let (out, err) = (Kept::default(), Kept::default());
        let mut screen = Screen::over(Box::new(out.clone()), Box::new(err.clone()));
        screen.known.learn(&dofloat_base::secret::Secret::new("hush-hush".to_owned()));
        screen.print("a hush-hush b\n");
        screen.line("{\"a\":\"hush-hush\"}");
        screen.print_err("c hush-hush d\n");
        screen.reveal("hush-hush");
        assert_eq!(out.text(), "a (sensitive) b\n{\"a\":\"(sensitive)\"}\nhush-hush");
        assert_eq!(err.text(), "c (sensitive) d\n");
    }

    #[test]
    fn a_full_disk_is_one() {
        let mut screen = Screen::over(Box::new(Broken(ErrorKind::StorageFull)), Box::new(io::sink()));
        screen.line("x");
        assert_eq!(screen.failure().map(|error| error.kind()), Some(ErrorKind::StorageFull));
    }
}

//! What commands say, in the form that was asked for: text for people, or JSON for machines.
//!
//! Invariant: which form it is, is known here and to no command's own work; what has no place in a form is left out there. The
//! commands that ask nothing of machines print text whatever the form. What a command prints in either form is one method.

use super::errors::{self, Sources, Style, Warnings};
use super::events::{self, EventPrinter};
use super::paint::Paint;
use super::plan_document;
pub use super::plan_json::Refresh;
use super::plan_json::{self, line};
use super::plan_markdown;
use super::plan_text::{self, Detail, Layout, WIDTH};
use super::progress::Progress;
use super::rows::rows_of;
use super::screen::Screen;
use serde_json::Value as Json;

use dofloat_base::clock::Clock;
use dofloat_base::diag::Diagnostic;
use dofloat_engine::change::{Event, Outcome, Plan};
use dofloat_state::State;

/// The forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text.
    Text,
    /// Lines of Terraform's machine-readable stream, as things happen.
    Lines,
    /// One JSON document at the end. Errors are text.
    Document,
    /// A plan as Markdown. All else is text on standard error.
    Markdown,
}

/// The output of a command.
#[derive(Debug)]
pub struct View {
    screen: Screen,
    clock: Clock,
    form: Form,
    warnings: Warnings,
    detail: Detail,
}

/// The content of the first line.
#[derive(Clone, Copy, Debug)]
pub struct RunHeading<'a> {
    /// The stack.
    pub stack: &'a str,
    /// Whether the account is simulated.
    pub simulated: bool,
    /// The API, and where its token came from; nothing of a simulated one.
    pub api: Option<Api<'a>>,
}

/// An API, as it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Api<'a> {
    /// Its address.
    pub address: &'a str,
    /// Whether it is DigitalOcean's own, which need not be said.
    pub is_official: bool,
    /// Where the token came from.
    pub token_source: &'a str,
}

impl View {
    /// A view in a form.
    #[must_use]
    pub fn new(screen: Screen, clock: Clock, form: Form) -> Self {
        Self { screen, clock, form, warnings: Warnings::Whole, detail: Detail::default() }
    }

    /// The same, which tells this much of warnings.
    #[must_use]
    pub fn telling(self, warnings: Warnings) -> Self {
        Self { warnings, ..self }
    }

    /// The same, which shows this much of plans.
    #[must_use]
    pub fn showing(self, detail: Detail) -> Self {
        Self { detail, ..self }
    }

    /// The same, whose events are written there too.
    #[must_use]
    pub fn recording(mut self, to: Option<Box<dyn std::io::Write + Send>>) -> Self {
        if let Some(to) = to {
            self.screen.record_events(to);
        }
        self
    }

    /// Whether people read it.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.form == Form::Text
    }

    /// The first line: which stack it is about, and which API where that is not DigitalOcean's.
    pub fn heading(&mut self, heading: RunHeading<'_>) {
        let other = heading.api.filter(|api| !api.is_official);
        let other = other.map(|api| format!(", API {} (not DigitalOcean)", api.address)).unwrap_or_default();
        self.events_of(|now| {
            let mut line = line("stack", &format!("Stack {}{other}", heading.stack), now);
            line["stack"] = heading.stack.into();
            if let Some(api) = heading.api {
                line["api"] = api.address.into();
                line["token_source"] = api.token_source.into();
            }
            vec![plan_json::version_line(now), line]
        });
        match self.form {
            Form::Text => {
                let simulated = if heading.simulated { " (simulated)" } else { "" };
                self.line(&format!("Stack {}{simulated}{other}", heading.stack));
            }
            Form::Lines | Form::Document | Form::Markdown => {}
        }
    }

    /// Something that goes on meanwhile.
    pub fn log(&mut self, message: &str) {
        self.events_of(|now| vec![line("log", message, now)]);
        match self.form {
            Form::Text => self.line(message),
            Form::Lines => {}
            Form::Document | Form::Markdown => self.print_err(&format!("{message}\n")),
        }
    }

    /// A line that only people need.
    pub fn note(&mut self, text: &str) {
        if self.form == Form::Text {
            self.line(text);
        }
    }

    /// What is remembered is read again, or was.
    pub fn refresh(&mut self, state: &State, refresh: Refresh) {
        self.events_of(|now| {
            state.records.iter().map(|(address, record)| plan_json::refresh_line(address, &record.shown_id(), refresh, now)).collect()
        });
    }

    /// A plan.
    pub fn plan(&mut self, plan: &Plan, sources: &Sources) {
        self.events_of(|now| plan_json::lines(plan, sources, now));
        match self.form {
            Form::Text => self.print(&plan_text::render(plan, self.layout(sources))),
            Form::Lines => {}
            Form::Document => self.line(&plan_document::document(plan, sources).to_string()),
            Form::Markdown => self.print(&plan_markdown::markdown(plan, self.layout(sources))),
        }
    }

    /// Errors and warnings: on standard error for people, in the stream for machines.
    pub fn diagnostics(&mut self, diagnostics: &[Diagnostic], sources: &Sources) {
        self.events_of(|now| errors::json_lines(diagnostics, sources, now));
        if self.form != Form::Lines {
            let style = Style { paint: self.err_paint(), warnings: self.warnings, width: self.screen.err_width };
            self.print_err(&errors::render_with(diagnostics, sources, style));
        }
    }

    /// Prints the progress of an apply.
    pub fn events(&mut self, plan: &Plan) -> Events<'_> {
        let progress = Progress::new(self.screen.lively && self.is_text());
        Events { printer: EventPrinter::new(plan), progress, view: self }
    }

    /// The end of an apply or destroy. Its errors are told apart.
    pub fn ending(&mut self, outcome: &Outcome, destroy: bool) {
        self.events_of(|now| events::ending_lines(outcome, destroy, now));
        if self.form != Form::Lines {
            self.print(&events::ending(outcome, destroy, self.paint()));
        }
    }

    /// How plans and resources are laid out here.
    #[must_use]
    pub fn layout<'a>(&self, sources: &'a Sources) -> Layout<'a> {
        Layout {
            paint: self.screen.paint,
            rows: &rows_of,
            sources,
            warnings: self.warnings,
            detail: self.detail,
            width: self.screen.width.unwrap_or(WIDTH),
            wraps: self.screen.width.is_some(),
        }
    }

    /// Text that goes elsewhere, secrets cut out.
    #[must_use]
    pub fn without_secrets(&self, text: &str) -> String {
        self.screen.cut(text)
    }

    /// Writes text to standard output, secrets cut out.
    pub fn print(&mut self, text: &str) {
        self.screen.print(text);
    }

    /// Writes a line to standard output, secrets cut out.
    pub fn line(&mut self, text: &str) {
        self.screen.line(text);
    }

    /// Writes text to standard output as it is: the value that the user asks for by name, or a file that is to be whole.
    pub fn reveal(&mut self, text: &str) {
        self.screen.reveal(text);
    }

    /// Writes text to standard error.
    pub fn print_err(&mut self, text: &str) {
        self.screen.print_err(text);
    }

    /// The colour of standard output.
    #[must_use]
    pub fn paint(&self) -> Paint {
        self.screen.paint
    }

    /// The colour of standard error.
    #[must_use]
    pub fn err_paint(&self) -> Paint {
        self.screen.err_paint
    }

    /// The error that standard output failed with, other than a closed pipe.
    pub fn failure(&mut self) -> Option<std::io::Error> {
        self.screen.failure()
    }

    /// Lines of the stream: on standard output in that form, and beside the output where they are recorded.
    pub(super) fn events_of(&mut self, make: impl FnOnce(&str) -> Vec<Json>) {
        if self.form != Form::Lines && !self.screen.records_events() {
            return;
        }
        for event in make(&self.clock.now().to_rfc3339_micros()) {
            let text = event.to_string();
            if self.form == Form::Lines {
                self.screen.line(&text);
            }
            self.screen.event(&text);
        }
    }
}

/// Tells of a plan while it is carried out.
#[derive(Debug)]
pub struct Events<'v> {
    printer: EventPrinter,
    progress: Progress,
    view: &'v mut View,
}

impl Events<'_> {
    /// Tells of an event, if it is worth a line.
    pub fn tell(&mut self, event: &Event) {
        self.view.events_of(|now| self.printer.json(event, now).into_iter().collect());
        if self.view.form == Form::Lines {
            return;
        }
        self.progress.follow(event);
        if let Some(line) = self.printer.text(event, self.view.paint()) {
            self.progress.around(|| self.view.line(&line));
        }
    }
}

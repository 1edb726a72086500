//! The two streams: results to stdout, everything else to stderr.

use std::io::{self, IsTerminal, Stdout, Write};

use memsight_model::Explain;
use memsight_render::text::{self, Style, Tone};
use memsight_render::{ErrorView, json, json_line};
use serde::Serialize;

use crate::args::{Color, Format, Global};
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::progress::Ticker;

/// Columns of text that goes to a file or a pipe.
const PIPE_WIDTH: usize = 120;
/// Tables that are wider than this are hard to read.
const MAX_WIDTH: usize = 160;

/// What the person said about output, and what the streams can do.
pub struct Console {
    format: Format,
    /// stdout is a terminal.
    terminal: bool,
    out: Style,
    err: Style,
    quiet: bool,
    verbose: bool,
    progress: bool,
}

impl Console {
    /// Reads the options and the environment (`NO_COLOR`, the terminal's width).
    pub fn new(global: &Global) -> Console {
        Console {
            format: global.format,
            terminal: io::stdout().is_terminal(),
            out: style(global.color, io::stdout().is_terminal(), terminal_size::terminal_size_of(io::stdout())),
            err: error_style(global.color),
            quiet: global.quiet,
            verbose: global.verbose,
            progress: io::stderr().is_terminal() && !global.no_progress && !global.quiet,
        }
    }

    /// Style of stdout.
    pub fn style(&self) -> &Style {
        &self.out
    }

    /// Style of stdout for lines that a pipe gets whole, such as those that `grep` looks into.
    pub fn whole_lines(&self) -> Style {
        Style { width: if self.terminal { self.out.width } else { usize::MAX }, ..self.out }
    }

    /// Whether results go out as JSON.
    pub fn is_json(&self) -> bool {
        self.format != Format::Text
    }

    /// The form of results.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether progress may be drawn on stderr.
    pub fn shows_progress(&self) -> bool {
        self.progress
    }

    /// Whether JSON goes out as one object a line.
    pub fn is_lines(&self) -> bool {
        self.format == Format::Jsonl
    }

    /// A progress display of its own for one job.
    pub fn ticker(&self, interrupt: &Interrupt) -> Ticker {
        Ticker::start(self.progress, self.verbose, self.err, interrupt.flag())
    }

    /// Writes a view to stdout in the form asked for.
    pub fn show<T: Serialize>(&self, view: &T, text: impl Fn(&T, &Style) -> String) -> Result<(), Error> {
        match self.format {
            Format::Text => self.write(&text(view, &self.out)),
            Format::Json => self.write(&json(view)),
            Format::Jsonl => self.write(&json_line(view)),
        }
    }

    /// Writes text to stdout: through the door, whatever is in it.
    pub fn write(&self, text: &str) -> Result<(), Error> {
        self.draw("", text)
    }

    /// The same, after control sequences of our own.
    pub fn draw(&self, control: &str, text: &str) -> Result<(), Error> {
        let mut out = stdout()?.lock();
        let text = text::door(text, self.out.color);
        let written = out.write_all(control.as_bytes()).and_then(|()| out.write_all(text.as_bytes()));
        written.and_then(|()| out.flush()).map_err(Error::of_output)
    }

    /// A remark on stderr, unless `--quiet`; its style is that of stderr.
    pub fn remark(&self, text: impl Fn(&Style) -> String) {
        self.draw_remark("", text);
    }

    /// The same, after control sequences of our own.
    pub fn draw_remark(&self, control: &str, text: impl Fn(&Style) -> String) {
        if !self.quiet {
            let text = format!("{control}{}", text::door(&text(&self.err), self.err.color));
            let _ = io::stderr().lock().write_all(text.as_bytes());
        }
    }

    /// A command or a name, in its colour on stderr.
    pub fn hint(&self, text: &str) -> String {
        self.err.paint(Tone::Hint, text)
    }

    /// An error, in the form asked for.
    pub fn report(&self, error: &Error) {
        report(error, self.format, &self.err);
    }
}

/// Standard output, for whatever is written to it; an error where there is none.
pub fn stdout() -> Result<Stdout, Error> {
    if memsight_engine::stdout_was_closed() { Err(Error::NoOutput) } else { Ok(io::stdout()) }
}

/// An error on stderr, in this form.
pub fn report(error: &Error, format: Format, style: &Style) {
    let view = ErrorView { code: error.code().to_owned(), message: error.to_string(), hint: error.hint() };
    report_as(&view, format, style, |view| text::error(view, style));
}

/// The same, with words for people of its own.
pub fn report_as(view: &ErrorView, format: Format, style: &Style, people: impl Fn(&ErrorView) -> String) {
    let text = match format {
        Format::Text => people(view),
        Format::Json => view.json(),
        Format::Jsonl => view.json_line(),
    };
    // There is nowhere left to say that stderr is gone.
    let _ = io::stderr().lock().write_all(text::door(&text, style.color).as_bytes());
}

/// Style of stderr.
pub fn error_style(color: Color) -> Style {
    style(color, io::stderr().is_terminal(), terminal_size::terminal_size_of(io::stderr()))
}

/// How text looks on a stream.
#[allow(clippy::disallowed_methods, reason = "the command is the door to the environment")]
fn style(color: Color, terminal: bool, size: Option<(terminal_size::Width, terminal_size::Height)>) -> Style {
    let wanted = || std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let dumb = || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let color = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && wanted() && !dumb(),
    };
    let width = size.map_or(PIPE_WIDTH, |(width, _)| usize::from(width.0));
    Style { color, width: width.clamp(40, MAX_WIDTH) }
}

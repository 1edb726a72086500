//! Arguments that cannot be understood: clap's own words for people, an error like all others for scripts.

use std::ffi::{OsStr, OsString};

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, ValueEnum};
use memsight_model::is_pid;
use memsight_render::{ErrorView, text};

use crate::args::{Cli, Color, Format, Trace, TraceView, Verb};
use crate::console::{error_style, report, report_as, stdout};

/// Code of every one of them.
const CODE: &str = "MS-E109";

/// The arguments with what cannot be seen escaped: clap repeats them in its words, and takes colours out of these, those of an
/// argument too. `None` where there is nothing to escape.
fn visible(args: &[OsString]) -> Option<Vec<OsString>> {
    let shown: Vec<OsString> = args.iter().map(|arg| text::clean(&arg.to_string_lossy()).into()).collect();
    (shown != args).then_some(shown)
}

/// clap's own answers: help and version are results, the rest is an error. Gives the exit code.
pub fn exit(usage: clap::Error, args: &[OsString]) -> i32 {
    let usage = visible(args).and_then(|args| Cli::try_parse_from(args).err()).unwrap_or(usage);
    answer(&usage, args)
}

fn answer(usage: &clap::Error, args: &[OsString]) -> i32 {
    let (form, style) = (form(args), error_style(Color::Auto));
    if !usage.use_stderr() {
        if let Err(error) = stdout() {
            report(&error, form, &style);
            return 2;
        }
        // Whoever closed the pipe does not want the text.
        let _ = usage.print();
        return usage.exit_code();
    }
    let tip = behind_dashes(usage, args);
    // Nothing at all was asked for: clap shows the help.
    let help = usage.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    report_as(&view(usage, tip.as_deref()), form, &style, |view| match help {
        true => usage.render().to_string(),
        // Behind the first, clap's paragraphs stay as they are.
        false => {
            let text = usage.render().to_string();
            let rest = text.split_once("\n\n").map_or("", |(_, rest)| rest);
            let tip = tip.as_deref().map(|tip| format!("  tip: {tip}\n\n")).unwrap_or_default();
            format!("{}\n{tip}{rest}", text::error(&ErrorView { hint: String::new(), ..view.clone() }, &style))
        }
    });
    usage.exit_code()
}

/// Of `watch python app.py` what was meant: a command, which stands behind two dashes.
fn behind_dashes(usage: &clap::Error, args: &[OsString]) -> Option<String> {
    if usage.kind() != ErrorKind::UnknownArgument || args.iter().any(|arg| arg == "--") {
        return None;
    }
    let found = Cli::command().ignore_errors(true).try_get_matches_from(args).ok()?;
    let subject = found.subcommand_matches("watch")?.get_one::<String>("subject")?;
    if is_pid(subject) {
        return None;
    }
    let at = args.iter().position(|arg| arg == subject.as_str())?;
    let words =
        |args: &[OsString]| args.iter().map(|arg| text::quoted(&arg.to_string_lossy())).collect::<Vec<_>>().join(" ");
    let (before, command) = args.split_at(at);
    let before = before.get(1..).map(words)?;
    Some(format!("a command stands behind two dashes: memsight {before} -- {}", words(command)))
}

/// What the parser cannot tell of a verb and its options.
pub fn of_verb(verb: &Verb, format: Format) -> Result<(), clap::Error> {
    of_form(verb, format)?;
    match verb {
        Verb::Trace(args) => of_trace(args),
        _ => Ok(()),
    }
}

/// Two traces are compared and have no view; pictures are made of two views alone.
fn of_trace(args: &Trace) -> Result<(), clap::Error> {
    let conflict = |message: &str| Err(Cli::command().error(ErrorKind::ArgumentConflict, message));
    if args.files.len() > 1 && args.view.is_some() {
        return conflict("two traces are compared line by line, and have no other view");
    }
    let Some(output) = &args.output else { return Ok(()) };
    let suffix = output.extension().and_then(OsStr::to_str);
    match (&args.view, suffix) {
        (Some(TraceView::Timeline), Some("svg" | "png")) | (Some(TraceView::Flamegraph), Some("svg")) => Ok(()),
        (Some(TraceView::Timeline), _) => conflict("a timeline is written as .svg or .png"),
        (Some(TraceView::Flamegraph), _) => {
            conflict("a flame graph is written as .svg; its stacks go to stdout without -o")
        }
        _ => conflict("-o writes a picture of the views timeline and flamegraph; others go to stdout"),
    }
}

/// A verb that has its own form refuses another.
fn of_form(verb: &Verb, format: Format) -> Result<(), clap::Error> {
    let what = match verb {
        _ if format == Format::Text => return Ok(()),
        Verb::Man(_) => "man writes manual pages",
        Verb::Completions(_) => "completions writes a script of the shell",
        _ => return Ok(()),
    };
    let message = format!("{what}, and has no other form: leave out --format");
    Err(Cli::command().error(ErrorKind::ArgumentConflict, message))
}

/// The form asked for, as far as that can be said of arguments that were not understood: the last word on it counts, and
/// what stands behind two dashes belongs to another command.
fn form(args: &[OsString]) -> Format {
    let own = args.iter().take_while(|arg| *arg != "--");
    let (mut form, mut is_value) = (Format::Text, false);
    for arg in own.map(|arg| OsStr::to_str(arg).unwrap_or_default()) {
        let value = if is_value { Some(arg) } else { arg.strip_prefix("--format=") };
        form = value.map_or(form, |value| Format::from_str(value, false).unwrap_or(Format::Text));
        is_value = arg == "--format";
    }
    form
}

/// clap's paragraphs: what is wrong, tips, the usage.
fn view(usage: &clap::Error, tip: Option<&str>) -> ErrorView {
    let text = usage.render().to_string();
    let mut paragraphs = text.split("\n\n").map(one_line);
    let message = match usage.kind() {
        // clap shows the whole help, which is no message.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "no verb was given".to_owned(),
        _ => paragraphs.next().unwrap_or_default(),
    };
    let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
    let hints = paragraphs.filter(|hint| hint.starts_with("tip: ") || hint.starts_with("Usage: "));
    let hints = hints.map(|hint| hint.trim_start_matches("tip: ").to_owned());
    let hints: Vec<String> = tip.map(str::to_owned).into_iter().chain(hints).collect();
    let hint = if hints.is_empty() { "memsight --help says what can be given".to_owned() } else { hints.join("; ") };
    ErrorView { code: CODE.to_owned(), message, hint }
}

fn one_line(paragraph: &str) -> String {
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(args: &[&str]) -> Format {
        form(&args.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn pictures_are_made_of_two_views() {
        let refused = |args: &[&str]| {
            let cli = Cli::try_parse_from(["memsight", "trace"].iter().chain(args)).expect("arguments");
            of_verb(&cli.verb, Format::Text).is_err()
        };
        assert!(!refused(&["a.trace", "flamegraph", "-o", "a.svg"]));
        assert!(!refused(&["a.trace", "timeline", "-o", "a.png"]));
        assert!(refused(&["a.trace", "flamegraph", "-o", "a.png"]));
        assert!(refused(&["a.trace", "lines", "-o", "a.svg"]));
        assert!(refused(&["a.trace", "-o", "a.svg"]));
        assert!(!refused(&["a.trace", "b.trace"]));
        assert!(refused(&["a.trace", "b.trace", "lines"]));
    }

    #[test]
    fn the_last_word_on_the_form_counts_but_for_those_of_another_command() {
        assert_eq!(asked(&["memsight", "ps"]), Format::Text);
        assert_eq!(asked(&["memsight", "--format", "json", "nonsense"]), Format::Json);
        assert_eq!(asked(&["memsight", "nonsense", "--format=jsonl"]), Format::Jsonl);
        assert_eq!(asked(&["memsight", "--format", "json", "--format", "text"]), Format::Text);
        assert_eq!(asked(&["memsight", "--format", "xml"]), Format::Text);
        assert_eq!(asked(&["memsight", "watch", "--", "app", "--format", "json"]), Format::Text);
    }
}

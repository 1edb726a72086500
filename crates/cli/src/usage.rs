//! Arguments that cannot be understood: clap's own words for people, an error like all others for scripts.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};

use clap::ValueEnum;
use clap::error::ErrorKind;
use memsight_render::{ErrorView, text};

use crate::args::Format;
use crate::console::for_scripts;

/// Code of every one of them.
const CODE: &str = "MS-E109";

/// clap's own answers: help and version are results, the rest is an error. Gives the exit code.
pub fn exit(usage: &clap::Error, args: &[OsString]) -> i32 {
    // Whoever closed the pipe does not want the text.
    let json = if usage.use_stderr() { for_scripts(&view(usage), form(args)) } else { None };
    let _ = match json {
        Some(json) => io::stderr().write_all(text::door(&json, false).as_bytes()),
        None if usage.use_stderr() => tell(usage, args),
        None => usage.print(),
    };
    usage.exit_code()
}

/// For people: clap's text, which repeats the arguments: those with hidden characters without its colours.
fn tell(usage: &clap::Error, args: &[OsString]) -> io::Result<()> {
    let is_plain = |arg: &OsString| arg.to_str().is_some_and(|text| !text.contains(memsight_model::is_hidden));
    match args.iter().all(is_plain) {
        true => usage.print(),
        false => io::stderr().write_all(text::door(&usage.render().to_string(), false).as_bytes()),
    }
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
fn view(usage: &clap::Error) -> ErrorView {
    let text = usage.render().to_string();
    let mut paragraphs = text.split("\n\n").map(one_line);
    let message = match usage.kind() {
        // clap shows the whole help, which is no message.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "no verb was given".to_owned(),
        _ => paragraphs.next().unwrap_or_default(),
    };
    let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
    let hints = paragraphs.filter(|hint| hint.starts_with("tip: ") || hint.starts_with("Usage: "));
    let hints: Vec<String> = hints.map(|hint| hint.trim_start_matches("tip: ").to_owned()).collect();
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
    fn the_last_word_on_the_form_counts_but_for_those_of_another_command() {
        assert_eq!(asked(&["memsight", "ps"]), Format::Text);
        assert_eq!(asked(&["memsight", "--format", "json", "nonsense"]), Format::Json);
        assert_eq!(asked(&["memsight", "nonsense", "--format=jsonl"]), Format::Jsonl);
        assert_eq!(asked(&["memsight", "--format", "json", "--format", "text"]), Format::Text);
        assert_eq!(asked(&["memsight", "--format", "xml"]), Format::Text);
        assert_eq!(asked(&["memsight", "watch", "--", "app", "--format", "json"]), Format::Text);
    }
}

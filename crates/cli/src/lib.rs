//! The `memsight` command: arguments, verbs, progress, exit codes.
//!
//! Results go to stdout, everything else to stderr. Exit codes: 0 done, 2 something was in the way, 130 Ctrl-C; a
//! reader of stdout that closes it early is no failure.
#![forbid(unsafe_code)]

pub mod args;
mod console;
mod demo;
mod error;
mod interrupt;
mod platform;
mod progress;
mod usage;
mod verbs;
mod whole;

use std::ffi::OsString;

use clap::Parser;

use args::{Cli, Verb};
use console::Console;
use error::Error;
use interrupt::Interrupt;
use memsight_engine::format;

/// Exit code of a person's Ctrl-C.
const STOPPED: i32 = 130;

/// Does what `args` ask for (the program's name first) and gives the exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> i32 {
    let args: Vec<OsString> = args.into_iter().collect();
    let parsed = Cli::try_parse_from(&args);
    let cli = match parsed.and_then(|cli| usage::of_verb(&cli.verb, cli.global.format).map(|()| cli)) {
        Ok(cli) => cli,
        Err(usage) => return usage::exit(usage, &args),
    };
    format::silence_caught_panics();
    let console = Console::new(&cli.global);
    let interrupt = Interrupt::listen();
    let done = |result: Result<(), Error>| result.map(|()| 0);
    let result = match &cli.verb {
        Verb::Ps(args) => done(verbs::ps::run(args, &console)),
        Verb::Heap(args) => done(verbs::heap::run(args, &console, &interrupt)),
        Verb::Snapshot(args) => done(verbs::snapshot::run(args, &console, &interrupt)),
        Verb::Compare(args) => done(verbs::compare::run(args, &console, &interrupt)),
        Verb::Advise(args) => verbs::advise::run(args, &console, &interrupt),
        Verb::Export(args) => done(verbs::export::run(args, &console, &interrupt)),
        Verb::Trace(args) => done(verbs::trace::run(args, &console, &interrupt)),
        Verb::Top(args) => verbs::top::run(args, &console, &interrupt),
        Verb::Watch(args) => verbs::watch::run(args, &console, &interrupt),
        Verb::Attach(args) => done(verbs::attach::run(args, &console, &interrupt)),
        Verb::Detach(args) => done(verbs::attach::end(args, &console)),
        Verb::Run(args) => verbs::run::run(args, &console, &interrupt),
        Verb::Gc(args) => verbs::gc::run(args, &console, &interrupt),
        Verb::Agent(args) => verbs::agent::run(args, &console, &interrupt),
        Verb::Doctor(args) => done(verbs::doctor::run(args, &console)),
        Verb::Demo(args) => done(demo::run(args, &console, &interrupt)),
        Verb::Completions(args) => done(verbs::completions::run(args, &console)),
        Verb::Man(args) => done(verbs::man::run(args, &console)),
    };
    result.unwrap_or_else(|error| exit_code(&error, &console))
}

fn exit_code(error: &Error, console: &Console) -> i32 {
    match error {
        Error::BrokenPipe => 0,
        Error::Unusable => 2,
        error if error.is_cancelled() => {
            console.report(error);
            STOPPED
        }
        // As shells say it.
        Error::NoSuchCommand { .. } | Error::CommandNotStarted { .. } => {
            console.report(error);
            if matches!(error, Error::NoSuchCommand { .. }) { 127 } else { 126 }
        }
        error => {
            console.report(error);
            2
        }
    }
}

//! `memsight advise`: what to change in a program's source.

mod recorded;
mod verify;

use std::io::{IsTerminal, Write};

use memsight_engine::LookOptions;
use memsight_engine::advise::{self, AdviseOptions, Advised, Evidence, Fixes, STDIN};
use memsight_engine::analysis::advise::AdviceView;
use memsight_model::count;
use memsight_render::{annotations, gitlab, junit, sarif, text};

use crate::args::{Advise, Format};
use crate::console::{self, Console};
use crate::error::Error;
use crate::interrupt::Interrupt;

/// Exit code where something was found.
const FOUND: i32 = 1;

pub fn run(args: &Advise, console: &Console, interrupt: &Interrupt) -> Result<i32, Error> {
    if let Some(rule) = &args.explain {
        let page = advise::page(rule)?;
        return console.show(&page, text::rule_page).map(|()| 0);
    }
    if args.rules {
        return console.show(&advise::catalogue(), text::rules).map(|()| 0);
    }
    if args.verify.verify {
        return verify::run(args, options(args), console, interrupt).map(|advised| exit(&advised.view));
    }
    if !args.run.is_empty() {
        return recorded::run(args, console, interrupt);
    }
    advised(args, options(args), console, interrupt)
}

fn advised(args: &Advise, options: AdviseOptions, console: &Console, interrupt: &Interrupt) -> Result<i32, Error> {
    let ticker = console.ticker(interrupt);
    let advised = interrupt.carefully(|| advise::advise(&options, &ticker))?;
    drop(ticker);
    if let (Some(written), Some(path)) = (advised.written, &args.habits.baseline) {
        let name = text::clean(&path.display().to_string());
        console.remark(|_| format!("{name}: findings that are known from now on: {}\n", count(written)));
        // What cannot be read has no findings to be known.
        if !advised.view.faults.is_empty() {
            let view = AdviceView { findings: Vec::new(), ..advised.view.clone() };
            console.remark(|style| text::advise_concise(&view, style));
        }
        return Ok(if advised.view.faults.is_empty() { 0 } else { FOUND });
    }
    if args.diff {
        write_as_it_is(advise::unified(&advised.changes).as_bytes(), console)?;
        return Ok(if advised.changes.is_empty() { 0 } else { FOUND });
    }
    show(args, &advised, console)
}

fn show(args: &Advise, advised: &Advised, console: &Console) -> Result<i32, Error> {
    advised.write()?;
    // A text that came in goes out again, changed or not: what is left in it is told beside it.
    if args.fix && args.paths.iter().any(|path| path.as_os_str() == STDIN) {
        write_as_it_is(advised.stdin(), console)?;
        console.remark(|style| text::advise_concise(&advised.view, style));
    } else {
        report(args, &advised.view, console)?;
    }
    Ok(exit(&advised.view))
}

fn report(args: &Advise, view: &AdviceView, console: &Console) -> Result<(), Error> {
    let here = console::here();
    let here = here.as_deref();
    match console.format() {
        Format::Github => console.write(&annotations::advise(view, here)),
        Format::Gitlab => console.write(&gitlab::advise(view, here)),
        Format::Junit => console.write(&junit::advise(view, here)),
        Format::Sarif => console.write(&sarif::advise(view, &advise::catalogue(), here)),
        Format::Concise => console.write(&text::advise_concise(view, console.style())),
        _ if args.concise => console.show(view, text::advise_concise),
        _ => console.show(view, text::advise),
    }
}

/// Source, whose line ends and form feeds belong to it: to a terminal through the door, anywhere else byte by byte.
fn write_as_it_is(bytes: &[u8], console: &Console) -> Result<(), Error> {
    let out = console::stdout()?;
    if out.is_terminal() {
        return console.write(&String::from_utf8_lossy(bytes));
    }
    let mut out = out.lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(Error::of_output)
}

fn exit(view: &AdviceView) -> i32 {
    if view.findings.is_empty() && view.faults.is_empty() { 0 } else { FOUND }
}

fn options(args: &Advise) -> AdviseOptions {
    let fix = match (args.fix || args.diff, args.unsafe_fixes) {
        (false, _) => Fixes::None,
        (true, false) => Fixes::Safe,
        (true, true) => Fixes::Unsafe,
    };
    AdviseOptions {
        paths: args.paths.clone(),
        select: args.select.clone(),
        ignore: args.ignore.clone(),
        all: args.all,
        target_minor: args.target_version,
        fix,
        habits: args.habits.habits(),
        evidence: Evidence {
            trace: args.trace.clone(),
            is_own: false,
            only_ran: false,
            heap: args.heap.clone().map(|heap| (heap, LookOptions::default())),
        },
    }
}

//! `memsight advise`: what to change in a program's source.

use memsight_engine::advise::{self, AdviseOptions, Advised, Fixes, STDIN};
use memsight_engine::analysis::advise::AdviceView;
use memsight_render::text;

use crate::args::Advise;
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;

/// Exit code where something was found.
const FOUND: i32 = 1;

pub fn run(args: &Advise, console: &Console, interrupt: &Interrupt) -> Result<i32, Error> {
    if let Some(rule) = &args.explain {
        let page = text::rule_page(&advise::page(rule)?, console.style());
        return console.write(&page).map(|()| 0);
    }
    if args.rules {
        return console.show(&advise::catalogue(), text::rules).map(|()| 0);
    }
    let ticker = console.ticker(interrupt);
    let advised = interrupt.carefully(|| advise::advise(&options(args), &ticker))?;
    drop(ticker);
    if args.diff {
        console.write(&advise::unified(&advised.changes))?;
        return Ok(if advised.changes.is_empty() { 0 } else { FOUND });
    }
    show(args, &advised, console)
}

fn show(args: &Advise, advised: &Advised, console: &Console) -> Result<i32, Error> {
    advised.write()?;
    // A text that came in goes out again, changed: what is left in it is told beside it.
    if args.fix && args.paths.iter().any(|path| path.as_os_str() == STDIN) {
        for change in &advised.changes {
            console.write(change.text())?;
        }
        console.remark(|style| text::advise_concise(&advised.view, style));
    } else if args.concise {
        console.show(&advised.view, text::advise_concise)?;
    } else {
        console.show(&advised.view, text::advise)?;
    }
    Ok(exit(&advised.view))
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
    }
}

//! `memsight advise --verify`: fixes are measured before they are made.

use memsight_engine::advise::{AdviseOptions, Advised, Fixes, unified};
use memsight_engine::verify::{Compare, VerifyOptions, verify};
use memsight_render::text;

use crate::args::{self, Advise};
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::verbs::run::command;

pub(super) fn run(
    args: &Advise,
    options: AdviseOptions,
    console: &Console,
    interrupt: &Interrupt,
) -> Result<Advised, Error> {
    // Without --fix what would be kept is measured all the same, and nothing is written.
    let fix = if args.unsafe_fixes { Fixes::Unsafe } else { Fixes::Safe };
    let advise = AdviseOptions { fix, ..options };
    let asked = options_of(&args.verify)?;
    let ticker = console.ticker(interrupt);
    let mut advised = interrupt.carefully(|| {
        let advised = verify(&advise, &asked, &ticker)?;
        // (a Ctrl-C that comes after the last run comes before the first file is written)
        if args.fix && interrupt.asked() { Err(memsight_engine::Error::Cancelled) } else { Ok(advised) }
    })?;
    drop(ticker);
    if args.fix {
        advised.write()?;
        advised.view.verify.iter_mut().for_each(|view| view.written = true);
    } else {
        advised.view.summary.fixed = 0;
    }
    if args.diff {
        console.write(&unified(&advised.changes))?;
        console.remark(|style| text::verified(&advised.view, style));
    } else {
        console.show(&advised.view, text::verified)?;
    }
    Ok(advised)
}

#[allow(clippy::disallowed_methods, reason = "the command is the door to the environment")]
fn options_of(args: &args::Verify) -> Result<VerifyOptions, Error> {
    Ok(VerifyOptions {
        command: command(&args.command)?,
        folder: std::env::current_dir().map_err(Error::Setup)?,
        tree: args.tree.clone(),
        compare: match args.compare {
            args::Same::None => Compare::None,
            args::Same::Exit => Compare::Exit,
            args::Same::Output => Compare::Output,
        },
        timeout: args.timeout,
        runs: args.runs as usize,
        keep: args.keep.clone(),
        input: args.input.clone(),
        python_path: std::env::var_os("PYTHONPATH"),
        preload: std::env::var_os("LD_PRELOAD"),
    })
}

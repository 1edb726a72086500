//! `memsight compare` and `memsight heap PID --since`: what has grown between two moments.

use std::time::Duration;

use memsight_engine::LookOptions;
use memsight_engine::analysis::compare::{CompareOptions, CompareView};
use memsight_engine::compare;
use memsight_render::text;

use super::options::look as options;
use crate::args::{Compare, Heap};
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;

/// Rows of a list, unless the person says otherwise.
const TOP: usize = 10;

pub fn run(args: &Compare, console: &Console, interrupt: &Interrupt) -> Result<(), Error> {
    let ticker = console.ticker(interrupt);
    let how = CompareOptions { runs: args.runs, top: args.top };
    let view = interrupt.carefully(|| compare::compare(&args.subjects, &options(&args.look), &how, &ticker))?;
    drop(ticker);
    // Looks that came in another order: which one is the latest is known of two alone.
    let latest = if view.swapped { args.subjects.first() } else { args.subjects.last() };
    show(&view, latest.map_or("", String::as_str), console)
}

fn show(view: &CompareView, latest: &str, console: &Console) -> Result<(), Error> {
    console.show(view, text::compare)?;
    if !console.is_json() && !latest.is_empty() {
        console.remark(|style| text::next_after_compare(view, latest, style));
    }
    Ok(())
}

/// Looks at the process that `args` name at the beginning, in the middle and at the end of an interval.
pub fn since(
    subject: &str,
    interval: Duration,
    args: &Heap,
    console: &Console,
    interrupt: &Interrupt,
) -> Result<(), Error> {
    let pid = subject.parse().ok().filter(|_| args.view.is_none()).ok_or(Error::Since)?;
    let ticker = console.ticker(interrupt);
    let look: LookOptions = options(&args.look);
    let how = CompareOptions { runs: false, top: args.top.unwrap_or(TOP) };
    let view = interrupt.carefully(|| compare::since(pid, interval, &look, &how, &ticker))?;
    drop(ticker);
    show(&view, subject, console)
}

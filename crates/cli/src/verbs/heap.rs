//! `memsight heap`: a view of the heap of a process or of a snapshot.

use std::time::Instant;

use memsight_engine::analysis::{Analysis, histogram};
use memsight_engine::{LookOptions, open_with};
use memsight_model::is_pid;
use memsight_render::{dot, text};

use super::options::look as options;
use crate::args::{Heap, View};
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;

/// Rows of a list, unless the person says otherwise.
const TOP: usize = 20;
/// Rows of the overview's list: it is to fit a screen.
const OVERVIEW_TOP: usize = 10;
/// Objects of a graph: what a picture can hold.
const GRAPH_TOP: usize = 32;

pub fn run(args: &Heap, console: &Console, interrupt: &Interrupt) -> Result<(), Error> {
    let subject = subject(args)?;
    if let Some(interval) = args.since {
        return super::compare::since(&subject, interval, args, console, interrupt);
    }
    let started = start();
    if matches!(args.view, Some(View::Refcounts)) && is_pid(&subject) {
        return refcounts(&subject, args, console, interrupt);
    }
    let ticker = console.ticker(interrupt);
    let shallow = is_shallow(args)?;
    let contents = matches!(args.view, Some(View::Waste));
    let residence = !shallow && matches!(args.view, None | Some(View::Overview | View::Rss | View::Object { .. }));
    let groups = matches!(args.view, None | Some(View::Overview));
    let holders = matches!(args.view, Some(View::Refcounts));
    let look = LookOptions { shallow, contents, residence, groups, holders, ..options(&args.look) };
    let snapshot = interrupt.carefully(|| open_with(&subject, &(&args.files).into(), &look, &ticker))?;
    if shallow {
        let view = histogram(&snapshot, args.top.unwrap_or(TOP));
        return shown(view, ticker, console, text::histogram);
    }
    let analysis = Analysis::new(&snapshot, &ticker);
    let rows = args.top.unwrap_or(TOP);
    // Each view is made before the ticker's line is wiped, and shown after.
    match args.view.clone().unwrap_or(View::Overview) {
        View::Overview => {
            let mut view = analysis.overview(args.top.unwrap_or(OVERVIEW_TOP));
            if is_pid(&subject) {
                view.total_ns = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
            }
            drop(ticker);
            console.show(&view, text::overview)?;
            if !console.is_json() {
                console.remark(|style| text::next_steps(&view, &subject, style));
            }
            Ok(())
        }
        View::Types { .. } => shown(analysis.types(rows), ticker, console, text::types),
        View::Suspects => shown(analysis.suspects(rows), ticker, console, text::suspects),
        View::Dominators => shown(analysis.dominators(rows), ticker, console, text::dominators),
        View::Path { query } => shown(analysis.path(&query, rows)?, ticker, console, text::path),
        View::Object { address } => shown(analysis.object(&address, rows)?, ticker, console, text::object),
        View::Graph { query, depth, dot } => {
            let view = analysis.around(&query, depth, args.top.unwrap_or(GRAPH_TOP))?;
            drop(ticker);
            if dot { console.write(&dot::graph(&view)) } else { console.show(&view, text::graph) }
        }
        View::Threads => shown(analysis.threads(rows), ticker, console, text::threads),
        View::Tasks => shown(analysis.tasks(rows), ticker, console, text::tasks),
        View::Garbage => shown(analysis.garbage(rows)?, ticker, console, text::garbage),
        View::Cycles => shown(analysis.cycles(rows), ticker, console, text::cycles),
        View::Refcounts => shown(analysis.refcounts(rows)?, ticker, console, text::refcounts),
        View::Rss => shown(analysis.rss(rows), ticker, console, text::rss),
        View::Waste => shown(analysis.waste(rows)?, ticker, console, text::waste),
    }
}

/// The audit of a running process, which takes another look where one is not sure.
fn refcounts(subject: &str, args: &Heap, console: &Console, interrupt: &Interrupt) -> Result<(), Error> {
    let pid = subject.parse().map_err(|_| memsight_engine::Error::NotAPid { text: subject.to_owned() })?;
    let (ticker, look, rows) = (console.ticker(interrupt), options(&args.look), args.top.unwrap_or(TOP));
    is_shallow(args)?;
    let view = interrupt.carefully(|| memsight_engine::refcounts(pid, &look, rows, &ticker))?;
    shown(view, ticker, console, text::refcounts)
}

fn shown<T: serde::Serialize>(
    view: T,
    ticker: crate::progress::Ticker,
    console: &Console,
    text: impl Fn(&T, &memsight_render::text::Style) -> String,
) -> Result<(), Error> {
    drop(ticker);
    console.show(&view, text)
}

/// The process or the snapshot that the person named, once.
fn subject(args: &Heap) -> Result<String, Error> {
    match (&args.subject, args.pid) {
        (Some(subject), None) => Ok(subject.clone()),
        (None, Some(pid)) => Ok(pid.to_string()),
        (None, None) => Err(Error::NoSubject),
        (Some(subject), Some(pid)) => Err(Error::TwoSubjects { subject: subject.clone(), pid }),
    }
}

/// Whether counts and sizes are all that was asked for.
fn is_shallow(args: &Heap) -> Result<bool, Error> {
    match &args.view {
        None => Ok(args.types_only),
        Some(View::Types { shallow }) => Ok(*shallow || args.types_only),
        Some(_) if args.types_only => Err(Error::TypesOnly),
        Some(_) => Ok(false),
    }
}

#[allow(clippy::disallowed_methods, reason = "the command tells what a look costs")]
fn start() -> Instant {
    Instant::now()
}

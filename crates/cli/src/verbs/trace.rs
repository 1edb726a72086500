//! `memsight trace`: a view of a recorded trace, or of two.

use std::path::Path;

use memsight_engine::analysis::profile::{At, By, Profile, Selection};
use memsight_engine::{open_trace, source_text};
use memsight_render::flame_svg;
use memsight_render::plot::{self, Size};
use memsight_render::text::{self, Style};
use serde::Serialize;

use crate::args::{Trace, TraceView};
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::whole::place;

pub fn run(args: &Trace, console: &Console, interrupt: &Interrupt) -> Result<(), Error> {
    let selection =
        Selection { thread: args.thread, filter: args.filter.clone(), top: args.top, inclusive: args.inclusive };
    let view = args.view.clone().unwrap_or(TraceView::Summary);
    let at = state(args.at, &view);
    if let [before, after] = args.files.as_slice() {
        let (before, after) = (read(before, at, console, interrupt)?, read(after, at, console, interrupt)?);
        return console.show(&after.grown_since(&before, &selection)?, text::trace_compare);
    }
    let Some(file) = args.files.first() else { return Err(Error::NoSubject) };
    let profile = read(file, at, console, interrupt)?;
    if let Some(output) = &args.output {
        let picture = picture(&profile, &view, &selection, output)?;
        place(output, &picture, args.force)?;
        console.remark(|_| format!("wrote {}\n", output.display()));
        return Ok(());
    }
    show(&profile, &view, &selection, console)?;
    if args.view.is_none() && !console.is_json() {
        console.remark(|style| text::next_after_trace(&file.to_string_lossy(), style));
    }
    Ok(())
}

fn read(file: &Path, at: At, console: &Console, interrupt: &Interrupt) -> Result<Profile, Error> {
    let ticker = console.ticker(interrupt);
    interrupt.carefully(|| Ok(open_trace(file, at, &ticker)?))
}

/// The state that a view shows; some are about the whole run whatever was asked for.
fn state(at: Option<At>, view: &TraceView) -> At {
    match view {
        TraceView::Temporary | TraceView::Churn => At::All,
        TraceView::Leaks => at.unwrap_or(At::End),
        _ => at.unwrap_or(At::Peak),
    }
}

/// A flame graph, or the timeline.
fn picture(profile: &Profile, view: &TraceView, selection: &Selection, output: &Path) -> Result<Vec<u8>, Error> {
    if matches!(view, TraceView::Flamegraph) {
        return Ok(flame_svg(&profile.flame(selection)?)?.into_bytes());
    }
    let plot = text::trace_plot(&profile.timeline());
    match output.extension().is_some_and(|suffix| suffix == "png") {
        true => Ok(plot::png(&plot, Size::default())?),
        false => Ok(plot::svg(&plot, Size::default()).into_bytes()),
    }
}

fn show(profile: &Profile, view: &TraceView, selection: &Selection, console: &Console) -> Result<(), Error> {
    fn shown<T: Serialize>(console: &Console, view: T, text: impl Fn(&T, &Style) -> String) -> Result<(), Error> {
        console.show(&view, text)
    }
    let places = |by| shown(console, profile.places(by, selection)?, text::trace_places);
    match view {
        TraceView::Summary => shown(console, profile.summary(selection)?, text::trace_summary),
        TraceView::Lines => places(By::Line),
        TraceView::Functions => places(By::Function),
        TraceView::Files => places(By::File),
        TraceView::Modules => places(By::Module),
        TraceView::Tree => shown(console, profile.tree(selection)?, text::trace_tree),
        TraceView::Leaks => shown(console, profile.leaks(selection)?, text::trace_leaks),
        TraceView::Temporary => shown(console, profile.churn(true, selection)?, text::trace_churn),
        TraceView::Churn => shown(console, profile.churn(false, selection)?, text::trace_churn),
        TraceView::Threads => shown(console, profile.threads(selection)?, text::trace_threads),
        TraceView::Timeline => shown(console, profile.timeline(), text::trace_timeline),
        TraceView::Flamegraph => shown(console, profile.flame(selection)?, text::trace_flame),
        TraceView::Source { file } => {
            let name = profile.source_file(file)?;
            let view = profile.source(name, source_text(name, file).as_deref(), selection)?;
            shown(console, view, text::trace_source)
        }
    }
}

//! `memsight top`: the memory of Python processes on the screen, or a line of JSON a reading.
//!
//! ```text
//! collect ─ readings ─┐
//! look ──── news ─────┤
//! input ─── keys ─────┴─> state ──> view ──> the terminal (screen)
//!                           └────> lines ──> stdout
//! ```

mod collect;
#[cfg(test)]
mod fixture;
mod input;
mod lines;
mod look;
mod screen;
mod state;
mod view;

use std::io::{self, IsTerminal};

use memsight_engine::monitor::Pacer;
use memsight_render::text;

use crate::args::Top;
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;
use collect::Source;
use state::columns::Sort;
use state::{State, Watched};
use view::theme::Theme;

pub fn run(args: &Top, console: &Console, interrupt: &Interrupt) -> Result<i32, Error> {
    let watched = args.subject.or(args.pid).map_or(Watched::Pythons, Watched::Tree);
    let pacer = Pacer::new(args.interval)?;
    let one = (console.is_json() && !console.is_lines() && !args.json_lines).then_some(1);
    let iterations = args.iterations.or(one);
    let mut state = State::new(watched, args.interval, Sort::by(args.sort.into()), args.filter.clone(), iterations);
    let source = Source::open(watched)?;
    if console.is_json() || args.json_lines || !io::stdout().is_terminal() {
        return interrupt.carefully(|| lines::run(state, source, pacer, args.arguments, console, interrupt));
    }
    let theme = Theme { color: console.style().color, ascii_only: args.ascii_only };
    let code = interrupt.carefully(|| screen::run(&mut state, source, pacer, theme))?;
    if let Some(pid) = state.in_view().filter(|_| state.ended.is_none()) {
        console.remark(|style| text::next_after_top(pid, style));
    }
    Ok(code)
}

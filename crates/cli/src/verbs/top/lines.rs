//! The same figures for pipes: a line of JSON a reading.

use memsight_engine::monitor::{Pacer, Tick};
use memsight_model::{ContainerSample, MachineSample, ProcessSample, SCHEMA_VERSION, Timestamp, Totals};
use serde::Serialize;

use super::collect::Source;
use super::state::reading::Reading;
use super::state::rows::Row;
use super::state::track::anonymous;
use super::state::{Effect, Event, State};
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;

/// One reading.
#[derive(Serialize)]
struct Line<'a> {
    schema_version: u32,
    at: Timestamp,
    /// What the reading cost.
    took_ns: u64,
    /// Readings left out up to now, because their time was over.
    missed: u64,
    total: &'a Totals,
    machine: Option<&'a MachineSample>,
    containers: Vec<&'a ContainerSample>,
    /// In the order, and with the filter, of the screen.
    processes: Vec<ProcessLine<'a>>,
}

#[derive(Serialize)]
struct ProcessLine<'a> {
    #[serde(flatten)]
    process: &'a ProcessSample,
    pss_bytes: Option<u64>,
    uss_bytes: Option<u64>,
    anon_bytes: Option<u64>,
    /// Growth of RSS since the first reading; negative when it shrinks. `None`: too short to say.
    growth_bytes_per_second: Option<f64>,
    collections_per_second: Option<f64>,
    /// Path of its container, as in `containers`.
    container: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'a str>,
}

/// Writes lines until the last reading, Ctrl-C, or the end of what is watched.
pub fn run(
    mut state: State,
    mut source: Source,
    mut pacer: Pacer,
    arguments: bool,
    console: &Console,
    interrupt: &Interrupt,
) -> Result<i32, Error> {
    while let Tick::Due { .. } = pacer.wait_unless(&|| interrupt.asked()) {
        let Some(reading) = source.read()? else { return Ok(0) };
        let effects = state.update(Event::Reading(Box::new(Reading { missed: pacer.missed(), ..reading })));
        console.show(&line(&state, arguments), |line, _| memsight_render::json_line(line))?;
        if effects.iter().any(|effect| matches!(effect, Effect::Quit(_))) {
            return Ok(0);
        }
    }
    Ok(crate::STOPPED)
}

fn line(state: &State, arguments: bool) -> Line<'_> {
    let reading = &state.shown;
    let rows = state.order.iter().filter_map(|&row| state.rows.get(row));
    let mut containers: Vec<&ContainerSample> = reading.containers.values().collect();
    containers.sort_by(|a, b| a.path.cmp(&b.path));
    Line {
        schema_version: SCHEMA_VERSION,
        at: reading.sample.at,
        took_ns: reading.took_ns,
        missed: reading.missed,
        total: &reading.sample.total,
        machine: reading.sample.machine.as_ref(),
        containers,
        processes: rows.filter_map(|row| process_line(row, reading, arguments)).collect(),
    }
}

fn process_line<'a>(row: &Row, reading: &'a Reading, arguments: bool) -> Option<ProcessLine<'a>> {
    let process = row.process(reading)?;
    let facts = reading.facts.get(&process.pid);
    Some(ProcessLine {
        process,
        pss_bytes: process.rollup.map(|rollup| rollup.pss_bytes),
        uss_bytes: process.rollup.map(|rollup| rollup.uss_bytes()),
        anon_bytes: anonymous(process),
        growth_bytes_per_second: row.growth.map(|growth| growth.per_second()),
        collections_per_second: row.collections_per_second,
        container: facts.and_then(|facts| facts.container.as_deref()),
        command: facts.filter(|_| arguments).map(|facts| facts.command.as_str()),
    })
}

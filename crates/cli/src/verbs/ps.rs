//! `memsight ps`: the Python processes of the machine.

use memsight_engine::processes;
use memsight_model::SCHEMA_VERSION;
use memsight_render::text;
use memsight_render::{ProcessRow, ProcessesView};

use crate::console::Console;
use crate::error::Error;

pub fn run(console: &Console) -> Result<(), Error> {
    let processes = processes()?.into_iter().map(|process| ProcessRow {
        pid: process.pid,
        version: process.version,
        error: process.error.map(str::to_owned),
        rss_bytes: process.rss_bytes,
        command: process.command,
    });
    let view = ProcessesView { schema_version: SCHEMA_VERSION, processes: processes.collect() };
    console.show(&view, |view, _| text::processes(view, &console.whole_lines()))
}

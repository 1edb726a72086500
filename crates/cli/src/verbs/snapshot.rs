//! `memsight snapshot`: the heap of a process in a folder.

use memsight_engine::{format, open_with};
use memsight_model::{Bytes, Mode, Progress, count, duration};

use super::options::{beside, look as options};
use crate::args::Snapshot;
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;

pub fn run(args: &Snapshot, console: &Console, interrupt: &Interrupt) -> Result<(), Error> {
    let subject = args.pid.map(|pid| pid.to_string()).or_else(|| args.subject.clone()).ok_or(Error::NoSubject)?;
    let write_options = format::WriteOptions { force: args.force };
    // Nobody is stopped for a snapshot that could not be kept.
    let output = args.output.clone().unwrap_or_else(|| beside(&subject, "heap"));
    format::check_output(&output, &write_options)?;
    let ticker = console.ticker(interrupt);
    let snapshot = interrupt.carefully(|| {
        // Whoever asks later has no process to look at again.
        let look_options = options(&args.look).whole();
        let snapshot = open_with(&subject, &(&args.files).into(), &look_options, &ticker)?;
        ticker.phase("writing the snapshot", None);
        format::write(&snapshot, &output, &write_options)?;
        Ok::<_, Error>(snapshot)
    })?;
    drop(ticker);
    let table = &snapshot.objects;
    let shallow = table.ids().map(|id| table.shallow.get(id));
    let beside = table.external.0.iter().chain(&table.native.0).map(|(_, bytes)| *bytes);
    let all = shallow.chain(beside).fold(0, u64::saturating_add);
    let manifest = &snapshot.manifest;
    let pause = match manifest.mode {
        Mode::Core => "read from a core file".to_owned(),
        _ => format!("it stood still for {}", duration(manifest.pause_ns)),
    };
    let objects = count(snapshot.objects.len() as u64);
    console.remark(|_| format!("{objects} objects, {}, of pid {}; {pause}\n", Bytes(all), manifest.pid));
    let file = output.display();
    console.remark(|_| format!("wrote {file}; next: {}\n", console.hint(&format!("memsight heap {file}"))));
    Ok(())
}

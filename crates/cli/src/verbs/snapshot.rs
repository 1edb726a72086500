//! `memsight snapshot`: the heap of a process in a folder.

use memsight_engine::{format, look};
use memsight_model::{Bytes, Progress, count, duration};

use super::heap::options;
use crate::args::Snapshot;
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;

pub fn run(args: &Snapshot, console: &Console, interrupt: &Interrupt) -> Result<(), Error> {
    let pid = args.pid.or(args.subject).ok_or(Error::NoSubject)?;
    let write_options = format::WriteOptions { force: args.force };
    // Nobody is stopped for a snapshot that could not be kept.
    format::check_output(&args.output, &write_options)?;
    let ticker = console.ticker(interrupt);
    let snapshot = interrupt.carefully(|| {
        let snapshot = look(pid, &options(&args.look), &ticker)?;
        ticker.phase("writing the snapshot", None);
        format::write(&snapshot, &args.output, &write_options)?;
        Ok::<_, Error>(snapshot)
    })?;
    drop(ticker);
    let shallow: u64 = snapshot.objects.ids().map(|id| snapshot.objects.shallow.get(id)).sum();
    console.remark(|_| {
        format!(
            "{} objects, {}, of pid {pid}; it stood still for {}\n",
            count(snapshot.objects.len() as u64),
            Bytes(shallow),
            duration(snapshot.manifest.pause_ns)
        )
    });
    let file = args.output.display();
    console.remark(|_| format!("wrote {file}; next: {}\n", console.hint(&format!("memsight heap {file}"))));
    Ok(())
}

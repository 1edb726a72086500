//! `memsight attach`: record the allocations of a process that runs.

use std::path::Path;
use std::time::{Duration, Instant};

use memsight_engine::Error as EngineError;
use memsight_engine::format::trace::Writer;
use memsight_engine::record::{Options, attach, detach};
use memsight_render::text;

use super::run::{remove, view};
use crate::args::{Attach, Detach};
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::platform::{Asked, Wake};

/// Between two looks whether the recording goes on.
const LOOK: Duration = Duration::from_millis(200);

/// Records, until the person or the process ends it.
pub fn run(args: &Attach, console: &Console, interrupt: &Interrupt) -> Result<(), Error> {
    let pid = pid(&args.pid)?;
    let mut wake = Wake::listen().map_err(Error::Setup)?;
    let path = args.output.clone().unwrap_or_else(|| format!("memsight-{pid}.trace").into());
    let trace = Writer::create(&path, args.force).map_err(EngineError::from)?;
    interrupt.leave();
    let options = Options { sample_bytes: args.sampling.bytes() };
    let attached = attach(pid, options, trace).inspect_err(|_| remove(&path))?;
    wake.follow(pid);
    let until = args.duration.and_then(|duration| now().checked_add(duration));
    console.remark(|_| match until {
        Some(_) => format!("recording process {pid}\n"),
        None => format!("recording process {pid} until Ctrl-C\n"),
    });
    while !(attached.has_ended() || attached.has_stopped()) {
        let left = until.map_or(LOOK, |until| until.saturating_duration_since(now()).min(LOOK));
        let asked = wake.wait(left);
        if asked.iter().any(|asked| matches!(asked, Asked::End(_))) || until.is_some_and(|until| now() >= until) {
            break;
        }
    }
    let recorded = attached.end()?;
    let shown = view(&recorded, Path::new(&path));
    console.remark(|style| text::run(&shown, style));
    Ok(())
}

/// Ends the recording of a process.
pub fn end(args: &Detach, console: &Console) -> Result<(), Error> {
    let pid = pid(&args.pid)?;
    let was_recorded = detach(pid)?;
    console.remark(|_| match was_recorded {
        true => format!("process {pid} is recorded no more\n"),
        false => format!("process {pid} was not being recorded\n"),
    });
    Ok(())
}

fn pid(text: &str) -> Result<u32, EngineError> {
    text.parse().map_err(|_| EngineError::NotAPid { text: text.to_owned() })
}

#[allow(clippy::disallowed_methods, reason = "the command waits")]
fn now() -> Instant {
    Instant::now()
}

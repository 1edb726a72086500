//! `memsight attach`: record the allocations of a process that runs.

use std::time::{Duration, Instant};

use memsight_engine::format::trace::Writer;
use memsight_engine::record::{Attached, Whose, attach_to, detach};
use memsight_engine::{Error as EngineError, Live};
use memsight_render::text;

use super::live;
use super::run::{remove, unnamed, view};
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
    if args.live {
        live::check(console)?;
    }
    let mut wake = Wake::listen().map_err(Error::Setup)?;
    let trace = match &args.output {
        Some(path) => Writer::create(path, args.force).map_err(EngineError::from)?,
        None => unnamed(&pid.to_string(), args.force)?,
    };
    let path = trace.path().to_owned();
    let (seen, trace) = if args.live { Live::follow(trace) } else { (Live::default(), trace) };
    interrupt.leave();
    let options = args.sampling.options();
    let whose = if args.subprocesses { Whose::Children } else { Whose::Own };
    let attached = attach_to(pid, whose, options, trace).inspect_err(|_| remove(&path))?;
    wake.follow(pid);
    let until = args.duration.and_then(|duration| now().checked_add(duration));
    let shown = match args.live {
        true => {
            let mut shown = Shown { attached: &attached, until };
            live::show(&format!("pid {pid}"), QUITS, &seen, &mut wake, &mut shown, console)
        }
        false => {
            console.remark(|_| match until {
                Some(_) => format!("recording process {pid}\n"),
                None => format!("recording process {pid} until Ctrl-C\n"),
            });
            wait(&attached, until, &mut wake);
            Ok(())
        }
    };
    // (it ends whatever becomes of the screen)
    let recorded = attached.end()?;
    shown?;
    let shown = view(&recorded, &path);
    console.remark(|style| text::run(&shown, style));
    Ok(())
}

/// What `q` does to the screen of a process that runs.
const QUITS: &str = "ends it; the program goes on";

/// Waits until the person or the process ends it.
fn wait(attached: &Attached, until: Option<Instant>, wake: &mut Wake) {
    while !(attached.has_ended() || attached.has_stopped()) {
        let left = until.map_or(LOOK, |until| until.saturating_duration_since(now()).min(LOOK));
        let asked = wake.wait(left);
        if asked.iter().any(|asked| matches!(asked, Asked::End(_))) || until.is_some_and(|until| now() >= until) {
            break;
        }
    }
}

/// A process on the screen.
struct Shown<'a> {
    attached: &'a Attached,
    until: Option<Instant>,
}

impl live::Subject for Shown<'_> {
    fn over(&mut self) -> Option<String> {
        match () {
            () if self.attached.has_ended() => Some("the process has ended, or is recorded no more".to_owned()),
            () if self.attached.has_stopped() => Some("the recording has stopped: its end will say why".to_owned()),
            () if self.until.is_some_and(|until| now() >= until) => Some("the time is over".to_owned()),
            () => None,
        }
    }

    fn interrupted(&mut self) -> bool {
        true
    }

    fn signalled(&mut self, _signal: i32) -> bool {
        true
    }

    fn last_line(&mut self) -> Option<String> {
        None
    }

    fn ends_screen(&self) -> bool {
        self.until.is_some_and(|until| now() >= until)
    }
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

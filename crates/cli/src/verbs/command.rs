//! A command of the person's that is watched or recorded: started, told of signals, waited for.

use std::ffi::OsString;
use std::io;
use std::process::{Child, ExitStatus};

use memsight_engine::figures::{Handle, largest_child_bytes};
use memsight_render::CommandPeak;

use crate::error::Error;
use crate::platform::{exit_code, forward, has_ended};

/// Counters of a process's own size may lag behind by this much.
const LAG: u64 = 1 << 20;

/// A command of the person's, with our own input and output.
pub(super) struct Command {
    child: Child,
    status: Option<ExitStatus>,
    /// What the kernel counts of it in any case: our own size when it was started, and what our children had before.
    floor: u64,
}

impl Command {
    /// Starts it, with these variables in its environment besides ours.
    pub(super) fn start(command: &[OsString], variables: &[(&str, OsString)]) -> Result<Command, Error> {
        let Some((program, arguments)) = command.split_first() else {
            return Err(Error::NothingToWatch { subject: None });
        };
        let variables = variables.iter().map(|(name, value)| (name, value));
        let started = std::process::Command::new(program).args(arguments).envs(variables).spawn();
        let child = started.map_err(|source| {
            let program = program.to_string_lossy().into_owned();
            match source.kind() {
                io::ErrorKind::NotFound => Error::NoSuchCommand { program },
                _ => Error::CommandNotStarted { program, source },
            }
        })?;
        Ok(Command { child, status: None, floor: own_peak().max(largest_child_bytes()) })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub(super) fn ended(&mut self) -> bool {
        if self.status.is_none() && has_ended(&self.child) {
            self.status = self.child.try_wait().ok().flatten();
        }
        self.status.is_some()
    }

    /// Passes a signal on. Those of the terminal's keys reach the command without us.
    pub(super) fn forward(&mut self, signal: i32) {
        // Not reaped yet, so that its id cannot be another's.
        if !self.ended() {
            forward(&self.child, signal);
        }
    }

    /// The largest RSS of one of its processes, by the kernel's account. It must have ended and been waited for. Where memsight
    /// `looked` into processes, children of ours with our own memory have done that, and count as well.
    pub(super) fn peak(&self, looked: bool) -> Option<CommandPeak> {
        let bytes = largest_child_bytes();
        let floor = if looked { self.floor.max(own_peak()) } else { self.floor };
        let exact = bytes > floor.saturating_add(LAG);
        (bytes > 0).then_some(CommandPeak { bytes, exact })
    }

    /// How it ended, for which this waits.
    pub(super) fn status(&mut self) -> io::Result<ExitStatus> {
        match self.status {
            Some(status) => Ok(status),
            None => self.child.wait(),
        }
    }

    /// Its exit code, as a shell would say it. It must have ended.
    pub(super) fn code(&mut self) -> i32 {
        match self.status() {
            Ok(status) => exit_code(status).unwrap_or(2),
            Err(_) => 2,
        }
    }
}

/// The largest RSS that memsight had itself.
fn own_peak() -> u64 {
    let own = Handle::open(std::process::id()).and_then(|own| own.status());
    own.map_or(u64::MAX - LAG, |own| own.peak_rss_bytes)
}

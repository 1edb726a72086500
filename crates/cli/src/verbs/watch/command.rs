//! The command that is watched: started, told of signals, waited for.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Child, ExitStatus};

use super::markers::VARIABLE;
use crate::error::Error;
use crate::platform::{exit_code, forward};

/// A command of the person's, with our own input and output.
pub(super) struct Command {
    child: Child,
    status: Option<ExitStatus>,
}

impl Command {
    /// Starts it; it finds the path of the markers in its environment.
    pub(super) fn start(command: &[OsString], markers: &Path) -> Result<Command, Error> {
        let Some((program, arguments)) = command.split_first() else {
            return Err(Error::NothingToWatch { subject: None });
        };
        let started = std::process::Command::new(program).args(arguments).env(VARIABLE, markers).spawn();
        let child = started.map_err(|source| {
            let program = program.to_string_lossy().into_owned();
            match source.kind() {
                io::ErrorKind::NotFound => Error::NoSuchCommand { program },
                _ => Error::CommandNotStarted { program, source },
            }
        })?;
        Ok(Command { child, status: None })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub(super) fn ended(&mut self) -> bool {
        if self.status.is_none() {
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

    /// Its exit code, as a shell would say it. It must have ended.
    pub(super) fn code(&mut self) -> i32 {
        let status = match self.status {
            Some(status) => Ok(status),
            None => self.child.wait(),
        };
        match status {
            Ok(status) => exit_code(status).unwrap_or(2),
            Err(_) => 2,
        }
    }
}

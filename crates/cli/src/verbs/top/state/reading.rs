//! What the collector hands to the screen.

use std::collections::HashMap;
use std::sync::Arc;

use memsight_model::{ContainerSample, ProcessSample, Sample};

/// One process for as long as it lives: a pid is used again, a pid with its start is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    pub pid: u32,
    /// Bits of the start in seconds since 1970: compared, never reckoned with.
    started: u64,
}

impl Identity {
    pub fn of(process: &ProcessSample) -> Identity {
        Identity { pid: process.pid, started: process.created.to_bits() }
    }
}

/// What is known of a process beside its figures; read once for a process, shared by all readings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Command line as the process shows it: hostile.
    pub command: String,
    /// Path of its group in the memory controller, a key of [`Reading::containers`].
    pub container: Option<String>,
}

/// One reading of all processes.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    pub sample: Sample,
    /// By pid.
    pub facts: HashMap<u32, Arc<Facts>>,
    /// The containers of the processes, by path; only those that can be read.
    pub containers: HashMap<String, ContainerSample>,
    /// What the reading cost us.
    pub took_ns: u64,
    /// Readings that came too late and were left out, up to now.
    pub missed: u64,
}

impl Reading {
    /// The container of a process, where there is one.
    pub fn container(&self, pid: u32) -> Option<&ContainerSample> {
        self.containers.get(self.facts.get(&pid)?.container.as_ref()?)
    }

    /// The command line of a process, or its short name.
    pub fn command<'a>(&'a self, process: &'a ProcessSample) -> &'a str {
        let known = self.facts.get(&process.pid).map(|facts| facts.command.as_str());
        known.filter(|command| !command.is_empty()).unwrap_or(&process.name)
    }

    /// Whether a process has a limit from its container.
    pub fn has_limit(&self) -> bool {
        self.containers.values().any(|container| container.limit_bytes.is_some())
    }

    /// The container that all processes have in common.
    pub fn common_container(&self) -> Option<&ContainerSample> {
        let mut paths = self.sample.processes.iter().map(|process| self.facts.get(&process.pid)?.container.as_ref());
        let first = paths.next()??;
        paths.all(|path| path == Some(first)).then(|| self.containers.get(first)).flatten()
    }
}

//! Readings: the monitor's samples with the command line and the container of every process.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use memsight_engine::figures::{Container, Handle};
use memsight_engine::monitor::{Cadence, Monitor, Options, Pacer, Subject};
use memsight_model::{ContainerSample, Explain, ProcessSample};

use super::state::reading::{Facts, Identity, Reading};
use super::state::{Event, Failure, Watched};
use crate::error::Error;

/// Share of one core that PSS, USS and the counters of collectors may take.
const BUDGET: f64 = 0.02;
/// Age at which a dear figure is read again: of what is on the screen always, of the rest if the budget allows it.
const DEAR: Cadence = Cadence::Every(Duration::from_secs(1));
/// Readings after which containers are looked up again: a process may be moved.
const CONTAINERS_EVERY: u64 = 30;
/// Characters of a command line that are kept.
const COMMAND_CAP: usize = 4096;

/// Reads processes again and again.
pub struct Source {
    monitor: Monitor,
    watched: Watched,
    /// By process, with the short name that it had: another name is another program.
    facts: HashMap<Identity, (String, Arc<Facts>)>,
    containers: HashMap<String, Container>,
    readings: u64,
}

/// A wish about the readings of [`collect`].
pub enum Wish {
    Interval(Duration),
    /// Keep the figures of these processes fresh.
    Focus(Vec<u32>),
    Stop,
}

impl Source {
    /// An error when a process was named that is not there.
    pub fn open(watched: Watched) -> Result<Source, Error> {
        let subject = match watched {
            Watched::Pythons => Subject::Pythons,
            Watched::Tree(pid) => Subject::Tree(pid),
        };
        let options = Options {
            stat: Cadence::Always,
            status: DEAR,
            rollup: DEAR,
            gc: DEAR,
            python: true,
            container: false,
            machine: true,
            budget: BUDGET,
        };
        let monitor = Monitor::new(subject, options)?;
        Ok(Source { monitor, watched, facts: HashMap::new(), containers: HashMap::new(), readings: 0 })
    }

    /// Reads once. `None` when what was named has ended.
    pub fn read(&mut self) -> Result<Option<Reading>, Error> {
        let started = now();
        let sample = self.monitor.sample()?;
        if sample.processes.is_empty() && self.watched != Watched::Pythons {
            return Ok(None);
        }
        if self.readings.is_multiple_of(CONTAINERS_EVERY) {
            self.facts.clear();
            self.containers.clear();
        }
        self.readings += 1;
        let alive: HashSet<Identity> = sample.processes.iter().map(Identity::of).collect();
        self.facts.retain(|identity, _| alive.contains(identity));
        let facts: HashMap<u32, Arc<Facts>> =
            sample.processes.iter().map(|process| (process.pid, self.facts_of(process))).collect();
        let containers = self.sample_containers(&facts);
        let took_ns = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Ok(Some(Reading { sample, facts, containers, took_ns, missed: 0 }))
    }

    /// Why there are no more readings.
    fn ended(&self) -> String {
        match self.watched {
            Watched::Tree(pid) => format!("pid {pid} has ended"),
            Watched::Pythons => String::new(),
        }
    }

    fn facts_of(&mut self, process: &ProcessSample) -> Arc<Facts> {
        let identity = Identity::of(process);
        if let Some((name, facts)) = self.facts.get(&identity)
            && *name == process.name
        {
            return facts.clone();
        }
        let container = Container::of(process.pid).ok().flatten();
        let path = container.as_ref().map(|container| container.path().to_owned());
        if let Some(container) = container {
            self.containers.insert(container.path().to_owned(), container);
        }
        let facts = Arc::new(Facts { command: command(process.pid), container: path });
        self.facts.insert(identity, (process.name.clone(), facts.clone()));
        facts
    }

    /// The containers that processes are in; one that has vanished is left out until it is looked up again.
    fn sample_containers(&mut self, facts: &HashMap<u32, Arc<Facts>>) -> HashMap<String, ContainerSample> {
        let used: HashSet<&String> = facts.values().filter_map(|facts| facts.container.as_ref()).collect();
        self.containers.retain(|path, _| used.contains(path));
        let sample = |(path, container): (&String, &Container)| Some((path.clone(), container.sample().ok()?));
        self.containers.iter().filter_map(sample).collect()
    }
}

/// The command line as the process shows it; empty when it has none or is gone.
fn command(pid: u32) -> String {
    let words = Handle::open(pid).and_then(|handle| handle.command()).unwrap_or_default();
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ").chars().take(COMMAND_CAP).collect()
}

/// Sends a reading at every interval until it is told to stop, or until nothing is left to read.
pub fn collect(mut source: Source, mut pacer: Pacer, wishes: &Receiver<Wish>, send: &dyn Fn(Event) -> bool) {
    loop {
        match wishes.recv_timeout(pacer.until_due()) {
            Ok(Wish::Interval(interval)) => {
                // Only intervals that the pacer takes are wished for.
                let _ = pacer.set_interval(interval);
                continue;
            }
            Ok(Wish::Focus(pids)) => {
                source.monitor.focus(pids);
                continue;
            }
            Ok(Wish::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        pacer.wait();
        let event = match source.read() {
            Ok(Some(reading)) => Event::Reading(Box::new(Reading { missed: pacer.missed(), ..reading })),
            Ok(None) => {
                send(Event::Ended(source.ended()));
                return;
            }
            Err(error) => Event::Trouble(Failure::of(&error)),
        };
        if !send(event) {
            return;
        }
    }
}

impl Failure {
    /// An error as a person is told of it.
    pub fn of(error: &Error) -> Failure {
        Failure { code: error.code().to_owned(), message: error.to_string(), hint: error.hint() }
    }
}

#[allow(clippy::disallowed_methods, reason = "the command tells what a reading costs")]
fn now() -> Instant {
    Instant::now()
}

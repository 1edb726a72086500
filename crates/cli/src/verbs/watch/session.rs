//! A recording under way: sample, write, wait, until it is over.

use std::time::Duration;

use memsight_engine::figures::{self, Handle};
use memsight_engine::format::monitor::{Header, Marker, MarkerSource};
use memsight_engine::monitor::{Monitor, Pacer, Tick};
use memsight_model::{Timestamp, Unavailable};
use memsight_render::{CommandPeak, Cost, KeptHeap, WatchView};

use super::figures::Figures;
use super::files::Files;
use super::live::Live;
use super::markers::Markers;
use super::spikes::Spikes;
use crate::console::Console;
use crate::error::Error;
use crate::platform::{Asked, Wake, own_cpu_ns};
use crate::verbs::command::Command;

/// Why a recording was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// The process ended.
    Ended,
    /// The time asked for is over.
    Time,
    /// The person asked, with this signal.
    Signal(i32),
}

/// A recording under way.
pub(super) struct Session<'a> {
    pub monitor: Monitor,
    pub pacer: Pacer,
    pub wake: Wake,
    pub markers: Option<Markers>,
    pub files: Files,
    pub live: Live<'a>,
    pub console: &'a Console,
    pub header: Header,
    pub duration: Option<Duration>,
    pub figures: Figures,
    pub spikes: Spikes,
    /// The root had memory at the last sample: threads of the kernel never have.
    pub had_memory: bool,
}

impl Session<'_> {
    /// Samples until the recording is over.
    pub(super) fn run(&mut self, mut command: Option<&mut Command>) -> Result<Over, Error> {
        loop {
            if let Tick::Due { missed } = self.pacer.wait() {
                self.figures.add_missed(missed);
            }
            if let Some(over) = self.tick()? {
                return Ok(over);
            }
            if command.is_none() && self.files.is_unread() {
                return Err(Error::BrokenPipe);
            }
            if let Some(over) = self.until_due(&mut command) {
                return Ok(over);
            }
        }
    }

    /// One sample. A root that has ended has no figures any more: the sample before was the last.
    fn tick(&mut self) -> Result<Option<Over>, Error> {
        let at = self.monitor.read()?.at;
        self.take_markers(at);
        if self.has_ended() {
            return Ok(Some(Over::Ended));
        }
        let sample = self.monitor.latest();
        self.figures.add(sample);
        self.files.sample(sample, self.console);
        self.spikes.add(sample);
        self.live.show(sample, &mut self.figures);
        let elapsed = at.monotonic_ns.saturating_sub(self.header.at.monotonic_ns);
        let over = self.duration.is_some_and(|duration| u128::from(elapsed) >= duration.as_nanos());
        Ok(over.then_some(Over::Time))
    }

    /// Whether the root is gone, or on its way out: it gives up its memory before it becomes a zombie.
    fn has_ended(&mut self) -> bool {
        let pid = self.header.watched.pid;
        let Some(root) = self.monitor.latest().processes.iter().find(|process| process.pid == pid) else { return true };
        let had_memory = std::mem::replace(&mut self.had_memory, root.memory.vms_bytes > 0);
        matches!(root.state, 'Z' | 'X') || (had_memory && root.memory.vms_bytes == 0)
    }

    /// Waits for the next tick; `Some` when there will be none.
    fn until_due(&mut self, command: &mut Option<&mut Command>) -> Option<Over> {
        loop {
            let left = self.pacer.until_due();
            for asked in self.wake.wait(left.min(self.time_left())) {
                match (asked, command.as_deref_mut()) {
                    (Asked::Mark, _) => self.signal_marker(),
                    (Asked::End(signal), Some(command)) => command.forward(signal),
                    (Asked::End(signal), None) => return Some(Over::Signal(signal)),
                    (Asked::Suspend | Asked::Redraw, _) => {}
                }
            }
            let is_over = match command {
                Some(command) => self.wake.may_have_ended() && command.ended(),
                None => self.wake.has_ended(),
            };
            if is_over {
                return Some(Over::Ended);
            }
            if self.pacer.until_due().is_zero() {
                return None;
            }
            if self.time_left().is_zero() {
                return Some(Over::Time);
            }
        }
    }

    /// Time that is left of the duration asked for.
    fn time_left(&self) -> Duration {
        let elapsed = figures::now().monotonic_ns.saturating_sub(self.header.at.monotonic_ns);
        self.duration.map_or(Duration::MAX, |duration| duration.saturating_sub(Duration::from_nanos(elapsed)))
    }

    fn signal_marker(&mut self) {
        self.mark(&Marker { at: figures::now(), text: "SIGUSR1".to_owned(), source: MarkerSource::Signal });
    }

    fn take_markers(&mut self, now: Timestamp) {
        for marker in self.markers.as_mut().map(|markers| markers.take(now)).unwrap_or_default() {
            self.mark(&marker);
        }
    }

    fn mark(&mut self, marker: &Marker) {
        self.figures.mark(marker);
        self.files.marker(marker, self.console);
    }

    /// The markers that came last, and everything that is known now.
    pub(super) fn conclude(
        &mut self,
        code: Option<i32>,
        command_peak: Option<CommandPeak>,
        (heaps, heaps_missing): (Vec<KeptHeap>, Vec<Unavailable>),
    ) -> WatchView {
        let now = figures::now();
        for marker in self.markers.as_mut().map(|markers| markers.rest(now)).unwrap_or_default() {
            self.mark(&marker);
        }
        let elapsed_ns = now.monotonic_ns.saturating_sub(self.header.at.monotonic_ns);
        WatchView {
            summary: self.figures.finish(),
            name: name(&self.header, &self.figures),
            pid: self.header.watched.pid,
            interval_ns: self.header.interval_ns,
            rollup_missing: self.figures.rollup_missing(),
            exit_code: code,
            command_peak,
            heaps,
            heaps_missing,
            cost: Some(cost(elapsed_ns)),
            damaged_lines: 0,
            cut: false,
        }
    }

    /// Processes of the tree that still run.
    pub(super) fn left_over(&mut self) -> usize {
        let root = self.header.watched.pid;
        let others = self.monitor.sample().map(|sample| sample.processes).unwrap_or_default();
        others.iter().filter(|process| process.pid != root && !matches!(process.state, 'Z' | 'X')).count()
    }
}

/// What the recording is called: the command, or the name of the process.
pub(super) fn name(header: &Header, figures: &Figures) -> String {
    let watched = &header.watched;
    watched.program.clone().or_else(|| figures.name_of(watched.pid)).unwrap_or_else(|| format!("pid {}", watched.pid))
}

/// What it cost us, from the kernel's own account.
fn cost(elapsed_ns: u64) -> Cost {
    let own = Handle::open(std::process::id()).and_then(|own| own.status());
    Cost { cpu_ns: own_cpu_ns(), elapsed_ns, peak_rss_bytes: own.map_or(0, |own| own.peak_rss_bytes) }
}

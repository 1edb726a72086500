//! `memsight gc`: the collector of a process, at a glance or as it works.

mod screen;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use memsight_engine::analysis::gc::{Family, GcEvidence, GcLine, GcView};
use memsight_engine::figures::Handle;
use memsight_engine::gc::{End, GcWatch, Pauses, Tick, family};
use memsight_model::{GcEvent, GcReading, SCHEMA_VERSION};
use memsight_render::{json_line, text};

use crate::STOPPED;
use crate::args::{Format, Gc, PausesName};
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;
use screen::Screen;

pub fn run(args: &Gc, console: &Console, interrupt: &Interrupt) -> Result<i32, Error> {
    let pid = args.pid.or(args.subject).ok_or(Error::NoSubject)?;
    let mut job = Job::start(pid, args, console)?;
    let live = Screen::is_possible() && console.format() == Format::Text;
    let lines = console.format() == Format::Jsonl;
    if args.once || !(live || lines || args.duration.is_some()) {
        job.look_back();
        return job.tell(0, true);
    }
    let mut screen = live.then(Screen::default);
    let end = interrupt.carefully(|| job.watch(args, &mut screen, &|| interrupt.asked()))?;
    if let Some(screen) = screen {
        console.draw(&screen.wipe(), "")?;
    }
    if end == End::Exited && !console.is_json() {
        console.remark(|_| format!("process {pid} ended\n"));
    }
    job.end(if end == End::Stopped { STOPPED } else { 0 }, end != End::Exited)
}

/// A watch with what it has seen.
struct Job<'c> {
    console: &'c Console,
    pid: u32,
    watch: GcWatch,
    evidence: GcEvidence,
}

impl<'c> Job<'c> {
    fn start(pid: u32, args: &Gc, console: &'c Console) -> Result<Job<'c>, Error> {
        let pauses = match args.pauses {
            PausesName::Auto => Pauses::Auto,
            PausesName::Usdt => Pauses::Usdt,
            PausesName::Sampled => Pauses::Sampled,
        };
        let mut watch = GcWatch::open(pid, pauses)?;
        watch.allow(args.max_cpu / 100.0);
        let mut evidence = GcEvidence::new(watch.probe().read_whole()?, args.budget.map(nanoseconds));
        evidence.uptime_seconds = uptime(pid).unwrap_or(0.0);
        // Children that cannot be seen are no reason to stop.
        evidence.family = family(pid).unwrap_or_else(|_| Family::default());
        Ok(Job { console, pid, watch, evidence })
    }

    /// For a single look: the pauses that the interpreter remembers.
    fn look_back(&mut self) {
        self.watch.history().iter().for_each(|event| self.evidence.add(event));
    }

    fn watch(&mut self, args: &Gc, screen: &mut Option<Screen>, stop: &dyn Fn() -> bool) -> Result<End, Error> {
        let lines = self.console.format() == Format::Jsonl;
        update(&mut self.evidence, self.watch.restart()?);
        self.evidence.first = self.evidence.last.clone();
        if let Some(screen) = screen {
            let (wipe, text) = screen.frame(&self.text());
            self.console.draw(&wipe, &text)?;
        }
        let (console, pid, evidence) = (self.console, self.pid, &mut self.evidence);
        let (source, note) = (self.watch.source(), self.watch.note().map(str::to_owned));
        let python = self.watch.probe().version().to_string();
        evidence.measured = true;
        self.watch.follow(args.interval, args.duration, stop, &mut |tick: Tick| {
            tick.events.iter().for_each(|event| evidence.add(event));
            evidence.pauses.miss(tick.missed.count, tick.missed.within_ns);
            evidence.pauses.miss_for_cpu(tick.missed.by_allowance);
            if lines {
                console.write(&as_lines(&tick.events, &tick.reading, tick.missed.count))?;
            }
            update(evidence, tick.reading);
            if let Some(screen) = screen {
                let view = GcView::new(pid, python.clone(), evidence, source, note.clone());
                let (wipe, text) = screen.frame(&text::gc(&view, console.style()));
                console.draw(&wipe, &text)?;
            }
            Ok(())
        })
    }

    fn view(&self) -> GcView {
        let note = self.watch.note().map(str::to_owned);
        let python = self.watch.probe().version().to_string();
        GcView::new(self.pid, python, &self.evidence, self.watch.source(), note)
    }

    fn text(&self) -> String {
        text::gc(&self.view(), self.console.style())
    }

    /// The result after a watch: with the dear figures once more, if the process is still there.
    fn end(mut self, code: i32, runs: bool) -> Result<i32, Error> {
        if let Ok(reading) = self.watch.probe().read_whole() {
            update(&mut self.evidence, reading);
        }
        self.tell(code, runs)
    }

    /// The result, what to run next if the process is still there, and the exit code: 1 if a pause was over the budget.
    fn tell(self, code: i32, runs: bool) -> Result<i32, Error> {
        let view = self.view();
        match self.console.format() {
            Format::Jsonl => self.console.write(&json_line(&GcLine::Summary(Box::new(view))))?,
            Format::Json => self.console.show(&view, text::gc)?,
            Format::Text => {
                self.console.show(&view, text::gc)?;
                if runs {
                    self.console.remark(|style| text::next_after_gc(&view, style));
                }
            }
        }
        Ok(if code == 0 && self.evidence.over_budget > 0 { 1 } else { code })
    }
}

/// The newer counters; the dear figures stay until they are read again.
fn update(evidence: &mut GcEvidence, mut reading: GcReading) {
    for interpreter in &mut reading.interpreters {
        let before = evidence.last.interpreters.iter().find(|before| before.id == interpreter.id);
        interpreter.permanent = interpreter.permanent.or(before.and_then(|before| before.permanent));
        interpreter.garbage = interpreter.garbage.or(before.and_then(|before| before.garbage));
    }
    let passed = reading.at_ns.saturating_sub(evidence.last.at_ns) as f64 / 1e9;
    if evidence.uptime_seconds > 0.0 {
        evidence.uptime_seconds += passed;
    }
    evidence.last = reading;
}

fn as_lines(events: &[GcEvent], reading: &GcReading, missed: u64) -> String {
    let collection = |event: &GcEvent| GcLine::Collection { schema_version: SCHEMA_VERSION, event: *event };
    let mut lines: String = events.iter().map(|event| json_line(&collection(event))).collect();
    lines.push_str(&json_line(&GcLine::Reading { schema_version: SCHEMA_VERSION, missed, reading: reading.clone() }));
    lines
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// How long a process has run, in seconds.
#[allow(clippy::disallowed_methods, reason = "the age of a process is told by the clock")]
fn uptime(pid: u32) -> Option<f64> {
    let created = Handle::open(pid).ok()?.created();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs_f64();
    Some(now - created).filter(|seconds| *seconds > 0.0)
}

//! Progress on a terminal: one line on stderr that overwrites itself, for what takes longer than a second.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use memsight_model::{Bytes, Progress, count, duration};
use memsight_render::text::{Style, Tone};

/// Jobs that are done by then show nothing.
const SILENT: Duration = Duration::from_secs(1);
/// Time between two drawings.
const BEAT: Duration = Duration::from_millis(100);

/// The progress of one job; the line is wiped when it is dropped.
pub struct Ticker {
    shared: Arc<Shared>,
    stop: Arc<AtomicBool>,
    drawer: Option<JoinHandle<()>>,
}

struct Shared {
    /// The phase that runs, and those that are over.
    phases: Mutex<Vec<Phase>>,
    done: AtomicU64,
    /// Wakes the drawer before its beat when the job ends.
    ended: Condvar,
    over: AtomicBool,
    verbose: bool,
    style: Style,
}

struct Phase {
    name: &'static str,
    total: Option<u64>,
    since: Instant,
}

impl Ticker {
    /// Starts a display that draws when `show`; the times of the phases are told at the end when `verbose`.
    pub(crate) fn start(show: bool, verbose: bool, style: Style, stop: Arc<AtomicBool>) -> Ticker {
        let shared = Arc::new(Shared {
            phases: Mutex::default(),
            done: AtomicU64::new(0),
            ended: Condvar::new(),
            over: AtomicBool::new(false),
            verbose,
            style,
        });
        let drawn = shared.clone();
        let drawer = show.then(|| std::thread::spawn(move || drawn.draw_until_over()));
        Ticker { shared, stop, drawer }
    }
}

impl Progress for Ticker {
    fn phase(&self, name: &'static str, total: Option<u64>) {
        let mut phases = self.shared.phases.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.tell_last(&phases);
        self.shared.done.store(0, Ordering::Relaxed);
        phases.push(Phase { name, total, since: now() });
    }

    fn advance(&self, done: u64) {
        self.shared.done.store(done, Ordering::Relaxed);
    }

    fn cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        {
            let phases = self.shared.phases.lock().unwrap_or_else(PoisonError::into_inner);
            self.shared.over.store(true, Ordering::Relaxed);
            self.shared.tell_last(&phases);
        }
        self.shared.ended.notify_all();
        if let Some(drawer) = self.drawer.take() {
            // A drawer that panicked has nothing to wipe.
            let _ = drawer.join();
        }
    }
}

impl Shared {
    fn draw_until_over(&self) {
        let started = now();
        let mut drawn = false;
        let mut phases = self.phases.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.over.load(Ordering::Relaxed) {
            if started.elapsed() >= SILENT
                && let Some(phase) = phases.last()
            {
                self.write(&format!("\r\x1b[2K{}", line(phase, self.done.load(Ordering::Relaxed), &self.style)));
                drawn = true;
            }
            phases = self.ended.wait_timeout(phases, BEAT).unwrap_or_else(PoisonError::into_inner).0;
        }
        if drawn {
            self.write("\r\x1b[2K");
        }
    }

    /// With `--verbose`: how long the phase took that is over now.
    fn tell_last(&self, phases: &[Phase]) {
        if let Some(last) = phases.last().filter(|_| self.verbose) {
            let took = duration(u64::try_from(last.since.elapsed().as_nanos()).unwrap_or(u64::MAX));
            let wipe = if self.style.color { "\r\x1b[2K" } else { "" };
            self.write(&format!("{wipe}{:<32} {took:>10}\n", last.name));
        }
    }

    fn write(&self, text: &str) {
        let mut err = io::stderr().lock();
        // Progress that nobody can see is no failure.
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }
}

/// `decoding objects  34%  612,000 of 1,800,000  3,100,000/s`.
fn line(phase: &Phase, done: u64, style: &Style) -> String {
    // Whoever copies or writes counts bytes; everybody else counts objects.
    let bytes = ["memory", "copying", "bytes", "file"].iter().any(|word| phase.name.contains(word));
    let amount = |n: u64| if bytes { Bytes(n).to_string() } else { count(n) };
    let seconds = phase.since.elapsed().as_secs_f64();
    let mut text = style.paint(Tone::Hint, phase.name);
    if done > 0 {
        if let Some(total) = phase.total.filter(|&total| total > 0) {
            let percent = (100.0 * done as f64 / total as f64).min(100.0);
            text.push_str(&format!("  {percent:.0}%  {} of {}", amount(done), amount(total)));
        } else {
            text.push_str(&format!("  {}", amount(done)));
        }
        text.push_str(&format!("  {}/s", amount((done as f64 / seconds.max(0.001)) as u64)));
    }
    text.push_str(&format!("  {seconds:.1} s"));
    text
}

#[allow(clippy::disallowed_methods, reason = "the command shows how long things take")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_phase_part_and_speed() {
        let phase = |name, total| Phase { name, total, since: now() };
        let text = line(&phase("copying memory", Some(4096)), 1024, &Style::plain(80));
        assert!(text.starts_with("copying memory  25%  1.0 KiB of 4.0 KiB  "), "{text}");
        let text = line(&phase("decoding objects", None), 1024, &Style::plain(80));
        assert!(text.starts_with("decoding objects  1,024  "), "{text}");
    }

    #[test]
    fn a_wish_to_stop_reaches_the_job() {
        let stop = Arc::new(AtomicBool::new(false));
        let ticker = Ticker::start(false, false, Style::plain(80), stop.clone());
        assert!(!ticker.cancelled());
        stop.store(true, Ordering::Relaxed);
        assert!(ticker.cancelled());
    }
}

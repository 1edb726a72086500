//! A look at a heap in the background, with news of how far it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use memsight_engine::analysis::{Analysis, histogram};
use memsight_engine::{LookOptions, figures, look};
use memsight_model::Progress;

use super::state::{Event, Failure, Heap, HeapBody, LookKind, Stage};
use crate::error::Error;

/// Suspects that are shown.
const SUSPECTS: usize = 20;
/// Nanoseconds between two pieces of news.
const BEAT_NS: u64 = 100_000_000;

/// A look that runs.
pub struct Running {
    pub job: u64,
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl Running {
    /// Starts a look; `send` gets its news, the last of which is the result.
    pub fn start(job: u64, pid: u32, kind: LookKind, send: impl Fn(Event) + Send + Sync + 'static) -> Running {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = stop.clone();
        let thread = std::thread::spawn(move || {
            let news =
                News { job, send: &send, stop: asked, phase: AtomicPhase::default(), told_ns: AtomicU64::new(0) };
            let stage = match heap(pid, kind, &news) {
                _ if news.cancelled() => Stage::Cancelled,
                Ok(heap) => Stage::Done(Box::new(heap)),
                Err(error) => Stage::Failed(Failure::of(&error)),
            };
            send(Event::Look { job, stage });
        });
        Running { job, stop, thread }
    }

    /// Asks it to end soon.
    pub fn cancel(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits until it has let go of the process.
    pub fn finish(self) {
        self.cancel();
        // A look that panicked has told so on its way.
        let _ = self.thread.join();
    }
}

/// Looks and makes the view that was asked for.
fn heap(pid: u32, kind: LookKind, news: &dyn Progress) -> Result<Heap, Error> {
    let started = start();
    let options = LookOptions { shallow: kind == LookKind::Types, ..LookOptions::default() };
    let snapshot = look(pid, &options, news)?;
    let body = match kind {
        LookKind::Types => {
            let view = histogram(&snapshot, 0);
            HeapBody::Types {
                objects: view.objects,
                shallow_bytes: view.shallow_bytes,
                external_bytes: view.external_bytes,
                types: view.types,
            }
        }
        LookKind::Suspects => {
            let view = Analysis::new(&snapshot, news).suspects(SUSPECTS);
            HeapBody::Suspects { total_bytes: view.total_bytes, threshold: view.threshold, suspects: view.suspects }
        }
    };
    Ok(Heap {
        at_ns: figures::now().monotonic_ns,
        pause_ns: snapshot.manifest.pause_ns,
        took_ns: u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX),
        partial: snapshot.manifest.partial.clone(),
        body,
    })
}

/// Passes progress on, ten times a second at most.
struct News<'a> {
    job: u64,
    send: &'a (dyn Fn(Event) + Sync),
    stop: Arc<AtomicBool>,
    phase: AtomicPhase,
    told_ns: AtomicU64,
}

/// The phase that runs and its size.
type AtomicPhase = std::sync::Mutex<(&'static str, Option<u64>)>;

impl News<'_> {
    fn tell(&self, done: u64) {
        let (phase, total) = *self.phase.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        (self.send)(Event::Look { job: self.job, stage: Stage::Running { phase, done, total } });
    }
}

impl Progress for News<'_> {
    fn phase(&self, name: &'static str, total: Option<u64>) {
        *self.phase.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = (name, total);
        self.tell(0);
    }

    fn advance(&self, done: u64) {
        let now = figures::now().monotonic_ns;
        if now.saturating_sub(self.told_ns.load(Ordering::Relaxed)) >= BEAT_NS {
            self.told_ns.store(now, Ordering::Relaxed);
            self.tell(done);
        }
    }

    fn cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

#[allow(clippy::disallowed_methods, reason = "the command tells what a look costs")]
fn start() -> Instant {
    Instant::now()
}

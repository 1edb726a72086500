//! The sign of life of whoever reads a ring: a thread that does nothing else. What reads may be held up for seconds, by a disk, by a
//! large library whose tables it reads, or since others have the processors; its program is to wait for it then, and not to
//! lose events.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::ring::Pulse;

/// Between two beats. Those who look whether it beats wait for three times as long and more.
const BEAT: Duration = Duration::from_millis(50);

/// Beats until it is dropped.
#[derive(Debug)]
pub(super) struct Heart {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Heart {
    /// Begins to. Its thread does `first` before anything else.
    pub(super) fn start(pulse: Pulse, first: impl FnOnce() + Send + 'static) -> io::Result<Heart> {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let thread = std::thread::Builder::new().name("memsight-heart".into()).spawn(move || {
            first();
            // (a ring that cannot be written to is the reader's to tell)
            while !over.load(Ordering::Acquire) && pulse.beat().is_ok() {
                std::thread::park_timeout(BEAT);
            }
        })?;
        Ok(Heart { is_over, thread: Some(thread) })
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

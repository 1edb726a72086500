//! A recording that is seen while it is made.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memsight_analysis::profile::{Lately, Now};
use memsight_cpython::line_of;
use memsight_format::trace::{Watcher, Writer};
use memsight_model::trace::{Code, Event, Frame, Head};

/// What is recorded now, line by line. Memory: an entry for each block that is live, beside what the recording itself takes.
#[derive(Clone, Default)]
pub struct Live(Arc<Mutex<Lately>>);

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

impl Live {
    /// Follows what is written to a trace.
    pub fn follow(trace: Writer) -> (Live, Writer) {
        let live = Live::default();
        let writer = trace.watched_by(Box::new(live.clone()));
        (live, writer)
    }

    /// What is live now. Cost: linear in stacks; whoever records waits meanwhile.
    pub fn now(&self) -> Now {
        let line = |minor: u32, code: &Code, offset: u32| {
            line_of(minor, &code.lines, code.first_line, u64::from(offset).saturating_mul(2))
        };
        self.lately().now(line)
    }

    fn lately(&self) -> MutexGuard<'_, Lately> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher for Live {
    fn begin(&mut self, head: &Head) {
        self.lately().begin(head);
    }

    fn code(&mut self, code: &Code) {
        self.lately().code(code);
    }

    fn frame(&mut self, frame: Frame) {
        self.lately().frame(frame);
    }

    fn event(&mut self, event: Event) {
        self.lately().event(event);
    }
}

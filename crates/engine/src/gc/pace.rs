//! How long to wait between two looks.

use std::time::Duration;

/// A wait that shrinks at once when there was much to see, and grows slowly when there was nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    wait: Duration,
    least: Duration,
    most: Duration,
}

impl Pace {
    pub(super) fn new(least: Duration, most: Duration) -> Pace {
        Pace { wait: least, least, most }
    }

    pub(super) fn wait(&self) -> Duration {
        self.wait
    }

    /// As fast as possible.
    pub(super) fn hurry(&mut self) {
        self.wait = self.least;
    }

    /// At least this fast; not faster than possible.
    pub(super) fn at_most(&mut self, wait: Duration) {
        self.slower();
        self.wait = self.wait.min(wait).max(self.least);
    }

    /// A thirty-second slower: from the least to five times that in 50 looks.
    pub(super) fn slower(&mut self) {
        self.wait = (self.wait + self.wait / 32).min(self.most);
    }
}

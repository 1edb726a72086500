//! What is known now, for whoever asks: written by the sampler, read by server and pusher, waited for by nobody.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use hyper::body::Bytes;
use memsight_engine::agent::OwnFigures;
use memsight_engine::figures::now;
use memsight_model::metrics::Exposition;
use memsight_render::openmetrics::{self, Form};

/// Intervals without a sample after which the agent calls itself ill, and the least time.
const PATIENCE: u32 = 10;
const LEAST_PATIENCE: Duration = Duration::from_secs(10);

/// The figures of the last sample.
pub struct Board {
    current: RwLock<Arc<Current>>,
    /// Counters of the agent.
    pub own: Arc<OwnFigures>,
    /// The history, if one is kept.
    pub history: Option<PathBuf>,
    patience: Duration,
}

/// One exposition, and its texts once somebody asked for them.
#[derive(Default)]
pub struct Current {
    /// The figures.
    pub exposition: Exposition,
    openmetrics: OnceLock<Bytes>,
    text: OnceLock<Bytes>,
}

impl Current {
    /// The figures as text: made for the first who asks, and handed to all others.
    pub fn rendered(&self, form: Form) -> Bytes {
        let kept = match form {
            Form::OpenMetrics => &self.openmetrics,
            Form::Text => &self.text,
        };
        kept.get_or_init(|| openmetrics::render(&self.exposition, form).into()).clone()
    }
}

impl Board {
    /// Empty, until the first sample.
    pub fn new(own: Arc<OwnFigures>, interval: Duration, history: Option<PathBuf>) -> Board {
        let patience = interval.saturating_mul(PATIENCE).max(LEAST_PATIENCE);
        Board { current: RwLock::default(), own, history, patience }
    }

    /// Replaces the figures.
    pub fn publish(&self, exposition: Exposition) {
        let current = Arc::new(Current { exposition, ..Current::default() });
        let old = std::mem::replace(&mut *self.current.write().unwrap_or_else(PoisonError::into_inner), current);
        // Freed here, outside the lock.
        drop(old);
    }

    /// The figures now.
    pub fn current(&self) -> Arc<Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether samples are taken: how old the last one is, if it is too old.
    pub fn too_old(&self) -> Option<Duration> {
        let taken = self.current().exposition.at.monotonic_ns;
        let age = Duration::from_nanos(now().monotonic_ns.saturating_sub(taken));
        (age > self.patience).then_some(age)
    }
}

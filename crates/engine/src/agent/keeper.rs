//! The thread that writes the history, so that a slow disk never holds up a sample.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use memsight_format::FormatError;
use memsight_format::history::{History, HistoryRow, Retention};

use super::OwnFigures;
use crate::Error;

/// Intervals that may wait for the disk.
const WAITING: usize = 8;
/// Milliseconds between two rounds of maintenance.
const MAINTAIN_EVERY: i64 = 10_000;

/// What a person should hear of the history.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeeperEvent {
    /// A broken file was moved.
    MovedAside {
        /// The history.
        path: PathBuf,
        /// Where the broken one is now.
        aside: PathBuf,
    },
    /// The file was deleted or replaced: what it held is gone from here, and the next interval begins a new one.
    Gone {
        /// The history.
        path: PathBuf,
    },
    /// It has reached its size: from now on the oldest goes before its time. Told once.
    Full {
        /// The history.
        path: PathBuf,
        /// The size, bytes.
        max_bytes: u64,
    },
    /// The history cannot be written: intervals are lost until it can.
    Paused(FormatError),
    /// It goes on.
    Resumed {
        /// Intervals that it lacks.
        lost: u64,
    },
}

struct Interval {
    at_ms: i64,
    rows: Vec<HistoryRow>,
}

/// The history of the agent, open.
pub struct Keeper {
    /// Taken when it ends.
    sender: Option<SyncSender<Interval>>,
    thread: Option<JoinHandle<()>>,
    own: Arc<OwnFigures>,
}

impl Keeper {
    /// Opens the history at `path` and starts its thread; `tell` hears of trouble, from that thread, once each.
    pub fn start(
        path: &Path,
        retention: Retention,
        own: Arc<OwnFigures>,
        tell: impl Fn(KeeperEvent) + Send + 'static,
    ) -> Result<Keeper, Error> {
        let (history, aside) = History::open(path, retention)?;
        if let Some(aside) = aside {
            tell(KeeperEvent::MovedAside { path: path.to_path_buf(), aside });
        }
        own.history_bytes.store(history.bytes(), Ordering::Relaxed);
        let (sender, receiver) = sync_channel(WAITING);
        let writer = Writer {
            path: path.to_path_buf(),
            retention,
            history: Some(history),
            maintained_ms: i64::MIN,
            lost: 0,
            paused: false,
            told_full: false,
            own: own.clone(),
            tell,
        };
        let thread = std::thread::Builder::new().name("history".into()).spawn(move || writer.run(&receiver));
        let thread = thread.map_err(|source| FormatError::History {
            path: path.to_path_buf(),
            reason: format!("its thread does not start: {source}"),
        })?;
        Ok(Keeper { sender: Some(sender), thread: Some(thread), own })
    }

    /// Hands an interval over; never waits. One that finds no room is lost and counted.
    pub fn keep(&self, at_ms: i64, rows: Vec<HistoryRow>) {
        let sent = self.sender.as_ref().map(|sender| sender.try_send(Interval { at_ms, rows }));
        if let Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) = sent {
            OwnFigures::count(&self.own.history_lost);
        }
    }
}

impl Drop for Keeper {
    /// Writes what waits, and closes the file.
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

struct Writer<T> {
    path: PathBuf,
    retention: Retention,
    /// `None` while it cannot even be opened.
    history: Option<History>,
    maintained_ms: i64,
    lost: u64,
    paused: bool,
    told_full: bool,
    own: Arc<OwnFigures>,
    tell: T,
}

impl<T: Fn(KeeperEvent)> Writer<T> {
    fn run(mut self, receiver: &Receiver<Interval>) {
        while let Ok(interval) = receiver.recv() {
            match self.write(&interval) {
                Ok(()) => self.resumed(),
                Err(error) => self.failed(error),
            }
        }
    }

    fn write(&mut self, interval: &Interval) -> Result<(), FormatError> {
        let due = (interval.at_ms - self.maintained_ms.max(0)).abs() >= MAINTAIN_EVERY;
        // A file that somebody deleted would be written to no end, one that took its place is somebody else's.
        if self.history.as_ref().is_some_and(|history| !history.is_there()) {
            self.history = None;
            (self.tell)(KeeperEvent::Gone { path: self.path.clone() });
        }
        if self.history.is_none() {
            let (history, aside) = History::open(&self.path, self.retention)?;
            self.history = Some(history);
            self.moved(aside);
        }
        let Some(history) = self.history.as_mut() else { return Ok(()) };
        history.append(interval.at_ms, &interval.rows)?;
        if due {
            self.maintained_ms = interval.at_ms;
            if history.maintain(interval.at_ms)? && !std::mem::replace(&mut self.told_full, true) {
                let max_bytes = self.retention.max_bytes;
                (self.tell)(KeeperEvent::Full { path: self.path.clone(), max_bytes });
            }
            self.own.history_bytes.store(history.bytes(), Ordering::Relaxed);
        }
        Ok(())
    }

    fn failed(&mut self, error: FormatError) {
        OwnFigures::count(&self.own.history_lost);
        self.lost += 1;
        let error = match (error, self.history.take()) {
            (FormatError::HistoryDamaged { .. }, Some(history)) => match history.replace() {
                Ok((history, aside)) => {
                    self.history = Some(history);
                    return self.moved(Some(aside));
                }
                Err(error) => error,
            },
            (error, history) => {
                self.history = history;
                error
            }
        };
        if !self.paused {
            self.paused = true;
            self.own.history_paused.store(1, Ordering::Relaxed);
            (self.tell)(KeeperEvent::Paused(error));
        }
    }

    fn resumed(&mut self) {
        if self.paused {
            (self.tell)(KeeperEvent::Resumed { lost: self.lost });
        }
        (self.paused, self.lost) = (false, 0);
        self.own.history_paused.store(0, Ordering::Relaxed);
    }

    fn moved(&self, aside: Option<PathBuf>) {
        if let Some(aside) = aside {
            (self.tell)(KeeperEvent::MovedAside { path: self.path.clone(), aside });
        }
    }
}

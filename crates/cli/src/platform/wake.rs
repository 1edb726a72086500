//! Waiting for the next tick, a signal, or the end of the process, whichever comes first.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::thread::{NanosleepRelativeResult, nanosleep};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGXFSZ};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

use super::Asked;

/// Waits up to this long look at the files only once in [`LOOK`]: a signal cuts a sleep short all the same, unless it comes
/// in the moment before it.
const SHORT: Duration = Duration::from_millis(20);
/// The longest time without a look at the files.
const LOOK: Duration = Duration::from_millis(100);

/// Wakes the recorder.
pub struct Wake {
    signals: SignalDelivery<UnixStream, SignalOnly>,
    /// Becomes readable when the process ends; `None` where there is no such file, as on kernels before 5.3: the next
    /// tick sees it.
    process: Option<OwnedFd>,
    ended: bool,
    /// A child of ours has ended or changed; also a process that a look of ours has stopped.
    child: bool,
    /// When the files were last looked at.
    looked: Instant,
}

impl Wake {
    /// Listens to signals.
    pub fn listen() -> io::Result<Wake> {
        let (read, write) = UnixStream::pair()?;
        let heard = [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGCHLD, SIGXFSZ];
        let signals = SignalDelivery::with_pipe(read, write, SignalOnly, heard)?;
        Ok(Wake { signals, process: None, ended: false, child: false, looked: now() })
    }

    /// Wakes when this process ends, too.
    pub fn follow(&mut self, pid: u32) {
        self.process = descriptor(pid);
    }

    /// Whether the process that it follows has ended, as far as the kernel tells.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether a child may have ended: the process that it follows has, or something happened to a child.
    pub fn may_have_ended(&self) -> bool {
        self.ended || self.child
    }

    /// Waits for at most this time. Gives what signals asked for.
    pub fn wait(&mut self, timeout: Duration) -> Vec<Asked> {
        let limit = Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        let is_short = !timeout.is_zero() && timeout <= SHORT;
        if is_short
            && self.looked.elapsed() + timeout <= LOOK
            && let NanosleepRelativeResult::Ok = nanosleep(&limit)
        {
            return Vec::new();
        }
        let mut files = vec![PollFd::new(self.signals.get_read(), PollFlags::IN)];
        files.extend(self.process.as_ref().map(|process| PollFd::new(process, PollFlags::IN)));
        // Interrupted is woken; nothing else can go wrong with files of ours.
        let interrupted = poll(&mut files, Some(&limit)).is_err();
        self.looked = now();
        // Looking costs a system call, which a tick without signals need not make.
        let signalled = interrupted || files.first().is_some_and(|file| !file.revents().is_empty());
        let ended = files.get(1).is_some_and(|file| !file.revents().is_empty());
        drop(files);
        if ended {
            // It would stay readable.
            (self.process, self.ended) = (None, true);
        }
        let signals: Vec<i32> = if signalled { self.signals.pending().collect() } else { Vec::new() };
        // Said on every kernel.
        self.child |= signals.contains(&SIGCHLD);
        signals.into_iter().filter_map(asked).collect()
    }
}

#[allow(clippy::disallowed_methods, reason = "the command waits")]
fn now() -> Instant {
    Instant::now()
}

/// Signals of a file that may not grow and of a child that ends only wake.
fn asked(signal: i32) -> Option<Asked> {
    match signal {
        SIGUSR1 => Some(Asked::Mark),
        SIGCHLD | SIGXFSZ => None,
        signal => Some(Asked::End(signal)),
    }
}

/// A file that becomes readable when the process ends.
#[cfg(target_os = "linux")]
fn descriptor(pid: u32) -> Option<OwnedFd> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    pidfd_open(Pid::from_raw(i32::try_from(pid).ok()?)?, PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn descriptor(_pid: u32) -> Option<OwnedFd> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_signal_is_overheard_however_short_the_waits_are() {
        let mut wake = Wake::listen().expect("signals");
        for timeout in [Duration::ZERO, Duration::from_micros(50)] {
            for round in 0..3 {
                signal_hook::low_level::raise(SIGUSR1).expect("raise");
                let heard = (0..100_000).map(|_| wake.wait(timeout)).find(|asked| !asked.is_empty());
                assert!(matches!(heard.as_deref(), Some([Asked::Mark])), "{timeout:?}, round {round}: {heard:?}");
            }
        }
    }
}

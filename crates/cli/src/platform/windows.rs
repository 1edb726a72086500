//! Windows: Ctrl-C is the only signal, and reaches every program of the console. Run under Wine only.

use std::io;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use memsight_engine::figures::{Handle, now};
use signal_hook::SigId;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::Asked;

/// Time between two looks at the flags of signals.
const GLANCE: Duration = Duration::from_millis(20);

/// Wakes the recorder. Nothing interrupts a wait here: it looks up between short ones.
pub struct Wake {
    heard: [(i32, Arc<AtomicBool>, SigId); 2],
}

impl Wake {
    /// Listens to signals.
    pub fn listen() -> io::Result<Wake> {
        let listen = |signal| {
            let flag = Arc::new(AtomicBool::new(false));
            let id = signal_hook::flag::register(signal, flag.clone())?;
            Ok::<_, io::Error>((signal, flag, id))
        };
        Ok(Wake { heard: [listen(SIGINT)?, listen(SIGTERM)?] })
    }

    /// Would wake when this process ends; here the next tick sees it.
    pub fn follow(&mut self, _pid: u32) {}

    /// Whether the process that it follows may have ended.
    pub fn may_have_ended(&self) -> bool {
        self.has_ended()
    }

    /// Whether the process that it follows may have ended.
    pub fn has_ended(&self) -> bool {
        false
    }

    /// Waits for at most this time. Gives what signals asked for.
    pub fn wait(&mut self, timeout: Duration) -> Vec<Asked> {
        let nanoseconds = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        let until = now().monotonic_ns.saturating_add(nanoseconds);
        loop {
            let flags = self.heard.iter().filter(|(_, flag, _)| flag.swap(false, Ordering::Relaxed));
            let asked: Vec<Asked> = flags.map(|&(signal, ..)| Asked::End(signal)).collect();
            let left = Duration::from_nanos(until.saturating_sub(now().monotonic_ns));
            if !asked.is_empty() || left.is_zero() {
                return asked;
            }
            std::thread::sleep(left.min(GLANCE));
        }
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        for (_, _, id) in &self.heard {
            signal_hook::low_level::unregister(*id);
        }
    }
}

/// Signals that are followed: none, since a screen gets Ctrl-C as a key.
pub struct Following;

impl Following {
    /// Hears no signal any more.
    pub fn close(self) {}
}

/// Would tell of signals.
pub fn follow_signals(_heard: impl FnMut(Asked) -> bool + Send + 'static) -> io::Result<Following> {
    Ok(Following)
}

/// There is no shell that could continue a stopped process: goes on at once.
pub fn suspend() -> io::Result<()> {
    Ok(())
}

/// Would pass a signal on: the console's reach the child without us.
pub fn forward(_child: &Child, _signal: i32) {}

/// Users have no numbers here.
pub fn user_id(_name: &str) -> Option<u32> {
    None
}

/// Whether a child may have ended.
pub fn has_ended(_child: &Child) -> bool {
    true
}

/// There are no signals here.
pub fn signal_of(_status: ExitStatus) -> Option<i32> {
    None
}

/// The exit code.
pub fn exit_code(status: ExitStatus) -> Option<i32> {
    status.code()
}

/// CPU time of this process so far, nanoseconds.
pub fn own_cpu_ns() -> u64 {
    Handle::open(std::process::id()).and_then(|own| own.stat()).map_or(0, |stat| stat.cpu_ns())
}

/// The operating system.
pub fn kernel() -> String {
    std::env::consts::OS.to_owned()
}

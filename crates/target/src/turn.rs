//! Looks at the same process come one after the other: a process has one tracer at a time.

use std::time::{Duration, Instant};

use crate::procfs;
use crate::threads::{Trouble, nap};

/// The names of what traces for us: a thread of memsight, and a process of its own. At most 15 bytes.
pub(crate) const TRACER: &str = "memsight-tracer";
pub(crate) const GUARD: &str = "memsight-guard";

/// The longest that another look is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often we may be refused without finding who is the reason: it may be over by then.
const MISSES: u32 = 20;
/// What is waited for after such a one.
const BREATH: Duration = Duration::from_millis(1);

/// A look that may have to wait for others.
#[derive(Debug)]
pub(crate) struct Turn {
    pid: u32,
    began: Instant,
    /// How often we were refused and found nobody who could be the reason.
    misses: u32,
}

impl Turn {
    pub fn new(pid: u32) -> Turn {
        Turn { pid, began: Instant::now(), misses: 0 }
    }

    /// Whether it is worth to try again after `trouble`: another look was the reason, which is waited for.
    pub fn comes(&mut self, trouble: Trouble) -> bool {
        let Trouble::Refused { tid, errno: libc::EPERM } = trouble else { return false };
        let tracer = || {
            let status = procfs::text_quietly(self.pid, &format!("task/{tid}/status"));
            procfs::number(&status, "TracerPid").filter(|&tracer| tracer != 0)
        };
        let others = tracer().map(|other| (other, procfs::text_quietly(other, "comm")));
        let Some((other, _)) = others.filter(|(_, name)| [TRACER, GUARD].contains(&name.trim_end())) else {
            // somebody else's, or none: that of a look may have ended since
            std::thread::sleep(BREATH);
            self.misses += 1;
            return self.misses < MISSES;
        };
        self.misses = 0;
        let began = Instant::now();
        while tracer() == Some(other) {
            if self.began.elapsed() > PATIENCE {
                return false;
            }
            nap(began.elapsed());
        }
        true
    }
}

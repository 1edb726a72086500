//! Unix: signals, terminals and clocks.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpgrp, kill_process, waitid};
use rustix::termios::tcgetpgrp;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;

use super::Asked;

/// Signals that are followed, until it is closed.
pub struct Following(Handle);

impl Following {
    /// Hears no signal any more.
    pub fn close(self) {
        self.0.close();
    }
}

/// Tells of signals, on a thread of its own, until it is closed or nobody wants to hear.
pub fn follow_signals(mut heard: impl FnMut(Asked) -> bool + Send + 'static) -> io::Result<Following> {
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT])?;
    let following = Following(signals.handle());
    std::thread::spawn(move || {
        for signal in &mut signals {
            let asked = match signal {
                SIGTSTP => Asked::Suspend,
                SIGCONT => Asked::Redraw,
                signal => Asked::End(signal),
            };
            if !heard(asked) {
                return;
            }
        }
    });
    Ok(following)
}

/// Stops this process as Ctrl-Z does; comes back when the shell continues it.
pub fn suspend() -> io::Result<()> {
    emulate_default_handler(SIGTSTP)
}

/// Passes a signal on to a child that has not been waited for. Those of the terminal's keys reach it without us.
pub fn forward(child: &Child, signal: i32) {
    let signal = match signal {
        SIGINT if !of_terminal() => Signal::INT,
        SIGQUIT if !of_terminal() => Signal::QUIT,
        SIGTERM => Signal::TERM,
        SIGHUP => Signal::HUP,
        _ => return,
    };
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended just now.
        let _ = kill_process(pid, signal);
    }
}

/// The id of a user by its name in `/etc/passwd`.
pub fn user_id(name: &str) -> Option<u32> {
    let text = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut users = text.lines().map(|line| line.split(':'));
    users.find_map(|mut fields| (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok()).flatten())
}

/// Whether a child has ended, so that waiting for it gives its exit code. One that a thread of ours has stopped to look at it
/// reports to whoever waits, and that thread must not miss it: it is looked at, not waited for.
pub fn has_ended(child: &Child) -> bool {
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return true };
    let seen = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT);
    match seen {
        Ok(status) => status.is_some_and(|status| status.exited() || status.killed() || status.dumped()),
        // None of ours any more: whoever waits is told.
        Err(_) => true,
    }
}

/// Whether we stand in the foreground of a terminal, which then sends its signals to the whole group.
fn of_terminal() -> bool {
    let terminal = OpenOptions::new().read(true).open("/dev/tty");
    terminal.is_ok_and(|terminal| tcgetpgrp(&terminal).is_ok_and(|group| group == getpgrp()))
}

/// The signal that ended it, if one did.
pub fn signal_of(status: ExitStatus) -> Option<i32> {
    status.signal()
}

/// The exit code as a shell would say it.
pub fn exit_code(status: ExitStatus) -> Option<i32> {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal))
}

/// CPU time of this process so far, nanoseconds, from the kernel's own account.
pub fn own_cpu_ns() -> u64 {
    let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    u64::try_from(cpu.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(cpu.tv_nsec).unwrap_or(0)
}

/// The release of the kernel.
pub fn kernel() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}

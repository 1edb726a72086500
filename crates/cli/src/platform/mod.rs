//! What operating systems do each in their own way: signals, the end of a process, permissions.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
mod wake;
#[cfg(unix)]
pub use unix::*;
#[cfg(unix)]
pub use wake::Wake;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::*;

/// What a signal asks for.
#[cfg_attr(windows, allow(dead_code, reason = "Windows has no signal for some of it"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To end, with this signal.
    End(i32),
    /// To set a marker.
    Mark,
    /// To give the terminal to the shell.
    Suspend,
    /// To draw anew: the shell has given the terminal back.
    Redraw,
}

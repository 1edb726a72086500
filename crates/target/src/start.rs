//! How the process was started: what is lost once the runtime of Rust has run.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};

static CLOSED: AtomicBool = AtomicBool::new(false);

/// Before `main`: there the runtime of Rust puts `/dev/null` in the place of a standard stream that is closed
/// (`sanitize_standard_fds` of `std`), and what is written goes nowhere with success.
// SAFETY: functions of this section are called by the C library, once and before `main`, with arguments that a function of
// the C convention may leave alone. This one makes a system call and sets a flag: it needs nothing of a runtime.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_START: extern "C" fn() = look;

extern "C" fn look() {
    // SAFETY: F_GETFD takes any number and writes nothing; it fails for none but a closed one.
    let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
    CLOSED.store(flags < 0, Ordering::Relaxed);
}

/// Whether standard output was closed when the process started (`>&-` in a shell): what is written to it is lost. Of a
/// library: when it was loaded.
pub fn stdout_was_closed() -> bool {
    // A use keeps it where a linker takes only what is used.
    black_box(&AT_START);
    CLOSED.load(Ordering::Relaxed)
}

//! The recorder's library in this very process: loaded once, never unloaded, for a thread may be in it.

use std::ffi::{CString, OsString, c_char, c_int};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;
use std::sync::OnceLock;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW, Symbol};
use memsight_engine::Error;
use memsight_engine::record::{LIBRARY, answered};
use rustix::fs::{MemfdFlags, memfd_create};

/// It stays loaded whatever becomes of who loaded it (dlfcn.h).
const RTLD_NODELETE: c_int = 0x1000;

/// The functions of the library (`crates/recorder/src/live.rs`).
pub(crate) struct Recorder {
    start: Symbol<unsafe extern "C" fn(*const c_char) -> c_int>,
    stop: Symbol<extern "C" fn() -> c_int>,
    leave_out: Symbol<extern "C" fn()>,
    _library: Library,
}

static LOADED: OnceLock<Recorder> = OnceLock::new();

/// The library, which is loaded the first time.
pub(crate) fn load() -> Result<&'static Recorder, Error> {
    match LOADED.get() {
        Some(loaded) => Ok(loaded),
        None => {
            let loaded = Recorder::load().map_err(|source| Error::NoRing { source })?;
            Ok(LOADED.get_or_init(|| loaded))
        }
    }
}

impl Recorder {
    fn load() -> io::Result<Recorder> {
        let mut file = File::from(memfd_create("memsight-recorder", MemfdFlags::CLOEXEC)?);
        file.write_all(LIBRARY)?;
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        // SAFETY: our own library, whose constructor does nothing without a variable of the environment; its functions have the
        // types of these fields, and stay: it is never unloaded.
        unsafe {
            let library = Library::open(Some(path), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE).map_err(io::Error::other)?;
            let start = library.get(b"memsight_recorder_start\0").map_err(io::Error::other)?;
            let stop = library.get(b"memsight_recorder_stop\0").map_err(io::Error::other)?;
            let leave_out = library.get(b"memsight_recorder_leave_out\0").map_err(io::Error::other)?;
            Ok(Recorder { start, stop, leave_out, _library: library })
        }
    }

    /// Records this process into the ring at `path`.
    pub(crate) fn start(&self, path: OsString) -> Result<(), Error> {
        let path = CString::new(path.into_vec()).map_err(|error| Error::NoRing { source: error.into() })?;
        // SAFETY: a text that ends with a zero; we hold the GIL, so that no other thread sets allocators.
        answered(unsafe { (self.start)(path.as_ptr()) })
    }

    /// Records no more.
    pub(crate) fn stop(&self) {
        (self.stop)();
    }

    /// Has this thread record nothing of its own.
    pub(crate) fn leave_out(&self) {
        (self.leave_out)();
    }
}

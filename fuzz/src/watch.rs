//! What a run may not do: hold more memory than its cap, or last longer than its time. Either ends the process with
//! the words that repeat the run.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The most that a run may hold at a time.
pub const CAP_BYTES: usize = 512 << 20;
/// The longest that a run may last.
pub const LONGEST: Duration = Duration::from_secs(60);

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
/// Bytes that were there when the run began, and whether one is under way.
static BEFORE: AtomicUsize = AtomicUsize::new(0);
static RUNNING: AtomicBool = AtomicBool::new(false);
static SEED: AtomicU64 = AtomicU64::new(0);
static WHAT: Mutex<(String, Option<Instant>)> = Mutex::new((String::new(), None));

/// The system's allocator, counting.
pub struct Counting;

// SAFETY: every call goes to `System` unchanged; what is added touches atomics alone.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        grow(size);
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

fn grow(size: usize) {
    let live = LIVE.fetch_add(size, Ordering::Relaxed).saturating_add(size);
    PEAK.fetch_max(live, Ordering::Relaxed);
    let held = live.saturating_sub(BEFORE.load(Ordering::Relaxed));
    // The flag falls first, so that the report itself may allocate.
    if held > CAP_BYTES && RUNNING.swap(false, Ordering::Relaxed) {
        eprintln!(
            "GREED: an allocation of {size} bytes brings the run with seed {} to {held}",
            SEED.load(Ordering::Relaxed)
        );
        eprintln!("{}", std::backtrace::Backtrace::force_capture());
        std::process::abort();
    }
}

/// A run under watch, until it is dropped.
pub struct Watched;

impl Watched {
    /// Begins the run that `what` and `seed` repeat.
    pub fn begin(what: &str, seed: u64) -> Watched {
        let mut now = WHAT.lock().unwrap_or_else(PoisonError::into_inner);
        *now = (what.to_owned(), Some(Instant::now()));
        SEED.store(seed, Ordering::Relaxed);
        BEFORE.store(LIVE.load(Ordering::Relaxed), Ordering::Relaxed);
        PEAK.store(LIVE.load(Ordering::Relaxed), Ordering::Relaxed);
        RUNNING.store(true, Ordering::Relaxed);
        Watched
    }

    /// The most that the run held so far, in bytes.
    pub fn peak(&self) -> usize {
        PEAK.load(Ordering::Relaxed).saturating_sub(BEFORE.load(Ordering::Relaxed))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        RUNNING.store(false, Ordering::Relaxed);
        WHAT.lock().unwrap_or_else(PoisonError::into_inner).1 = None;
    }
}

/// Starts the thread that ends a process whose run lasts too long.
pub fn start() {
    std::thread::spawn(|| {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let now = WHAT.lock().unwrap_or_else(PoisonError::into_inner);
            if now.1.is_some_and(|since| since.elapsed() > LONGEST) {
                eprintln!("HANG: {} lasts longer than {LONGEST:?}", now.0);
                std::process::abort();
            }
        }
    });
}

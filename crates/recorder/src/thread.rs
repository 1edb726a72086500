//! What the recorder keeps of a thread: where it writes, and its stack as it was last written.

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::known;
use crate::ring::Writer;
use crate::sys;
use crate::words::words;

/// Frames of which a stack is told; of a deeper one the oldest are left out.
pub const DEPTH: usize = 4096;
/// Code objects whose numbers are at hand.
const CODES: usize = 1024;

/// A frame as it was written.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// Its address; 0 below the oldest.
    pub at: usize,
    /// Its position, with its code.
    pub position: usize,
    /// How many frames were written up to it.
    pub depth: u32,
    /// Who owns it.
    pub owner: u8,
}

/// A frame that is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Fresh {
    pub at: usize,
    pub position: usize,
    pub owner: u8,
    /// The word that tells it; 0 when it is none of Python code.
    pub word: u64,
}

/// All of it; begins as zeros. 240 KiB, of which a thread with a small stack touches little.
#[derive(Debug)]
pub struct Thread {
    pub writer: Writer,
    /// Set while an event is written: what that itself allocates is none.
    pub inside: bool,
    /// How many of `stack` are written, apart from the first, below which there is nothing.
    pub count: usize,
    /// Which code objects were known when it was.
    pub generation: u32,
    id: u32,
    /// Of which recording what stands here is.
    epoch: u32,
    codes: [(usize, u64); CODES],
    pub stack: [Frame; DEPTH + 1],
    pub fresh: [Fresh; DEPTH],
}

/// The library's `pthread_key` whose values end with their threads, and how one is set; 0 before there is one.
static KEY: AtomicU32 = AtomicU32::new(0);
static SET: crate::function::Function = crate::function::Function::NONE;

/// Counts recordings.
static EPOCH: AtomicU32 = AtomicU32::new(0);

/// Has each thread begin anew.
pub fn next_epoch() {
    EPOCH.fetch_add(1, Ordering::Release);
}

type Destructor = unsafe extern "C" fn(*mut Thread);

/// Has [`ended`] called at the end of each thread. Called before any is recorded.
pub fn prepare() {
    if KEY.load(Ordering::Acquire) != 0 {
        return;
    }
    let (create, set) = (crate::elf::find("pthread_key_create"), crate::elf::find("pthread_setspecific"));
    if create.is_null() || set.is_null() {
        return;
    }
    // SAFETY: `int pthread_key_create(pthread_key_t *, void (*)(void *))`.
    let create: unsafe extern "C" fn(*mut u32, Destructor) -> i32 = unsafe { core::mem::transmute(create) };
    let mut key = 0;
    // SAFETY: writes `key`, and keeps the function, which stays loaded.
    if unsafe { create(&raw mut key, ended) } == 0 {
        SET.set(set);
        KEY.store(key.wrapping_add(1), Ordering::Release);
    }
}

impl Thread {
    /// That of the thread that runs; `None` when it ends, when it is inside the recorder already, and without memory.
    ///
    /// # Safety
    /// The reference must be gone before the thread ends, and no other one of it may be there: as between here and
    /// [`Thread::leave`].
    #[inline]
    pub unsafe fn enter<'t>() -> Option<&'t mut Thread> {
        let words = words();
        // SAFETY: the words of this thread; its `Thread` is given back at its end alone.
        let thread = unsafe {
            match (*words).thread.cast::<Thread>().as_mut() {
                Some(thread) => thread,
                None => Thread::begin()?,
            }
        };
        if thread.inside {
            return None;
        }
        thread.inside = true;
        if thread.epoch != EPOCH.load(Ordering::Relaxed) {
            thread.begin_anew();
        }
        Some(thread)
    }

    /// Another recording has begun since, into another ring.
    #[cold]
    fn begin_anew(&mut self) {
        self.writer.abandon();
        self.codes = [(0, 0); CODES];
        self.count = 0;
        self.epoch = EPOCH.load(Ordering::Relaxed);
    }

    /// After [`Thread::enter`].
    #[inline]
    pub fn leave(&mut self) {
        self.inside = false;
    }

    #[cold]
    unsafe fn begin<'t>() -> Option<&'t mut Thread> {
        let words = words();
        // SAFETY: the words of this thread, and memory of zeros for what begins as zeros, which is as large.
        unsafe {
            if (*words).gone != 0 {
                return None;
            }
            let at = sys::fresh(size_of::<Thread>())?.cast::<Thread>();
            (*at).id = sys::thread();
            (*at).writer = Writer::NEW;
            (*at).epoch = EPOCH.load(Ordering::Relaxed);
            (*words).thread = at.cast();
            if let (Some(set), key @ 1..) = (SET.get(), KEY.load(Ordering::Acquire)) {
                // SAFETY: `int pthread_setspecific(pthread_key_t, const void *)`. It may allocate, which is no event.
                let set: unsafe extern "C" fn(u32, *mut Thread) -> i32 = core::mem::transmute(set);
                (*at).inside = true;
                set(key - 1, at);
                (*at).inside = false;
            }
            at.as_mut()
        }
    }

    /// Has room for `words` words; a new chunk, if one is needed, begins with an empty stack.
    #[inline]
    pub fn need(&mut self, words: usize) -> bool {
        let there = self.writer.has_room(words);
        if !there {
            self.turn();
        }
        there
    }

    #[cold]
    fn turn(&mut self) {
        if self.writer.next(self.id) {
            // what was said of code objects was read by nobody
            known::forget_codes();
            self.codes = [(0, 0); CODES];
        }
        self.count = 0;
    }

    /// The number of the code object at `code`, when it is at hand.
    #[inline]
    pub fn code(&self, code: usize) -> Option<u64> {
        let (known, number) = self.codes[place_of(code)];
        (known == code).then_some(number)
    }

    /// Has it at hand.
    pub fn keep_code(&mut self, code: usize, number: u64) {
        self.codes[place_of(code)] = (code, number);
    }

    /// Forgets all code objects and the stack: one of them is gone, and its place may be another's.
    #[cold]
    pub fn forget(&mut self, generation: u32) {
        self.codes = [(0, 0); CODES];
        self.count = 0;
        self.generation = generation;
    }
}

#[inline]
fn place_of(code: usize) -> usize {
    (code >> 4 ^ code >> 14) % CODES
}

/// A thread ends. Frees that follow, by other destructors, find no `Thread`, and begin none.
unsafe extern "C" fn ended(thread: *mut Thread) {
    let words = words();
    // SAFETY: the words of this thread, and its own `Thread`, which is used by nobody any more.
    unsafe {
        (*words).gone = 1;
        (*words).thread = ptr::null_mut();
        // of an earlier recording, whose ring may be gone
        if (*thread).epoch != EPOCH.load(Ordering::Acquire) {
            (*thread).writer.abandon();
        }
        if (*thread).writer.close() {
            known::forget_codes();
        }
        sys::give_back(thread.cast(), size_of::<Thread>());
    }
}

/// In a child: the chunk is the parent's, and this thread records no more.
pub fn after_fork() {
    let words = words();
    // SAFETY: the words of this thread. Its `Thread` stays where it is: the key leads to it.
    unsafe {
        (*words).gone = 1;
        if let Some(thread) = (*words).thread.cast::<Thread>().as_mut() {
            thread.writer.abandon();
        }
        (*words).thread = ptr::null_mut();
    }
}

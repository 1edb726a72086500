//! Programs that a recorded process starts: where children are recorded, they are handed what they are recorded by, in an
//! environment that the process itself does not see. A program that could not bear it gets it from nobody: one for another
//! processor or another C library, or one that is started when nobody is there any more who reads.
//!
//! These functions take the place of the C library's. They may be called by a child that shares its parent's memory until
//! another program runs in it (vfork), and so keep what they make on the stack.

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::children::{self, Part, write};
use crate::environment::{PRELOAD, RING, entries, first, is, variable};
use crate::function::Function;
use crate::{elf, sys};

/// A larger environment is handed on as it is.
const MOST_VARIABLES: usize = 2000;
/// So is one with a longer `LD_PRELOAD`.
const MOST_PRELOAD: usize = 2048;
/// `/proc/PID/fd/N`, and a zero.
const MOST_PATH: usize = 64;

type Texts = *const *const c_char;

/// What this process was started with: the library, and the ring.
struct Given(UnsafeCell<[[u8; MOST_PATH]; 2]>);

// SAFETY: written by the one thread of a process that starts.
unsafe impl Sync for Given {}

static GIVEN: Given = Given(UnsafeCell::new([[0; MOST_PATH]; 2]));
/// Set in a process that hands it on though it is not in its own environment.
static HANDS_ON: AtomicBool = AtomicBool::new(false);

static EXECVE: Function = Function::NONE;
static EXECVPE: Function = Function::NONE;
static FEXECVE: Function = Function::NONE;
static POSIX_SPAWN: Function = Function::NONE;
static POSIX_SPAWNP: Function = Function::NONE;
static SYSTEM: Function = Function::NONE;
static ENVIRON: Function = Function::NONE;

/// Keeps what this process was started with, by the library at `library` and the ring at `ring`. Called when it starts.
pub fn remember(library: &[u8], ring: &[u8]) {
    // SAFETY: nobody reads it yet.
    let given = unsafe { &mut *GIVEN.0.get() };
    for (place, text) in given.iter_mut().zip([library, ring]) {
        if text.len() < MOST_PATH {
            place[..text.len()].copy_from_slice(text);
        }
    }
    // Not when they are called, which may be in a child whose parent's other threads held locks of the loader.
    let all = [(&EXECVE, "execve"), (&EXECVPE, "execvpe"), (&FEXECVE, "fexecve"), (&SYSTEM, "system")];
    for (place, name) in all.into_iter().chain([(&POSIX_SPAWN, "posix_spawn"), (&POSIX_SPAWNP, "posix_spawnp")]) {
        find(place, name);
    }
    ENVIRON.set(elf::find("environ"));
}

/// The function that would be there without us.
fn next(place: &Function, name: &str) -> *const c_void {
    place.get().unwrap_or_else(|| find(place, name))
}

#[cold]
fn find(place: &Function, name: &str) -> *const c_void {
    place.set(elf::find_behind(name, find as *const () as usize));
    place.get().unwrap_or_default()
}

/// This process is recorded, and so is what it starts.
pub fn hand_on() {
    HANDS_ON.store(true, Ordering::Release);
}

/// What a program is handed, on the stack of who starts it.
struct Handed {
    places: [MaybeUninit<*const c_char>; MOST_VARIABLES + 3],
    preload: [u8; MOST_PRELOAD],
    ring: [u8; MOST_PATH + 32],
}

impl Handed {
    const fn new() -> Handed {
        Handed {
            places: [const { MaybeUninit::uninit() }; MOST_VARIABLES + 3],
            preload: [0; MOST_PRELOAD],
            ring: [0; MOST_PATH + 32],
        }
    }

    /// The environment for the program at `path` (null: it is looked for), made of `given`, or that itself.
    ///
    /// # Safety
    /// A text that ends with a zero, and such texts up to a null.
    unsafe fn environment(&mut self, path: *const c_char, given: Texts) -> Texts {
        // SAFETY: as above.
        unsafe { self.changed(path, given) }.unwrap_or(given)
    }

    /// `None` where it need not be changed, or cannot.
    unsafe fn changed(&mut self, path: *const c_char, given: Texts) -> Option<Texts> {
        if given.is_null() {
            return None;
        }
        // SAFETY: it is written no more.
        let [library, ring] = unsafe { &*GIVEN.0.get() };
        let (library, ring) = (text(library), text(ring));
        if library.is_empty() || ring.is_empty() {
            return None;
        }
        // SAFETY: as of `environment`.
        let (there, carries) = unsafe {
            let there = variable(given, PRELOAD).map(text);
            (there, there.is_some_and(|there| first(there) == library))
        };
        let hands_on = HANDS_ON.load(Ordering::Acquire) && children::are_recorded();
        if !hands_on && !carries {
            return None;
        }
        // SAFETY: as of `environment`.
        let is_fit = unsafe { is_there(library) && (path.is_null() || takes_it(path)) };
        if is_fit && carries {
            return None;
        }
        let others = there.map(|there| if carries { rest(there) } else { there }).filter(|others| !others.is_empty());
        let mut count = 0;
        // SAFETY: as of `environment`; there is room for as many places as are counted.
        for entry in unsafe { entries(given) } {
            // SAFETY: as above.
            let (entry, is_ours) = unsafe { (*entry, is(*entry, PRELOAD) || is(*entry, RING)) };
            if is_ours {
                continue;
            }
            if count == MOST_VARIABLES {
                return None;
            }
            self.places[count].write(entry);
            count += 1;
        }
        if is_fit {
            let others = others.unwrap_or_default();
            let between: &[u8] = if others.is_empty() { b"" } else { b":" };
            write(&mut self.preload, &[PRELOAD, library, between, others].map(Part::Text))?;
            let parts = [Part::Text(RING), Part::Text(ring), Part::Text(b":"), Part::Number(children::owner())];
            write(&mut self.ring, &parts)?;
            self.places[count].write(self.preload.as_ptr().cast());
            self.places[count + 1].write(self.ring.as_ptr().cast());
            count += 2;
        } else if let Some(others) = others {
            write(&mut self.preload, &[Part::Text(PRELOAD), Part::Text(others)])?;
            self.places[count].write(self.preload.as_ptr().cast());
            count += 1;
        }
        self.places[count].write(ptr::null());
        Some(self.places.as_ptr().cast())
    }
}

/// What stands before the first zero.
fn text(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// The names behind the first.
fn rest(names: &[u8]) -> &[u8] {
    names.get(first(names).len() + 1..).unwrap_or_default()
}

/// Whether the library can still be loaded: whoever has it open reads.
fn is_there(library: &[u8]) -> bool {
    let mut path = [0; MOST_PATH];
    // SAFETY: a text that ends with a zero, once it is written.
    write(&mut path, &[Part::Text(library)]).is_some_and(|()| unsafe { sys::Open::read_only(path.as_ptr()) }.is_some())
}

/// Whether the program at `path` can have the library loaded, or does not look at it: it is for this processor, and for this C
/// library if it is for one. Of a script that holds for what it is run by.
unsafe fn takes_it(path: *const c_char) -> bool {
    // SAFETY: the caller's.
    let Some(file) = (unsafe { sys::Open::read_only(path.cast()) }) else { return false };
    let mut head = [0; 128];
    let len = file.read_at(0, &mut head);
    let head = &head[..len];
    match head.strip_prefix(b"#!") {
        None => is_fit(&file, head),
        Some(line) => {
            let line = line.trim_ascii_start();
            let Some(end) = line.iter().position(u8::is_ascii_whitespace) else { return false };
            let mut path = [0; 128];
            // SAFETY: a text that ends with a zero, once it is written.
            let file = write(&mut path, &[Part::Text(&line[..end])])
                .and_then(|()| unsafe { sys::Open::read_only(path.as_ptr()) });
            file.is_some_and(|file| {
                let mut head = [0; 128];
                let len = file.read_at(0, &mut head);
                is_fit(&file, &head[..len])
            })
        }
    }
}

/// Whether that holds for a file that begins with `head` (ELF-64: `Elf64_Ehdr`, `Elf64_Phdr`).
fn is_fit(file: &sys::Open, head: &[u8]) -> bool {
    const MACHINE: [u8; 2] = [62, 0];
    const INTERPRETER: [u8; 4] = [3, 0, 0, 0];
    const LOADER: &[u8] = b"/ld-linux-x86-64.so.2";
    let number = |at: usize, len: usize| {
        head.get(at..at + len).map(|bytes| bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b)))
    };
    if !head.starts_with(b"\x7fELF\x02\x01") || head.get(18..20) != Some(&MACHINE) {
        return false;
    }
    let (Some(headers), Some(count)) = (number(32, 8), number(56, 2)) else { return false };
    for index in 0..count.min(64) {
        let mut header = [0; 56];
        if file.read_at(headers.wrapping_add(56 * index), &mut header) < 56 || header[..4] != INTERPRETER {
            continue;
        }
        let at = header[8..16].iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
        let mut name = [0; 256];
        let len = file.read_at(at, &mut name);
        return text(&name[..len]).ends_with(LOADER);
    }
    // it is static: it hands on what it was given
    true
}

/// The environment of this process.
unsafe fn own() -> Texts {
    // SAFETY: `char **environ`, where it was found.
    ENVIRON.get().map_or(ptr::null(), |place| unsafe { *place.cast::<Texts>() })
}

/// Calls the next function of a name.
macro_rules! next {
    ($place:ident, $name:literal, $type:ty, $($argument:expr),*) => {{
        let function = next(&$place, $name);
        // SAFETY: the functions of one name have one type; the C library has it.
        unsafe { core::mem::transmute::<*const c_void, $type>(function)($($argument),*) }
    }};
}

type Exec = unsafe extern "C" fn(*const c_char, Texts, Texts) -> c_int;

#[cfg_attr(memsight_loaded, unsafe(no_mangle))]
unsafe extern "C" fn execve(path: *const c_char, arguments: Texts, environment: Texts) -> c_int {
    let mut handed = Handed::new();
    // SAFETY: what we are called with.
    let environment = unsafe { handed.environment(path, environment) };
    next!(EXECVE, "execve", Exec, path, arguments, environment)
}

#[cfg_attr(memsight_loaded, unsafe(no_mangle))]
unsafe extern "C" fn execv(path: *const c_char, arguments: Texts) -> c_int {
    // SAFETY: what we are called with, and the environment of the process.
    unsafe { execve(path, arguments, own()) }
}

#[cfg_attr(memsight_loaded, unsafe(no_mangle))]
unsafe extern "C" fn execvpe(file: *const c_char, arguments: Texts, environment: Texts) -> c_int {
    let mut handed = Handed::new();
    // SAFETY: what we are called with.
    let environment = unsafe { handed.environment(named(file), environment) };
    next!(EXECVPE, "execvpe", Exec, file, arguments, environment)
}

#[cfg_attr(memsight_loaded, unsafe(no_mangle))]
unsafe extern "C" fn execvp(file: *const c_char, arguments: Texts) -> c_int {
    // SAFETY: what we are called with, and the environment of the process.
    unsafe { execvpe(file, arguments, own()) }
}

#[cfg_attr(memsight_loaded, unsafe(no_mangle))]
unsafe extern "C" fn fexecve(file: c_int, arguments: Texts, environment: Texts) -> c_int {
    let mut handed = Handed::new();
    // SAFETY: what we are called with.
    let environment = unsafe { handed.environment(ptr::null(), environment) };
    next!(FEXECVE, "fexecve", unsafe extern "C" fn(c_int, Texts, Texts) -> c_int, file, arguments, environment)
}

type Spawn = unsafe extern "C" fn(*mut c_int, *const c_char, *const c_void, *const c_void, Texts, Texts) -> c_int;

#[cfg_attr(memsight_loaded, unsafe(no_mangle))]
unsafe extern "C" fn posix_spawn(
    pid: *mut c_int,
    path: *const c_char,
    actions: *const c_void,
    attributes: *const c_void,
    arguments: Texts,
    environment: Texts,
) -> c_int {
    let mut handed = Handed::new();
    // SAFETY: what we are called with.
    let environment = unsafe { handed.environment(path, environment) };
    next!(POSIX_SPAWN, "posix_spawn", Spawn, pid, path, actions, attributes, arguments, environment)
}

#[cfg_attr(memsight_loaded, unsafe(no_mangle))]
unsafe extern "C" fn posix_spawnp(
    pid: *mut c_int,
    file: *const c_char,
    actions: *const c_void,
    attributes: *const c_void,
    arguments: Texts,
    environment: Texts,
) -> c_int {
    let mut handed = Handed::new();
    // SAFETY: what we are called with.
    let environment = unsafe { handed.environment(named(file), environment) };
    next!(POSIX_SPAWNP, "posix_spawnp", Spawn, pid, file, actions, attributes, arguments, environment)
}

/// A path; null for a name that is looked for.
unsafe fn named(file: *const c_char) -> *const c_char {
    // SAFETY: the caller's text.
    let is_path = !file.is_null() && unsafe { CStr::from_ptr(file) }.to_bytes().contains(&b'/');
    if is_path { file } else { ptr::null() }
}

/// Takes the environment of the process: it is another one for the time of the call. That stays where it is, for another thread
/// may be reading it.
#[cfg_attr(memsight_loaded, unsafe(no_mangle))]
unsafe extern "C" fn system(command: *const c_char) -> c_int {
    static MADE: Function = Function::NONE;
    let call = || next!(SYSTEM, "system", unsafe extern "C" fn(*const c_char) -> c_int, command);
    // SAFETY: the environment of the process, and memory for another.
    unsafe {
        let before = own();
        if MADE.get().is_none() {
            MADE.set(sys::fresh(size_of::<Handed>()).unwrap_or_default().cast());
        }
        let (Some(made), Some(place)) = (MADE.get(), ENVIRON.get()) else { return call() };
        let (made, place) = (made.cast::<Handed>().cast_mut(), place.cast::<Texts>().cast_mut());
        // (another thread is in such a call)
        if before == (&raw const (*made).places).cast() {
            return call();
        }
        let environment = (*made).environment(c"/bin/sh".as_ptr(), before);
        place.write_volatile(environment);
        let result = call();
        if place.read_volatile() == environment {
            place.write_volatile(before);
        }
        result
    }
}

//! The functions of the interpreter that are used, and its threads.

use core::ffi::{c_char, c_int, c_void};

use crate::elf;
use crate::function::Function;
use crate::layout::Layout;
use crate::read::word_at;

/// `PyMemAllocatorEx`: the functions of one domain of memory, and what they are handed.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Allocator {
    pub ctx: *mut c_void,
    pub malloc: unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void,
    pub calloc: unsafe extern "C" fn(*mut c_void, usize, usize) -> *mut c_void,
    pub realloc: unsafe extern "C" fn(*mut c_void, *mut c_void, usize) -> *mut c_void,
    pub free: unsafe extern "C" fn(*mut c_void, *mut c_void),
}

/// `PYMEM_DOMAIN_RAW`.
pub const RAW: usize = 0;
/// `PYMEM_DOMAIN_MEM`.
pub const MEMORY: usize = 1;
/// `PYMEM_DOMAIN_OBJ`.
pub const OBJECT: usize = 2;

static RUNTIME: Function = Function::NONE;
static CURRENT: Function = Function::NONE;
static OF_THREAD: Function = Function::NONE;
static GET: Function = Function::NONE;
static SET: Function = Function::NONE;

/// The minor version of the interpreter in this process, when it is one that can be recorded: a release build with the GIL.
pub fn find() -> Option<u32> {
    GET.set(elf::find("PyMem_GetAllocator"));
    SET.set(elf::find("PyMem_SetAllocator"));
    RUNTIME.set(elf::find("_PyRuntime"));
    OF_THREAD.set(elf::find("PyGILState_GetThisThreadState"));
    CURRENT.set(elf::find("_PyThreadState_UncheckedGet"));
    if CURRENT.get().is_none() {
        CURRENT.set(elf::find("PyThreadState_GetUnchecked"));
    }
    let all = [&GET, &SET, &RUNTIME, &OF_THREAD, &CURRENT].iter().all(|each| each.get().is_some());
    let is_debug = !elf::find("_Py_NegativeRefcount").is_null();
    let version = elf::find("Py_GetVersion");
    if !all || is_debug || version.is_null() {
        return None;
    }
    // SAFETY: `const char *Py_GetVersion(void)`, which may be called before the interpreter starts (Python/getversion.c).
    let version: unsafe extern "C" fn() -> *const c_char = unsafe { core::mem::transmute(version) };
    // SAFETY: as above; a text that stays.
    let text = unsafe { core::ffi::CStr::from_ptr(version()) }.to_bytes();
    let is_free_threaded = text.windows(14).any(|part| part == b"free-threading");
    let minor = text.strip_prefix(b"3.")?;
    let digits = minor.iter().take_while(|byte| byte.is_ascii_digit()).take(3);
    let minor = digits.fold(0, |minor, &digit| minor * 10 + u32::from(digit - b'0'));
    (!is_free_threaded).then_some(minor)
}

/// `_PyRuntime`.
pub fn runtime() -> *mut c_void {
    RUNTIME.get().unwrap_or_default().cast_mut()
}

/// The allocator of a domain.
pub fn allocator(domain: usize) -> Option<Allocator> {
    let mut allocator = core::mem::MaybeUninit::uninit();
    // SAFETY: `void PyMem_GetAllocator(PyMemAllocatorDomain, PyMemAllocatorEx *)`, which fills in the struct.
    unsafe {
        let get: unsafe extern "C" fn(c_int, *mut Allocator) = core::mem::transmute(GET.get()?);
        get(domain as c_int, allocator.as_mut_ptr());
        Some(allocator.assume_init())
    }
}

/// Sets the allocator of a domain.
///
/// # Safety
/// Its functions take what the domain's blocks were made by.
pub unsafe fn set_allocator(domain: usize, allocator: &Allocator) {
    let Some(set) = SET.get() else { return };
    // SAFETY: `void PyMem_SetAllocator(PyMemAllocatorDomain, PyMemAllocatorEx *)`, which copies the struct.
    unsafe {
        let set: unsafe extern "C" fn(c_int, *const Allocator) = core::mem::transmute(set);
        set(domain as c_int, allocator);
    }
}

/// The thread state of this thread, or 0. With `held` it holds the GIL.
///
/// # Safety
/// The interpreter is of the layout.
#[inline]
pub unsafe fn state<L: Layout>(held: bool) -> usize {
    // SAFETY: functions of the interpreter that take nothing and may be called at any time, without the GIL as well
    // (Python/pystate.c); a variable of it.
    unsafe {
        match L::CURRENT {
            // it is that of the thread which holds the GIL
            Some(at) if held => RUNTIME.get().map_or(0, |runtime| word_at(runtime as usize + at)),
            Some(_) => ask(&OF_THREAD),
            None => match ask(&CURRENT) {
                0 if !held => ask(&OF_THREAD),
                state => state,
            },
        }
    }
}

/// The thread state of this thread, before it is known how to find it fast.
pub fn any_state() -> usize {
    // SAFETY: as in `state`.
    unsafe { ask(&OF_THREAD) }
}

#[inline]
unsafe fn ask(function: &Function) -> usize {
    let Some(function) = function.get() else { return 0 };
    // SAFETY: `PyThreadState *f(void)`.
    unsafe {
        let function: unsafe extern "C" fn() -> usize = core::mem::transmute(function);
        function()
    }
}

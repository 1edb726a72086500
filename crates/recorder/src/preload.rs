//! How recording begins in a program that is started with the library: `LD_PRELOAD`, and the ring's path in
//! `MEMSIGHT_RECORDER`.

use core::ffi::{CStr, c_char, c_int};
#[cfg(test)]
use core::ptr;

use crate::wire::{PLACE, PLACE_BYTES};
use crate::{begin, live, python};

/// The variable of the environment that names the ring.
const RING: &[u8] = b"MEMSIGHT_RECORDER=";
/// The one that has us loaded.
const PRELOAD: &[u8] = b"LD_PRELOAD=";

/// What the loader calls before the program begins, with what `main` gets.
#[cfg_attr(memsight_loaded, unsafe(link_section = ".init_array"))]
#[used]
static BEGIN: unsafe extern "C" fn(c_int, *const *const c_char, *mut *mut c_char) = start;

/// [`PLACE`], and the path.
#[used]
static PLACED: [u8; PLACE.len() + PLACE_BYTES] = {
    let mut bytes = [0; PLACE.len() + PLACE_BYTES];
    let (place, _) = bytes.split_at_mut(PLACE.len());
    place.copy_from_slice(&PLACE);
    bytes
};

unsafe extern "C" fn start(_count: c_int, _arguments: *const *const c_char, environment: *mut *mut c_char) {
    // SAFETY: bytes of ours, which may be others in the file than the compiler has seen; they end with a zero.
    unsafe {
        let path = PLACED.as_ptr().add(PLACE.len());
        if path.read_volatile() != 0 {
            live::memsight_recorder_start(path.cast());
            return;
        }
    }
    // SAFETY: the C library hands the environment to constructors, too (glibc, elf/dl-init.c).
    let Some(path) = (unsafe { variable(environment, RING) }) else { return };
    let Some(minor) = python::find() else { return };
    if begin::record(path, minor).is_some() {
        // Its children are none that we record, and the program sees the environment that it was given.
        // SAFETY: as above; no thread reads it yet.
        unsafe {
            remove(environment, RING);
            remove_first(environment, PRELOAD);
        }
    }
}

/// The value of a variable, with its zero. `name` ends with `=`.
unsafe fn variable(environment: *mut *mut c_char, name: &[u8]) -> Option<&'static [u8]> {
    // SAFETY: texts up to a null; those of the environment at a program's start stay where they are.
    unsafe {
        let entry = entries(environment).find(|&entry| is(*entry, name))?;
        Some(&CStr::from_ptr(*entry).to_bytes_with_nul()[name.len()..])
    }
}

/// Takes a variable out.
unsafe fn remove(environment: *mut *mut c_char, name: &[u8]) {
    // SAFETY: as above; those behind it move up, the null with them.
    unsafe {
        let Some(mut entry) = entries(environment).find(|&entry| is(*entry, name)) else { return };
        while !(*entry).is_null() {
            *entry = *entry.add(1);
            entry = entry.add(1);
        }
    }
}

/// Takes the first of the names in a variable out, which is ours; the variable, if there is no other.
unsafe fn remove_first(environment: *mut *mut c_char, name: &[u8]) {
    // SAFETY: as above; the texts themselves may be written to, and this one gets shorter.
    unsafe {
        let Some(value) = variable(environment, name) else { return };
        let Some(first) = value.iter().position(|&byte| byte == b':' || byte == b' ') else {
            return remove(environment, name);
        };
        let rest = &value[first + 1..];
        rest.as_ptr().copy_to(value.as_ptr().cast_mut(), rest.len());
    }
}

/// The places of the environment's texts.
unsafe fn entries(environment: *mut *mut c_char) -> impl Iterator<Item = *mut *mut c_char> {
    // SAFETY: the last place has a null, at which this ends.
    (0..).map(move |index| unsafe { environment.add(index) }).take_while(|&entry| unsafe { !(*entry).is_null() })
}

unsafe fn is(text: *const c_char, name: &[u8]) -> bool {
    // SAFETY: a text that ends with a zero, which no name has.
    name.iter().enumerate().all(|(index, &byte)| unsafe { *text.cast::<u8>().add(index) } == byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;

    #[test]
    fn variables_are_found_and_taken_out() {
        let texts = ["A=1", "MEMSIGHT_RECORDER=/x", "B=2"].map(|text| CString::new(text).unwrap());
        let mut places: Vec<*mut c_char> = texts.iter().map(|text| text.as_ptr().cast_mut()).collect();
        places.push(ptr::null_mut());
        // SAFETY: an environment as programs get it.
        unsafe {
            assert_eq!(variable(places.as_mut_ptr(), RING), Some(&b"/x\0"[..]));
            remove(places.as_mut_ptr(), RING);
            remove_first(places.as_mut_ptr(), PRELOAD);
            assert_eq!(variable(places.as_mut_ptr(), RING), None);
            assert_eq!(variable(places.as_mut_ptr(), b"B="), Some(&b"2\0"[..]));
        }
        assert!(places[2].is_null());
    }

    #[test]
    fn other_libraries_stay() {
        for (before, after) in [("LD_PRELOAD=/ours", None), ("LD_PRELOAD=/ours:/b.so c.so", Some(&b"/b.so c.so\0"[..]))]
        {
            let text = CString::new(before).unwrap().into_raw();
            let mut places = [text, ptr::null_mut()];
            // SAFETY: an environment as programs get it, of a text that may be written to and is given back.
            unsafe {
                remove_first(places.as_mut_ptr(), PRELOAD);
                assert_eq!(variable(places.as_mut_ptr(), PRELOAD), after);
                std::alloc::dealloc(text.cast(), std::alloc::Layout::array::<u8>(before.len() + 1).unwrap());
            }
        }
    }
}

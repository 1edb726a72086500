//! The environment as the C library has it: texts of the form `NAME=value`, up to a null.

use core::ffi::{CStr, c_char};
#[cfg(test)]
use core::ptr;

/// The variable of the environment that names the ring.
pub const RING: &[u8] = b"MEMSIGHT_RECORDER=";
/// The one that has us loaded.
pub const PRELOAD: &[u8] = b"LD_PRELOAD=";

/// The value of a variable, with its zero. `name` ends with `=`.
pub unsafe fn variable(environment: *const *const c_char, name: &[u8]) -> Option<&'static [u8]> {
    // SAFETY: texts up to a null; those of the environment at a program's start stay where they are.
    unsafe {
        let entry = entries(environment).find(|&entry| is(*entry, name))?;
        Some(&CStr::from_ptr(*entry).to_bytes_with_nul()[name.len()..])
    }
}

/// Takes a variable out.
pub unsafe fn remove(environment: *mut *mut c_char, name: &[u8]) {
    // SAFETY: as above; those behind it move up, the null with them.
    unsafe {
        let Some(entry) = entries(environment.cast()).find(|&entry| is(*entry, name)) else { return };
        let mut entry = entry.cast::<*mut c_char>().cast_mut();
        while !(*entry).is_null() {
            *entry = *entry.add(1);
            entry = entry.add(1);
        }
    }
}

/// Takes the first of the names in a variable out, which is ours; the variable, if there is no other.
pub unsafe fn remove_first(environment: *mut *mut c_char, name: &[u8]) {
    // SAFETY: as above; the texts themselves may be written to, and this one gets shorter.
    unsafe {
        let Some(value) = variable(environment.cast(), name) else { return };
        let Some(rest) = value.get(first(value).len() + 1..).filter(|rest| !rest.is_empty()) else {
            return remove(environment, name);
        };
        rest.as_ptr().copy_to(value.as_ptr().cast_mut(), rest.len());
    }
}

/// The first of the names in the value of `LD_PRELOAD`.
pub fn first(names: &[u8]) -> &[u8] {
    names.split(|byte| [b':', b' ', 0].contains(byte)).next().unwrap_or_default()
}

/// The places of the environment's texts.
pub unsafe fn entries(environment: *const *const c_char) -> impl Iterator<Item = *const *const c_char> {
    // SAFETY: the last place has a null, at which this ends.
    (0..).map(move |index| unsafe { environment.add(index) }).take_while(|&entry| unsafe { !(*entry).is_null() })
}

pub unsafe fn is(text: *const c_char, name: &[u8]) -> bool {
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
            assert_eq!(variable(places.as_ptr().cast(), RING), Some(&b"/x\0"[..]));
            remove(places.as_mut_ptr(), RING);
            remove_first(places.as_mut_ptr(), PRELOAD);
            assert_eq!(variable(places.as_ptr().cast(), RING), None);
            assert_eq!(variable(places.as_ptr().cast(), b"B="), Some(&b"2\0"[..]));
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
                assert_eq!(variable(places.as_ptr().cast(), PRELOAD), after);
                std::alloc::dealloc(text.cast(), std::alloc::Layout::array::<u8>(before.len() + 1).unwrap());
            }
        }
    }
}

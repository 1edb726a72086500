//! How recording begins in a program that is started with the library: `LD_PRELOAD`, and the ring's path in
//! `MEMSIGHT_RECORDER`.

use core::ffi::{c_char, c_int};

use crate::environment::{PRELOAD, RING, first, remove, remove_first, variable};
use crate::wire::{PLACE, PLACE_BYTES};
use crate::{begin, children, exec, live, python};

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
    let variable = |name| unsafe { variable(environment.cast(), name) };
    let Some(given) = variable(RING) else { return };
    let mut path = [0; 64];
    let Some(parent) = parted(given, &mut path) else { return };
    exec::remember(first(variable(PRELOAD).unwrap_or_default()), until_zero(&path));
    let Some(minor) = python::find() else { return };
    if begin::record(&path, minor, parent).is_some() {
        if children::are_recorded() {
            exec::hand_on();
        }
        // The program sees the environment that it was given.
        // SAFETY: as above; no thread reads it yet.
        unsafe {
            remove(environment, RING);
            remove_first(environment, PRELOAD);
        }
    }
}

/// The path of a ring, with a zero behind it, and the process that the program was started by, which stands behind a colon; 0 for
/// none. `None` for a path that is too long.
fn parted(given: &[u8], path: &mut [u8]) -> Option<u32> {
    let given = until_zero(given);
    let mut parts = given.split(|&byte| byte == b':');
    children::write(path, &[children::Part::Text(parts.next()?)])?;
    let digits = parts.next().unwrap_or_default();
    Some(
        digits
            .iter()
            .fold(0_u32, |number, digit| number.wrapping_mul(10).wrapping_add(u32::from(digit.wrapping_sub(b'0')))),
    )
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_started_it_stands_behind_the_path() {
        assert_eq!(parted(b"/proc/1/fd/2:345\0", &mut [7; 12]), None);
        let mut path = [7; 16];
        assert_eq!(parted(b"/proc/1/fd/2\0", &mut path), Some(0));
        assert_eq!(until_zero(&path), b"/proc/1/fd/2");
        assert_eq!(parted(b"/x:345\0", &mut path), Some(345));
        assert_eq!(until_zero(&path), b"/x");
    }
}

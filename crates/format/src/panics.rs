//! Panics of the Parquet reader, which are errors of the file.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// What `work` gives; `None` when it panics.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    let outer = CAUGHT.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    CAUGHT.set(outer);
    done.ok()
}

/// Keeps panics of the Parquet reader off stderr, since they become errors ([`crate::read`]). All others go on to the
/// hook that is set now. For the start of a program: a library leaves hooks alone.
pub fn silence_caught_panics() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !CAUGHT.get() {
            hook(panic);
        }
    }));
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn only_what_is_caught_is_silent() {
        static SEEN: AtomicUsize = AtomicUsize::new(0);
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(|panic| {
            let ours = panic.payload().downcast_ref::<&str>().is_some_and(|text| text.starts_with("on purpose"));
            SEEN.fetch_add(usize::from(ours), Ordering::Relaxed);
        }));
        silence_caught_panics();
        let kept = caught(|| 7);
        let lost: Option<()> = caught(|| panic!("on purpose, caught"));
        let silent = SEEN.load(Ordering::Relaxed);
        let seen = catch_unwind(|| panic!("on purpose, seen"));
        std::panic::set_hook(usual);
        assert_eq!((kept, lost, silent), (Some(7), None, 0));
        assert!(seen.is_err());
        assert_eq!(SEEN.load(Ordering::Relaxed), 1);
    }
}

//! Names that live as long as the process: slots and fields are few and shared by many objects.

use std::collections::HashSet;
use std::sync::Mutex;

/// Distinct names kept; a hostile target cannot make memsight grow without bound.
const CAP: usize = 1 << 16;

/// The one copy of `name`; a placeholder past the cap.
pub(crate) fn keep(name: &str) -> &'static str {
    static NAMES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut names = NAMES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let names = names.get_or_insert_default();
    if let Some(kept) = names.get(name) {
        return kept;
    }
    if names.len() >= CAP {
        return "…";
    }
    let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(kept);
    kept
}

//! Names of traces that belong together.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The `number`th name for the trace of a child, beside that of the first process: `app.4242.trace`, `app.4242-2.trace`.
pub(crate) fn of_child(first: &Path, pid: u32, number: u32) -> PathBuf {
    let mut name = first.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{pid}"));
    if number > 1 {
        name.push(format!("-{number}"));
    }
    if let Some(extension) = first.extension() {
        name.push(".");
        name.push(extension);
    }
    first.with_file_name(name)
}

/// Whether `name` may be one of those.
pub(crate) fn is_of_child(first: &Path, name: &OsStr) -> bool {
    let (stem, extension) = (first.file_stem().unwrap_or_default(), first.extension());
    let own = Path::new(name);
    let middle = own.file_stem().and_then(|name| {
        let name = name.as_encoded_bytes();
        name.strip_prefix(stem.as_encoded_bytes())?.strip_prefix(b".")
    });
    let is_number = |middle: &[u8]| {
        middle.first().is_some_and(u8::is_ascii_digit)
            && middle.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-')
    };
    match extension {
        Some(_) => own.extension() == extension && middle.is_some_and(is_number),
        None => {
            let whole = name.as_encoded_bytes().strip_prefix(stem.as_encoded_bytes());
            whole.and_then(|rest| rest.strip_prefix(b".")).is_some_and(is_number)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_are_named_after_their_ids() {
        for (first, number, name) in [
            ("/tmp/app.trace", 1, "/tmp/app.42.trace"),
            ("app.trace", 2, "app.42-2.trace"),
            ("app", 1, "app.42"),
            ("my.app.v2.trace", 3, "my.app.v2.42-3.trace"),
        ] {
            let made = of_child(Path::new(first), 42, number);
            assert_eq!(made, Path::new(name));
            assert!(is_of_child(Path::new(first), made.file_name().unwrap()), "{name}");
        }
        for other in ["app.trace", "app.x.trace", "app..trace", "apps.42.trace", "app.42.heap", "app.42"] {
            assert!(!is_of_child(Path::new("app.trace"), OsStr::new(other)), "{other}");
        }
    }
}

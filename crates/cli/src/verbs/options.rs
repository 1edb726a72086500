//! What a person says about looks, as the engine wants it.

use std::path::{Path, PathBuf};

use memsight_engine::LookOptions;
use memsight_engine::format::Limits;
use memsight_model::is_pid;

use crate::args::Look;

/// What is written of `subject` where the person names no output: a file of the working directory.
pub fn beside(subject: &str, suffix: &str) -> PathBuf {
    if is_pid(subject) {
        return format!("memsight-{subject}.{suffix}").into();
    }
    let name = Path::new(subject).file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(".heap").unwrap_or(&name);
    format!("{stem}.{suffix}").into()
}

/// The engine's options out of the person's.
pub fn look(look: &Look) -> LookOptions {
    LookOptions {
        mode: look.mode.into(),
        max_pause: look.max_pause,
        values: look.values,
        limits: Limits { memory: look.max_memory },
        ..LookOptions::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_have_names() {
        let names = [
            ("4242", "heap", "memsight-4242.heap"),
            ("/var/core/core.4242", "heap", "core.4242.heap"),
            ("keep/app.heap", "heapsnapshot", "app.heapsnapshot"),
            ("keep/app.heap/", "heapsnapshot", "app.heapsnapshot"),
        ];
        for (subject, suffix, name) in names {
            assert_eq!(beside(subject, suffix), PathBuf::from(name));
        }
    }
}

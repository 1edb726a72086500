//! What the Pythons of this machine said of themselves, kept between the processes of a test run.
//!
//! A runner that gives each test a process of its own (cargo-nextest) would otherwise start every Python for every test,
//! which took half of the time of all tests.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::interpreters::Answer;

/// The answers, by path, of files that are as they were.
#[derive(Debug, Default)]
pub struct Known {
    place: Option<PathBuf>,
    answers: BTreeMap<PathBuf, Kept>,
    changed: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    file: Stamp,
    answer: Answer,
}

/// Size, time of change in nanoseconds and inode of what the path leads to: another interpreter has others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp(u64, i64, i64, u64);

impl Stamp {
    fn of(path: &Path) -> Option<Stamp> {
        let file = std::fs::metadata(path).ok()?;
        Some(Stamp(file.len(), file.mtime(), file.mtime_nsec(), file.ino()))
    }
}

impl Known {
    /// Those in the file beside the program of the tests; none when there is no such file yet, or one of another make.
    pub fn load() -> Known {
        let place = std::env::current_exe().ok().map(|program| program.with_file_name("pythons.json"));
        let text = place.as_ref().and_then(|place| std::fs::read(place).ok());
        let answers = text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Known { place, answers, changed: false }
    }

    /// What the interpreter at `path` says: kept, or asked for by `ask`. One that does not answer is asked again next time.
    pub fn answer(&mut self, path: &Path, ask: impl FnOnce(&Path) -> Option<Answer>) -> Option<Answer> {
        let file = Stamp::of(path)?;
        if let Some(kept) = self.answers.get(path).filter(|kept| kept.file == file) {
            return Some(kept.answer.clone());
        }
        let answer = ask(path)?;
        self.answers.insert(path.to_owned(), Kept { file, answer: answer.clone() });
        self.changed = true;
        Some(answer)
    }

    /// Writes what is new. Another test may do so at the same time: the file is always a whole one, and without it the
    /// interpreters are asked again.
    pub fn keep(&self) {
        let Some(place) = self.place.as_ref().filter(|_| self.changed) else { return };
        let own = place.with_extension(format!("{}.tmp", std::process::id()));
        let written = serde_json::to_vec(&self.answers).map(|text| std::fs::write(&own, text));
        if !matches!(written, Ok(Ok(()))) || std::fs::rename(&own, place).is_err() {
            let _ = std::fs::remove_file(&own);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(minor: u32) -> Answer {
        Answer::of((3, minor, 0), "/usr/bin/python3")
    }

    #[test]
    fn a_file_is_asked_once_and_again_when_it_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("python3.11");
        let mut known = Known { place: Some(folder.path().join("pythons.json")), ..Known::default() };
        assert!(known.answer(&path, |_| panic!("there is nothing to ask")).is_none());

        std::fs::write(&path, "one").unwrap();
        assert!(known.answer(&path, |_| None).is_none());
        assert_eq!(known.answer(&path, |_| Some(answer(11))), Some(answer(11)));
        assert_eq!(known.answer(&path, |_| panic!("it is known")), Some(answer(11)));
        known.keep();

        let text = std::fs::read(folder.path().join("pythons.json")).unwrap();
        let mut known = Known { answers: serde_json::from_slice(&text).unwrap(), ..Known::default() };
        assert_eq!(known.answer(&path, |_| panic!("it is known")), Some(answer(11)));
        std::fs::write(&path, "another").unwrap();
        assert_eq!(known.answer(&path, |_| Some(answer(12))), Some(answer(12)));
    }
}

//! Whether the code that a program ran is that of a file as it is now.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use memsight_advice::FileReport;
use memsight_analysis::evidence::HeapFacts;
use memsight_analysis::profile::Profile;

/// What evidence has of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Code {
    /// The same code, under this name.
    Same(String),
    /// Other code, and why that is known.
    Other(String),
    /// Nothing.
    None,
}

/// The code that a program ran.
#[derive(Debug, Default)]
pub(super) struct Ran {
    /// By file: names and first lines.
    functions: HashMap<String, Vec<(String, u32)>>,
    /// When it was loaded or later, in nanoseconds since 1970: what was written after that is other code.
    at_ns: u64,
    /// What happened then, in words.
    moment: &'static str,
}

impl Ran {
    pub(super) fn of_trace(profile: &Profile) -> Ran {
        let mut ran = Ran { at_ns: profile.head().started.unix_ns, moment: "recording began", ..Ran::default() };
        for file in profile.files() {
            let functions = profile.functions_of(file).map(|(name, line)| (name.to_owned(), line));
            ran.functions.entry(file.clone()).or_default().extend(functions);
        }
        ran
    }

    /// A look at a heap that does not say when it was taken is older than every file.
    pub(super) fn of_heap(facts: &HeapFacts) -> Ran {
        let mut ran = Ran { at_ns: facts.seen_ns.unwrap_or(0), moment: "the heap was looked at", ..Ran::default() };
        for (file, name, line) in &facts.code {
            ran.functions.entry(file.clone()).or_default().push((name.clone(), *line));
        }
        ran
    }

    /// Finds a file, and compares it: its functions must be where they were, and it must not have been written since. Cost: files,
    /// and functions of those that are meant.
    pub(super) fn find(&self, report: &FileReport) -> Code {
        let path = Path::new(&report.source.path);
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let real = real(path).unwrap_or_else(|| whole.clone());
        let mut meant: Vec<_> = self.functions.iter().filter(|(file, _)| is_meant(file, &whole, &real)).collect();
        meant.sort_by_key(|(file, _)| *file);
        let mut why = None;
        for (file, functions) in meant {
            match self.differs(functions, report) {
                None => return Code::Same(file.clone()),
                Some(reason) => why = Some(reason),
            }
        }
        why.map_or(Code::None, Code::Other)
    }

    /// How the code that ran is seen to be another than that of the file now.
    fn differs(&self, functions: &[(String, u32)], report: &FileReport) -> Option<String> {
        let lines = report.source.line_count();
        for (name, first_line) in functions {
            if *first_line > lines {
                return Some(format!("it had a line {first_line}"));
            }
            if !report.outline.has_code(name, *first_line) {
                return Some(format!("{name} was at line {first_line}"));
            }
        }
        match written_ns(Path::new(&report.source.path)) {
            Some(written) if written <= self.at_ns => None,
            Some(_) => Some(format!("it was written after {}", self.moment)),
            None => Some("when it was written is not known".to_owned()),
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the engine finds the files of a program")]
fn real(path: &Path) -> Option<PathBuf> {
    std::fs::canonicalize(path).ok()
}

/// Whether a file of a program may be one here: it has the same path, or where only the end of a path is known, that.
pub(super) fn is_meant(file: &str, whole: &Path, real: &Path) -> bool {
    let named = Path::new(file);
    if file.is_empty() || file.starts_with('<') {
        return false;
    }
    if named.is_absolute() {
        return named == whole || named == real || self::real(named).is_some_and(|named| named == real);
    }
    let named = named.strip_prefix(".").unwrap_or(named);
    whole.ends_with(named) || real.ends_with(named)
}

/// When a file was written, in nanoseconds since 1970.
#[allow(clippy::disallowed_methods, reason = "the engine compares files with what ran")]
fn written_ns(path: &Path) -> Option<u64> {
    let time = std::fs::metadata(path).ok()?.modified().ok()?;
    u64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
}

//! Whether the code that a program ran is that of a file as it is now.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use memsight_advice::FileReport;
use memsight_analysis::profile::Profile;

/// What a trace has of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Code {
    /// The same code, under this name.
    Same(String),
    /// Other code, and why that is known.
    Other(String),
    /// Nothing.
    None,
}

/// Finds a file in a trace, and compares it: its functions must be where the trace has them, and it must not have changed since
/// recording began. Cost: files and functions of the trace.
pub(super) fn find(profile: &Profile, report: &FileReport) -> Code {
    let path = Path::new(&report.source.path);
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let real = real(path).unwrap_or_else(|| whole.clone());
    let mut why = None;
    for file in profile.files().iter().filter(|file| is_meant(file, &whole, &real)) {
        match differs(profile, file, report) {
            None => return Code::Same(file.clone()),
            Some(reason) => why = Some(reason),
        }
    }
    why.map_or(Code::None, Code::Other)
}

#[allow(clippy::disallowed_methods, reason = "the engine finds the files of a trace")]
fn real(path: &Path) -> Option<PathBuf> {
    std::fs::canonicalize(path).ok()
}

/// Whether a file of a trace may be one here: it has the same path, or where the trace has the end of a path only, that.
fn is_meant(file: &str, whole: &Path, real: &Path) -> bool {
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

/// How the code that ran is seen to be another than that of the file now.
fn differs(profile: &Profile, file: &str, report: &FileReport) -> Option<String> {
    let lines = report.source.line_count();
    for (name, first_line) in profile.functions_of(file) {
        if first_line > lines {
            return Some(format!("it had a line {first_line}"));
        }
        if !report.outline.has_code(name, first_line) {
            return Some(format!("{name} was at line {first_line}"));
        }
    }
    let began = profile.head().started.unix_ns;
    match changed_ns(Path::new(&report.source.path)) {
        Some(changed) if changed <= began => None,
        Some(_) => Some("it was written after recording began".to_owned()),
        None => Some("when it was written is not known".to_owned()),
    }
}

/// When a file was written, in nanoseconds since 1970.
#[allow(clippy::disallowed_methods, reason = "the engine compares files with traces")]
fn changed_ns(path: &Path) -> Option<u64> {
    let time = std::fs::metadata(path).ok()?.modified().ok()?;
    u64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
}

//! Which files belong to a code base, and their bytes.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use memsight_analysis::advise::FaultRow;
use memsight_format::regular;
use memsight_model::Progress;

use crate::Error;

/// The name of the standard input.
pub const STDIN: &str = "-";

/// Folders that are nobody's own code; named by themselves they are looked through all the same.
const LEFT_OUT: [&str; 12] = [
    "__pypackages__",
    "__pycache__",
    "node_modules",
    "site-packages",
    "dist-packages",
    "venv",
    "build",
    "dist",
    "_build",
    "buck-out",
    "target",
    "vendor",
];

/// No file is longer: generated tables are, and nothing is advised of them.
const LONGEST: u64 = 64 << 20;

/// The Python files of folders, in the order of their names, and the files that were named. What is in `.gitignore` is left out,
/// and so is what is hidden. Links of folders are not followed, so that no circle is.
pub(super) fn find(paths: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<FaultRow>), Error> {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for path in paths {
        let kind = std::fs::metadata(path);
        match kind {
            _ if path.as_os_str() == STDIN => found.push(path.clone()),
            Ok(kind) if kind.is_dir() => walk(path, &mut found, &mut faults),
            Ok(_) => found.push(path.clone()),
            Err(source) => return Err(Error::NoSource { path: path.clone(), source }),
        }
    }
    // A file may be named, and be in a folder that is named.
    let mut seen = std::collections::HashSet::new();
    found.retain(|path| seen.insert(path.clone()));
    Ok((found, faults))
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>, faults: &mut Vec<FaultRow>) {
    let mut walk = WalkBuilder::new(folder);
    walk.require_git(false).sort_by_file_name(OsStr::cmp).filter_entry(|entry| {
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        let is_left_out = entry.file_name().to_str().is_some_and(|name| LEFT_OUT.contains(&name));
        entry.depth() == 0 || !(is_folder && (is_left_out || entry.path().join("pyvenv.cfg").exists()))
    });
    for entry in walk.build() {
        match entry {
            Ok(entry) => {
                let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
                let is_python = entry.path().extension().is_some_and(|suffix| suffix == "py" || suffix == "pyw");
                if is_file && is_python {
                    found.push(entry.into_path());
                }
            }
            Err(error) => faults.push(FaultRow {
                file: folder.display().to_string(),
                line: None,
                column: None,
                message: error.to_string(),
            }),
        }
    }
}

/// Files by name, and what could not be read.
type Contents = (Vec<(String, Vec<u8>)>, Vec<FaultRow>);

pub(super) fn read(paths: &[PathBuf], progress: &dyn Progress) -> Result<Contents, Error> {
    progress.phase("reading files", Some(paths.len() as u64));
    let (mut contents, mut faults) = (Vec::with_capacity(paths.len()), Vec::new());
    for (at, path) in paths.iter().enumerate() {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let name = path.display().to_string();
        match bytes(path) {
            Ok(bytes) => contents.push((name, bytes)),
            Err(error) => {
                faults.push(FaultRow {
                    file: name,
                    line: None,
                    column: None,
                    message: format!("it cannot be read: {error}"),
                });
            }
        }
        progress.advance(at as u64 + 1);
    }
    Ok((contents, faults))
}

fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path.as_os_str() == STDIN {
        std::io::stdin().lock().take(LONGEST + 1).read_to_end(&mut bytes)?;
    } else {
        regular::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    }
    if bytes.len() as u64 > LONGEST {
        return Err(std::io::Error::other("it has more than 64 MiB"));
    }
    Ok(bytes)
}

//! Which files belong to a code base, and their bytes.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::WalkBuilder;
use memsight_analysis::advise::FaultRow;
use memsight_format::regular;
use memsight_model::Progress;

use super::fault::SettingsError;
use super::finder::Finder;
use super::habits::{Habits, absolute, here};
use crate::Error;

/// The name of the standard input.
pub const STDIN: &str = "-";

/// No file is longer: generated tables are, and nothing is advised of them.
const LONGEST: u64 = 64 << 20;

/// Suffixes of Python source.
const SUFFIXES: [&str; 3] = ["py", "pyw", "ipynb"];

/// The Python files of folders, in the order of their names, and the files that were named. What is in `.gitignore` is left out,
/// and so is what is hidden or what settings leave out. Links of folders are not followed, so that no circle is.
pub(super) fn find(
    paths: &[PathBuf],
    habits: &Habits,
    finder: &Arc<Finder>,
) -> Result<(Vec<PathBuf>, Vec<FaultRow>), Error> {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    let here = here();
    for path in paths {
        if path.as_os_str() == STDIN {
            found.push(path.clone());
            continue;
        }
        let kind = std::fs::metadata(path).map_err(|source| Error::NoSource { path: path.clone(), source })?;
        if habits.force_exclude && finder.leaves_out_named(&absolute(path), kind.is_dir(), &here)? {
            continue;
        }
        if kind.is_dir() { walk(path, finder, &mut found, &mut faults)? } else { found.push(path.clone()) }
    }
    // A file may be named, and be in a folder that is named.
    let mut seen = std::collections::HashSet::new();
    found.retain(|path| seen.insert(path.clone()));
    Ok((found, faults))
}

fn walk(
    folder: &Path,
    finder: &Arc<Finder>,
    found: &mut Vec<PathBuf>,
    faults: &mut Vec<FaultRow>,
) -> Result<(), Error> {
    let (finder, start) = (finder.clone(), absolute(folder));
    let failed: Arc<Mutex<Option<SettingsError>>> = Arc::default();
    let failure = failed.clone();
    let top = folder.to_owned();
    let mut walk = WalkBuilder::new(folder);
    walk.require_git(false).sort_by_file_name(OsStr::cmp).filter_entry(move |entry| {
        if entry.depth() == 0 {
            return true;
        }
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        if !is_folder && !is_python(entry.path()) || is_folder && entry.path().join("pyvenv.cfg").exists() {
            return false;
        }
        let path = entry.path().strip_prefix(&top).map_or_else(|_| absolute(entry.path()), |way| start.join(way));
        finder.leaves_out(&path, is_folder).map(|left_out| !left_out).unwrap_or_else(|error| {
            failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            false
        })
    });
    for entry in walk.build() {
        match entry {
            Ok(entry) => {
                let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
                if is_file && is_python(entry.path()) {
                    found.push(entry.into_path());
                }
            }
            Err(error) => faults.push(FaultRow {
                file: folder.display().to_string(),
                line: None,
                column: None,
                cell: None,
                message: error.to_string(),
            }),
        }
    }
    let failed = failed.lock().unwrap_or_else(PoisonError::into_inner).take();
    failed.map_or(Ok(()), |error| Err(error.into()))
}

fn is_python(path: &Path) -> bool {
    path.extension().and_then(OsStr::to_str).is_some_and(|suffix| SUFFIXES.contains(&suffix))
}

/// Files in order, and what could not be read.
type Contents = (Vec<Content>, Vec<FaultRow>);

/// A file that was read.
#[derive(Debug, Clone)]
pub(super) struct Content {
    /// Where it is; of the standard input [`STDIN`].
    pub(super) path: PathBuf,
    /// What it is called in findings.
    pub(super) name: String,
    /// Its path from the root on, by which its settings are found.
    pub(super) absolute: PathBuf,
    pub(super) bytes: Vec<u8>,
}

impl Content {
    pub(super) fn without_bytes(&self) -> Content {
        let Content { path, name, absolute, .. } = self;
        Content { path: path.clone(), name: name.clone(), absolute: absolute.clone(), bytes: Vec::new() }
    }
}

pub(super) fn read(paths: &[PathBuf], habits: &Habits, progress: &dyn Progress) -> Result<Contents, Error> {
    progress.phase("reading files", Some(paths.len() as u64));
    let (mut contents, mut faults) = (Vec::with_capacity(paths.len()), Vec::new());
    for (at, path) in paths.iter().enumerate() {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let called = match &habits.stdin_filename {
            Some(name) if path.as_os_str() == STDIN => name,
            _ => path,
        };
        let name = called.display().to_string();
        match bytes(path) {
            Ok(bytes) => {
                contents.push(Content { path: path.clone(), name, absolute: absolute(called), bytes });
            }
            Err(error) => {
                let message = format!("it cannot be read: {error}");
                faults.push(FaultRow { file: name, line: None, column: None, cell: None, message });
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

//! Finding the Pythons of this machine.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::known::Known;

/// How the interpreter was linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Build {
    /// The runtime is in `libpython3.X.so`.
    Shared,
    /// The runtime is in the executable.
    Static,
}

/// A CPython that runs here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interpreter {
    /// Major, minor, micro.
    pub version: (u32, u32, u32),
    /// Built without the GIL.
    pub free_threaded: bool,
    /// How it was linked.
    pub build: Build,
    /// What to start.
    pub path: PathBuf,
}

/// A version that the tests want to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Minor version of Python 3.
    pub minor: u32,
    /// The build, `None` when either will do.
    pub build: Option<Build>,
}

/// What a full run of the truth tests covers.
pub const EXPECTED: [Expected; 11] = {
    const fn any(minor: u32) -> Expected {
        Expected { minor, build: None }
    }
    const fn built(minor: u32, build: Build) -> Expected {
        Expected { minor, build: Some(build) }
    }
    [
        any(8),
        any(9),
        any(10),
        any(11),
        any(12),
        built(13, Build::Shared),
        built(13, Build::Static),
        built(14, Build::Shared),
        built(14, Build::Static),
        built(15, Build::Shared),
        built(15, Build::Static),
    ]
};

/// Asks the interpreter for its version and for the file that its runtime is in.
const PROBE: &str = r"
import json, sys
names = [line.split(None, 5)[5].strip() for line in open('/proc/self/maps') if line.count('/')]
library = [name for name in names if '/libpython3' in name and '.so' in name]
program = [name for name in names if 'python' in name.rsplit('/', 1)[-1]]
print(json.dumps({
    'version': sys.version_info[:3],
    'implementation': sys.implementation.name,
    'release': sys.version_info[3] == 'final',
    'plain': not hasattr(sys, 'gettotalrefcount'),
    'free_threaded': 'free-threading' in sys.version,
    'shared': bool(library),
    'runtime': (library or program or [sys.executable])[0],
}))
";

/// What an interpreter says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    version: (u32, u32, u32),
    implementation: String,
    release: bool,
    plain: bool,
    free_threaded: bool,
    shared: bool,
    runtime: String,
}

impl Answer {
    /// That of a shared release build of CPython.
    #[cfg(test)]
    pub fn of(version: (u32, u32, u32), runtime: &str) -> Answer {
        let (implementation, runtime) = ("cpython".to_owned(), runtime.to_owned());
        Answer { version, implementation, release: true, plain: true, free_threaded: false, shared: true, runtime }
    }
}

/// Every supported CPython with the GIL found, by version and build.
///
/// `MEMSIGHT_PYTHONS` (paths, separated by colons) alone when it is set; else those of pyenv (`PYENV_ROOT` or
/// `~/.pyenv`), of `MEMSIGHT_PYTHONS_DIR` (else the repository's `.pythons`) and `python3.X` on `PATH`.
/// Cost: one start of each, once for all tests of a build.
pub fn interpreters() -> Vec<Interpreter> {
    let mut found = every();
    found.retain(|interpreter| !interpreter.free_threaded);
    found
}

/// The free-threaded builds found, in the same places (`python3.14t`). Cost: the same.
pub fn free_threaded() -> Vec<Interpreter> {
    let mut found = every();
    found.retain(|interpreter| interpreter.free_threaded);
    found
}

fn every() -> Vec<Interpreter> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    let mut known = Known::load();
    for path in candidates() {
        if let Some((interpreter, runtime)) = known.answer(&path, ask).and_then(|answer| supported(&path, answer))
            && seen.insert((runtime, interpreter.version, interpreter.build))
        {
            found.push(interpreter);
        }
    }
    known.keep();
    found.sort();
    found
}

/// The expected versions that none of `found` covers.
pub fn missing(found: &[Interpreter]) -> Vec<Expected> {
    let covers = |expected: &Expected, interpreter: &Interpreter| {
        interpreter.version.1 == expected.minor && expected.build.is_none_or(|build| build == interpreter.build)
    };
    EXPECTED.iter().filter(|expected| !found.iter().any(|each| covers(expected, each))).copied().collect()
}

impl Interpreter {
    /// The interpreter at `path`; `None` when it does not start or is none that memsight reads.
    pub fn at(path: &Path) -> Option<Interpreter> {
        ask(path).and_then(|answer| supported(path, answer)).map(|(interpreter, _)| interpreter)
    }
}

impl fmt::Display for Interpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor, micro) = self.version;
        write!(f, "{major}.{minor}.{micro}{}-{}", if self.free_threaded { "t" } else { "" }, self.build)
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.build {
            Some(build) => write!(f, "3.{}-{build}", self.minor),
            None => write!(f, "3.{}", self.minor),
        }
    }
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Build::Shared => "shared",
            Build::Static => "static",
        })
    }
}

fn candidates() -> Vec<PathBuf> {
    if let Some(list) = std::env::var_os("MEMSIGHT_PYTHONS") {
        return std::env::split_paths(&list).collect();
    }
    let mut paths = Vec::new();
    let home = std::env::var_os("HOME").unwrap_or_default();
    let pyenv = std::env::var_os("PYENV_ROOT").map_or_else(|| Path::new(&home).join(".pyenv"), PathBuf::from);
    paths.extend(entries(&pyenv.join("versions")).into_iter().map(|version| version.join("bin/python3")));
    let own = std::env::var_os("MEMSIGHT_PYTHONS_DIR")
        .unwrap_or_else(|| OsString::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.pythons")));
    let search = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(Path::new(&own).join("bin")).chain(std::env::split_paths(&search));
    paths.extend(folders.flat_map(|folder| entries(&folder)).filter(|path| is_python_name(path)));
    paths.retain(|path| path.is_file());
    paths
}

/// `python3.X`, `python3.Xt` and `python3.X-static`, nothing like `python3.11-config` or the shims of pyenv.
fn is_python_name(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let minor = name.strip_prefix("python3.").map(|rest| rest.strip_suffix("-static").unwrap_or(rest));
    let minor = minor.map(|minor| minor.strip_suffix('t').unwrap_or(minor));
    let shim = path.parent().is_some_and(|folder| folder.ends_with("shims"));
    !shim && minor.is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit()))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|each| each.path()).collect();
    paths.sort();
    paths
}

fn ask(path: &Path) -> Option<Answer> {
    let output = Command::new(path).args(["-I", "-S", "-c", PROBE]).output().ok()?;
    serde_json::from_slice(&output.stdout).ok()
}

/// The interpreter and the file that its runtime is in; `None` when memsight does not read it.
fn supported(path: &Path, answer: Answer) -> Option<(Interpreter, String)> {
    let supported = answer.implementation == "cpython"
        && answer.release
        && answer.plain
        && answer.version.0 == 3
        && (8..=15).contains(&answer.version.1);
    let build = if answer.shared { Build::Shared } else { Build::Static };
    let Answer { version, free_threaded, runtime, .. } = answer;
    supported.then(|| (Interpreter { version, free_threaded, build, path: path.to_owned() }, runtime))
}

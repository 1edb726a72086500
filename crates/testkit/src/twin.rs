//! A process that looks like a free-threaded CPython, for machines that have none.
//!
//! `c/free_threaded.c`, compiled against CPython's headers: the compiler places the fields, and the program tells what it
//! put there. No code of CPython runs in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use memsight_model::Address;
use serde::Deserialize;

use crate::TestkitError;

/// Minor versions with a free-threaded build.
pub const FREE_THREADED: std::ops::RangeInclusive<u32> = 13..=15;

/// What the program says of itself.
#[derive(Debug, Clone, Deserialize)]
pub struct TwinTruth {
    /// `3.14.10t`.
    pub version: String,
    /// What a look must find, among other things.
    pub objects: Vec<TwinObject>,
    /// An object that is reached and not alive.
    pub dead: u64,
    /// An object whose block was given back.
    #[serde(default)]
    pub freed: u64,
}

/// An object of the program.
#[derive(Debug, Clone, Deserialize)]
pub struct TwinObject {
    at: u64,
    /// `module.qualname`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// What `sys.getsizeof` would say.
    pub size: u64,
    /// `None` where it is not all in the object.
    #[serde(deserialize_with = "count")]
    pub refcount: Option<u32>,
    /// Whether the collector knows it.
    pub tracked: bool,
    refs: Vec<u64>,
}

impl TwinObject {
    /// Where it is.
    pub fn address(&self) -> Address {
        Address(self.at)
    }

    /// What it refers to, ascending, each once.
    pub fn references(&self) -> Vec<Address> {
        let mut all: Vec<Address> = self.refs.iter().map(|at| Address(*at)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

fn count<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    Ok(u32::try_from(i64::deserialize(from)?).ok())
}

/// Compiles the program for `3.minor` into `folder`; the error says what is missing. The headers are those that
/// `WITH_DEV=1 tools/get_pythons.sh` unpacks below `MEMSIGHT_PYTHONS_DIR`.
pub fn build_twin(minor: u32, folder: &Path) -> Result<PathBuf, TestkitError> {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.pythons");
    let pythons = std::env::var_os("MEMSIGHT_PYTHONS_DIR").map_or_else(own, PathBuf::from);
    let include = pythons.join("root/usr/include");
    let (common, arch) = (format!("python3.{minor}"), format!("x86_64-linux-gnu/python3.{minor}"));
    let headers = include.join(&common);
    let lacks = |why: String| TestkitError::Malformed { what: "free-threaded twin", why };
    if !headers.join("internal/pycore_runtime_init.h").exists() {
        return Err(lacks(format!("no headers of Python 3.{minor}: WITH_DEV=1 tools/get_pythons.sh DIR")));
    }
    // Only Python's own directory: the packages' C library is not this machine's.
    let shim = folder.join(&arch);
    let io = |source| TestkitError::Start { program: folder.to_owned(), source };
    std::fs::create_dir_all(folder.join("x86_64-linux-gnu")).map_err(io)?;
    std::os::unix::fs::symlink(include.join(&arch), &shim).map_err(io)?;
    let program = folder.join(format!("python3.{minor}t"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("c/free_threaded.c");
    let mut cc = Command::new("cc");
    cc.args(["-w", "-O0", "-static", "-no-pie", "-DPy_GIL_DISABLED=1", "-Wl,--unresolved-symbols=ignore-all"]);
    cc.arg("-I").arg(&headers).arg("-I").arg(headers.join("internal")).arg("-I").arg(folder);
    let output = cc.arg(source).arg("-o").arg(&program).output();
    let output = output.map_err(|source| TestkitError::Start { program: "cc".into(), source })?;
    match output.status.success() {
        true => Ok(program),
        false => Err(lacks(String::from_utf8_lossy(&output.stderr).into_owned())),
    }
}

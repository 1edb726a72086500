//! Where the headers, the interpreter and the debug information of a version are on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use object::Object;
use serde_json::Value;

use super::dwarf::Types;
use super::universe::Universe;

const PROBE: &str = include_str!("probe.py");

/// All headers that show a struct; those that a version does not have are skipped.
const HEADERS: &[&str] = &[
    "frameobject.h",
    "structmember.h",
    "internal/pycore_runtime.h",
    "internal/pycore_interp.h",
    "internal/pycore_pystate.h",
    "internal/pycore_gc.h",
    "internal/pycore_frame.h",
    "internal/pycore_interpframe.h",
    "internal/pycore_interpframe_structs.h",
    "internal/pycore_dict.h",
    "internal/pycore_code.h",
    "internal/pycore_typeobject.h",
    "internal/pycore_moduleobject.h",
    "internal/pycore_context.h",
];

/// A build of CPython on this machine.
#[derive(Debug)]
pub struct Source {
    pub minor: u8,
    pub interpreter: PathBuf,
    include: PathBuf,
    /// Directory to search for architecture-specific headers (`pyconfig.h` of Debian).
    arch_include: Option<PathBuf>,
}

/// A type that the interpreter knows.
#[derive(Debug)]
pub struct RuntimeType {
    pub name: String,
    pub basicsize: u64,
    pub weaklistoffset: u64,
    /// It has a `tp_traverse` of its own, not inherited.
    pub own_traverse: bool,
}

/// What the interpreter says about itself.
#[derive(Debug)]
pub struct Probe {
    pub version: String,
    pub files: Vec<PathBuf>,
    pub types: Vec<RuntimeType>,
}

/// Directories to look in, from the environment.
#[derive(Debug)]
pub struct Places {
    /// `PYTHONS_DIR`, made by `tools/get_pythons.sh` with `WITH_DEV=1 WITH_DBG=1`.
    pub pythons: Option<PathBuf>,
    /// `PYENV_ROOT`, or `.pyenv` in the home directory.
    pub pyenv: Option<PathBuf>,
    /// `PYTHONS_DBG`: directory with `.build-id/`; by default the one below `PYTHONS_DIR`.
    pub debug: Option<PathBuf>,
}

impl Places {
    pub fn from_env() -> Places {
        let var = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let pythons = var("PYTHONS_DIR");
        let debug = var("PYTHONS_DBG").or_else(|| Some(pythons.as_ref()?.join("root/usr/lib/debug")));
        let pyenv = var("PYENV_ROOT").or_else(|| Some(var("HOME")?.join(".pyenv")));
        Places { pythons, pyenv, debug }
    }

    /// The build of `3.minor`: the unpacked packages' when they have its headers, else pyenv's.
    pub fn find(&self, minor: u8) -> Result<Source> {
        let packaged = self.pythons.as_deref().and_then(|dir| packaged(dir, minor));
        let source = packaged.or_else(|| self.pyenv.as_deref().and_then(|dir| built(dir, minor)));
        source.with_context(|| format!("no CPython 3.{minor} with headers below PYTHONS_DIR or PYENV_ROOT"))
    }
}

fn packaged(dir: &Path, minor: u8) -> Option<Source> {
    let include = dir.join(format!("root/usr/include/python3.{minor}"));
    let arch = dir.join("root/usr/include/x86_64-linux-gnu").join(format!("python3.{minor}"));
    let interpreter = dir.join(format!("bin/python3.{minor}"));
    include.join("Python.h").exists().then_some(Source { minor, interpreter, include, arch_include: Some(arch) })
}

fn built(dir: &Path, minor: u8) -> Option<Source> {
    let prefix = format!("3.{minor}.");
    let versions = std::fs::read_dir(dir.join("versions")).ok()?.flatten();
    let patch = |path: &PathBuf| path.file_name()?.to_str()?.strip_prefix(&prefix)?.parse::<u32>().ok();
    let newest = versions.map(|entry| entry.path()).filter(|path| patch(path).is_some()).max_by_key(patch)?;
    let include = newest.join(format!("include/python3.{minor}"));
    let interpreter = newest.join(format!("bin/python3.{minor}"));
    include.join("Python.h").exists().then_some(Source { minor, interpreter, include, arch_include: None })
}

impl Source {
    /// Types of the headers, by compiling them for their debug information alone: as the build has them, or as its
    /// free-threaded twin does.
    pub fn header_types(&self, free_threaded: bool) -> Result<Types> {
        let scratch = tempfile::tempdir()?;
        let (code, out) = (scratch.path().join("headers.c"), scratch.path().join("headers.so"));
        std::fs::write(&code, self.header_program())?;
        let mut cc = Command::new("cc");
        cc.args(["-g", "-O0", "-w", "-shared", "-fPIC", "-fno-eliminate-unused-debug-types", "-DPy_BUILD_CORE"]);
        if free_threaded {
            cc.arg("-DPy_GIL_DISABLED=1");
        }
        cc.arg("-I").arg(&self.include).arg("-I").arg(self.include.join("internal"));
        if let Some(arch) = &self.arch_include {
            // Only Python's own directory: the packages' C library is not this machine's.
            let shim = scratch.path().join("x86_64-linux-gnu");
            std::fs::create_dir(&shim)?;
            std::os::unix::fs::symlink(arch, shim.join(format!("python3.{}", self.minor)))?;
            cc.arg("-I").arg(scratch.path());
        }
        let output = cc.arg(&code).arg("-o").arg(&out).output().context("cannot run cc")?;
        ensure!(output.status.success(), "the headers do not compile: {}", String::from_utf8_lossy(&output.stderr));
        Types::of_file(&out)
    }

    fn header_program(&self) -> String {
        let present = HEADERS.iter().filter(|header| self.include.join(header).exists());
        let includes: String = present.map(|header| format!("#include \"{header}\"\n")).collect();
        format!("#include <Python.h>\n{includes}")
    }

    /// Asks the interpreter for its files and types; the headers say where in a type to look.
    pub fn probe(&self, headers: &Universe) -> Result<Probe> {
        let fields = ["tp_name", "tp_basicsize", "tp_weaklistoffset", "tp_flags", "tp_traverse"];
        let mut python = Command::new(&self.interpreter);
        python.args(["-W", "ignore", "-c", PROBE]);
        for field in fields {
            let place = headers.find(&format!("_typeobject.{field}")).context("no PyTypeObject in the headers")?;
            python.arg(place.offset.to_string());
        }
        let output = python.output().with_context(|| format!("cannot run {}", self.interpreter.display()))?;
        ensure!(output.status.success(), "the probe failed: {}", String::from_utf8_lossy(&output.stderr));
        Probe::of_json(&serde_json::from_slice(&output.stdout)?).context("the probe printed something else")
    }
}

impl Probe {
    fn of_json(json: &Value) -> Option<Probe> {
        let files = json["files"].as_array()?.iter().filter_map(|file| file.as_str().map(PathBuf::from)).collect();
        let types = json["types"].as_array()?.iter().map(RuntimeType::of_json).collect::<Option<_>>()?;
        Some(Probe { version: json["version"].as_str()?.to_owned(), files, types })
    }

    /// Adds the debug information of every file that the interpreter maps. Python's own files without any are named.
    pub fn add_types(&self, places: &Places, universe: &mut Universe) -> Result<Vec<PathBuf>> {
        let (mut bare, mut found) = (Vec::new(), 0);
        for file in &self.files {
            match debug_file(file, places.debug.as_deref())? {
                Some(path) => universe.add(Types::of_file(&path)?),
                None if file.to_string_lossy().contains("/lib-dynload/") => bare.push(file.clone()),
                None => continue,
            }
            found += 1;
        }
        if found == bare.len() {
            bail!("no debug information for {}: set PYTHONS_DBG", self.version);
        }
        Ok(bare)
    }
}

impl RuntimeType {
    /// The same type of a build whose objects have a larger head.
    pub fn enlarged(self, growth: u64) -> RuntimeType {
        let weaklistoffset = if self.weaklistoffset == 0 { 0 } else { self.weaklistoffset + growth };
        RuntimeType { basicsize: self.basicsize + growth, weaklistoffset, ..self }
    }

    fn of_json(json: &Value) -> Option<RuntimeType> {
        Some(RuntimeType {
            name: json["name"].as_str()?.to_owned(),
            basicsize: json["basicsize"].as_u64()?,
            weaklistoffset: json["weaklistoffset"].as_u64()?,
            own_traverse: json["own_traverse"].as_bool()?,
        })
    }
}

/// The file with the debug information of `path`: itself, or the one named by its build id.
fn debug_file(path: &Path, debug: Option<&Path>) -> Result<Option<PathBuf>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let Ok(file) = object::File::parse(&*bytes) else { return Ok(None) };
    if file.section_by_name(".debug_info").is_some() {
        return Ok(Some(path.to_owned()));
    }
    let (Some(debug), Some([first, rest @ ..])) = (debug, file.build_id()?) else { return Ok(None) };
    let rest: String = rest.iter().map(|byte| format!("{byte:02x}")).collect();
    let apart = debug.join(".build-id").join(format!("{first:02x}")).join(format!("{rest}.debug"));
    Ok(apart.exists().then_some(apart))
}

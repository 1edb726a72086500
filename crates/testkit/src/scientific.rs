//! Interpreters with packages of PyPI, in environments under the target folder.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use rustix::fs::{FlockOperation, flock};

use crate::Interpreter;

/// The interpreter of an environment that has numpy and pandas; see [`with_packages`].
pub fn scientific(interpreter: &Interpreter) -> Result<Interpreter, String> {
    with_packages(interpreter, "", &["numpy", "pandas"])
}

/// The interpreter of an environment called `name` that has some packages; see [`with_packages`].
pub fn environment(interpreter: &Interpreter, name: &str, packages: &[&str]) -> Result<Interpreter, String> {
    with_packages(interpreter, &format!("-{name}"), packages)
}

/// The same with the last numpy 1.x, whose structs are others; there is none for 3.8, nor for 3.13 and later.
pub fn old_scientific(interpreter: &Interpreter) -> Result<Interpreter, String> {
    with_packages(interpreter, "-numpy1", &["numpy==1.26.4", "pandas<3"])
}

/// The interpreter of an environment that has lxml and cffi.
pub fn extended(interpreter: &Interpreter) -> Result<Interpreter, String> {
    with_packages(interpreter, "-extensions", &["lxml", "cffi"])
}

/// The interpreter of an environment that has some packages, made at the first use; an error says why there is none, such
/// as a version without wheels or a machine without a network. Cost at first: a download. Tests run as processes side by
/// side: one makes it, the others wait for its lock.
pub fn with_packages(interpreter: &Interpreter, suffix: &str, packages: &[&str]) -> Result<Interpreter, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/testenvs");
    let lock = locked(&folder, &format!("{interpreter}{suffix}.lock"))?;
    let folder = folder.join(format!("{interpreter}{suffix}"));
    let python = folder.join("bin/python");
    if !folder.join("complete").exists() {
        run(Command::new(&interpreter.path).args(["-m", "venv", "--clear"]).arg(&folder))?;
        // what is imported is compiled then; the rest of such a package would take longer than its download
        let quick = ["--no-compile", "--disable-pip-version-check"];
        let install = ["-m", "pip", "install", "--quiet", "--only-binary", ":all:"].into_iter().chain(quick);
        run(Command::new(&python).args(install).args(packages))?;
        fs::write(folder.join("complete"), "").map_err(|error| error.to_string())?;
    }
    drop(lock);
    Ok(Interpreter { path: python, ..interpreter.clone() })
}

/// The lock of one environment, which lasts until it is dropped or the process ends.
fn locked(folder: &Path, name: &str) -> Result<File, String> {
    let lock = fs::create_dir_all(folder).and_then(|()| File::create(folder.join(name)));
    let lock = lock.and_then(|file| Ok(flock(&file, FlockOperation::LockExclusive).map(|()| file)?));
    lock.map_err(|error| format!("{}: {error}", folder.join(name).display()))
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(()),
        false => Err(text.lines().rev().find(|line| line.contains("ERROR")).unwrap_or("it failed").to_owned()),
    }
}

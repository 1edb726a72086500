//! What stands between memsight and a process: the right to read it, and whether there is a Python in it to be read.

use memsight_cpython::PythonError;
use memsight_target::figures::Handle;
use memsight_target::{Check, Diagnosis, Process, Subject, Verdict};

use crate::Error;
use crate::look::find;
use crate::processes::names_python;

/// Looks at everything that decides whether `pid` can be read, tries it, and looks for the interpreter. Changes nothing.
/// Cost: some small reads of `/proc`, and that of finding an interpreter, 2 to 7 ms.
pub fn diagnose(pid: u32) -> Diagnosis {
    let mut diagnosis = memsight_target::diagnose(pid);
    // what cannot be read does not tell
    if diagnosis.readable {
        let python = python(pid);
        diagnosis.command = diagnosis.command.or_else(|| python.command.clone());
        diagnosis.checks.push(python);
    }
    diagnosis
}

fn python(pid: u32) -> Check {
    let check =
        |verdict, detail: String, command: Option<String>| Check { subject: Subject::Python, verdict, detail, command };
    let found = Process::open(pid).map_err(Error::from).and_then(|process| find(&process));
    match found {
        Ok(python) => check(Verdict::Good, format!("it runs CPython {}{}", python.version(), host(pid)), None),
        Err(Error::Python(PythonError::NotPython)) => {
            let detail = "it is no CPython process: no interpreter is mapped into it";
            check(Verdict::Bad, detail.to_owned(), Some("memsight ps".to_owned()))
        }
        Err(Error::Python(PythonError::NotReady)) => {
            let detail =
                "its Python interpreter is not running: it is starting up or shutting down, or was never started";
            check(Verdict::Bad, detail.to_owned(), Some(format!("memsight doctor {pid}")))
        }
        Err(Error::Python(error)) if error.is_transient() => check(Verdict::Note, error.to_string(), None),
        Err(error) => check(Verdict::Bad, error.to_string(), None),
    }
}

/// The program that has Python built in, where it is none of its own.
fn host(pid: u32) -> String {
    let exe = Handle::open(pid).and_then(|handle| handle.exe()).unwrap_or_default();
    match exe.file_name().map(|name| name.to_string_lossy()) {
        Some(name) if !names_python(&name) && !is_dynamic_linker(&name) => format!(", embedded in {name}"),
        _ => String::new(),
    }
}

/// A program that was started by handing it to the dynamic linker (`ld.so(8)`) runs under the linker's name.
fn is_dynamic_linker(name: &str) -> bool {
    name.starts_with("ld-linux") || name.starts_with("ld-musl") || name == "ld.so"
}

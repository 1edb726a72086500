//! Processes that wait, and do nothing else: recorded and let alone again while they do, they wait on as if nothing had been. On
//! every interpreter found.
#![cfg(all(target_os = "linux", target_arch = "x86_64", not(memsight_portable)))]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_engine::format::trace::Writer;
use memsight_engine::record::{Options, attach};
use memsight_testkit::{Interpreter, interpreters, missing};

/// What a process waits in, by the numbers of its calls (linux/unistd_64.h): see `programs/waits.py`. The raw ones are made by no
/// Python that would hide an EINTR.
const WAITS: [(&str, &[u32]); 11] = [
    ("registers", &[7]),
    ("raw_poll", &[7]),
    ("raw_sleep", &[35, 230]),
    ("raw_semaphore", &[202]),
    ("poll", &[7, 271]),
    ("selects", &[23, 270]),
    ("epoll", &[232, 281]),
    ("sleep", &[23, 35, 230, 270]),
    ("lock", &[202]),
    ("alone", &[202]),
    ("loop", &[232, 281]),
];
/// So often it is attached to and detached from; from the second time on the kernel has gone on with the wait before.
const CYCLES: u32 = 3;

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    for interpreter in &found {
        for (name, calls) in WAITS {
            let own = interpreter.clone();
            let run = move || the_wait_goes_on(&own, name, calls);
            trials.push(Trial::test(format!("{name}::{interpreter}"), run));
        }
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn the_wait_goes_on(interpreter: &Interpreter, name: &str, calls: &[u32]) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/waits.py");
    let library = folder.path().join("waits.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-shared", "-fPIC", "-o"]).arg(&library).arg(program.with_extension("c"));
    if !compiler.status()?.success() {
        return Err("the library of the test is not compiled".into());
    }
    let mut command = Command::new(&interpreter.path);
    let arguments = ["-B".as_ref(), program.as_os_str(), name.as_ref(), library.as_os_str()];
    let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("a pipe")?).lines();
    let mut says = move || lines.next().and_then(Result::ok).unwrap_or_default();
    let pipe: u32 = says().parse()?;
    let pid = child.id();
    wait_for(pid, calls)?;
    for cycle in 0..CYCLES {
        let trace = Writer::create(&folder.path().join(format!("{cycle}.trace")), false)?;
        let attached = attach(pid, Options { sample_bytes: 0, native: false }, trace);
        let recorded = attached.and_then(|attached| attached.end()).map_err(|error| format!("{cycle}: {error:?}"))?;
        if recorded.head.is_none() || recorded.end.lost_events != 0 {
            return Err(format!("{cycle}: {recorded:?}").into());
        }
    }
    let woken = match name {
        "alone" => Command::new("kill").args(["-USR1", &pid.to_string()]).status()?.success(),
        "sleep" | "raw_sleep" => true,
        _ => std::fs::OpenOptions::new().write(true).open(format!("/proc/{pid}/fd/{pipe}"))?.write(b".")? == 1,
    };
    let said = says();
    drop(child.stdin.take());
    let status = child.wait()?;
    match (woken, &said[..], status.success()) {
        (true, "True", true) => Ok(()),
        _ => Err(format!("{said:?}, {status}").into()),
    }
}

/// Waits until the first thread is within one of these calls.
fn wait_for(pid: u32, calls: &[u32]) -> Result<(), Failed> {
    loop {
        let call = std::fs::read_to_string(format!("/proc/{pid}/syscall"))?;
        if call.is_empty() {
            return Err("it has ended".into());
        }
        let number = call.split(' ').next().and_then(|word| word.parse().ok());
        // (the lock of the interpreter is waited for in the same way, for some milliseconds)
        if number.is_some_and(|number| calls.contains(&number)) && stays(pid, &call)? {
            return Ok(());
        }
        std::thread::yield_now();
    }
}

/// Whether the thread has not run for some time that others had: it waits for what it is to wait for.
fn stays(pid: u32, call: &str) -> Result<bool, Failed> {
    for _ in 0..20 {
        std::thread::yield_now();
        if std::fs::read_to_string(format!("/proc/{pid}/syscall"))? != call {
            return Ok(false);
        }
    }
    Ok(true)
}

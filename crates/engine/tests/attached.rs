//! Processes that run, recorded for a while again and again: they notice nothing, and the traces are right.
#![cfg(all(target_os = "linux", target_arch = "x86_64", not(memsight_portable)))]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_engine::format::trace::{Reader, Writer};
use memsight_engine::record::{Options, attach};
use memsight_model::trace::{Event, Record};
use memsight_testkit::{Busy, Interpreter, interpreters, missing, runs_long};

/// Attached and detached so often, on every interpreter; and on some of them.
const CYCLES: u32 = 8;
const MANY: u32 = 60;

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    for interpreter in &found {
        for (name, cycles) in [("cycles", CYCLES), ("many", MANY)] {
            let own = interpreter.clone();
            let passed_over = name == "many" && !runs_long(name, interpreter, &found);
            let run = move || cycles_change_nothing(&own, cycles);
            trials.push(Trial::test(format!("{name}::{interpreter}"), run).with_ignored_flag(passed_over));
        }
    }
    for interpreter in found.clone() {
        let (name, other) = (format!("idle::{interpreter}"), interpreter.clone());
        trials.push(Trial::test(name, move || a_thread_may_end_long_after(&other)));
        let name = format!("in_c::{interpreter}");
        trials.push(Trial::test(name, move || one_that_computes_in_c_is_entered(&interpreter)));
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// Four threads that compute and a main thread that forks: all go on, and compute what they should.
fn cycles_change_nothing(interpreter: &Interpreter, cycles: u32) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut busy = Busy::start(interpreter)?;
    let pid = busy.pid();
    let mut progress = busy.progress()?;
    let mut mappings = Vec::new();
    for cycle in 0..cycles {
        let path = folder.path().join(format!("{cycle}.trace"));
        let sample_bytes = if cycle % 2 == 0 { 0 } else { 4096 };
        let attached = attach(pid, Options { sample_bytes }, Writer::create(&path, false)?)?;
        progress = busy.advance(&progress)?;
        let recorded = attached.end()?;
        progress = busy.advance(&progress)?;
        let head = recorded.head.clone().ok_or("nothing was recorded")?;
        if (head.pid, head.python_minor, head.sample_bytes) != (pid, interpreter.version.1, sample_bytes) {
            return Err(format!("{head:?}").into());
        }
        if recorded.end.lost_events != 0 || recorded.allocations == 0 {
            return Err(format!("{recorded:?}").into());
        }
        check(&path, sample_bytes == 0).map_err(|error| format!("{cycle}: {error:?}"))?;
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps"))?;
        mappings.push(maps.lines().filter(|line| line.contains("memfd:memsight")).count());
    }
    // the library, and the rings of the last two
    let steady = mappings.iter().skip(2).all(|&count| Some(&count) == mappings.get(2));
    match (progress.wrong, progress.failed, steady) {
        (0, 0, true) => Ok(()),
        _ => Err(format!("{progress:?}, {mappings:?} mappings").into()),
    }
}

/// A thread has written to a ring that is long gone when it ends.
fn a_thread_may_end_long_after(interpreter: &Interpreter) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/idle.py");
    let mut command = Command::new(&interpreter.path);
    let mut child = command.arg(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().ok_or("a pipe")?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("a pipe")?).lines();
    let mut says = |expected: &str| match lines.next() {
        Some(Ok(line)) if line == expected => Ok(()),
        other => Err(format!("{other:?}, not {expected}")),
    };
    says("ready")?;
    for cycle in 0..4 {
        let trace = Writer::create(&folder.path().join(format!("{cycle}.trace")), false)?;
        let attached = attach(child.id(), Options { sample_bytes: 0 }, trace)?;
        if cycle == 0 {
            input.write_all(b"work\n")?;
            says("work")?;
        }
        let recorded = attached.end()?;
        if cycle == 0 && recorded.allocations < 5000 {
            return Err(format!("{recorded:?}").into());
        }
    }
    input.write_all(b"end\n")?;
    says("end")?;
    drop(input);
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(status.to_string().into()) }
}

/// The only thread is hardly ever in the loop of the interpreter, and signals come all the time.
fn one_that_computes_in_c_is_entered(interpreter: &Interpreter) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let code = "import signal\nsignal.signal(signal.SIGALRM, lambda *_: None)\nsignal.setitimer(signal.ITIMER_REAL, \
                0.001, 0.001)\nprint('ready', flush=True)\nfor _ in range(10**9):\n    assert sum(range(300_000)) == \
                44999850000\n    print('.', flush=True)";
    let mut command = Command::new(&interpreter.path);
    let mut child = command.args(["-c", code]).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("a pipe")?).lines();
    let mut goes_on = || lines.next().and_then(Result::ok).ok_or("it has ended");
    goes_on()?;
    for cycle in 0..5 {
        let trace = Writer::create(&folder.path().join(format!("{cycle}.trace")), false)?;
        let attached = attach(child.id(), Options { sample_bytes: 0 }, trace)?;
        (0..3).try_for_each(|_| goes_on().map(drop))?;
        let recorded = attached.end()?;
        (0..3).try_for_each(|_| goes_on().map(drop))?;
        // (of its numbers some versions allocate none)
        if recorded.allocations == 0 {
            return Err(format!("{recorded:?}").into());
        }
    }
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// No block is allocated where one is, and all stacks are of code that was told.
fn check(path: &Path, is_exact: bool) -> Result<(), Failed> {
    let (mut live, mut codes, mut frames) = (HashMap::new(), HashMap::new(), Vec::new());
    let (mut missed, mut with_stack) = (0, 0);
    for record in Reader::open(path)? {
        match record? {
            Record::Code(code) => _ = codes.insert(code.number, code.name),
            Record::Frame(frame) => frames.push(frame),
            Record::Event(Event::Allocated { address, bytes, stack, .. }) => {
                missed += u32::from(live.insert(address, bytes).is_some());
                with_stack += u32::from(stack != 0);
            }
            Record::Event(Event::Freed(address)) => _ = live.remove(&address),
            _ => {}
        }
    }
    let unknown = frames.iter().filter(|frame| frame.code != 0 && !codes.contains_key(&frame.code)).count();
    // (an allocation that another thread was in the middle of when the recording ended may not have its end in it)
    match (missed, unknown) {
        (0, 0) if with_stack > 0 => Ok(()),
        _ => Err(format!("{missed} missed, {unknown} unknown, {with_stack} with a stack; exact: {is_exact}").into()),
    }
}

//! The account of RSS against the kernel's own figure, read in the same pause, on every interpreter of this machine.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::process::Command;

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_engine::analysis::Analysis;
use memsight_engine::analysis::rss::{RssKind, RssView};
use memsight_engine::{LookOptions, look};
use memsight_model::{Mode, Quiet};
use memsight_testkit::{Interpreter, Target, allocator, interpreters, missing, runs_long, scientific, targets_dir};

/// What a program holds by its source, and the line that it is to be found in.
#[derive(Clone, Copy)]
struct Holding {
    program: &'static str,
    line: RssKind,
    /// Bytes that `account.py` allocates of that kind and touches.
    bytes: u64,
}

const fn holding(program: &'static str, line: RssKind, bytes: u64) -> Holding {
    Holding { program, line, bytes }
}

/// Libraries that stand in for the C library's `malloc`.
const ALLOCATORS: [&str; 3] = ["libjemalloc", "libtcmalloc_minimal", "libmimalloc"];

/// What an interpreter has of its own on such a line, heads and slack of blocks included.
const OWN: u64 = 4 << 20;

const HOLDINGS: [Holding; 11] = [
    // 3,000 bytes objects, 20,000 entries of a dictionary, a list of 300,000
    holding("plain", RssKind::CHeapObjects, 6_440_000),
    // 20,000 free blocks of 904 bytes on average
    holding("fragmented", RssKind::CHeapFree, 18_240_000),
    // 23,000 bytes objects of 1,283 bytes; of 1,500 that calloc gives zeroed, the first and the last page
    holding("threads", RssKind::CHeapObjects, 29_500_000 + 1_500 * 8192),
    holding("mapped", RssKind::CHeapObjects, 8 << 20),
    // the file that it has mapped whole, and nobody else
    holding("mapped", RssKind::FilesPrivate, 8 << 20),
    holding("shared", RssKind::SharedMemory, 20 << 20),
    // 8,000 frames of 11 words at least
    holding("deep", RssKind::FrameStacks, 8_000 * 88),
    // 10 strings of 200,000 and 10 of 400,000 characters, 500 of 3,000 of two bytes
    holding("strings", RssKind::CHeapObjects, 6_000_000 + 500 * 6_074),
    // 20,000 bytes objects of 1,033 bytes, lists of 120,000
    holding("forked", RssKind::CHeapObjects, 20_660_000 + 960_000),
    // 20,000 bytes objects of 1,033 bytes, and the ends of 400 large ones
    holding("untouched", RssKind::CHeapObjects, 20_660_000 + 400 * 2_000),
    // an array of 24,000,000 bytes and 1,000 of 16,000, but for pages that their ends share with others
    holding("numpy", RssKind::External, 40_000_000 - 40_000_000 / 500),
];

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    for interpreter in &found {
        for held in HOLDINGS {
            let name = format!("rss::{interpreter}::{}::{:?}", held.program, held.line);
            let passed_over = held.program == "numpy" && !runs_long("rss numpy", interpreter, &found);
            let interpreter = interpreter.clone();
            let trial = Trial::test(name, move || adds_up(&interpreter, held, &[]));
            trials.push(trial.with_ignored_flag(passed_over));
        }
        // Without pymalloc 319,000 integers and 19,990 strings are in the C heap as well, in chunks of 48 and 64 bytes;
        // of 64 and 96 with the words that the debug hooks put around them.
        let (bare, hooked) = (319_000 * 48 + 19_990 * 64, 319_000 * 64 + 19_990 * 96);
        for (malloc, small) in [("malloc", bare), ("debug", 0), ("malloc_debug", hooked)] {
            let (name, interpreter) = (format!("rss::{interpreter}::PYTHONMALLOC={malloc}"), interpreter.clone());
            let held = Holding { bytes: HOLDINGS[0].bytes + small, ..HOLDINGS[0] };
            trials.push(Trial::test(name, move || adds_up(&interpreter, held, &[("PYTHONMALLOC", malloc)])));
        }
    }
    for interpreter in &found {
        let (name, interpreter) = (format!("rss::{interpreter}::kinds"), interpreter.clone());
        trials.push(Trial::test(name, move || names_what_is_mapped(&interpreter)));
    }
    for (interpreter, library) in found.iter().flat_map(|each| ALLOCATORS.map(|library| (each, library))) {
        for malloc in [None, Some("malloc")] {
            let name = format!("rss::{interpreter}::{library}{}", malloc.map_or("", |_| "::PYTHONMALLOC=malloc"));
            let interpreter = interpreter.clone();
            trials.push(Trial::test(name, move || stands_in(&interpreter, library, malloc)));
        }
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// What stands behind each `mmap` object, in its own words.
fn names_what_is_mapped(interpreter: &Interpreter) -> Result<(), Failed> {
    for (program, expected) in [("mapped", vec!["", "file"]), ("shared", vec!["shared memory"; 2])] {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(&interpreter.path);
        command.arg("-B").arg(targets_dir().join("account.py")).arg(program).arg(folder.path().join("file"));
        let target = Target::spawn(command)?;
        let options = LookOptions { residence: true, ..LookOptions::default() };
        let snapshot = look(target.pid(), &options, &Quiet)?;
        let analysis = Analysis::new(&snapshot, &Quiet);
        let mut kinds = Vec::new();
        for object in snapshot.objects.ids() {
            let address = snapshot.objects.addresses.get(object);
            if snapshot.type_of(object).is_some_and(|record| record.name == "mmap.mmap") {
                let kind = analysis.object(&address.to_string(), 1)?.external_kind.unwrap_or_default();
                kinds.push(kind.split(" /").next().unwrap_or_default().to_owned());
            }
        }
        kinds.sort_unstable();
        if kinds != expected {
            return Err(format!("{program}: {kinds:?}, not {expected:?}").into());
        }
    }
    Ok(())
}

/// The account of `plain` with another allocator in the place of the C library's: the same objects, in the same lines.
fn stands_in(interpreter: &Interpreter, library: &str, malloc: Option<&str>) -> Result<(), Failed> {
    let path = match allocator(library) {
        Ok(path) => path.display().to_string(),
        Err(reason) => {
            eprintln!("NOT COVERED: {library}: {reason}");
            return Ok(());
        }
    };
    let mut env = vec![("LD_PRELOAD", path.as_str())];
    env.extend(malloc.map(|malloc| ("PYTHONMALLOC", malloc)));
    let small = if malloc.is_some() { 319_000 * 32 + 19_990 * 48 } else { 0 };
    adds_up(interpreter, Holding { bytes: HOLDINGS[0].bytes + small, ..HOLDINGS[0] }, &env)
}

fn adds_up(interpreter: &Interpreter, held: Holding, env: &[(&str, &str)]) -> Result<(), Failed> {
    let mut interpreter = interpreter.clone();
    if held.line == RssKind::FrameStacks && interpreter.version.1 < 11 {
        // its frames are objects
        return Ok(());
    }
    if held.program == "numpy" {
        match scientific(&interpreter) {
            Ok(found) => interpreter = found,
            Err(reason) => {
                eprintln!("NOT COVERED: numpy of {interpreter}: {reason}");
                return Ok(());
            }
        }
    }
    for mode in [Mode::Freeze, Mode::Fork] {
        let folder = tempfile::tempdir()?;
        let view = account(&interpreter, held.program, folder.path(), env, mode)?;
        check(&view, held, env).map_err(|wrong| format!("{mode:?}: {wrong}\n{:#?}", view.lines))?;
    }
    Ok(())
}

fn check(view: &RssView, held: Holding, env: &[(&str, &str)]) -> Result<(), String> {
    let Holding { line, bytes: held, .. } = held;
    let mut wrong = Vec::new();
    let limit = view.rss_bytes / 100;
    if view.difference_bytes.unsigned_abs() > limit {
        wrong.push(format!("the lines come to {} of {}", view.lines_bytes, view.rss_bytes));
    }
    let pss: u64 = view.lines.iter().map(|line| line.pss_bytes).sum();
    if pss.abs_diff(view.pss_bytes) > view.pss_bytes / 100 {
        wrong.push(format!("their PSS comes to {pss} of {}", view.pss_bytes));
    }
    wrong.extend(view.missing.iter().cloned());
    let of = |kind: RssKind| view.lines.iter().filter(|line| line.kind == kind).map(|line| line.bytes).sum::<u64>();
    // Without pymalloc an interpreter has its small objects there, too.
    let most = held + OWN * if env.is_empty() { 1 } else { 2 };
    if !(held..=most).contains(&of(line)) {
        wrong.push(format!("{line:?} has {} bytes, not {held} to {most}", of(line)));
    }
    let unknown = of(RssKind::Unknown) + of(RssKind::Counters);
    if unknown > view.rss_bytes / 20 {
        wrong.push(format!("{unknown} bytes are nobody's"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

fn account(
    interpreter: &Interpreter,
    kind: &str,
    folder: &std::path::Path,
    env: &[(&str, &str)],
    mode: Mode,
) -> Result<RssView, Failed> {
    // through `env`, for the testkit takes the variables of the allocator away
    let mut command = Command::new("env");
    command.args(env.iter().map(|(name, value)| format!("{name}={value}")));
    command.arg(&interpreter.path).arg("-B").arg(targets_dir().join("account.py")).arg(kind).arg(folder.join("file"));
    let target = Target::spawn(command)?;
    let options = LookOptions { mode, residence: true, ..LookOptions::default() };
    let snapshot = look(target.pid(), &options, &Quiet)?;
    Ok(Analysis::new(&snapshot, &Quiet).rss(5))
}

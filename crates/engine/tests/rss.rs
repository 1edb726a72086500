//! The account of RSS against the kernel's own figure, read in the same pause, on every interpreter of this machine.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::process::Command;

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_engine::analysis::Analysis;
use memsight_engine::analysis::rss::{RssKind, RssView};
use memsight_engine::{LookOptions, look};
use memsight_model::{Mode, Quiet};
use memsight_testkit::{Interpreter, Target, interpreters, missing, scientific, targets_dir};

/// What each program must have a line of, and how many bytes at least.
const KINDS: [(&str, RssKind, u64); 8] = [
    ("plain", RssKind::CHeapObjects, 2 << 20),
    ("fragmented", RssKind::CHeapFree, 8 << 20),
    ("threads", RssKind::CHeapObjects, 40 << 20),
    ("mapped", RssKind::CHeapObjects, 8 << 20),
    ("shared", RssKind::SharedMemory, 20 << 20),
    ("strings", RssKind::CHeapObjects, 9 << 20),
    ("forked", RssKind::CHeapObjects, 20 << 20),
    ("numpy", RssKind::External, 38 << 20),
];

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    for interpreter in &found {
        for kind in KINDS {
            let name = format!("rss::{interpreter}::{}", kind.0);
            let interpreter = interpreter.clone();
            trials.push(Trial::test(name, move || adds_up(&interpreter, kind, &[])));
        }
        for malloc in ["malloc", "debug"] {
            let (name, interpreter) = (format!("rss::{interpreter}::PYTHONMALLOC={malloc}"), interpreter.clone());
            // below the debug hooks the blocks of objects are not told from others
            let line = if malloc == "debug" { RssKind::CHeapOther } else { RssKind::CHeapObjects };
            let plain = ("plain", line, 2 << 20);
            trials.push(Trial::test(name, move || adds_up(&interpreter, plain, &[("PYTHONMALLOC", malloc)])));
        }
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn adds_up(
    interpreter: &Interpreter,
    (kind, line, least): (&str, RssKind, u64),
    env: &[(&str, &str)],
) -> Result<(), Failed> {
    let mut interpreter = interpreter.clone();
    if kind == "numpy" {
        match scientific(&interpreter) {
            Ok(found) => interpreter = found,
            Err(reason) => {
                eprintln!("NOT COVERED: numpy of {interpreter}: {reason}");
                return Ok(());
            }
        }
    }
    let folder = tempfile::tempdir()?;
    let view = account(&interpreter, kind, folder.path(), env)?;
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
    if of(line) < least {
        wrong.push(format!("{line:?} has {} bytes, not {least}", of(line)));
    }
    let unknown = of(RssKind::Unknown) + of(RssKind::Counters);
    if unknown > view.rss_bytes / 20 {
        wrong.push(format!("{unknown} bytes are nobody's"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}\n{:#?}", wrong.join("\n"), view.lines).into()) }
}

fn account(
    interpreter: &Interpreter,
    kind: &str,
    folder: &std::path::Path,
    env: &[(&str, &str)],
) -> Result<RssView, Failed> {
    // through `env`, for the testkit takes the variables of the allocator away
    let mut command = Command::new("env");
    command.args(env.iter().map(|(name, value)| format!("{name}={value}")));
    command.arg(&interpreter.path).arg("-B").arg(targets_dir().join("account.py")).arg(kind).arg(folder.join("file"));
    let target = Target::spawn(command)?;
    let options = LookOptions { mode: Mode::Freeze, residence: true, ..LookOptions::default() };
    let snapshot = look(target.pid(), &options, &Quiet)?;
    Ok(Analysis::new(&snapshot, &Quiet).rss(5))
}

//! Programs whose children are recorded, too: each into a trace of its own, and nobody notices.
#![cfg(all(target_os = "linux", target_arch = "x86_64", not(memsight_portable)))]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_engine::analysis::profile::At;
use memsight_engine::format::trace::{Reader, Writer};
use memsight_engine::record::{Options, Prepared, Recorded};
use memsight_engine::{Processes, open_processes, processes_of};
use memsight_model::Quiet;
use memsight_model::trace::{Event, Record};
use memsight_testkit::{EVERYWHERE, Interpreter, interpreters, missing, runs_long};
use serde::Deserialize;

/// Blocks that each process of `family.py` keeps.
const BLOCKS: usize = 7;
/// Children that only come and go: in some tests, and in long ones.
const FEW: u64 = 300;
const MANY: u64 = 1_000;
/// The same in a long run.
const MOST: u64 = 10_000;

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    for interpreter in &found {
        let mut add = |name: &str, run: fn(&Interpreter) -> Result<(), Failed>| {
            let own = interpreter.clone();
            let passed_over = name == "many" && !runs_long(name, interpreter, &found);
            let name = format!("{name}::{interpreter}");
            trials.push(Trial::test(name, move || run(&own)).with_ignored_flag(passed_over));
        };
        add("family", every_child_has_a_trace);
        add("sampled", samples_of_children_are_their_own);
        add("storm", |interpreter| children_that_come_and_go(interpreter, FEW));
        add("many", |interpreter| {
            let most = std::env::var_os(EVERYWHERE).is_some();
            children_that_come_and_go(interpreter, if most { MOST } else { MANY })
        });
        add("alone", without_the_option_children_are_left_alone);
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// What a process of `family.py` says of itself.
#[derive(Debug, Deserialize)]
struct Truth {
    kind: String,
    pid: u32,
    bytes: u64,
    /// Variables of ours that it sees.
    seen: Vec<String>,
}

fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(name)
}

/// Runs a command with its children recorded into `a.trace` of the folder and beside it.
fn record(command: &mut Command, folder: &Path, sample_bytes: u64) -> Result<(Output, Recorded), Failed> {
    let path = folder.join("a.trace");
    let prepared = Prepared::new(Options { sample_bytes, native: false })?.with_children(&path)?;
    command.envs(prepared.variables(None)).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn()?;
    let recording = prepared.begin(Writer::create(&path, false)?, "family.py".into(), || ())?;
    let output = child.wait_with_output()?;
    Ok((output, recording.end(Some(0), None)?))
}

fn family(interpreter: &Interpreter, folder: &Path, sample_bytes: u64) -> Result<(Vec<Truth>, Recorded), Failed> {
    let mut command = Command::new(&interpreter.path);
    command.arg("-B").arg(program("family.py")).env_remove("LD_PRELOAD");
    let (output, recorded) = record(&mut command, folder, sample_bytes)?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (said, errors) = (text(output.stdout), text(output.stderr));
    // (3.15 warns of forks in processes with threads, which those of multiprocessing are)
    let errors: Vec<&str> = errors.lines().filter(|line| line.contains("memsight") || line.contains("ld.so")).collect();
    if !output.status.success() || !errors.is_empty() {
        return Err(format!("{}: {errors:?}, {said}", output.status).into());
    }
    let truths: Vec<Truth> = said.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let seen: Vec<&Truth> = truths.iter().filter(|truth| !truth.seen.is_empty()).collect();
    match (truths.len(), seen.is_empty()) {
        (23, true) => Ok((truths, recorded)),
        (count, _) => Err(format!("{count} processes; seen by {seen:?}").into()),
    }
}

/// Sizes of the blocks of a trace that are live at its end, and how many were allocated over a live one.
fn read(path: &Path) -> Result<(Vec<u64>, u64), Failed> {
    let (mut live, mut missed) = (HashMap::new(), 0);
    for record in Reader::open(path)? {
        match record? {
            Record::Event(Event::Allocated { address, bytes, .. }) => {
                missed += u64::from(live.insert(address, bytes).is_some());
            }
            Record::Event(Event::Freed(address)) => _ = live.remove(&address),
            Record::Event(Event::Ending) => break,
            _ => {}
        }
    }
    Ok((live.into_values().collect(), missed))
}

fn every_child_has_a_trace(interpreter: &Interpreter) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let (truths, recorded) = family(interpreter, folder.path(), 0)?;
    let traces: Vec<&Recorded> = std::iter::once(&recorded).chain(&recorded.children.recorded).collect();
    let pids: HashSet<u32> = truths.iter().map(|truth| truth.pid).collect();
    let sizes: HashMap<u64, &Truth> = truths.iter().map(|truth| (truth.bytes, truth)).collect();
    let mut found: HashMap<&str, usize> = HashMap::new();
    for trace in &traces {
        let head = trace.head.as_ref().ok_or("a trace without a head")?;
        let (live, missed) = read(&trace.path)?;
        if missed > 0 || trace.end.lost_events > 0 {
            return Err(format!("{head:?}: {missed} missed, {:?}", trace.end).into());
        }
        // (a bytes object has a head, of the same size in all)
        for truth in live.iter().filter_map(|bytes| sizes.get(&(bytes - bytes % 1000))) {
            if truth.pid != head.pid {
                return Err(format!("a block of {truth:?} in the trace of {head:?}").into());
            }
            *found.entry(&truth.kind).or_default() += 1;
        }
        let parent = head.family.ok_or("it belongs to no run")?.parent;
        let has_parent = traces.iter().any(|other| other.head.as_ref().is_some_and(|head| head.pid == parent));
        if (parent == 0) != std::ptr::eq(*trace, &raw const recorded) || (parent != 0 && !has_parent) {
            return Err(format!("{head:?} has no parent").into());
        }
    }
    let wrong: Vec<&Truth> = truths.iter().filter(|truth| found.get(&truth.kind[..]) != Some(&BLOCKS)).collect();
    // (two helpers of multiprocessing see that the first has ended, and so end after it)
    if !wrong.is_empty() || recorded.children.left_out > 0 || recorded.children.outlived > 2 {
        return Err(format!("{wrong:#?}: {found:?}, of {pids:?} {:?}", recorded.children).into());
    }
    read_as_one(&recorded, &truths)
}

/// All of them together have what each has.
fn read_as_one(recorded: &Recorded, truths: &[Truth]) -> Result<(), Failed> {
    let rows = processes_of(&recorded.path, &Quiet)?;
    if rows.len() != recorded.children.recorded.len() + 1 || rows[0].depth != 0 || rows[1].depth != 1 {
        return Err(format!("{rows:#?}").into());
    }
    let grandchild = truths.iter().find(|truth| truth.kind == "grandchild").ok_or("a grandchild")?;
    if !rows.iter().any(|row| row.pid == grandchild.pid && row.depth == 2) {
        return Err(format!("{grandchild:?} of {rows:#?}").into());
    }
    let selection = memsight_engine::analysis::profile::Selection::default();
    let all = open_processes(&recorded.path, Processes::All, At::Peak, false, &Quiet)?.summary(&selection)?;
    let sum: u64 = rows.iter().map(|row| row.allocations).sum();
    let highest = rows.iter().map(|row| row.peak_bytes).max();
    if all.allocations != sum || Some(all.peak_bytes) < highest {
        return Err(format!("{} of {sum} allocations, {} of {highest:?} bytes", all.allocations, all.peak_bytes).into());
    }
    let one =
        open_processes(&recorded.path, Processes::One(grandchild.pid), At::End, false, &Quiet)?.summary(&selection)?;
    match rows.iter().find(|row| row.pid == grandchild.pid) {
        Some(row) if one.allocations == row.allocations && one.end_bytes >= 7 * grandchild.bytes => Ok(()),
        row => Err(format!("{one:?}, {row:?}").into()),
    }
}

/// Large blocks are in every sample.
fn samples_of_children_are_their_own(interpreter: &Interpreter) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let (truths, recorded) = family(interpreter, folder.path(), 16 << 10)?;
    let traces: Vec<&Recorded> = std::iter::once(&recorded).chain(&recorded.children.recorded).collect();
    for truth in &truths {
        let own = traces.iter().filter(|trace| trace.head.as_ref().is_some_and(|head| head.pid == truth.pid));
        let blocks: Vec<u64> =
            own.map(|trace| read(&trace.path).map(|read| read.0)).collect::<Result<Vec<_>, _>>()?.concat();
        let count = blocks.iter().filter(|&&bytes| bytes - bytes % 1000 == truth.bytes).count();
        if count != BLOCKS {
            return Err(format!("{count} blocks of {truth:?}").into());
        }
    }
    Ok(())
}

/// As many as there are: each is recorded or counted, and every one ends well.
fn children_that_come_and_go(interpreter: &Interpreter, children: u64) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let code = "import os, sys\nliving = []\nfor number in range(int(sys.argv[1])):\n    pid = os.fork()\n    if pid == 0:\n        \
                kept = bytes(1000)\n        os._exit(number % 7)\n    living.append((pid, number % 7))\n    \
                if len(living) == 20:\n        pid, code = living.pop(0)\n        assert os.waitpid(pid, 0)[1] >> 8 == code\n\
                for pid, code in living:\n    assert os.waitpid(pid, 0)[1] >> 8 == code";
    let mut command = Command::new(&interpreter.path);
    let (output, recorded) = record(command.args(["-c", code, &children.to_string()]), folder.path(), 0)?;
    if !output.status.success() || !output.stderr.is_empty() {
        return Err(format!("{output:?}").into());
    }
    let known = recorded.children.recorded.len() as u64 + recorded.children.left_out;
    match known == children && recorded.children.left_out * 10 <= children {
        true => Ok(()),
        false => Err(format!("{known} of {children}, {} left out", recorded.children.left_out).into()),
    }
}

/// As before there was the option.
fn without_the_option_children_are_left_alone(interpreter: &Interpreter) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("a.trace");
    let prepared = Prepared::new(Options { sample_bytes: 0, native: false })?;
    let mut command = Command::new(&interpreter.path);
    command.arg("-B").arg(program("family.py")).envs(prepared.variables(None)).stdout(Stdio::piped());
    let child = command.spawn()?;
    let recording = prepared.begin(Writer::create(&path, false)?, "family.py".into(), || ())?;
    let output = child.wait_with_output()?;
    let recorded = recording.end(Some(0), None)?;
    let lines = String::from_utf8(output.stdout)?.lines().count();
    let files = std::fs::read_dir(folder.path())?.count();
    let (live, _) = read(&path)?;
    let blocks = live.iter().filter(|&&bytes| (1_001_000..1_023_000).contains(&bytes)).count();
    match (output.status.success(), lines, files, blocks, recorded.children.recorded.len()) {
        (true, 23, 1, 0, 0) => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

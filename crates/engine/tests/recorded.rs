//! Traces of programs against what they say of themselves, on every interpreter of this machine.
#![cfg(all(target_os = "linux", target_arch = "x86_64", not(memsight_portable)))]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::collections::{BTreeMap, HashMap};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_engine::format::trace::{Reader, Writer};
use memsight_engine::record::{Options, Prepared};
use memsight_model::trace::{Code, Domain, End, Event, Frame, Record};
use memsight_testkit::{Interpreter, interpreters, missing, runs_long};
use serde::Deserialize;

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    for interpreter in &found {
        let mut add = |name: &str, is_long: bool, run: fn(&Interpreter) -> Result<(), Failed>| {
            let own = interpreter.clone();
            let passed_over = is_long && !runs_long(name, interpreter, &found);
            trials
                .push(Trial::test(format!("{name}::{interpreter}"), move || run(&own)).with_ignored_flag(passed_over));
        };
        add("stacks", false, stacks_are_true);
        add("kept", false, what_is_kept_is_there_to_the_end);
        add("threads", true, many_threads_are_told_apart);
        add("killed", false, a_killed_program_loses_nothing);
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// A trace, read.
#[derive(Debug, Default)]
struct Trace {
    codes: HashMap<u32, Code>,
    frames: Vec<Frame>,
    blocks: Vec<Block>,
    live: HashMap<u64, usize>,
    frees: u64,
    unknown_frees: u64,
    missed_frees: u64,
    times: Vec<u64>,
    /// Allocations before the interpreter began to end.
    before_ending: u64,
    /// The bytes of what was live when it did.
    ending: Option<Vec<u64>>,
    resident: u64,
    end: Option<End>,
}

/// A block that was allocated.
#[derive(Debug, Clone, Copy)]
struct Block {
    domain: Domain,
    bytes: u64,
    stack: u32,
    thread: u32,
}

impl Trace {
    fn read(path: &Path) -> Result<Trace, Failed> {
        let (mut trace, mut thread) = (Trace::default(), 0);
        for record in Reader::open(path)? {
            match record? {
                Record::Code(code) => _ = trace.codes.insert(code.number, code),
                Record::Frame(frame) => trace.frames.push(frame),
                Record::End(end) => trace.end = Some(end),
                Record::Event(Event::Thread(id)) => thread = id,
                Record::Event(Event::Time(ns)) => trace.times.push(ns),
                Record::Event(Event::Ending) => {
                    let live = trace.live.values().map(|&index| trace.blocks[index].bytes);
                    trace.ending = Some(live.collect());
                }
                Record::Event(Event::Resident(bytes)) => trace.resident = trace.resident.max(bytes),
                Record::Event(Event::Allocated { domain, address, bytes, stack }) => {
                    let before = trace.live.insert(address, trace.blocks.len());
                    trace.missed_frees += u64::from(before.is_some());
                    trace.blocks.push(Block { domain, bytes, stack, thread });
                    trace.before_ending += u64::from(trace.ending.is_none());
                }
                Record::Event(Event::Freed(address)) => {
                    trace.frees += 1;
                    trace.unknown_frees += u64::from(trace.live.remove(&address).is_none());
                }
            }
        }
        Ok(trace)
    }

    /// Its end, when every free is of a known block, every block's place was free, and nothing was lost.
    fn consistent(&self) -> Result<End, Failed> {
        let Trace { unknown_frees, missed_frees, frees, .. } = self;
        let end = self.end.ok_or("it has no end")?;
        match (unknown_frees, missed_frees, end.lost_events) {
            (0, 0, 0) if self.times.is_sorted() => Ok(end),
            lost => Err(format!("of {frees} frees {unknown_frees} unknown, {missed_frees} missed: {lost:?}").into()),
        }
    }

    /// The frames of a stack, the newest first: name, file, first line, position.
    fn stack(&self, mut number: u32) -> Result<Vec<(String, String, u32, u32)>, Failed> {
        let mut stack = Vec::new();
        while let Some(index) = number.checked_sub(1) {
            let frame = self.frames.get(index as usize).ok_or("a frame that was not told")?;
            let code = self.codes.get(&frame.code).ok_or("a code object that was not told")?;
            stack.push((code.name.clone(), code.file.clone(), code.first_line, frame.offset));
            number = frame.caller;
        }
        Ok(stack)
    }
}

/// Runs a program to its end, recorded: what it printed and its trace.
fn record(interpreter: &Interpreter, program: &Path) -> Result<(String, Trace), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("a.trace");
    let prepared = Prepared::new(Options { sample_bytes: 0 })?;
    let mut command = Command::new(&interpreter.path);
    command.arg("-B").arg(program).envs(prepared.variables(None)).stdout(Stdio::piped());
    let child = command.spawn()?;
    let recording = prepared.begin(Writer::create(&path, false)?, "a program".into(), || ())?;
    let output = child.wait_with_output()?;
    let recorded = recording.end(output.status.code(), output.status.signal())?;
    let head = recorded.head.ok_or("nothing was recorded")?;
    if (head.python_minor, head.sample_bytes) != (interpreter.version.1, 0) {
        return Err(format!("{head:?} of {interpreter}").into());
    }
    let trace = Trace::read(&path)?;
    // (what follows the end of the interpreter is in the file, and not counted)
    if recorded.allocations != trace.before_ending {
        return Err(format!("{} allocations of {}", trace.before_ending, recorded.allocations).into());
    }
    Ok((String::from_utf8(output.stdout)?, trace))
}

fn program(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What `stacks.py` says.
#[derive(Deserialize)]
struct Stacks {
    first: u64,
    overhead: u64,
    stacks: Vec<Vec<(String, String, u32, u32)>>,
}

fn stacks_are_true(interpreter: &Interpreter) -> Result<(), Failed> {
    let (text, trace) = record(interpreter, &program("../recorder/tests/programs/stacks.py"))?;
    let truth: Stacks = serde_json::from_str(&text)?;
    let end = trace.consistent()?;
    if (end.exit_code, end.signal, trace.resident > 1 << 20) != (Some(0), None, true) {
        return Err(format!("{end:?}, {} resident", trace.resident).into());
    }
    for (number, expected) in truth.stacks.iter().enumerate() {
        let bytes = truth.first + number as u64 + truth.overhead;
        let of_size = |block: &&Block| (block.bytes, block.domain) == (bytes, Domain::Object);
        let block = trace.blocks.iter().find(of_size).ok_or_else(|| format!("no block of {bytes} bytes"))?;
        let stack = trace.stack(block.stack)?;
        if stack.get(1..) != Some(&expected[..]) {
            return Err(format!("{number}: {stack:?}, expected {expected:?}").into());
        }
    }
    Ok(())
}

/// What globals hold, and an exit handler makes, is live when the interpreter begins to end.
fn what_is_kept_is_there_to_the_end(interpreter: &Interpreter) -> Result<(), Failed> {
    let (text, trace) = record(interpreter, &program("tests/programs/kept.py"))?;
    let kept: Vec<u64> = serde_json::from_str(&text)?;
    trace.consistent()?;
    let ending = trace.ending.as_ref().ok_or("no word of the end")?;
    let missing: Vec<&u64> = kept.iter().filter(|bytes| !ending.contains(bytes)).collect();
    let after = trace.live.values().filter(|&&index| kept.contains(&trace.blocks[index].bytes)).count();
    match (missing.len(), after) {
        (0, after) if after < kept.len() => Ok(()),
        _ => Err(format!("{} of {} are missing; {after} are there after it", missing.len(), kept.len()).into()),
    }
}

/// More threads at once than chunks may wait.
fn many_threads_are_told_apart(interpreter: &Interpreter) -> Result<(), Failed> {
    let (text, trace) = record(interpreter, &program("tests/programs/threads.py"))?;
    trace.consistent()?;
    let mut found: BTreeMap<u64, (u64, u32)> = BTreeMap::new();
    let truth: BTreeMap<u64, (u64, u32)> = serde_json::from_str(&text)?;
    for block in trace.blocks.iter().filter(|block| truth.contains_key(&block.bytes)) {
        let entry = found.entry(block.bytes).or_insert((0, block.thread));
        entry.0 += 1;
        if entry.1 != block.thread {
            return Err(format!("{} bytes by {} and {}", block.bytes, entry.1, block.thread).into());
        }
    }
    // (3.8 and later tell a thread's id in the operating system)
    if found == truth { Ok(()) } else { Err(format!("{found:?}\nexpected: {truth:?}").into()) }
}

/// What was allocated up to `kill -9` is in the trace.
fn a_killed_program_loses_nothing(interpreter: &Interpreter) -> Result<(), Failed> {
    let (text, trace) = record(interpreter, &program("tests/programs/killed.py"))?;
    let (bytes, count): (u64, usize) = serde_json::from_str(&text)?;
    let end = trace.consistent()?;
    let found = trace.live.values().filter(|&&index| trace.blocks[index].bytes == bytes).count();
    match (end.exit_code, end.signal, found) {
        (None, Some(9), found) if found == count => Ok(()),
        _ => Err(format!("{found} of {count} blocks; {end:?}").into()),
    }
}

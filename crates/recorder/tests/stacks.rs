//! What is recorded against what programs say of themselves: stacks, allocations, and that they notice nothing; on every
//! interpreter found.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

mod support;

use std::collections::BTreeMap;

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_recorder::wire::{self, Kind};
use memsight_testkit::{Interpreter, allocator, interpreters, missing, runs_long};
use serde::Deserialize;

use support::{Recording, Ring, printed, program};

/// The ways to allocate that `PYTHONMALLOC` offers on all versions.
const MALLOCS: [&str; 3] = ["malloc", "debug", "malloc_debug"];

/// Run on a part of the interpreters.
const LONG: [&str; 3] = ["allocators", "mallocs", "sampled"];

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    let mut add = |name: &str, interpreter: &Interpreter, run: fn(&Interpreter) -> Result<(), Failed>| {
        let own = interpreter.clone();
        let passed_over = LONG.contains(&name) && !runs_long(name, interpreter, &found);
        trials.push(Trial::test(format!("{name}::{interpreter}"), move || run(&own)).with_ignored_flag(passed_over));
    };
    for interpreter in &found {
        add("stacks", interpreter, stacks_are_true);
        add("mallocs", interpreter, other_allocators_are_recorded);
        add("allocators", interpreter, allocators_that_stand_in_are_recorded);
        add("unchanged", interpreter, programs_notice_nothing);
        add("children", interpreter, children_are_left_alone);
        add("unread", interpreter, nobody_reads);
        add("live", interpreter, programs_that_run_are_recorded);
        add("sampled", interpreter, samples_estimate_the_truth);
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// What `stacks.py` says.
#[derive(Deserialize)]
struct Truth {
    first: u64,
    overhead: u64,
    stacks: Vec<Vec<(String, String, u32, i64)>>,
}

fn stacks_are_true(interpreter: &Interpreter) -> Result<(), Failed> {
    let ring = Ring::new(512)?;
    check_stacks(&ring, ring.command(&interpreter.path).arg("-B").arg(program("stacks.py")).output()?)?;
    Ok(())
}

/// `-X dev` and `PYTHONMALLOC` set the allocators anew after the library has set its hooks.
fn other_allocators_are_recorded(interpreter: &Interpreter) -> Result<(), Failed> {
    for malloc in MALLOCS {
        let ring = Ring::new(1024)?;
        let mut command = ring.command(&interpreter.path);
        command.arg("-B").arg(program("stacks.py")).env("PYTHONMALLOC", malloc);
        let recording = check_stacks(&ring, command.output()?).map_err(|error| format!("{malloc}: {error:?}"))?;
        let objects = recording.allocations.iter().filter(|each| each.kind == Kind::Object).count();
        if objects < 10_000 {
            return Err(format!("{malloc}: {objects} objects").into());
        }
    }
    Ok(())
}

/// jemalloc, tcmalloc and mimalloc, which have blocks at any multiple of 8.
fn allocators_that_stand_in_are_recorded(interpreter: &Interpreter) -> Result<(), Failed> {
    for name in ["libjemalloc", "libtcmalloc_minimal", "libmimalloc"] {
        let library = match allocator(name) {
            Ok(library) => library,
            Err(why) => {
                eprintln!("NOT COVERED: {name}: {why}");
                continue;
            }
        };
        let ring = Ring::new(512)?;
        let output = ring.command_with(&library, &interpreter.path).arg("-B").arg(program("stacks.py")).output()?;
        check_stacks(&ring, output).map_err(|error| format!("{name}: {error:?}"))?;
    }
    Ok(())
}

/// From a call in a program that runs to another, several times, with threads beside it.
fn programs_that_run_are_recorded(interpreter: &Interpreter) -> Result<(), Failed> {
    let rings = [(); 4].map(|()| Ring::new(512)).into_iter().collect::<Result<Vec<Ring>, Failed>>()?;
    let mut command = std::process::Command::new(&interpreter.path);
    command.arg("-B").arg(program("live.py")).arg(rings[0].library());
    let output = command.args(rings.iter().map(Ring::path)).output()?;
    let text = printed(output)?;
    let truths: Vec<&str> = text.lines().collect();
    if truths.len() != rings.len() {
        return Err(format!("{} truths", truths.len()).into());
    }
    for (number, (ring, truth)) in rings.iter().zip(truths).enumerate() {
        let recording = ring.read()?;
        check(&recording, &serde_json::from_str(truth)?).map_err(|error| format!("{number}: {error:?}"))?;
        // blocks from before are given back, and what is given back outside of it is not seen
        if (recording.missed_frees, recording.lost) != (0, 0) {
            return Err(format!("{number}: {} missed, {} lost", recording.missed_frees, recording.lost).into());
        }
        let raw = recording.allocations.iter().filter(|each| each.kind == Kind::Raw).count();
        if raw == 0 {
            return Err(format!("{number}: {raw} of the malloc family").into());
        }
    }
    Ok(())
}

fn check_stacks(ring: &Ring, output: std::process::Output) -> Result<Recording, Failed> {
    let truth: Truth = serde_json::from_str(&printed(output)?)?;
    let recording = ring.read()?;
    check(&recording, &truth)?;
    recording.is_consistent()?;
    Ok(recording)
}

fn check(recording: &Recording, truth: &Truth) -> Result<(), Failed> {
    if truth.stacks.len() < 350 {
        return Err(format!("only {} stacks", truth.stacks.len()).into());
    }
    let mut wrong = Vec::new();
    for (number, expected) in truth.stacks.iter().enumerate() {
        let bytes = truth.first + number as u64 + truth.overhead;
        let mut same = recording.allocations.iter().filter(|each| each.bytes == bytes && each.kind == Kind::Object);
        let (Some(allocation), None) = (same.next(), same.next()) else {
            wrong.push(format!("{number}: no or several blocks of {bytes} bytes"));
            continue;
        };
        let mut stack: Vec<(String, String, u32, i64)> = Vec::new();
        for (code, offset) in allocation.stack.iter().rev() {
            let code = recording.codes.get(code).ok_or("a number without a code object")?;
            stack.push((code.name.clone(), code.file.clone(), code.first_line, *offset as i64));
        }
        let probe = stack.first().is_some_and(|frame| frame.0 == "probe");
        if !probe || stack[1..] != expected[..] {
            wrong.push(format!("{number}:\n  {stack:?}\n  {expected:?}"));
        }
    }
    wrong.truncate(5);
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// Its output, its exit code, its warnings, its environment, its files and its threads are as without.
fn programs_notice_nothing(interpreter: &Interpreter) -> Result<(), Failed> {
    let ring = Ring::new(512)?;
    let bare = std::process::Command::new(&interpreter.path).arg("-B").arg(program("unchanged.py")).output()?;
    let recorded = ring.command(&interpreter.path).arg("-B").arg(program("unchanged.py")).output()?;
    if (bare.status.code(), recorded.status.code()) != (Some(7), Some(7)) {
        return Err(format!("{} and {}", bare.status, recorded.status).into());
    }
    let texts = |output: &std::process::Output| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr))
    };
    if texts(&bare) != texts(&recorded) {
        return Err(format!("{:#?}\n{:#?}", texts(&bare), texts(&recorded)).into());
    }
    ring.read()?.is_consistent()
}

/// Children by fork, and programs that are started, leave no word in the ring of the parent.
fn children_are_left_alone(interpreter: &Interpreter) -> Result<(), Failed> {
    let ring = Ring::new(256)?;
    let text = printed(ring.command(&interpreter.path).arg("-B").arg(program("children.py")).output()?)?;
    let recording = ring.read()?;
    let size: u64 = text.trim().parse()?;
    let blocks = recording.allocations.iter().filter(|each| each.bytes == size).count();
    if blocks != 1 {
        return Err(format!("{blocks} blocks of the size that the parent and its children ask for").into());
    }
    recording.is_consistent()
}

/// Without a reader a program goes on, and what did not fit is counted.
fn nobody_reads(interpreter: &Interpreter) -> Result<(), Failed> {
    let ring = Ring::new(1)?;
    let output = ring.command(&interpreter.path).arg("-B").arg(program("stacks.py")).output()?;
    printed(output)?;
    let recording = ring.read()?;
    match recording.lost {
        0 => Err("nothing was lost in a ring of one chunk".into()),
        _ if recording.allocations.len() < 1000 => Err(format!("{} allocations", recording.allocations.len()).into()),
        _ => Ok(()),
    }
}

/// Runs with a sample of their own each.
const RUNS: u64 = 40;
/// Bytes between samples in the mean.
const MEAN: u64 = 16 << 10;

/// What lives at the end by function, estimated from samples, against what is recorded with every event.
fn samples_estimate_the_truth(interpreter: &Interpreter) -> Result<(), Failed> {
    let truth = by_function(&recorded(interpreter, Ring::new(1024)?)?, 0);
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    let (mut trials, mut outside) = (0_u32, 0_u32);
    for seed in 1..=RUNS {
        let recording = recorded(interpreter, Ring::sampled(64, MEAN, seed)?)?;
        let found = by_function(&recording, MEAN);
        for (name, live) in truth.iter().filter(|(name, _)| name.starts_with("holds_")) {
            let Live { bytes, variance } = found.get(name).copied().unwrap_or_default();
            *sums.entry(name).or_default() += bytes;
            trials += 1;
            // one sample that did not come may have stood for as much as the mean
            let error = (variance + (MEAN * MEAN) as f64).sqrt();
            outside += u32::from((bytes - live.bytes).abs() > 1.96 * error);
        }
    }
    if trials != 6 * RUNS as u32 {
        return Err(format!("{trials} trials: {:?}", truth.keys()).into());
    }
    for (name, sum) in sums {
        let (mean, truth) = (sum / RUNS as f64, truth[name].bytes);
        // of 60 samples each, in 40 runs
        let error = (truth * MEAN as f64 / RUNS as f64).sqrt();
        if (mean - truth).abs() > 4.0 * error {
            return Err(format!("{name}: {mean} of {truth}, in the mean, with an error of {error}").into());
        }
    }
    // 5% are expected, and three deviations more
    let most = 0.05 + 3.0 * (0.05 * 0.95 / f64::from(trials)).sqrt();
    match f64::from(outside) / f64::from(trials) {
        share if share > most => Err(format!("{outside} of {trials} outside of their intervals").into()),
        _ => Ok(()),
    }
}

fn recorded(interpreter: &Interpreter, ring: Ring) -> Result<Recording, Failed> {
    let mut command = ring.command(&interpreter.path);
    printed(command.arg("-B").arg(program("sampled.py")).env("PYTHONHASHSEED", "0").output()?)?;
    let recording = ring.read()?;
    recording.is_consistent()?;
    Ok(recording)
}

/// An estimate and its variance.
#[derive(Debug, Clone, Copy, Default)]
struct Live {
    bytes: f64,
    variance: f64,
}

/// What lives, by the function that asked for it.
fn by_function(recording: &Recording, mean: u64) -> BTreeMap<String, Live> {
    let mut found: BTreeMap<String, Live> = BTreeMap::new();
    for allocation in recording.live.values().map(|&index| &recording.allocations[index]) {
        let Some((code, _)) = allocation.stack.last() else { continue };
        let Some(code) = recording.codes.get(code) else { continue };
        let (bytes, chance) = (allocation.bytes as f64, wire::chance(allocation.bytes, mean));
        let live = found.entry(code.name.clone()).or_default();
        live.bytes += bytes / chance;
        live.variance += bytes * bytes * (1.0 - chance) / (chance * chance);
    }
    found
}

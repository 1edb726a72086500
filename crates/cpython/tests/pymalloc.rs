//! The arenas and pools that a look finds, against `sys._debugmallocstats()` and `sys.getallocatedblocks()` of that very
//! moment, on every interpreter of this machine: in several states of fragmentation, under every `PYTHONMALLOC`, and in
//! a subinterpreter.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_cpython::{DecodeOptions, locate};
use memsight_model::{Address, Allocator, Fault, Pymalloc, Quiet, ReadMemory, Region};
use memsight_testkit::{
    FakeMemory, Interpreter, ProcMemory, Target, interpreters, mapped_file, missing, regions, targets_dir,
};

/// What is started: name, state, further arguments, environment, expected allocator.
struct Case {
    name: &'static str,
    state: &'static str,
    subinterpreter: bool,
    options: &'static [&'static str],
    allocator: &'static str,
}

fn account() -> DecodeOptions<'static> {
    DecodeOptions { account: true, ..DecodeOptions::default() }
}

const fn state(state: &'static str) -> Case {
    Case { name: state, state, subinterpreter: false, options: &[], allocator: "" }
}

const CASES: [Case; 11] = [
    state("plain"),
    state("alternate"),
    state("sparse"),
    state("returned"),
    state("mixed"),
    Case { name: "subinterpreter", subinterpreter: true, ..state("mixed") },
    Case { name: "debug", allocator: "debug", ..state("mixed") },
    Case { name: "malloc", allocator: "malloc", ..state("plain") },
    Case { name: "malloc_debug", allocator: "malloc_debug", ..state("plain") },
    Case { name: "pymalloc_debug", allocator: "pymalloc_debug", ..state("plain") },
    Case { name: "tracemalloc", options: &["-X", "tracemalloc"], ..state("mixed") },
];

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    for interpreter in &found {
        for case in &CASES {
            let own = interpreter.clone();
            trials.push(Trial::test(format!("pymalloc::{interpreter}::{}", case.name), move || is_true(&own, case)));
        }
    }
    for interpreter in &found {
        let own = interpreter.clone();
        trials.push(Trial::test(format!("hostile::{interpreter}"), move || survives_changes(&own)));
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn is_true(interpreter: &Interpreter, case: &Case) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    let mut command = Command::new("env");
    // By way of `env`, for a target is started without the caller's PYTHONMALLOC.
    if !case.allocator.is_empty() {
        command.arg(format!("PYTHONMALLOC={}", case.allocator));
    }
    command.arg(&interpreter.path).args(case.options).arg("-B").arg(targets_dir().join("pymalloc.py"));
    command.arg(case.state).arg(&out);
    if case.subinterpreter {
        command.arg("subinterpreter");
    }
    let mut target = Target::spawn(command)?;
    // It waits in a read: its memory does not change.
    let maps = regions(target.pid())?;
    let memory = Copied::of(target.pid(), &maps)?;
    let python = locate(&memory, &maps, &mapped_file)?;
    let snapshot = python.decode(&memory, &maps, &account(), &Quiet)?;
    let pymalloc = snapshot.pymalloc.as_ref().ok_or("pymalloc was not looked at")?;
    let mut wrong = pymalloc.missing.clone();
    let expected = match case.allocator {
        "debug" | "pymalloc_debug" => Allocator::PymallocDebug,
        "malloc" | "malloc_debug" => Allocator::Malloc,
        _ => Allocator::Pymalloc,
    };
    if pymalloc.allocator != expected {
        wrong.push(format!("allocator {:?}, not {expected:?}", pymalloc.allocator));
    }
    compare_stats(pymalloc, case, &read(&out, "stats")?, &mut wrong);
    // The interpreter may free something of its own on its way into the wait: then it says so afterwards.
    let after = target.ask("again")?["blocks"].as_u64().ok_or("no number of blocks")?;
    compare_blocks(pymalloc, case, [read(&out, "blocks")?.trim().parse()?, after], &mut wrong);
    check_owners(pymalloc, &mut wrong);
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong[..wrong.len().min(30)].join("\n").into()),
    }
}

/// The writable memory, copied, for a decoder reads it word by word; the rest as it is.
struct Copied {
    copy: FakeMemory,
    rest: ProcMemory,
}

impl Copied {
    fn of(pid: u32, maps: &[Region]) -> Result<Copied, Failed> {
        let rest = ProcMemory::open(pid)?;
        Ok(Copied { copy: FakeMemory::capture(&rest, maps.to_vec(), 1 << 30), rest })
    }
}

impl ReadMemory for Copied {
    fn read(&self, at: Address, out: &mut [u8]) -> Result<(), Fault> {
        self.copy.read(at, out).or_else(|_| self.rest.read(at, out))
    }
}

/// Memory with some words changed.
struct Changed<'m> {
    memory: &'m Copied,
    words: BTreeMap<u64, u64>,
}

impl ReadMemory for Changed<'_> {
    fn read(&self, at: Address, out: &mut [u8]) -> Result<(), Fault> {
        self.memory.read(at, out)?;
        for (word, value) in self.words.range(at.0.saturating_sub(7)..at.0.saturating_add(out.len() as u64)) {
            for (offset, byte) in value.to_le_bytes().into_iter().enumerate() {
                let place = (word + offset as u64).checked_sub(at.0).and_then(|place| out.get_mut(place as usize));
                if let Some(place) = place {
                    *place = byte;
                }
            }
        }
        Ok(())
    }
}

/// Heads of pools and the array of arenas with any numbers in them: fewer pools are found, and that is said.
fn survives_changes(interpreter: &Interpreter) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(&interpreter.path);
    command.arg("-B").arg(targets_dir().join("pymalloc.py")).arg("plain").arg(folder.path().join("out"));
    let target = Target::spawn(command)?;
    let maps = regions(target.pid())?;
    let memory = Copied::of(target.pid(), &maps)?;
    let python = locate(&memory, &maps, &mapped_file)?;
    let decode = |memory: &Changed| python.decode(memory, &maps, &account(), &Quiet);
    let whole = decode(&Changed { memory: &memory, words: BTreeMap::new() })?.pymalloc.unwrap_or_default();
    let mut dice = 7u64;
    let mut roll = || {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        dice >> 16
    };
    for round in 0..6u64 {
        let mut words = BTreeMap::new();
        for pool in whole.pools.iter().skip(round as usize).step_by(3) {
            let value = match roll() % 4 {
                0 => u64::MAX,
                1 => roll() % 600,
                2 => ((roll() % 600) << 32) | (roll() % 40),
                _ => whole.arenas[0].address.0,
            };
            words.insert(pool.address.0 + 8 * (roll() % 6), value);
        }
        let found = decode(&Changed { memory: &memory, words })?.pymalloc.unwrap_or_default();
        let sane = found.pools.iter().all(|pool| pool.used + pool.fresh <= pool.capacity && pool.block_bytes <= 512);
        if !sane || found.missing.is_empty() || found.pools.len() > whole.pools.len() {
            return Err(format!(
                "round {round}: {} of {} pools, {:?}",
                found.pools.len(),
                whole.pools.len(),
                found.missing
            )
            .into());
        }
    }
    Ok(())
}

fn read(out: &Path, what: &str) -> Result<String, Failed> {
    Ok(std::fs::read_to_string(out.with_extension(what))?)
}

/// Figures by name: `class 512` has `pools used free`, everything else one number.
type Figures = BTreeMap<String, Vec<u64>>;

/// What `_PyObject_DebugMallocStats` printed.
fn printed(text: &str) -> Figures {
    let number = |word: &str| word.replace(',', "").parse::<u64>().ok();
    let mut figures = Figures::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let numbers: Vec<u64> = words.iter().filter_map(|word| number(word)).collect();
        match (words.first().copied(), line.split_once('=')) {
            (Some("#"), Some((name, value))) => {
                let name = name.trim_matches(['#', ' ']).to_owned();
                figures.insert(name, number(value.trim()).into_iter().collect());
            }
            (_, Some((name, value))) if name.contains("unused pools") || name.contains("bytes/arena") => {
                let name = if name.contains("pools") { "unused pools" } else { "arenas" };
                figures.insert(
                    name.to_owned(),
                    [numbers.first().copied(), number(value.trim())].into_iter().flatten().collect(),
                );
            }
            // class, size, pools, blocks in use, blocks free
            (_, None) if numbers.len() == 5 && words.len() == 5 => {
                figures.insert(format!("class {}", numbers[1]), numbers[2..].to_vec());
            }
            _ => {}
        }
    }
    figures
}

/// The same figures of what the look found, of one interpreter or of all.
fn found(pymalloc: &Pymalloc, own: impl Fn(i64) -> bool) -> Figures {
    let mut figures = Figures::new();
    let (mut heads, mut lost, mut rest) = (0, 0, 0);
    let mut sums = [0u64; 4];
    for arena in pymalloc.arenas.iter().filter(|arena| own(arena.interpreter)) {
        sums[0] += 1;
        sums[1] += arena.bytes;
        sums[2] += u64::from(arena.free_pools);
        lost += arena.bytes - u64::from(arena.pools) * pymalloc.pool_bytes;
        for pool in pymalloc.pools_of(arena) {
            let row = figures.entry(format!("class {}", pool.block_bytes)).or_insert_with(|| vec![0; 3]);
            row[0] += 1;
            row[1] += u64::from(pool.used);
            row[2] += u64::from(pool.capacity - pool.used);
            heads += Pymalloc::POOL_HEAD;
            rest += pymalloc.pool_bytes - Pymalloc::POOL_HEAD - u64::from(pool.capacity) * u64::from(pool.block_bytes);
            sums[3] += pool.used_bytes();
        }
    }
    figures.insert("arenas".into(), vec![sums[0], sums[1]]);
    figures.insert("arenas allocated current".into(), vec![sums[0]]);
    figures.insert("unused pools".into(), vec![sums[2], sums[2] * pymalloc.pool_bytes]);
    figures.insert("bytes in allocated blocks".into(), vec![sums[3]]);
    figures.insert("bytes lost to pool headers".into(), vec![heads]);
    figures.insert("bytes lost to quantization".into(), vec![rest]);
    figures.insert("bytes lost to arena alignment".into(), vec![lost]);
    figures
}

fn compare_stats(pymalloc: &Pymalloc, case: &Case, stats: &str, wrong: &mut Vec<String>) {
    let printed = printed(stats);
    // Without pymalloc nothing is printed of it, and nothing is there to be found.
    if case.name == "tracemalloc" {
        return; // It prints nothing then.
    }
    if case.allocator.starts_with("malloc") {
        if !pymalloc.arenas.is_empty() || !pymalloc.pools.is_empty() {
            wrong.push(format!("{} arenas without pymalloc", pymalloc.arenas.len()));
        }
        return;
    }
    if printed.len() < 8 {
        wrong.push(format!("not understood: {stats}"));
    }
    // A subinterpreter prints its own figures where it has an allocator of its own.
    let separate = pymalloc.arenas.iter().any(|arena| arena.interpreter != 0);
    let found = found(pymalloc, |id| (id != 0) == separate);
    for (name, own) in &found {
        match printed.get(name) {
            Some(theirs) if theirs == own => {}
            other => wrong.push(format!("{name}: {own:?}, not {other:?}")),
        }
    }
    wrong.extend(
        printed
            .keys()
            .filter(|name| name.starts_with("class") && !found.contains_key(*name))
            .map(|name| format!("{name} is missing")),
    );
}

/// `blocks` are those before the pause and after it.
fn compare_blocks(pymalloc: &Pymalloc, case: &Case, blocks: [u64; 2], wrong: &mut Vec<String>) {
    let used: u64 = pymalloc.pools.iter().map(|pool| u64::from(pool.used)).sum();
    match pymalloc.raw_blocks {
        Some(raw) if !blocks.contains(&(used + raw)) => {
            wrong.push(format!("{used} blocks in use and {raw} handed on, not {blocks:?}"));
        }
        Some(_) => {}
        None if case.allocator.is_empty() => eprintln!("blocks handed on to the C heap are not known here"),
        None => {}
    }
}

/// Nobody owns more blocks than are in use, and most blocks have an owner.
fn check_owners(pymalloc: &Pymalloc, wrong: &mut Vec<String>) {
    let mut by_size: BTreeMap<u16, (u64, u64)> = BTreeMap::new();
    for pool in &pymalloc.pools {
        by_size.entry(pool.block_bytes).or_default().0 += u64::from(pool.used);
    }
    for row in &pymalloc.owned {
        by_size.entry(row.block_bytes).or_default().1 += row.objects + row.buffers;
    }
    for (size, (used, owned)) in &by_size {
        if owned > used {
            wrong.push(format!("{owned} blocks of {size} bytes have owners, {used} are in use"));
        }
    }
    let (used, owned) = by_size.values().fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    if owned * 10 < used * 8 {
        wrong.push(format!("{owned} of {used} blocks have an owner: {by_size:?}"));
    }
    for pair in pymalloc.pins.windows(2) {
        if pair[0].block >= pair[1].block {
            wrong.push(format!("pins out of order at {}", pair[0].block));
        }
    }
}

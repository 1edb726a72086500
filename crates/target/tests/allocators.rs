//! jemalloc, tcmalloc and mimalloc as they are walked from outside, against what they say of themselves, on every
//! interpreter here.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::process::Command;

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_model::{CAllocator, CArena, CBlocks, CHeap, Quiet};
use memsight_target::{Process, c_heap, note_pointers};
use memsight_testkit::{Interpreter, Target, allocator, interpreters, missing, targets_dir};
use serde_json::Value;

const ALLOCATORS: [(&str, CAllocator); 3] = [
    ("libjemalloc", CAllocator::Jemalloc),
    ("libtcmalloc_minimal", CAllocator::Tcmalloc),
    ("libmimalloc", CAllocator::Mimalloc),
];
const KINDS: [&str; 3] = ["plain", "fragmented", "threads"];

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    for interpreter in &found {
        for (library, kind) in ALLOCATORS.iter().flat_map(|library| KINDS.map(|kind| (library, kind))) {
            let interpreter = interpreter.clone();
            let name = format!("allocators::{interpreter}::{}::{kind}", library.1.name());
            trials.push(Trial::test(name, move || is_true(&interpreter, *library, kind)));
        }
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn is_true(interpreter: &Interpreter, (library, kind): (&str, CAllocator), program: &str) -> Result<(), Failed> {
    let library = match allocator(library) {
        Ok(path) => path,
        Err(reason) => {
            eprintln!("NOT COVERED: {}: {reason}", kind.name());
            return Ok(());
        }
    };
    let folder = tempfile::tempdir()?;
    // through `env`, so that nothing but the target has it
    let mut command = Command::new("env");
    command.arg(format!("LD_PRELOAD={}", library.display())).arg(&interpreter.path).arg("-B");
    command.arg(targets_dir().join("allocators.py")).args([program, kind.name()]);
    let mut target = Target::spawn(command)?;
    let path = folder.path().join("stats");
    target.ask(&format!("stats {}", path.display()))?;
    let heap = look(target.pid())?;
    let said: Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
    let mut wrong = compare(&heap, &said, program);
    wrong.extend(heap.missing.iter().cloned());
    if heap.allocator != kind {
        wrong.push(format!("malloc is {}'s", heap.allocator.name()));
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}\n{said}\n{heap:?}", wrong.join("\n")).into()) }
}

fn look(pid: u32) -> Result<CHeap, Failed> {
    let process = Process::open(pid)?;
    let frozen = process.freeze()?;
    let residence = process.residence()?;
    let image = frozen.capture(&Quiet)?;
    frozen.resume();
    let mut heap = c_heap(&image, image.regions(), &residence);
    note_pointers(&image, image.regions(), &residence, &mut heap);
    Ok(heap)
}

fn compare(heap: &CHeap, said: &Value, program: &str) -> Vec<String> {
    let of = |part: fn(&CArena) -> &CBlocks| -> u64 {
        heap.arenas.iter().filter(|arena| arena.allocator == heap.allocator).map(|arena| part(arena).bytes).sum()
    };
    let (used, cached) = (of(|arena| &arena.used), of(|arena| &arena.cached));
    let mut figures = Vec::new();
    match heap.allocator {
        // what a thread keeps is allocated for an arena
        CAllocator::Jemalloc => {
            figures.push(("allocated", used + cached));
            figures.push(("tcache_bytes", cached));
        }
        CAllocator::Tcmalloc => figures.push(("allocated", used)),
        // the main thread's heap alone
        CAllocator::Mimalloc if program != "threads" => figures.push(("allocated", used)),
        _ => {}
    }
    let unread = of(|arena| &arena.unread);
    figures.push(("unread", unread));
    figures
        .into_iter()
        .filter(|(name, value)| said.get(*name).map_or(Some(0), Value::as_u64) != Some(*value))
        .map(|(name, value)| format!("{name} is {value}, not {}", said[name]))
        .collect()
}

//! The arenas of glibc as they are walked from outside, against what glibc says of itself, on every interpreter here.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::process::Command;

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_model::{CArena, CHeap, Quiet};
use memsight_target::{Process, c_heap};
use memsight_testkit::{Interpreter, Target, interpreters, missing, targets_dir};
use serde_json::Value;

const KINDS: [&str; 7] = ["plain", "fragmented", "fast", "threads", "mapped", "strings", "forked"];

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    for interpreter in &found {
        for kind in KINDS {
            let interpreter = interpreter.clone();
            trials.push(Trial::test(format!("malloc::{interpreter}::{kind}"), move || is_true(&interpreter, kind)));
        }
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn is_true(interpreter: &Interpreter, kind: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(&interpreter.path);
    command.arg("-B").arg(targets_dir().join("account.py")).arg(kind).arg(folder.path().join("file"));
    let mut target = Target::spawn(command)?;
    let path = folder.path().join("malloc");
    target.ask(&format!("malloc {}", path.display()))?;
    let heap = look(target.pid())?;
    let said: Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
    let xml = std::fs::read_to_string(path.with_extension("xml"))?;
    let mut wrong = compare(&heap, &said);
    wrong.extend(compare_arenas(&heap, &xml));
    wrong.extend(heap.missing.iter().cloned());
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}\n{said}\n{heap:?}", wrong.join("\n")).into()) }
}

fn look(pid: u32) -> Result<CHeap, Failed> {
    let process = Process::open(pid)?;
    let frozen = process.freeze()?;
    let residence = process.residence()?;
    let image = frozen.capture(&Quiet)?;
    frozen.resume();
    Ok(c_heap(&image, image.regions(), &residence))
}

/// `avail` of `mallinfo2`: bins, fastbins and the end.
fn available(arena: &CArena) -> u64 {
    arena.free.bytes + arena.fast_bytes + arena.top.bytes
}

fn compare(heap: &CHeap, said: &Value) -> Vec<String> {
    let sum = |of: fn(&CArena) -> u64| heap.arenas.iter().map(of).sum::<u64>();
    let system = sum(|arena| arena.system_bytes);
    let walked = sum(|arena| {
        let parts = [arena.used, arena.cached, arena.free, arena.top, arena.overhead, arena.unread];
        parts.iter().map(|part| part.bytes).sum()
    });
    let mapped: u64 = heap.mapped.iter().map(|mapping| mapping.bytes).sum();
    let figures = [
        ("arena", system),
        ("fordblks", sum(available)),
        ("uordblks", system - sum(available)),
        ("hblks", heap.mapped.len() as u64),
    ];
    let mut wrong: Vec<String> = figures
        .into_iter()
        .filter(|(name, value)| said.get(*name).and_then(Value::as_u64) != Some(*value))
        .map(|(name, value)| format!("{name} is {value}, not {}", said[name]))
        .collect();
    // 2.43 adds 16 bytes too much whenever a mapping grows (mremap_chunk)
    let drift = said["hblkhd"].as_u64().map(|said| said.wrapping_sub(mapped)).unwrap_or(u64::MAX);
    if drift != 0 && !(heap.version == "2.43" && drift.is_multiple_of(16) && drift < 4096) {
        wrong.push(format!("hblkhd is {mapped}, not {}", said["hblkhd"]));
    }
    if walked != system {
        wrong.push(format!("{walked} bytes walked of {system}"));
    }
    wrong
}

/// Each `<heap>` of `malloc_info`: what it has from the system, and what of that is free. glibc adds the sizes of free
/// chunks there without taking the flags off (`chunksize_nomask`): up to 5 bytes too much for each.
fn compare_arenas(heap: &CHeap, xml: &str) -> Vec<String> {
    let size = |part: &str, line: &str| -> Option<u64> {
        let rest = part.split(line).nth(1)?.split("size=\"").nth(1)?;
        rest.split('"').next()?.parse().ok()
    };
    let mut said: Vec<(u64, u64)> = Vec::new();
    for part in xml.split("<heap nr=").skip(1) {
        let part = part.split("</heap>").next().unwrap_or(part);
        let free = ["<total type=\"fast\"", "<total type=\"rest\""].map(|line| size(part, line).unwrap_or(0));
        said.push((size(part, "<system type=\"current\"").unwrap_or(0), free.iter().sum()));
    }
    let mut found: Vec<&CArena> = heap.arenas.iter().collect();
    said.sort_unstable();
    found.sort_unstable_by_key(|arena| (arena.system_bytes, available(arena)));
    let equal = |((system, free), arena): (&(u64, u64), &&CArena)| {
        let flags = free.wrapping_sub(available(arena));
        *system == arena.system_bytes && flags <= 5 * arena.free.count
    };
    match said.len() == found.len() && said.iter().zip(&found).all(equal) {
        true => Vec::new(),
        false => {
            let found: Vec<_> = found.iter().map(|arena| (arena.system_bytes, available(arena))).collect();
            vec![format!("arenas are {found:?}, not {said:?}")]
        }
    }
}

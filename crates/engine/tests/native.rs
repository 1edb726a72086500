//! Memory of C code that objects own, against what the C library says that they took, on every interpreter here.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_engine::analysis::Analysis;
use memsight_engine::analysis::rss::RssKind;
use memsight_engine::{LookOptions, look};
use memsight_model::{HolderKind, ObjectId, Quiet, TypeId};
use memsight_testkit::{Interpreter, Target, interpreters, missing};
use serde_json::Value;

const KINDS: [&str; 8] = [
    "zlib_compress",
    "zlib_decompress",
    "bz2_compress",
    "lzma_compress",
    "ssl_context",
    "sqlite_connection",
    "expat_parser",
    "pickler",
];

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    for interpreter in &found {
        for kind in KINDS {
            let interpreter = interpreter.clone();
            trials.push(Trial::test(format!("native::{interpreter}::{kind}"), move || is_owned(&interpreter, kind)));
        }
        let interpreter = interpreter.clone();
        trials.push(Trial::test(format!("native::{interpreter}::untouched"), move || is_no_suspect(&interpreter)));
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// The objects own what was allocated for them: at least nine tenths of it, and a quarter more at most, since what they use
/// of blocks that were there before is not in the growth that `mallinfo2` tells.
fn is_owned(interpreter: &Interpreter, kind: &str) -> Result<(), Failed> {
    let target = Target::start(interpreter, "native.py", &[kind])?;
    if let Some(reason) = target.ready.get("missing").and_then(Value::as_str) {
        eprintln!("NOT COVERED: {kind} of {interpreter}: {reason}");
        return Ok(());
    }
    let truth = |key: &str| target.ready.get(key).and_then(Value::as_u64).unwrap_or(0);
    let name = target.ready.get("type").and_then(Value::as_str).unwrap_or("?");
    // a statement of SQL is an object of its own, and owns what it was compiled to
    let names = [name, if name == "sqlite3.Connection" { "sqlite3.Statement" } else { name }];
    let options = LookOptions { residence: true, ..LookOptions::default() };
    let snapshot = look(target.pid(), &options, &Quiet)?;
    let analysis = Analysis::new(&snapshot, &Quiet);
    let types = analysis.types(0);
    let row = types.types.iter().find(|row| row.type_name == name).ok_or(format!("no {name}"))?;
    let native = snapshot.native.as_ref().ok_or("nobody looked for native memory")?;
    let is_of =
        |type_: TypeId| snapshot.types.get(type_.0 as usize).is_some_and(|it| names.contains(&it.name.as_str()));
    let heap =
        native.types.iter().filter(|row| is_of(row.type_)).map(|row| row.parts.heap.bytes + row.parts.mappings.bytes);
    let (stated, found) = (truth("native_bytes"), heap.sum::<u64>());
    if row.count != truth("count") {
        return Err(format!("{} {name}, not {}", row.count, truth("count")).into());
    }
    if !(stated / 10 * 9..=stated / 4 * 5).contains(&found) {
        return Err(format!("{name} own {found} bytes of the C heap, not {stated}: {native:#?}").into());
    }
    // The same was done with each, and each has its own: half of them at least, for a stale word may give one another's.
    let of_type = |id: &ObjectId| snapshot.type_of(*id).is_some_and(|it| it.name == name);
    let owned = snapshot.objects.ids().filter(of_type).map(|id| snapshot.objects.native.get(id));
    let mut owned: Vec<u64> = owned.collect();
    owned.sort_unstable();
    let (median, mean) = (owned[owned.len() / 2], owned.iter().sum::<u64>() / row.count);
    if !(mean / 4 * 3..=mean / 4 * 5).contains(&median) {
        return Err(format!("{name} own {owned:?} bytes").into());
    }
    // The syntax tree of the script, which only the stack leads to: five blocks of 8 KiB in 3.8, 29 in 3.15.
    let state = native.places.iter().filter(|place| place.kind == HolderKind::State);
    let tree: u64 = state.map(|place| place.parts.heap.bytes).sum();
    if !(30_000..1_000_000).contains(&tree) {
        return Err(format!("the interpreter's own are {tree} bytes: {:#?}", native.places).into());
    }
    let account = analysis.rss(0);
    let line = account.lines.iter().find(|line| line.kind == RssKind::Native).ok_or("no line of native memory")?;
    let part = line.parts.iter().find(|part| part.name == name).ok_or(format!("no {name} in {:?}", line.parts))?;
    if part.bytes > row.native_bytes || row.retained_bytes < row.native_bytes {
        return Err(
            format!("{} bytes in RSS, {} retained, of {}", part.bytes, row.retained_bytes, row.native_bytes).into()
        );
    }
    Ok(())
}

/// Large memory that nobody has touched is no suspect, and what is smaller and in memory is one.
fn is_no_suspect(interpreter: &Interpreter) -> Result<(), Failed> {
    let target = Target::start(interpreter, "native.py", &["untouched"])?;
    let snapshot = look(target.pid(), &LookOptions { contents: true, ..LookOptions::default() }, &Quiet)?;
    let contents = snapshot.contents.as_ref().ok_or("nobody looked at contents")?;
    let sizes = |least: u64, below: u64| {
        let members = contents.equals.iter().flatten();
        members.map(|id| snapshot.objects.shallow.get(*id)).filter(|size| (least..below).contains(size)).count()
    };
    // each 1,000 bytes, a header of 33
    if (sizes(1033, 1034), sizes(1 << 20, u64::MAX)) != (20_000, 0) || !snapshot.manifest.partial.is_empty() {
        let partial = &snapshot.manifest.partial;
        return Err(format!("{}, {}: {partial:?}", sizes(1033, 1034), sizes(1 << 20, u64::MAX)).into());
    }
    let analysis = Analysis::new(&snapshot, &Quiet);
    let types = analysis.types(0);
    let row = types.types.iter().find(|row| row.type_name == "mmap.mmap").ok_or("no mmap.mmap")?;
    if row.external_bytes < 400 << 20 || row.resident_bytes > 2 << 20 || row.share > 0.1 {
        return Err(format!("untouched memory counts: {row:?}").into());
    }
    let view = analysis.suspects(0);
    match view.suspects.first() {
        Some(first) if first.type_name == "list" || first.type_name == "bytes" => Ok(()),
        other => Err(format!("the suspect is {other:?}").into()),
    }
}

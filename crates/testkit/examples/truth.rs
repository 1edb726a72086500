//! Compares the decoder with one target's truth: `truth PYTHON TARGET.py [ARGS..]`.
//!
//! Prints a report by type; exit status 1 when anything differs. With `--save FILE` (before the rest) the memory is
//! kept for tests and the fuzzer. This is the author of a decoder's inner loop: no engine, no pause.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a tool for developers prints")]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use memsight_cpython::{DecodeOptions, locate};
use memsight_model::Quiet;
use memsight_testkit::{FakeMemory, Interpreter, ProcMemory, Target, compare, mapped_file, regions};

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("truth: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(mut words: Vec<String>) -> Result<bool, Box<dyn Error>> {
    let save = match words.first() {
        Some(first) if first == "--save" && words.len() > 1 => words.drain(..2).nth(1),
        _ => None,
    };
    let [python, script, args @ ..] = words.as_slice() else {
        return Err("usage: truth [--save FILE] PYTHON TARGET.py [ARGS..]".into());
    };
    let interpreter = Interpreter::at(Path::new(python)).ok_or("not a CPython that memsight reads")?;
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut target = Target::start(&interpreter, script, &args)?;
    let folder = tempfile::tempdir()?;
    let truth = target.truth(folder.path())?;

    let memory = ProcMemory::open(target.pid())?;
    let maps = regions(target.pid())?;
    if let Some(path) = save {
        FakeMemory::capture(&memory, maps.clone(), 1 << 30).save(Path::new(&path))?;
    }
    let began = Instant::now();
    let python = locate(&memory, &maps, &mapped_file)?;
    let snapshot = python.decode(&memory, &maps, &DecodeOptions::default(), &Quiet)?;
    let took = began.elapsed();
    let report = compare::compare(&snapshot, &truth);
    println!("{interpreter} {script}\n{report}decoded in {} ms", took.as_millis());
    Ok(report.agrees())
}

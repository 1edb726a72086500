//! Stacks of native and Python frames against what programs, and glibc's `backtrace`, say of themselves, on every interpreter of
//! this machine.
#![cfg(all(target_os = "linux", target_arch = "x86_64", not(memsight_portable)))]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_engine::format::trace::{Reader, Writer};
use memsight_engine::record::{Options, Prepared, attach};
use memsight_model::trace::{Event, Frame, NATIVE, NativeFunction, Record};
use memsight_testkit::{Interpreter, environment, interpreters, missing, runs_long};
use serde::Deserialize;

/// The size of the first block of `native.py`.
const FIRST: u64 = 1_300_001;
/// The function that runs Python code, which Python frames stand for.
const LOOP: &str = "_PyEval_EvalFrameDefault";

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    for interpreter in &found {
        for how in HOW {
            let own = interpreter.clone();
            trials
                .push(Trial::test(format!("{}::{interpreter}", how.name), move || stacks_are_true(&own, how, record)));
        }
        let own = interpreter.clone();
        let run = move || stacks_are_true(&own, &HOW[0], record_later);
        trials.push(Trial::test(format!("attached::{interpreter}"), run));
        for kind in EXTENSIONS {
            let own = interpreter.clone();
            let trial =
                Trial::test(format!("{kind}::{interpreter}"), move || frames_of_extensions_are_told(&own, kind));
            trials.push(trial.with_ignored_flag(!runs_long(kind, interpreter, &found)));
        }
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// Who makes a block for `extension.py`.
const EXTENSIONS: [&str; 3] = ["rust", "cython", "numpy"];

/// How the library of the test is compiled.
#[derive(Debug)]
struct How {
    name: &'static str,
    compiler: &'static str,
    options: &'static [&'static str],
    /// `backtrace` finds its way.
    has_tables: bool,
}

const HOW: &[How] = &[
    How { name: "optimised", compiler: "cc", options: &["-O2", "-fomit-frame-pointer"], has_tables: true },
    How { name: "cpp", compiler: "c++", options: &["-x", "c++", "-O2", "-fno-omit-frame-pointer"], has_tables: true },
    How {
        name: "without_tables",
        compiler: "cc",
        options: &["-O1", "-fno-omit-frame-pointer", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables"],
        has_tables: false,
    },
];

fn compile(how: &How, source: &str, out: &Path) -> Result<(), Failed> {
    let mut compiler = Command::new(how.compiler);
    let is_late = source == "late.c";
    compiler.args(if is_late { &["-O2"] } else { how.options }).args(["-shared", "-fPIC", "-o"]).arg(out);
    if is_late {
        compiler = Command::new("cc");
        compiler.args(["-O2", "-shared", "-fPIC", "-o"]).arg(out);
    }
    let output = compiler.arg(program(source)).arg("-ldl").output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
    }
}

fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(name)
}

/// What the program says of a block.
#[derive(Debug, Deserialize)]
struct Truth {
    bytes: u64,
    /// Functions of the test that were called, of Python and C, the newest first.
    names: Vec<String>,
    /// Native frames: the file, where it is loaded, an address within the instruction, and a name.
    natives: Vec<(String, u64, u64, String)>,
}

/// A trace, read.
#[derive(Default)]
struct Trace {
    codes: HashMap<u32, String>,
    modules: HashMap<u32, String>,
    symbols: HashMap<(u32, u32), Vec<NativeFunction>>,
    frames: Vec<Frame>,
    blocks: HashMap<u64, u32>,
}

impl Trace {
    fn read(path: &Path) -> Result<Trace, Failed> {
        let mut trace = Trace::default();
        for record in Reader::open(path)? {
            match record? {
                Record::Code(code) => _ = trace.codes.insert(code.number, code.name),
                Record::Module(module) => _ = trace.modules.insert(module.number, module.path),
                Record::Symbol(symbol) => _ = trace.symbols.insert((symbol.module, symbol.offset), symbol.functions),
                Record::Frame(frame) => trace.frames.push(frame),
                Record::Event(Event::Allocated { bytes, stack, .. }) if bytes >= FIRST => {
                    trace.blocks.entry(bytes).or_insert(stack);
                }
                Record::End(end) if end.lost_events > 0 => return Err(format!("{end:?}").into()),
                _ => {}
            }
        }
        Ok(trace)
    }

    /// The frames of a stack, the newest first.
    fn stack(&self, mut number: u32) -> Result<Vec<Frame>, Failed> {
        let mut stack = Vec::new();
        while let Some(index) = number.checked_sub(1) {
            let frame = self.frames.get(index as usize).ok_or("a frame that was not told")?;
            stack.push(*frame);
            number = frame.caller;
        }
        Ok(stack)
    }

    /// The names of a frame, the innermost function first.
    fn names(&self, frame: Frame) -> Vec<&str> {
        match frame.code & NATIVE {
            // (without the functions that one is defined in)
            0 => self.codes.get(&frame.code).and_then(|name| name.rsplit('.').next()).into_iter().collect(),
            _ => {
                let symbol = self.symbols.get(&(frame.code & !NATIVE, frame.offset));
                symbol.map(|functions| functions.iter().map(|each| each.name.as_str()).collect()).unwrap_or_default()
            }
        }
    }
}

/// The part of a name by which functions of the test are called.
fn own_name(name: &str) -> Option<String> {
    let name = &name[name.find("truth_")?..];
    Some(name.chars().take_while(|&letter| letter.is_ascii_alphanumeric() || letter == '_').collect())
}

fn record(interpreter: &Interpreter, how: &How, folder: &Path) -> Result<(Vec<Truth>, Trace), Failed> {
    let [library, late, said, path] = ["native.so", "late.so", "said", "a.trace"].map(|name| folder.join(name));
    compile(how, "native.c", &library)?;
    compile(how, "late.c", &late)?;
    let prepared = Prepared::new(Options { sample_bytes: 0, native: true })?;
    let mut command = Command::new(&interpreter.path);
    command.arg("-B").arg(program("native.py")).args([&library, &late, &said]);
    let child = command.envs(prepared.variables(None)).stdout(Stdio::piped()).spawn()?;
    let recording = prepared.begin(Writer::create(&path, false)?, "a program".into(), || ())?;
    let output = child.wait_with_output()?;
    recording.end(output.status.code(), output.status.signal())?.head.ok_or("nothing was recorded")?;
    let count: usize = String::from_utf8(output.stdout)?.trim().parse()?;
    told(count, &said, output.status, &path)
}

/// The same of a program that runs already, and has the library loaded, when its recording begins.
fn record_later(interpreter: &Interpreter, how: &How, folder: &Path) -> Result<(Vec<Truth>, Trace), Failed> {
    let [library, late, said, path] = ["native.so", "late.so", "said", "a.trace"].map(|name| folder.join(name));
    compile(how, "native.c", &library)?;
    compile(how, "late.c", &late)?;
    let mut command = Command::new(&interpreter.path);
    command.arg("-B").arg(program("native.py")).args([&library, &late, &said]).arg("later");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("a pipe")?).lines();
    let mut says = move || lines.next().and_then(Result::ok).unwrap_or_default();
    if says() != "ready" {
        return Err("it is not ready".into());
    }
    let attached = attach(child.id(), Options { sample_bytes: 0, native: true }, Writer::create(&path, false)?)?;
    child.stdin.take().ok_or("a pipe")?.write_all(b"go\n")?;
    let count: usize = says().trim().parse()?;
    let status = child.wait()?;
    attached.end()?.head.ok_or("nothing was recorded")?;
    told(count, &said, status, &path)
}

/// What a program said, and its trace.
fn told(count: usize, said: &Path, status: ExitStatus, path: &Path) -> Result<(Vec<Truth>, Trace), Failed> {
    let said = std::fs::read_to_string(said)?;
    let truths = said.lines().map(serde_json::from_str).collect::<Result<Vec<Truth>, _>>()?;
    if truths.len() != count || count < 100 {
        return Err(format!("{} of {count} blocks, {status}", truths.len()).into());
    }
    Ok((truths, Trace::read(path)?))
}

/// How a program is recorded.
type Recording = fn(&Interpreter, &How, &Path) -> Result<(Vec<Truth>, Trace), Failed>;

fn stacks_are_true(interpreter: &Interpreter, how: &How, record: Recording) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let (truths, trace) = record(interpreter, how, folder.path())?;
    for truth in &truths {
        let stack = *trace.blocks.get(&truth.bytes).ok_or_else(|| format!("no block of {} bytes", truth.bytes))?;
        let stack = trace.stack(stack)?;
        let names: Vec<&str> = stack.iter().flat_map(|frame| trace.names(*frame)).collect();
        let found: Vec<String> = names.iter().filter_map(|name| own_name(name)).collect();
        if found.first().map(String::as_str) != Some("truth_c_probe") || found[1..] != truth.names {
            return Err(format!("{found:?}, expected {:?}: {names:?}", truth.names).into());
        }
        if how.has_tables {
            natives_are_true(truth, &stack, &trace)?;
        }
    }
    Ok(())
}

/// Native frames are those that glibc finds, but for those of the loop of the interpreter.
fn natives_are_true(truth: &Truth, stack: &[Frame], trace: &Trace) -> Result<(), Failed> {
    // The first two are who says so, and who asked for the block, which it did elsewhere.
    let expected = truth.natives.iter().skip(2).filter(|native| !native.3.starts_with(LOOP));
    let expected: Vec<_> = expected.collect();
    let found = stack.iter().filter(|frame| frame.code & NATIVE != 0).skip(1);
    let found: Vec<(&str, u64)> = found
        .map(|frame| (trace.modules.get(&(frame.code & !NATIVE)).map_or("", String::as_str), frame.offset.into()))
        .collect();
    // (a library may be loaded by the name of a link to it)
    let file = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or_default();
        name.split(".so").next().unwrap_or_default().to_owned()
    };
    let mut found = found.iter();
    for native @ (path, base, address, name) in &expected {
        let place = found.as_slice().first();
        // A program that is not position-independent has its addresses in its file. What a signal has interrupted has called
        // nothing, and so was not just before that.
        let is_same = place.is_some_and(|(other, offset)| {
            let is_there = |address: u64| [address, address + 1].contains(offset);
            (is_there(address - base) || is_there(*address))
                && (file(path) == file(other) || file(path).contains("python"))
        });
        match is_same {
            true => _ = found.next(),
            // a part of the loop that the compiler has moved elsewhere, whose name was stripped
            false if name.is_empty() && file(path).contains("python") => {}
            false => return Err(format!("{}: {place:x?} in place of {native:x?}", truth.bytes).into()),
        }
    }
    match found.next() {
        None => Ok(()),
        Some(surplus) => Err(format!("{}: {surplus:x?} was called by nobody", truth.bytes).into()),
    }
}

/// Runs a command to its end.
fn run(command: &mut Command) -> Result<(), Failed> {
    let output = command.output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// An interpreter for the kind of extension, and what its program is told of it; `None` where there is no such one.
fn extension(interpreter: &Interpreter, kind: &str, folder: &Path) -> Result<Option<(Interpreter, PathBuf)>, Failed> {
    if kind == "rust" {
        let library = folder.join("extension.so");
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let options = ["--crate-type=cdylib", "--edition=2024", "-O", "-o"];
        run(Command::new(rustc).args(options).arg(&library).arg(program("extension.rs")))?;
        return Ok(Some((interpreter.clone(), library)));
    }
    let equipped = match environment(interpreter, kind, &[kind]) {
        Ok(equipped) => equipped,
        Err(why) => {
            eprintln!("NOT COVERED: no {kind} for {interpreter}: {why}");
            return Ok(None);
        }
    };
    if kind == "cython" {
        let source = folder.join("extension.c");
        run(Command::new(&equipped.path)
            .args(["-m", "cython", "-3", "-o"])
            .arg(&source)
            .arg(program("extension.pyx")))?;
        let asks = "import sysconfig; print(sysconfig.get_path('include'))";
        let output = Command::new(&equipped.path).args(["-c", asks]).output()?;
        let headers = String::from_utf8(output.stdout)?.trim().to_owned();
        if !Path::new(&headers).join("Python.h").exists() {
            eprintln!("NOT COVERED: no Python.h for {interpreter}");
            return Ok(None);
        }
        let mut compiler = Command::new("cc");
        compiler.args(["-O1", "-fno-inline", "-shared", "-fPIC", "-I", &headers, "-o"]);
        run(compiler.arg(folder.join("extension.so")).arg(&source))?;
    }
    Ok(Some((equipped, folder.to_owned())))
}

/// Functions of Rust and of Cython have their names, those of numpy at least their file, in the right order with those of Python.
fn frames_of_extensions_are_told(interpreter: &Interpreter, kind: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let Some((interpreter, told)) = extension(interpreter, kind, folder.path())? else { return Ok(()) };
    let path = folder.path().join("a.trace");
    let mut command = Command::new(&interpreter.path);
    command.arg("-B").arg(program("extension.py")).arg(kind).arg(told);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("a pipe")?).lines();
    let mut says = move || lines.next().and_then(Result::ok).unwrap_or_default();
    if says() != "ready" {
        return Err("it is not ready".into());
    }
    let attached = attach(child.id(), Options { sample_bytes: 0, native: true }, Writer::create(&path, false)?)?;
    let mut input = child.stdin.take().ok_or("a pipe")?;
    input.write_all(b"go\n")?;
    let bytes: u64 = says().trim().parse()?;
    attached.end()?.head.ok_or("nothing was recorded")?;
    drop(input);
    child.wait()?;
    let trace = Trace::read(&path)?;
    let stack = trace.stack(*trace.blocks.get(&bytes).ok_or("its block is not there")?)?;
    let names: Vec<&str> = stack.iter().flat_map(|frame| trace.names(*frame)).collect();
    let mut found: Vec<String> = names.iter().filter_map(|name| own_name(name)).collect();
    // (Cython makes several functions of one)
    found.dedup();
    let own = match kind {
        "rust" => vec!["truth_rust_inner", "truth_rust_outer"],
        "cython" => vec!["truth_cython_inner", "truth_cython_outer"],
        _ => vec![],
    };
    let expected: Vec<&str> = own.into_iter().chain(["truth_py_inner", "truth_py_outer"]).collect();
    let is_numpy = |frame: &Frame| {
        frame.code & NATIVE != 0
            && trace.modules.get(&(frame.code & !NATIVE)).is_some_and(|path| path.contains("multiarray"))
    };
    match found == expected && (kind != "numpy" || stack.iter().any(is_numpy)) {
        true => Ok(()),
        false => Err(format!("{found:?}, expected {expected:?}: {names:?}").into()),
    }
}

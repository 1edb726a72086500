//! `memsight run`: the program notices nothing, whatever it does and whatever becomes of memsight.
#![cfg(all(target_os = "linux", target_arch = "x86_64", not(memsight_portable)))]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "tests read files, and print what they could not cover"
)]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::{command, finish, kill, memsight};
use memsight_engine::format::trace::Reader;
use memsight_model::trace::{End, Event, Record};

/// The allocations of a trace, its end, and whether it is cut.
fn read(path: &Path) -> (Vec<u64>, Option<End>, bool) {
    let mut reader = Reader::open(path).expect("a trace");
    let (mut sizes, mut end) = (Vec::new(), None);
    for record in reader.by_ref() {
        match record.expect("a record") {
            Record::Event(Event::Allocated { bytes, .. }) => sizes.push(bytes),
            Record::End(is) => end = Some(is),
            _ => {}
        }
    }
    (sizes, end, reader.is_cut())
}

/// A command that records this code into `a.trace` of the folder, every allocation of it.
fn recorded(folder: &Path, code: &str) -> Command {
    let mut command = command(&["run", "--exact", "-o"]);
    command.arg(folder.join("a.trace")).args(["--", "python3", "-c", code]);
    command
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn a_program_keeps_its_output_its_input_and_its_exit_code() {
    let folder = folder();
    let code = "import sys; print(input(), file=sys.stdout); print('e', file=sys.stderr); sys.exit(7)";
    let mut child = recorded(folder.path(), code).arg("an argument").stdin(Stdio::piped()).spawn().expect("it starts");
    child.stdin.take().expect("a pipe").write_all(b"words\n").expect("it listens");
    let run = finish(child);
    assert_eq!((run.code, run.stdout.as_str()), (Some(7), "words\n"), "{run:#?}");
    assert!(run.stderr.starts_with("e\nrecorded ") && run.stderr.contains("memsight trace "), "{run:#?}");
    let (sizes, end, is_cut) = read(&folder.path().join("a.trace"));
    let end = end.expect("an end");
    assert_eq!((end.exit_code, end.signal, end.lost_events, is_cut), (Some(7), None, 0, false));
    assert!(sizes.len() > 10_000, "{}", sizes.len());
}

/// The function that is called back by C stands on C frames, where they are asked for, and otherwise on who called C.
#[test]
fn native_frames_are_there_when_they_are_asked_for() {
    let folder = folder();
    let file = path(folder.path(), "a.trace");
    let code = "kept = []\nsorted([3, 1, 2], key=lambda n: kept.append(bytes(9_000_001)) or n)";
    let run = memsight(&["run", "--exact", "--native", "-q", "-o", &file, "--", "python3", "-c", code]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    let frames = |options: &[&str]| -> Vec<Vec<String>> {
        let view = memsight(&[&["trace", &file, "flamegraph", "--filter", "<lambda>"], options].concat());
        let stacks = view.stdout.lines().map(|line| line.rsplit_once(' ').expect("bytes").0);
        stacks.map(|stack| stack.split(';').map(str::to_owned).collect()).collect()
    };
    let of_python = ["<module> (<string>:2)", "<lambda> (<string>:2)"];
    assert!(frames(&[]).iter().any(|stack| *stack == of_python), "{:#?}", frames(&[]));
    let natives = frames(&["--native"]);
    let between = natives.iter().filter_map(|stack| {
        let [first, last] = of_python.map(|name| stack.iter().position(|frame| frame == name));
        Some((first?, last?, stack.len()))
    });
    let between: Vec<_> = between.collect();
    // `sorted` and what it calls, and what makes the bytes
    assert!(!between.is_empty() && between.iter().all(|(a, b, len)| a + 2 < *b && b + 1 < *len), "{natives:#?}");
}

#[test]
fn signals_reach_the_program() {
    let folder = folder();
    let code = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\nprint('ready', flush=True)\n\
                while True: signal.pause()";
    let mut child = recorded(folder.path(), code).spawn().expect("it starts");
    ready(&mut child);
    kill(child.id(), "TERM");
    assert_eq!(finish(child).code, Some(5));
    let end = read(&folder.path().join("a.trace")).1.expect("an end");
    assert_eq!(end.exit_code, Some(5));
    let run = memsight(&[
        "run",
        "-q",
        "-o",
        &path(folder.path(), "b.trace"),
        "python3",
        "-c",
        "import os; os.kill(os.getpid(), 11)",
    ]);
    assert_eq!(run.code, Some(128 + 11), "{run:#?}");
    assert_eq!(read(&folder.path().join("b.trace")).1.expect("an end").signal, Some(11));
}

#[test]
fn a_program_outlives_memsight() {
    let folder = folder();
    // 40 MiB of events when nobody reads any more: the ring holds less
    let code = "import sys\nprint('ready', flush=True)\ninput()\nkept = [str(i) for i in range(2_000_000)]\n\
                print('done', len(kept), flush=True)";
    let mut child = recorded(folder.path(), code).stdin(Stdio::piped()).spawn().expect("it starts");
    let mut input = child.stdin.take().expect("a pipe");
    let mut output = ready(&mut child);
    child.kill().expect("ours");
    child.wait().expect("ours");
    input.write_all(b"\n").expect("it listens");
    let mut line = String::new();
    output.read_line(&mut line).expect("it speaks");
    assert_eq!(line, "done 2000000\n");
    let (_, end, is_cut) = read(&folder.path().join("a.trace"));
    assert!(end.is_none() && is_cut, "{end:?}");
}

/// On a file system of 64 KiB, which the user namespaces of some machines do not let us mount.
#[test]
fn a_full_disk_stops_the_recording_and_not_the_program() {
    let folder = folder();
    let code = "import random\nkept = [random.random() for i in range(300_000)]\nprint('done')";
    let unshared = |script: &str| {
        let mut unshare = Command::new("unshare");
        unshare
            .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
            .arg(format!("mount -t tmpfs -o size=64k none \"$0\" && {script}"));
        unshare.arg(folder.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        unshare
    };
    if !unshared("true").output().is_ok_and(|output| output.status.success()) {
        eprintln!("NOT COVERED: this machine lets nobody mount a file system of their own");
        return;
    }
    let copy = tempfile::NamedTempFile::new().expect("a file");
    let mut full = unshared(&format!("\"$@\"; code=$?; cat \"$0/a.trace\" > {}; exit $code", copy.path().display()));
    full.arg(env!("CARGO_BIN_EXE_memsight")).args(["run", "--exact", "-o"]).arg(folder.path().join("a.trace"));
    full.args(["python3", "-c", code]);
    let run = finish(full.spawn().expect("it starts"));
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "done\n"), "{run:#?}");
    assert!(run.stderr.contains("error[MS-E077]: no space left"), "{run:#?}");
    let (_, end, is_cut) = read(copy.path());
    assert!(end.is_none() && is_cut, "{end:?}");
}

#[test]
fn a_device_is_written_to_as_it_is() {
    let run = memsight(&["run", "-o", "/dev/full", "python3", "-c", "print('done')"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "done\n"), "{run:#?}");
    assert!(run.stderr.contains("error[MS-E077]: no space left"), "{run:#?}");
}

#[test]
fn what_cannot_be_recorded_is_said_and_leaves_nothing() {
    let folder = folder();
    let path = path(folder.path(), "a.trace");
    let run = memsight(&["run", "-o", &path, "true"]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert!(run.stderr.starts_with("error[MS-E172]: nothing was recorded"), "{run:#?}");
    let run = memsight(&["run", "-o", &path, "no-such-command"]);
    assert_eq!(run.code, Some(127), "{run:#?}");
    assert!(!Path::new(&path).exists());
    memsight(&["run", "-o", &path, "--exat", "true"]).fails_with("MS-E109");
    memsight(&["run", "-o", &path, "-m"]).fails_with("MS-E109");
    std::fs::write(&path, "mine").expect("a file");
    memsight(&["run", "-o", &path, "true"]).fails_with("MS-E050");
    assert_eq!(std::fs::read(&path).expect("a file"), b"mine");
}

/// A shell that starts a Python: the first is recorded, and what it starts is not.
#[test]
fn the_first_python_is_recorded() {
    let folder = folder();
    let code = "import subprocess, sys; subprocess.check_call([sys.executable, '-c', 'x = bytes(1234567)']); y = bytes(2345678)";
    let mut command = command(&["run", "-q", "--exact", "-o"]);
    command.arg(folder.path().join("a.trace")).args(["sh", "-c", "true; python3 -c \"$1\"; exit 3", "sh", code]);
    let run = finish(command.spawn().expect("it starts"));
    assert_eq!((run.code, run.stderr.as_str()), (Some(3), ""), "{run:#?}");
    let (sizes, ..) = read(&folder.path().join("a.trace"));
    let of = |size: u64| sizes.iter().filter(|&&bytes| (size..size + 100).contains(&bytes)).count();
    assert_eq!((of(1_234_567), of(2_345_678)), (0, 1));
}

#[test]
fn other_preloaded_libraries_stay() {
    let folder = folder();
    let code = "import os; print(os.environ.get('LD_PRELOAD'), os.environ.get('MEMSIGHT_RECORDER'))";
    let run = finish(recorded(folder.path(), code).spawn().expect("it starts"));
    assert_eq!(run.stdout, "None None\n");
    std::fs::remove_file(folder.path().join("a.trace")).expect("a trace");
    let library = Command::new("sh").args(["-c", "ldconfig -p | grep -o '/.*libm.so.6' | head -1"]).output();
    let library = String::from_utf8(library.expect("sh is there").stdout).expect("UTF-8").trim().to_owned();
    let mut recorded = recorded(folder.path(), code);
    let run = finish(recorded.env("LD_PRELOAD", &library).spawn().expect("it starts"));
    assert_eq!(run.stdout, format!("{library} None\n"), "{run:#?}");
}

/// With and without: what a program says, and how it ends.
fn is_as_without(name: &str, code: &str) {
    let bare = Command::new("python3").args(["-c", code]).stdin(Stdio::null()).output().expect("it starts");
    let folder = folder();
    let run = finish(recorded(folder.path(), code).arg("--").spawn().expect("it starts"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let expected =
        bare.status.code().or_else(|| Some(128 + std::os::unix::process::ExitStatusExt::signal(&bare.status)?));
    assert_eq!((run.code, run.stdout), (expected, text(&bare.stdout)), "{name}: {}", run.stderr);
    let errors = text(&bare.stderr);
    assert!(
        run.stderr.starts_with(&errors) && run.stderr[errors.len()..].starts_with("recorded "),
        "{name}: {}",
        run.stderr
    );
    let (sizes, end, is_cut) = read(&folder.path().join("a.trace"));
    assert!(sizes.contains(&(1_234_567 + 33)) && !is_cut, "{name}: {end:?}");
    assert_eq!(end.expect("an end").lost_events, 0, "{name}");
}

/// Programs that do what few do, after an allocation that is looked for.
#[test]
fn unusual_programs_end_as_without() {
    let begin = "import ctypes, os, sys, threading\nkept = bytes(1234567)\nprint('begins', flush=True)\n";
    let allocators = "class Allocator(ctypes.Structure):\n    _fields_ = [(name, ctypes.c_void_p) for name in \
                      ('ctx', 'malloc', 'calloc', 'realloc', 'free')]\nthere = Allocator()\nfor domain in (0, 1, 2):\n    \
                      ctypes.pythonapi.PyMem_GetAllocator(domain, ctypes.byref(there))\n    \
                      ctypes.pythonapi.PyMem_SetAllocator(domain, ctypes.byref(there))\n\
                      print(sum(len(str(i)) for i in range(100000)))";
    let unusual = [
        ("a crash", "ctypes.string_at(0)"),
        ("abort", "os.abort()"),
        ("no end of the interpreter", "os._exit(3)"),
        (
            "another program",
            "os.execv(sys.executable, [sys.executable, '-c', 'print(bytes(10)); raise SystemExit(5)'])",
        ),
        ("allocators are set", allocators),
        (
            "tracemalloc",
            "import tracemalloc\ntracemalloc.start(10)\nkept = [str(i) for i in range(10000)]\n\
             print(tracemalloc.get_traced_memory()[0] > 500000)\ntracemalloc.stop()\nprint(len(kept))",
        ),
        (
            "an end within dlopen",
            "import glob, _ctypes, sysconfig\nlibraries = glob.glob(os.path.join(sysconfig.get_path('stdlib'), 'lib-dynload', \
             '*.so'))\ndef load():\n    while True:\n        for name in libraries:\n            \
             _ctypes.dlclose(_ctypes.dlopen(name, 2))\n            go.set()\ngo = threading.Event()\n\
             threading.Thread(target=load, daemon=True).start()\ngo.wait()\nos._exit(0)",
        ),
        (
            "no more files",
            "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))\n\
             kept = [threading.Thread(target=str) for _ in range(9)]\n[t.start() or t.join() for t in kept]\nprint(len(kept))",
        ),
        (
            "no more address space",
            "import resource\nused = int(open('/proc/self/statm').read().split()[0]) * 4096\n\
             resource.setrlimit(resource.RLIMIT_AS, (used + (32 << 20),) * 2)\ntry:\n    bytes(1 << 30)\n\
             except MemoryError:\n    print('no memory')\nprint(len(bytes(1 << 20)))",
        ),
    ];
    for (name, code) in unusual {
        is_as_without(name, &format!("{begin}{code}"));
    }
}

/// The ring takes a small part of it, and the program has the rest.
#[test]
fn a_limit_of_address_space_is_kept() {
    let folder = folder();
    let code = "kept = bytes(1234567)\nblock = bytes(60_000_000)\nprint(len(block))";
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -v 200000; exec \"$@\"", "sh", "python3", "-c", code]);
    let bare = limited.output().expect("it starts");
    assert_eq!(String::from_utf8_lossy(&bare.stdout), "60000000\n", "{bare:?}");
    let mut run = command(&["run", "--exact", "-o"]);
    run.arg(folder.path().join("a.trace")).args([
        "sh",
        "-c",
        "ulimit -v 200000; exec \"$@\"",
        "sh",
        "python3",
        "-c",
        code,
    ]);
    let run = finish(run.spawn().expect("it starts"));
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "60000000\n"), "{run:#?}");
    let (sizes, end, _) = read(&folder.path().join("a.trace"));
    assert!(sizes.contains(&60_000_033) && end.is_some_and(|end| end.lost_events == 0), "{end:?}");
}

/// A program and memsight take turns.
#[test]
fn one_processor_is_enough() {
    let folder = folder();
    let path = path(folder.path(), "a.trace");
    let mut turns = Command::new("taskset");
    turns.args(["-c", "0", env!("CARGO_BIN_EXE_memsight"), "run", "--exact", "-o", &path, "python3", "-c"]);
    turns.arg("kept = [str(i) for i in range(1_000_000)]\nprint(len(kept))");
    turns.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(child) = turns.spawn() else {
        eprintln!("NOT COVERED: taskset is not there");
        return;
    };
    let run = finish(child);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "1000000\n"), "{run:#?}");
    let (sizes, end, _) = read(Path::new(&path));
    assert!(sizes.len() > 1_000_000 && end.is_some_and(|end| end.lost_events == 0), "{end:?}");
}

/// It has no loader that would load the library.
#[test]
fn a_static_program_runs_as_it_is() {
    if !Path::new("/sbin/ldconfig").exists() {
        eprintln!("NOT COVERED: no static program is there");
        return;
    }
    let folder = folder();
    let run =
        memsight(&["run", "--subprocesses", "-o", &path(folder.path(), "a.trace"), "/sbin/ldconfig", "--version"]);
    assert!(run.code == Some(0) && run.stdout.starts_with("ldconfig"), "{run:#?}");
    assert!(run.stderr.starts_with("error[MS-E172]: nothing was recorded"), "{run:#?}");
}

#[test]
fn children_have_traces_beside_that_of_the_first() {
    let folder = folder();
    let trace = path(folder.path(), "app.trace");
    let code = "import os, subprocess, sys\nkept = bytes(3_000_000)\nprint(os.getpid(), flush=True)\n\
                if len(sys.argv) > 1: subprocess.run([sys.executable, '-c', sys.argv[1]])";
    let mut child = command(&["run", "--exact", "--subprocesses", "-o", &trace, "--", "python3", "-c", code, code]);
    let run = finish(child.spawn().expect("it starts"));
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert!(run.stderr.contains("\nwith 1 child, a file of its own beside it\n"), "{run:#?}");
    let pids: Vec<&str> = run.stdout.lines().collect();
    let view = memsight(&["trace", &trace, "--format", "json"]).json();
    let rows = view["processes"].as_array().expect("processes");
    let of = |name: &str| rows.iter().map(|row| row[name].to_string()).collect::<Vec<_>>();
    assert_eq!(
        (of("pid"), of("depth")),
        (pids.iter().map(|pid| (*pid).to_owned()).collect(), vec!["0".into(), "1".into()])
    );
    assert_eq!(rows[1]["parent"].to_string(), pids[0]);
    let beside = path(folder.path(), &format!("app.{}.trace", pids[1]));
    assert_eq!(rows[1]["trace"], beside);
    let text = memsight(&["trace", &trace]).ok();
    assert!(text.contains("Processes") && text.contains(pids[1]), "{text}");
    let all = memsight(&["trace", &trace, "summary", "--process", "all", "--format", "json"]).json();
    let (sum, one) = (all["peak_bytes"].as_u64().expect("bytes"), view["peak_bytes"].as_u64().expect("bytes"));
    assert!(sum > one + 3_000_000, "{sum} of all, {one} of one");
    let one = memsight(&["trace", &trace, "summary", "--process", pids[1], "--format", "json"]).json();
    assert_eq!(one["pid"].to_string(), pids[1]);
    memsight(&["trace", &trace, "--process", "1"]).fails_with("MS-E185");
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("UTF-8").to_owned()
}

/// Waits for the first line, and gives the rest of the output.
fn ready(child: &mut Child) -> BufReader<impl Read + use<>> {
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    output.read_line(&mut line).expect("it speaks");
    assert_eq!(line, "ready\n");
    output
}

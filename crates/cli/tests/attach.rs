//! `memsight attach` and `detach`: a process that runs goes on as before, whatever becomes of memsight.
#![cfg(all(target_os = "linux", target_arch = "x86_64", not(memsight_portable)))]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "tests read clocks and files, and say what is not covered"
)]

mod common;

use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use common::{Python, command, finish, kill, memsight, nobody};
use memsight_engine::format::trace::Reader;
use memsight_model::trace::{Event, Record};
use memsight_testkit::{Busy, interpreters};

const KILLS: u64 = 60;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_process_is_recorded_from_now_on() {
    let folder = folder();
    let trace = path(folder.path(), "a.trace");
    let mut python = Python::start("");
    let mut child = command(&["attach", &python.pid(), "--exact", "-o", &trace]).spawn().expect("it starts");
    let mut text = String::new();
    read_line(child.stderr.as_mut().expect("a pipe"), &mut text);
    assert!(text.starts_with("recording process "), "{text}");
    python.answers(1);
    python.answers(2);
    kill(child.id(), "INT");
    let run = finish(child);
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert!(run.stderr.contains("recorded ") && run.stderr.contains("memsight trace"), "{run:#?}");
    let view = memsight(&["trace", &trace, "--format", "json"]).json();
    assert_eq!((view["is_cut"].as_bool(), view["mode"].as_str()), (Some(false), Some("exact")), "{view:#}");
    assert!(view["allocations"].as_u64().is_some_and(|count| count > 0), "{view:#}");
    python.answers(3);
    assert_eq!(
        memsight(&["detach", &python.pid()]).stderr,
        format!("process {} was not being recorded\n", python.pid())
    );
}

#[test]
fn two_do_not_record_one_process() {
    let folder = folder();
    let mut python = Python::start("");
    let first = path(folder.path(), "a.trace");
    let mut child = command(&["attach", &python.pid(), "-o", &first]).spawn().expect("it starts");
    let mut text = String::new();
    read_line(child.stderr.as_mut().expect("a pipe"), &mut text);
    let second = path(folder.path(), "b.trace");
    memsight(&["attach", &python.pid(), "-o", &second]).fails_with("MS-E178");
    assert!(!Path::new(&second).exists());
    let run = memsight(&["detach", &python.pid()]);
    assert_eq!(run.stderr, format!("process {} is recorded no more\n", python.pid()));
    // whoever recorded it sees that, and ends
    let run = finish(child);
    assert_eq!(run.code, Some(0), "{run:#?}");
    python.answers(1);
}

#[test]
fn what_cannot_be_recorded() {
    let folder = folder();
    let trace = path(folder.path(), "a.trace");
    memsight(&["attach", &nobody(), "-o", &trace]).fails_with("MS-E010");
    memsight(&["attach", "x", "-o", &trace]).fails_with("MS-E091");
    let mut sleeper = std::process::Command::new("sleep").arg("1000").spawn().expect("sleep is there");
    memsight(&["attach", &sleeper.id().to_string(), "-o", &trace]).fails_with("MS-E030");
    sleeper.kill().expect("ours");
    sleeper.wait().expect("ours");
    assert!(!Path::new(&trace).exists());
}

/// Without a name there is a next one, as of `run`.
#[test]
fn traces_that_nobody_names_do_not_stand_in_each_others_way() {
    let folder = folder();
    let mut python = Python::start("");
    for name in ["", "-2"] {
        let mut child = command(&["attach", &python.pid(), "-d", "20ms"]);
        let run = finish(child.current_dir(folder.path()).spawn().expect("it starts"));
        assert_eq!(run.code, Some(0), "{run:#?}");
        let trace = folder.path().join(format!("memsight-{}{name}.trace", python.pid()));
        assert!(Reader::open(&trace).is_ok(), "{name}: {run:#?}");
    }
    python.answers(1);
}

/// A process in name spaces of its own, as in a container, sees neither our files nor our id.
#[test]
fn a_process_in_a_container_is_recorded() {
    let folder = folder();
    let code = "import os, sys\nprint(os.getpid(), os.listdir('/proc/self/fd'), flush=True)\nfor line in sys.stdin:\n    \
                kept = bytes(1234567)\n    print(os.getpid(), os.listdir('/proc/self/fd'), flush=True)";
    let mut unshare = std::process::Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--pid", "--mount-proc", "--fork", "python3", "-c", code]);
    let mut child =
        unshare.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("unshare");
    let (mut input, mut output) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
    let mut before = String::new();
    read_line(&mut output, &mut before);
    if before.is_empty() {
        eprintln!("NOT COVERED: this machine lets nobody make name spaces of their own");
        child.wait().expect("it ends");
        return;
    }
    assert!(before.starts_with("1 "), "{before}");
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).expect("its child");
    let pid = children.trim().to_owned();
    for cycle in 0..3 {
        let trace = path(folder.path(), &format!("{cycle}.trace"));
        let mut recording = command(&["attach", &pid, "--exact", "-o", &trace]).spawn().expect("it starts");
        let mut text = String::new();
        read_line(recording.stderr.as_mut().expect("a pipe"), &mut text);
        assert!(text.starts_with("recording process "), "{text}");
        input.write_all(b"go\n").expect("it listens");
        let mut line = String::new();
        read_line(&mut output, &mut line);
        assert_eq!(line, before, "its files are those that it had");
        kill(recording.id(), "INT");
        let run = finish(recording);
        assert_eq!(run.code, Some(0), "{run:#?}");
        let reader = Reader::open(Path::new(&trace)).expect("a trace");
        assert_eq!(reader.head().pid.to_string(), pid);
        let found =
            reader.filter(|record| matches!(record, Ok(Record::Event(Event::Allocated { bytes: 1_234_600, .. }))));
        assert_eq!(found.count(), 1);
    }
    drop(input);
    assert!(child.wait().expect("ours").success());
}

/// A filter of system calls may end it for one that it does not know; another tracer has it already.
#[test]
fn jailed_and_traced_processes_are_refused() {
    let folder = folder();
    let trace = path(folder.path(), "a.trace");
    // allows everything: struct sock_filter { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW }
    let jail = "import ctypes\nlibc = ctypes.CDLL(None)\nallow = ctypes.create_string_buffer(\
                bytes([6, 0, 0, 0, 0, 0, 0xff, 0x7f]))\nclass Program(ctypes.Structure):\n    _fields_ = [('len', \
                ctypes.c_ushort), ('filter', ctypes.c_void_p)]\nprogram = Program(1, ctypes.addressof(allow))\n\
                assert libc.prctl(38, 1, 0, 0, 0) == 0\nassert libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0";
    let mut jailed = Python::start(jail);
    memsight(&["attach", &jailed.pid(), "-o", &trace]).fails_with("MS-E176");
    jailed.answers(1);
    let mut traced = Python::start("");
    let mut strace =
        match std::process::Command::new("strace").args(["-q", "-p", &traced.pid()]).stderr(Stdio::null()).spawn() {
            Ok(strace) => strace,
            Err(_) => {
                eprintln!("NOT COVERED: strace is not there");
                return;
            }
        };
    let status = || std::fs::read_to_string(format!("/proc/{}/status", traced.pid())).expect("it runs");
    while status().contains("TracerPid:\t0\n") {
        std::thread::yield_now();
    }
    let run = memsight(&["attach", &traced.pid(), "-o", &trace]);
    assert!(run.code == Some(2) && run.stderr.contains("traced by process"), "{run:#?}");
    strace.kill().expect("ours");
    strace.wait().expect("ours");
    traced.answers(1);
    assert!(!Path::new(&trace).exists());
}

/// Those that it forks while it is recorded.
#[test]
fn children_of_a_process_that_runs_are_recorded() {
    let folder = folder();
    let trace = path(folder.path(), "a.trace");
    let code = "import os, sys\nprint('ready', flush=True)\nfor line in sys.stdin:\n    pid = os.fork()\n    if pid == 0:\n        \
                kept = bytes(1234567)\n        os._exit(3)\n    assert os.waitpid(pid, 0)[1] == 3 << 8\n    \
                print(pid, flush=True)";
    let mut python = std::process::Command::new("python3");
    let mut child = python.args(["-c", code]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let (mut input, mut output) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    read_line(&mut output, &mut line);
    let pid = child.id().to_string();
    let mut recording =
        command(&["attach", &pid, "--exact", "--subprocesses", "-o", &trace]).spawn().expect("it starts");
    read_line(recording.stderr.as_mut().expect("a pipe"), &mut String::new());
    let mut pids = Vec::new();
    for _ in 0..3 {
        input.write_all(b"go\n").expect("it listens");
        let mut line = String::new();
        read_line(&mut output, &mut line);
        pids.push(line.trim().to_owned());
    }
    kill(recording.id(), "INT");
    let run = finish(recording);
    assert!(run.code == Some(0) && run.stderr.contains("with 3 children"), "{run:#?}");
    for pid in pids {
        let reader = Reader::open(&folder.path().join(format!("a.{pid}.trace"))).expect("a trace");
        let found =
            reader.filter(|record| matches!(record, Ok(Record::Event(Event::Allocated { bytes: 1_234_600, .. }))));
        assert_eq!(found.count(), 1, "{pid}");
    }
    input.write_all(b"go\n").expect("it listens");
    read_line(&mut output, &mut String::new());
    drop(input);
    assert!(child.wait().expect("ours").success());
}

/// At any moment of beginning, recording and ending; the next one puts in order what the last has left.
#[test]
fn killed_at_any_moment_it_leaves_the_process_running() -> Result<(), Box<dyn std::error::Error>> {
    let folder = folder();
    let interpreter = interpreters().pop().ok_or("no Python found")?;
    let mut busy = Busy::start(&interpreter)?;
    let pid = busy.pid().to_string();
    let trace = path(folder.path(), "a.trace");
    let run = |duration: &str| {
        let mut command = command(&["attach", &pid, "--exact", "--force", "-o", &trace, "-d", duration]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let began = Instant::now();
    assert!(run("50ms").status()?.success());
    let whole = began.elapsed();
    let mut before = busy.progress()?;
    // Multiples of the golden ratio spread evenly over the run, whatever their number.
    let moments = (0..KILLS).map(|number| (number as f64 * 0.618_033_988_749_895).fract());
    for moment in moments {
        let mut child = run("50ms").spawn()?;
        std::thread::sleep(whole.mul_f64(moment)); // the moment of the kill, nothing waits for it
        child.kill()?;
        child.wait()?;
        before = busy.advance(&before)?; // every thread of it, and it still forks
    }
    assert_eq!((before.wrong, before.failed), (0, 0), "{before:?}");
    let run = finish(command(&["attach", &pid, "--exact", "--force", "-o", &trace, "-d", "50ms"]).spawn()?);
    assert_eq!(run.code, Some(0), "{run:#?}");
    let mut reader = Reader::open(Path::new(&trace))?;
    let events = reader.by_ref().count();
    assert!(events > 1000 && !reader.is_cut(), "{events}");
    let mut end = busy.advance(&before)?;
    end = busy.advance(&end)?;
    assert_eq!((end.wrong, end.failed), (0, 0), "{end:?}");
    Ok(())
}

/// One line, and no byte behind it.
fn read_line(from: &mut impl Read, line: &mut String) {
    let mut byte = [0];
    while !line.ends_with('\n') && from.read(&mut byte).expect("a pipe") > 0 {
        line.push(byte[0] as char);
    }
}

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

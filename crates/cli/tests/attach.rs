//! `memsight attach` and `detach`: a process that runs goes on as before, whatever becomes of memsight.
#![cfg(all(target_os = "linux", target_arch = "x86_64", not(memsight_portable)))]
#![allow(clippy::disallowed_methods, reason = "tests read clocks and files")]

mod common;

use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use common::{Python, command, finish, kill, memsight, nobody};
use memsight_engine::format::trace::Reader;
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

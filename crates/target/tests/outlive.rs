//! What a copy holds of its target: memory, and nothing else.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

mod support;

use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use memsight_model::Quiet;
use memsight_target::{Obstacle, Process, TargetError};
use support::{HANGS, Target, copies, signal, status, wait_for_state};

fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(name)
}

fn python() -> Command {
    Command::new(if Path::new("/usr/bin/python3").exists() { "/usr/bin/python3" } else { "python3" })
}

fn holder(file: &Path) -> Target {
    let path = program("holder.py");
    let target = Target::spawn(python().arg(&path).arg(file).env("PROGRAM", &path));
    assert_eq!(target.line(), "ready");
    target
}

/// Who holds a POSIX lock on the file (`/proc/locks`: number, kind, mode, access, pid, device:inode ...).
fn lock_holder(file: &Path) -> Option<u32> {
    let inode = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(file).unwrap()).to_string();
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    let holder = |line: &str| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let of_file = words.get(5)?.rsplit(':').next()? == inode;
        (of_file && words.get(1) == Some(&"POSIX")).then(|| words.get(4)?.parse().ok())?
    };
    locks.lines().find_map(holder)
}

#[test]
fn no_file_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lock");
    let mut target = holder(&file);
    let port: u16 = target.line().parse().unwrap();
    let files = || std::fs::read_dir(format!("/proc/{}/fd", target.pid())).unwrap().count();
    let before = files();
    let process = Process::open(target.pid()).unwrap();
    let forked = process.fork().unwrap().stop().unwrap().fork().unwrap();
    assert_eq!(std::fs::read_dir(format!("/proc/{}/fd", forked.id())).unwrap().count(), 0);
    assert_eq!(files(), before);
    assert_eq!(lock_holder(&file), Some(target.pid()));
    // a program that begins anew keeps its locks
    assert_eq!(target.ask("exec"), "again");
    assert_eq!(lock_holder(&file), Some(target.pid()));
    assert!(forked.capture(&Quiet).is_ok());
    let refused = TcpStream::connect(("127.0.0.1", port)).map(drop).map_err(|error| error.kind());
    assert_eq!(refused, Err(io::ErrorKind::ConnectionRefused), "the port was closed by the exec");
    target.say("end");
    assert!(target.child.wait().unwrap().success());
    assert_eq!(lock_holder(&file), None);
    drop(forked);
}

#[test]
fn what_ends_leaves_its_port_and_its_lock() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lock");
    let mut target = holder(&file);
    let port: u16 = target.line().parse().unwrap();
    let process = Process::open(target.pid()).unwrap();
    let forked = process.fork().unwrap().stop().unwrap().fork().unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    target.say("end");
    assert!(target.child.wait().unwrap().success());
    let refused = TcpStream::connect(("127.0.0.1", port)).map(drop).map_err(|error| error.kind());
    assert_eq!((refused, lock_holder(&file)), (Err(io::ErrorKind::ConnectionRefused), None));
    drop(forked);
}

/// Run by the next test, as a process of its own: holds a copy until it is told to go.
#[test]
#[ignore = "run by a_reader_that_stands_still_holds_no_copy"]
fn reader() {
    let Ok(pid) = std::env::var("MEMSIGHT_TEST_TARGET") else { return };
    let process = Process::open(pid.parse().unwrap()).unwrap();
    let forked = process.fork().unwrap().stop().unwrap().fork().unwrap();
    println!("\ncopied {}", forked.id());
    let mut line = String::new();
    io::stdin().read_line(&mut line).unwrap();
    println!("\nlost {}", matches!(forked.capture(&Quiet), Err(TargetError::CopyLost { .. })));
}

#[test]
fn a_reader_that_stands_still_holds_no_copy() {
    let target = Target::start("import sys\nprint('ready', flush=True)\nsys.stdin.readline()");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "reader", "--ignored", "--nocapture"]);
    let mut reader = Target::spawn(command.env("MEMSIGHT_TEST_TARGET", target.pid().to_string()));
    let told = |reader: &Target, word: &str| loop {
        if let Some(rest) = reader.line().strip_prefix(word) {
            return rest.trim().to_owned();
        }
    };
    told(&reader, "copied");
    assert_eq!(copies(target.pid()), 1);
    signal(reader.pid(), libc::SIGSTOP);
    wait_for_state(reader.pid(), 'T');
    let began = std::time::Instant::now();
    while copies(target.pid()) > 0 {
        assert!(began.elapsed() < HANGS, "the copy is still there");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    signal(reader.pid(), libc::SIGCONT);
    assert_eq!(
        {
            reader.say("go");
            told(&reader, "lost")
        },
        "true"
    );
    assert_eq!(status(target.pid(), "TracerPid"), "0");
}

fn userfault(way: &str) -> Option<Target> {
    let target = Target::spawn(python().arg(program("userfault.py")).arg(way));
    match target.line().as_str() {
        "ready" => Some(target),
        reason => {
            eprintln!("NOT COVERED: userfaultfd: {reason}");
            None
        }
    }
}

#[test]
fn a_process_that_is_told_of_its_forks_is_not_made_to_fork() {
    let Some(mut target) = userfault("here") else { return };
    let process = Process::open(target.pid()).unwrap();
    let error = process.fork().map(drop).unwrap_err();
    assert!(matches!(error, TargetError::NoFork { cause: Obstacle::Userfault, .. }), "{error:?}");
    process.freeze().unwrap().resume();
    assert_eq!(target.ask("?"), "here");
}

/// Nobody can see beforehand that another process has to hear of the fork, and that one does not listen.
#[test]
fn a_fork_that_waits_for_another_process_is_given_up() {
    let Some(mut target) = userfault("elsewhere") else { return };
    let process = Process::open(target.pid()).unwrap();
    let listener = support::children(target.pid());
    let error = process.fork().unwrap().stop().unwrap().fork().map(drop).unwrap_err();
    assert!(matches!(error, TargetError::NoFork { cause: Obstacle::Helper { .. }, .. }), "{error:?}");
    assert_eq!(status(target.pid(), "TracerPid"), "0");
    // the one that should have heard of it ends: the kernel waits no longer, and the thread finds its way back
    listener.into_iter().for_each(|pid| signal(pid, libc::SIGKILL));
    assert_eq!(target.ask("?"), "here");
}

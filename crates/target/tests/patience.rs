//! System calls that a stop would change, and what is done about a target that is stopped, traced or another program when its
//! copy is to be collected.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

mod support;

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use memsight_model::Quiet;
use memsight_target::{Ended, Obstacle, Process, TargetError};
use support::{HANGS, Target, copies, signal, wait_for_state};

/// Numbers of calls in `/proc/TID/syscall`: recvfrom, write, epoll_wait.
const WAITS: [(&str, &str, &str); 3] = [("receive", "45", "8"), ("write", "1", "1048576"), ("poll", "232", "[] True")];

fn program(way: &str) -> Target {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/cut.py");
    let python = if Path::new("/usr/bin/python3").exists() { "/usr/bin/python3" } else { "python3" };
    let target = Target::spawn(Command::new(python).arg(path).arg(way));
    assert_eq!(target.line(), "ready");
    target
}

/// The thread that waits in that call, once one does; a `read` of the pipe from us is none.
fn thread_in(pid: u32, number: &str) -> u32 {
    let began = Instant::now();
    loop {
        for entry in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
            let text = std::fs::read_to_string(entry.path().join("syscall")).unwrap_or_default();
            if text.split(' ').next() == Some(number) {
                return entry.file_name().to_string_lossy().parse().unwrap();
            }
        }
        assert!(began.elapsed() < HANGS, "no thread waits in {number}");
        std::thread::yield_now();
    }
}

/// How often a thread was given a processor.
fn runs(pid: u32, tid: u32) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{tid}/schedstat")).unwrap_or_default();
    text.split_whitespace().nth(2).unwrap_or_default().to_owned()
}

#[test]
fn calls_that_a_stop_would_change_are_left_alone() {
    let mut target = program("aside");
    for (name, number, result) in WAITS.iter().filter(|(name, ..)| *name != "poll") {
        assert_eq!(target.ask(name), "begins");
        let tid = thread_in(target.pid(), number);
        let before = runs(target.pid(), tid);
        let process = Process::open(target.pid()).unwrap();
        for _ in 0..16 {
            let forked = process.fork().unwrap().stop_most().unwrap().fork().unwrap();
            assert!(forked.capture(&Quiet).unwrap().copied_bytes() > 0);
            assert!(forked.end().collected);
        }
        assert_eq!(runs(target.pid(), tid), before, "{name}: the thread slept all the time");
        assert_eq!(target.ask("on"), *result);
    }
    // one that ends by itself may end in the midst of a look
    assert_eq!(target.ask("poll"), "begins");
    let process = Process::open(target.pid()).unwrap();
    let forked = process.fork().unwrap().stop_most().unwrap().fork();
    assert!(matches!(forked, Ok(_) | Err(TargetError::NoFork { cause: Obstacle::Moment, .. })), "{forked:?}");
    drop(forked);
    assert_eq!(target.ask("on"), "[] True");
    assert_eq!(copies(target.pid()), 0);
}

/// There is nobody else who could make the copy: one is made of a thread whose call is not cut short, and none otherwise.
#[test]
fn the_only_thread_is_left_in_a_call_that_would_be_cut_short() {
    for (name, number, result) in WAITS {
        let mut target = program("alone");
        target.say(name);
        let writer = target.line();
        assert_eq!(target.line(), "begins");
        let tid = thread_in(target.pid(), number);
        let before = runs(target.pid(), tid);
        let process = Process::open(target.pid()).unwrap();
        let mut fork = process.fork().unwrap();
        let forked = fork.stop_most().unwrap().fork().map(|forked| forked.end());
        match name {
            "poll" => assert!(matches!(forked, Ok(Ended { collected: true, .. })), "{forked:?}"),
            _ => {
                assert!(matches!(forked, Err(TargetError::NoFork { cause: Obstacle::Moment, .. })), "{forked:?}");
                assert_eq!(runs(target.pid(), tid), before);
            }
        }
        let path = format!("/proc/{}/fd/{writer}", target.pid());
        std::fs::OpenOptions::new().write(true).open(path).and_then(|mut pipe| pipe.write_all(b"x")).unwrap();
        assert_eq!(target.line(), result, "{name}");
    }
}

#[test]
fn a_target_that_was_stopped_meanwhile_collects_the_copy_and_stays_stopped() {
    let mut target =
        Target::start("import sys\nprint('ready', flush=True)\nfor line in sys.stdin: print('here', flush=True)");
    let process = Process::open(target.pid()).unwrap();
    let forked = process.fork().unwrap().stop().unwrap().fork().unwrap();
    signal(target.pid(), libc::SIGSTOP);
    wait_for_state(target.pid(), 'T');
    assert!(forked.end().collected);
    assert_eq!(copies(target.pid()), 0);
    // it is on its way back into the stop when it is let go
    wait_for_state(target.pid(), 'T');
    target.say("?");
    assert_eq!(target.line_so_far(), None);
    signal(target.pid(), libc::SIGCONT);
    assert_eq!(target.line(), "here");
}

#[test]
fn a_target_that_is_traced_meanwhile_collects_the_copy_when_it_is_let_go() {
    let mut target =
        Target::start("import sys\nprint('ready', flush=True)\nfor line in sys.stdin: print('here', flush=True)");
    let pid = target.pid();
    let process = Process::open(pid).unwrap();
    let forked = process.fork().unwrap().stop().unwrap().fork().unwrap();
    std::thread::scope(|scope| {
        let ended = scope.spawn(|| {
            // SAFETY: takes numbers only; the tracing ends with this thread.
            assert_eq!(unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid as i32, 0, 0) }, 0);
            forked.end()
        });
        assert!(!ended.join().unwrap().collected);
    });
    let began = Instant::now();
    while copies(pid) > 0 {
        assert!(began.elapsed() < HANGS, "the copy is still there");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(target.ask("?"), "here");
}

#[test]
fn a_target_that_has_become_another_program_collects_the_copy() {
    let program = "import os, sys\nprint('ready', flush=True)\nsys.stdin.readline()\n\
                   os.execv('/bin/sh', ['sh', '-c', 'echo begins; exec cat'])";
    let mut target = Target::start(program);
    let process = Process::open(target.pid()).unwrap();
    let forked = process.fork().unwrap().stop().unwrap().fork().unwrap();
    target.say("go");
    assert_eq!(target.line(), "begins");
    assert!(forked.end().collected);
    assert_eq!(copies(target.pid()), 0);
    assert_eq!(target.ask("again"), "again");
}

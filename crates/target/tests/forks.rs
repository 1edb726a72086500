//! A copy by a fork is invisible to the target.
#![allow(clippy::disallowed_methods)]

mod support;

use memsight_model::Quiet;
use memsight_target::{Ended, Process};
use support::{Target, status};

/// Makes a copy, reads it and ends it.
fn copied(process: &Process) -> Ended {
    let mut fork = process.fork().unwrap();
    let forked = fork.stop().unwrap().fork().unwrap();
    assert!(fork.pause_ns() > 0);
    assert!(forked.capture(&Quiet).unwrap().copied_bytes() > 0);
    let ended = forked.end();
    assert!(ended.collected);
    ended
}

/// The processes whose parent `pid` is, zombies included.
fn children(pid: u32) -> Vec<u32> {
    let stat = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let parent = |pid: &u32| stat(pid).rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok();
    memsight_target::pids().unwrap().into_iter().filter(|child| parent(child) == Some(pid)).collect()
}

#[test]
fn waiting_calls_go_on_waiting() {
    let mut target = Target::start(include_str!("programs/calls.py"));
    let process = Process::open(target.pid()).unwrap();
    for _ in 0..50 {
        copied(&process);
    }
    assert_eq!(children(target.pid()), []);
    let expected =
        "[('lock', (True, 0)), ('nanosleep', (0, 0)), ('poll', (1, 0)), ('read', (8, 0)), ('sem_wait', (0, 0))]";
    assert_eq!(target.ask("go"), expected);
}

#[test]
fn two_hundred_copies_leave_a_busy_target_right() {
    let mut target = Target::start(include_str!("programs/busy.py"));
    let process = Process::open(target.pid()).unwrap();
    for _ in 0..200 {
        copied(&process);
    }
    assert_eq!(status(target.pid(), "TracerPid"), "0");
    assert_eq!(target.ask("stop"), "wrong: []");
    let rounds = target.line();
    assert!(rounds.starts_with("rounds: True"), "{rounds}");
    assert!(target.child.wait().unwrap().success());
}

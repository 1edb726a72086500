//! Whatever is killed while a process is copied by a fork, it goes on as it was.
#![allow(clippy::disallowed_methods)]

mod support;

use std::io::Read;
use std::time::{Duration, Instant};

use memsight_target::{Obstacle, Process, TargetError};
use support::{HANGS, HELPER, Helper, Moments, Target, copied, copies, helped, once, rounds, status};

/// Not a test by itself: the process that the next one starts and kills.
#[test]
fn helper() {
    let Some(pid) = helped() else { return };
    let process = Process::open(pid).unwrap();
    loop {
        copied(&process);
        once();
    }
}

/// 200 times with `MEMSIGHT_TEST_ROUNDS=200`.
#[test]
fn a_killed_reader_leaves_nothing_behind() {
    let mut target = Target::start(include_str!("programs/service.py"));
    let mut moments = Moments::new();
    for round in 0..rounds(40) {
        let helper = Helper::start("helper", target.pid());
        moments.pass(Duration::from_millis(40));
        helper.kill();
        // the guard sees to the rest, and goes
        while guard(target.pid()).is_some() || status(target.pid(), "TracerPid") != "0" {
            std::thread::yield_now();
        }
        assert_eq!(copies(target.pid()), 0, "{round}");
        assert_eq!(target.ask("?"), "alive", "{round}");
    }
    assert_eq!(target.ask("stop"), "[] True");
    assert!(target.child.wait().unwrap().success());
}

/// Not a test by itself: copies until its input ends, whatever becomes of its guards.
#[test]
fn unguarded() {
    let Some(pid) = helped() else { return };
    let (send, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        let _ = send.send(());
    });
    let process = Process::open(pid).unwrap();
    while ended.try_recv().is_err() {
        let forked = process.fork().and_then(|mut fork| fork.stop()?.fork());
        match forked {
            Ok(forked) => assert!(forked.end().collected),
            Err(TargetError::NoFork { cause: Obstacle::Moment | Obstacle::Helper { .. }, .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
        once();
    }
}

/// Kills the guards of copies of `target` at random moments, those included at which a thread has registers that are not
/// its own: five a round.
fn kill_guards(target: &mut Target, rounds: usize, answer: impl Fn(&mut Target)) {
    let mut moments = Moments::new();
    for round in 0..rounds {
        let mut helper = Helper::start("unguarded", target.pid());
        for _ in 0..5 {
            let guard = next_guard(&mut helper, target.pid());
            moments.pass(Duration::from_millis(1));
            // SAFETY: takes numbers only; one that has ended may be meant, and its id is not in use again so soon.
            unsafe { libc::kill(guard as i32, libc::SIGKILL) };
            helper.look();
            answer(target);
        }
        helper.finish();
        // a thread whose guard was killed before its call makes the copy after that, and collects it, alone
        let began = Instant::now();
        while copies(target.pid()) != 0 {
            assert!(began.elapsed() < HANGS, "{round}");
            std::thread::yield_now();
        }
        assert_eq!(status(target.pid(), "TracerPid"), "0");
    }
}

/// 200 rounds with `MEMSIGHT_TEST_ROUNDS=200`.
#[test]
fn a_killed_guard_leaves_the_target_as_it_was() {
    let mut target = Target::start(include_str!("programs/service.py"));
    let masks = |pid| ["SigBlk", "SigIgn", "SigCgt"].map(|name| status(pid, name));
    let before = masks(target.pid());
    kill_guards(&mut target, rounds(40), |target| assert_eq!(target.ask("?"), "alive"));
    assert_eq!(masks(target.pid()), before);
    assert_eq!(target.ask("stop"), "[] True");
    assert!(target.child.wait().unwrap().success());
}

/// Threads in the middle of sums that are kept in vector registers.
#[test]
fn a_killed_guard_leaves_sums_right() {
    let mut target = Target::start(include_str!("programs/busy.py"));
    kill_guards(&mut target, rounds(40), |_| {});
    assert_eq!(target.ask("stop"), "wrong: []");
    assert!(target.line().starts_with("rounds: True"));
    assert!(target.child.wait().unwrap().success());
}

/// The only thread is the one that makes the calls.
#[test]
fn a_killed_guard_leaves_a_single_thread_right() {
    let mut target = Target::start(
        "import sys, zlib\nprint('ready', flush=True)\ndata = bytes(range(256)) * 64\nright = zlib.crc32(data)\n\
         for line in sys.stdin: print(all(zlib.crc32(data) == right for _ in range(2000)), flush=True)",
    );
    kill_guards(&mut target, rounds(40), |target| assert_eq!(target.ask("?"), "True"));
}

/// The guard that `helper` has, or will have: it may be between two of them.
fn next_guard(helper: &mut Helper, target: u32) -> u32 {
    loop {
        if let Some(guard) = guard(target) {
            return guard;
        }
        assert!(helper.runs(), "the helper works");
    }
}

/// The guard that a helper started for the target, if there is one.
fn guard(pid: u32) -> Option<u32> {
    let file = |of: &u32, name: &str| std::fs::read(format!("/proc/{of}/{name}")).unwrap_or_default();
    let of_it = format!("{HELPER}={pid}").into_bytes();
    memsight_target::pids().unwrap().into_iter().find(|other| {
        file(other, "comm") == b"memsight-guard\n"
            && file(other, "environ").split(|&byte| byte == 0).any(|v| v == of_it)
    })
}

//! A pause is invisible to the target.
#![allow(clippy::disallowed_methods)]

mod support;

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use memsight_model::Quiet;
use memsight_target::{Process, TargetError};
use support::{Helper, Moments, Target, helped, once, signal, status, take_turns, wait_for_state};

/// Waits until the child has stopped, and leaves its status for its owner.
fn wait_for_stop(pid: u32) {
    // SAFETY: `siginfo_t` is plain data, filled by the kernel, and not read.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: `info` is ours for the length of the call.
    assert_eq!(unsafe { libc::waitid(libc::P_PID, pid, &mut info, libc::WSTOPPED | libc::WNOWAIT) }, 0);
}

#[test]
fn two_hundred_reads_leave_a_busy_target_right() {
    let mut target = Target::start(include_str!("programs/busy.py"));
    let process = Process::open(target.pid()).unwrap();
    for _ in 0..200 {
        let frozen = process.freeze().unwrap();
        let image = frozen.capture(&Quiet).unwrap();
        assert!(frozen.resume() > 0);
        assert!(image.copied_bytes() > 0);
    }
    assert_eq!(target.ask("stop"), "wrong: []");
    let rounds = target.line();
    assert!(rounds.starts_with("rounds: True"), "{rounds}");
    assert!(target.child.wait().unwrap().success());
}

/// Not a test by itself: the process that the next one starts and kills.
#[test]
fn helper() {
    let Some(pid) = helped() else { return };
    let process = Process::open(pid).unwrap();
    loop {
        let frozen = process.freeze().unwrap();
        frozen.capture(&Quiet).unwrap();
        frozen.resume();
        once();
    }
}

#[test]
fn a_killed_reader_leaves_the_target_running() {
    let mut target = Target::start(include_str!("programs/counter.py"));
    let mut moments = Moments::new();
    let mut count = 0;
    for _ in 0..100 {
        let helper = Helper::start("helper", target.pid());
        moments.pass(Duration::from_millis(20));
        helper.kill();
        count = target.ask(&(count + 100).to_string()).parse::<u64>().unwrap();
        assert_eq!(status(target.pid(), "TracerPid"), "0");
    }
}

#[test]
fn a_stopped_target_stays_stopped() {
    let mut target = Target::start(include_str!("programs/counter.py"));
    signal(target.pid(), libc::SIGSTOP);
    wait_for_stop(target.pid());
    let process = Process::open(target.pid()).unwrap();
    for _ in 0..20 {
        let frozen = process.freeze().unwrap();
        assert!(frozen.capture(&Quiet).unwrap().copied_bytes() > 0);
        frozen.resume();
        // on its way back into the stop it runs in the kernel for a moment
        wait_for_state(target.pid(), 'T');
    }
    signal(target.pid(), libc::SIGCONT);
    assert!(target.ask("100").parse::<u64>().unwrap() > 100);
}

#[test]
fn waiting_calls_go_on_waiting() {
    let mut target = Target::start(include_str!("programs/calls.py"));
    let process = Process::open(target.pid()).unwrap();
    for _ in 0..50 {
        process.freeze().unwrap().resume();
    }
    let expected =
        "[('lock', (True, 0)), ('nanosleep', (0, 0)), ('poll', (1, 0)), ('read', (8, 0)), ('sem_wait', (0, 0))]";
    assert_eq!(target.ask("go"), expected);
}

#[test]
fn threads_that_start_meanwhile_are_stopped_too() {
    let mut target = Target::start(include_str!("programs/threads.py"));
    let process = Process::open(target.pid()).unwrap();
    for _ in 0..200 {
        let frozen = process.freeze().unwrap();
        let tasks = std::fs::read_dir(format!("/proc/{}/task", target.pid())).unwrap();
        for task in tasks {
            let Ok(stat) = std::fs::read_to_string(task.unwrap().path().join("stat")) else { continue };
            let state = stat.rsplit_once(") ").unwrap().1;
            // a thread that was ending may be in its last moments
            assert!(state.starts_with(['t', 'Z', 'X']), "{stat}");
        }
        drop(frozen);
    }
    assert_eq!(target.ask("stop"), "True");
    assert!(target.child.wait().unwrap().success());
}

#[test]
fn signals_that_arrive_meanwhile_are_delivered() {
    let mut target = Target::start(
        "import signal, sys\nseen = []\nfor s in (10, 12, 14, 28): signal.signal(s, lambda s, f: seen.append(s))\n\
         print('ready', flush=True)\nfor line in sys.stdin: print(len(seen), flush=True)",
    );
    let process = Process::open(target.pid()).unwrap();
    // the same signal pends only once, so each is answered before the next round
    for round in 1..=50 {
        for kind in [libc::SIGUSR1, libc::SIGUSR2] {
            signal(target.pid(), kind);
        }
        let frozen = process.freeze().unwrap();
        for kind in [libc::SIGALRM, libc::SIGWINCH] {
            signal(target.pid(), kind);
        }
        drop(frozen);
        while target.ask("?") != (4 * round).to_string() {}
    }
}

#[test]
fn a_target_in_vfork_is_let_go() {
    let mut target = Target::start(include_str!("programs/vfork.py"));
    let process = Process::open(target.pid()).unwrap();
    match process.freeze().map(drop) {
        Err(TargetError::StoppedTooLong { pid, vfork: true, .. }) => assert_eq!(pid, target.pid()),
        other => panic!("{other:?}"),
    }
    assert_eq!(status(target.pid(), "TracerPid"), "0");
    assert_eq!(target.ask("count"), "counting");
    assert_eq!(target.ask("open"), "joined");
    process.freeze().unwrap().resume();
    assert_eq!(target.ask("count"), "counting");
}

#[test]
fn a_pause_waits_for_its_turn() {
    let target = Target::start(include_str!("programs/counter.py"));
    let pid = target.pid();
    let process = Process::open(pid).unwrap();
    take_turns(process.freeze().unwrap(), || drop(Process::open(pid).unwrap().freeze().unwrap()));
}

#[test]
fn a_guard_that_is_dropped_lets_go() {
    let mut target = Target::start(include_str!("programs/counter.py"));
    let process = Process::open(target.pid()).unwrap();
    let frozen = process.freeze().unwrap();
    assert_ne!(status(target.pid(), "TracerPid"), "0");
    assert!(status(target.pid(), "State").starts_with('t'));
    drop(frozen);
    assert_eq!(status(target.pid(), "TracerPid"), "0");
    target.ask("1000");
}

#[test]
fn a_target_that_dies_in_a_pause_is_reported() {
    let mut target = Target::start(include_str!("programs/counter.py"));
    let process = Process::open(target.pid()).unwrap();
    let frozen = process.freeze().unwrap();
    signal(target.pid(), libc::SIGKILL);
    // no wait call reports it as long as its threads are traced
    wait_for_state(target.pid(), 'Z');
    assert!(matches!(frozen.capture(&Quiet), Err(TargetError::TargetExited { .. })));
    drop(frozen);
    assert!(matches!(process.freeze().map(drop), Err(TargetError::TargetExited { .. })));
    assert!(matches!(Process::open(target.pid()), Err(TargetError::Zombie { .. })));
    // collecting its status was left to us, its parent
    assert_eq!(target.child.wait().unwrap().signal(), Some(libc::SIGKILL));
    assert!(matches!(Process::open(target.pid()), Err(TargetError::NoSuchProcess { .. })));
    assert!(matches!(process.usage(), Err(TargetError::TargetExited { .. })));
}

#[test]
fn a_target_that_ends_by_itself_is_reported() {
    for _ in 0..10 {
        let mut target = Target::start("import sys\nprint('ready', flush=True)\nsys.stdin.readline()");
        let process = Process::open(target.pid()).unwrap();
        target.say("end");
        let error = loop {
            match process.freeze().and_then(|frozen| frozen.capture(&Quiet)) {
                Ok(image) => assert!(!image.regions().is_empty()),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, TargetError::TargetExited { .. }), "{error:?}");
        assert!(target.child.wait().unwrap().success());
    }
}

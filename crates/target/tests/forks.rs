//! A copy by a fork is invisible to the target.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

mod support;

use std::fs::OpenOptions;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::Command;

use memsight_model::{Address, Explain, Quiet, ReadMemory};
use memsight_target::{Obstacle, Process, TargetError};
use support::{Target, children, copied, copies, rounds, signal, status, take_turns, wait_for_state};

/// Waits until the process is within system call `number`.
fn wait_for_call(pid: u32, number: libc::c_long) {
    let is_there = || {
        let call = std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap();
        call.split(' ').next() == Some(&number.to_string())
    };
    while !is_there() {
        assert!(!status(pid, "State").starts_with(['Z', 'X']), "{pid} has ended");
        std::thread::yield_now();
    }
}

/// What of a process must stay: masks, limits, files, threads.
fn lasting(pid: u32) -> String {
    let fields = ["SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd", "FDSize", "Seccomp", "TracerPid"];
    let mut found: Vec<String> = fields.iter().map(|name| format!("{name} {}", status(pid, name))).collect();
    found.push(std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap());
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap() {
        let path = entry.unwrap().path();
        found.push(format!("{path:?} {:?}", std::fs::read_link(&path).unwrap()));
    }
    found.sort();
    found.join("\n")
}

#[test]
fn waiting_threads_go_on_waiting() {
    let mut target = Target::start(include_str!("programs/calls.py"));
    let process = Process::open(target.pid()).unwrap();
    let before = lasting(target.pid());
    for _ in 0..50 {
        copied(&process);
    }
    assert_eq!(lasting(target.pid()), before);
    assert_eq!(children(target.pid()), []);
    let expected =
        "[('lock', (True, 0)), ('nanosleep', (0, 0)), ('poll', (1, 0)), ('read', (8, 0)), ('sem_wait', (0, 0))]";
    assert_eq!(target.ask("go"), expected);
}

/// A single thread, which itself has to make the call: first the waits that end by themselves. One that began anew with
/// each look would never end.
#[test]
fn waits_with_an_end_end_in_time() {
    let mut target = Target::start(include_str!("programs/waits.py"));
    target.line();
    let process = Process::open(target.pid()).unwrap();
    for (call, result) in [
        ("nanosleep", "0, 0"),
        ("clock_nanosleep", "0, 0"),
        ("poll", "0, 0"),
        ("ppoll", "0, 0"),
        ("select", "0, 0"),
        ("futex", "-1, 110"),
        ("epoll.poll", "0, 0"),
    ] {
        // (some of these calls change the mask while they wait)
        let before = lasting(target.pid());
        assert_eq!(target.ask(call), "waiting");
        wait_for_state(target.pid(), 'S');
        // far more looks than there is time for: one that began anew with each would not end before the last
        let answer = (0..100_000).find_map(|_| {
            copied(&process);
            target.line_so_far()
        });
        assert_eq!(answer, Some(format!("('{call}', {result}, False)")));
        assert_eq!(lasting(target.pid()), before);
    }
}

/// Those that the kernel does not go on with after any stop (signal(7)): a look ends them with EINTR, and nothing else.
/// Python answers that with a wait for the rest, as `epoll.poll` above shows.
#[test]
fn waits_that_no_stop_spares_are_interrupted() {
    let mut target = Target::start(include_str!("programs/waits.py"));
    target.line();
    let process = Process::open(target.pid()).unwrap();
    let calls = [
        ("sigtimedwait", libc::SYS_rt_sigtimedwait),
        ("epoll_wait", libc::SYS_epoll_wait),
        ("semtimedop", libc::SYS_semtimedop),
    ];
    for (call, number) in calls {
        assert_eq!(target.ask(call), "waiting");
        wait_for_call(target.pid(), number);
        copied(&process);
        assert_eq!(target.line(), format!("('{call}', -1, {}, False)", libc::EINTR));
    }
}

/// Then those that end by what others do.
#[test]
fn waits_without_an_end_see_only_what_they_wait_for() {
    let mut target = Target::start(include_str!("programs/waits.py"));
    let pid = target.pid();
    let line = target.line();
    let numbers: Vec<u16> = line.split(' ').map(|number| number.parse().unwrap()).collect();
    let write = || {
        let mut pipe = OpenOptions::new().write(true).open(format!("/proc/{pid}/fd/{}", numbers[0])).unwrap();
        pipe.write_all(b"x").unwrap();
    };
    let process = Process::open(pid).unwrap();
    for (call, result) in [
        ("read", "1"),
        ("poll for ever", "(1, 1)"),
        ("epoll_wait for ever", "(1, 1)"),
        ("accept", "True"),
        ("sigwaitinfo", "10"),
        ("waitpid", "True"),
        ("in a handler", "[b'x']"),
        ("busy", "0"),
    ] {
        assert_eq!(target.ask(call), "waiting");
        if call != "busy" {
            wait_for_state(pid, 'S');
        }
        let own: Vec<u32> = children(pid);
        for _ in 0..10 {
            copied(&process);
        }
        assert_eq!(children(pid), own, "{call}");
        match call {
            "accept" => drop(TcpStream::connect(("127.0.0.1", numbers[1])).unwrap()),
            "sigwaitinfo" => signal(pid, libc::SIGUSR1),
            _ => write(),
        }
        let answer = target.line();
        assert!(answer.starts_with(&format!("('{call}', {result}, ")), "{answer}");
        assert!(answer.ends_with(", False)"), "{answer}");
    }
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

/// Forks, waits for any child, handles signals, sleeps, and serves HTTP: 500 copies with `MEMSIGHT_TEST_ROUNDS=500`.
#[test]
fn a_service_under_load_notices_nothing() {
    let mut target = Target::start(include_str!("programs/service.py"));
    let process = Process::open(target.pid()).unwrap();
    for _ in 0..rounds(60) {
        copied(&process);
        assert_eq!(target.ask("?"), "alive");
    }
    assert_eq!(target.ask("stop"), "[] True");
    assert!(target.child.wait().unwrap().success());
}

#[test]
fn the_copy_is_of_one_moment_and_goes_with_its_guard() {
    let mut target = Target::start(include_str!("programs/counter.py"));
    let process = Process::open(target.pid()).unwrap();
    let mut fork = process.fork().unwrap();
    let forked = fork.stop().unwrap().fork().unwrap();
    let image = forked.capture(&Quiet).unwrap();
    let again = forked.capture(&Quiet).unwrap();
    // the target counts on
    let past = |target: &mut Target| target.ask("0").parse::<u64>().unwrap() + 1000;
    let count = past(&mut target);
    target.ask(&count.to_string());
    for region in image.regions().iter().filter(|region| region.write && !region.shared && region.path == "[heap]") {
        let words = |image: &memsight_target::Image| {
            let mut words = Vec::new();
            image.words(region.start, (region.len() / 8) as usize, &mut words).unwrap();
            words
        };
        assert!(words(&image) == words(&again));
    }
    assert!(image.word(Address(0)).is_err());
    let copy = forked.id();
    assert!(status(copy, "State").starts_with('t'));
    // its guard is killed
    let guard = status(copy, "TracerPid").parse().unwrap();
    signal(guard, libc::SIGKILL);
    wait_for_state(copy, 'Z');
    assert!(matches!(forked.capture(&Quiet), Err(TargetError::CopyLost { .. })));
    // another one collects what is left
    assert!(forked.end().collected);
    assert_eq!(copies(target.pid()), 0);
    let count = past(&mut target);
    target.ask(&count.to_string());
}

#[test]
fn what_is_in_the_way_is_named() {
    // stopped
    let target = Target::start("import sys\nprint('ready', flush=True)\nsys.stdin.readline()");
    let process = Process::open(target.pid()).unwrap();
    signal(target.pid(), libc::SIGSTOP);
    wait_for_state(target.pid(), 'T');
    let error = process.fork().map(drop).unwrap_err();
    assert!(matches!(error, TargetError::NoFork { cause: Obstacle::Halted, .. }), "{error:?}");
    assert_eq!(error.code(), "MS-E024");
    signal(target.pid(), libc::SIGCONT);
    // a filter, here one that allows everything
    let target = Target::start(
        "import ctypes, sys\nlibc = ctypes.CDLL(None)\nallow = ctypes.create_string_buffer(bytes([6,0,0,0,0,0,255,127]))\n\
         program = (ctypes.c_uint64 * 2)(1, ctypes.addressof(allow))\nlibc.prctl(38, 1, 0, 0, 0)\n\
         assert libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0\nprint('ready', flush=True)\nsys.stdin.readline()",
    );
    let process = Process::open(target.pid()).unwrap();
    let error = process.fork().map(drop).unwrap_err();
    assert!(matches!(error, TargetError::NoFork { cause: Obstacle::Seccomp { mode: 2 }, .. }), "{error:?}");
    process.freeze().unwrap().resume();
}

/// A limit of processes: not for root, so as another user when we are root.
#[test]
fn a_limit_of_processes_is_respected() {
    if status(std::process::id(), "Uid").split_whitespace().next() != Some("0") {
        println!("skipped: needs root, to start a process as another user");
        return;
    }
    let program = "import resource, sys\nprint('ready', flush=True)\nfor line in sys.stdin:\n  \
                   resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))\n  print('alive', flush=True)";
    let mut target = Target::spawn(Command::new("/usr/bin/python3").arg("-c").arg(program).uid(54321).current_dir("/"));
    assert_eq!(target.line(), "ready");
    let process = Process::open(target.pid()).unwrap();
    let mut fork = process.fork().unwrap();
    assert_eq!(target.ask("limit"), "alive");
    let error = fork.stop().unwrap().fork().map(drop).unwrap_err();
    assert!(matches!(error, TargetError::NoFork { cause: Obstacle::Refused { errno: 11 }, .. }), "{error:?}");
    // seen beforehand: it may need what little is left itself
    let error = process.fork().map(drop).unwrap_err();
    assert!(matches!(error, TargetError::NoFork { cause: Obstacle::Places { left: 0 }, .. }), "{error:?}");
    assert_eq!(target.ask("?"), "alive");
    assert_eq!(children(target.pid()), []);
}

#[test]
fn a_traced_target_and_one_in_vfork_are_let_be() {
    let target = Target::start("import sys\nprint('ready', flush=True)\nsys.stdin.readline()");
    // SAFETY: takes numbers only; the tracing ends with this thread.
    assert_eq!(unsafe { libc::ptrace(libc::PTRACE_SEIZE, target.pid() as i32, 0, 0) }, 0);
    let process = Process::open(target.pid()).unwrap();
    let error = process.fork().unwrap().stop().map(drop).unwrap_err();
    assert!(matches!(error, TargetError::Traced { by, .. } if by == std::process::id()), "{error:?}");
    let mut target = Target::start(include_str!("programs/vfork.py"));
    let process = Process::open(target.pid()).unwrap();
    let mut fork = process.fork().unwrap();
    let error = fork.stop().map(drop).unwrap_err();
    assert!(matches!(error, TargetError::StoppedTooLong { vfork: true, .. }), "{error:?}");
    assert_eq!(target.ask("count"), "counting");
    assert_eq!(target.ask("open"), "joined");
    // a new guard does it
    assert!(fork.stop().unwrap().fork().unwrap().end().collected);
    assert_eq!(target.ask("count"), "counting");
}

/// A fork while the process is paused by another look; the pauses' tests have it the other way round.
#[test]
fn a_fork_waits_for_its_turn() {
    let target = Target::start(include_str!("programs/counter.py"));
    let pid = target.pid();
    let process = Process::open(pid).unwrap();
    take_turns(process.freeze().unwrap(), || {
        copied(&Process::open(pid).unwrap());
    });
    assert_eq!(copies(pid), 0);
}

/// Looks by several at once; each gets its turn.
#[test]
fn looks_at_the_same_time_take_turns() {
    let mut target = Target::start(include_str!("programs/busy.py"));
    std::thread::scope(|scope| {
        for fork in [true, true, false] {
            let pid = target.pid();
            scope.spawn(move || {
                let process = Process::open(pid).unwrap();
                for _ in 0..30 {
                    match fork {
                        true => {
                            copied(&process);
                        }
                        false => assert!(process.freeze().unwrap().capture(&Quiet).unwrap().copied_bytes() > 0),
                    }
                }
            });
        }
    });
    assert_eq!(copies(target.pid()), 0);
    assert_eq!(target.ask("stop"), "wrong: []");
}

#[test]
fn memory_that_is_kept_from_forks_is_read_from_the_process() {
    let mut target = Target::start(
        "import mmap, sys, ctypes\nmaps = [mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) for _ in 'abc']\n\
         for m, c in zip(maps, b'abc'): m[:] = bytes([c]) * len(m)\nmaps[0].madvise(10)\nmaps[1].madvise(18)\n\
         print('ready', flush=True)\nprint(*[ctypes.addressof(ctypes.c_char.from_buffer(m)) for m in maps], flush=True)\n\
         sys.stdin.readline()",
    );
    let line = target.line();
    let places: Vec<u64> = line.split(' ').map(|place| place.parse().unwrap()).collect();
    let process = Process::open(target.pid()).unwrap();
    let forked = process.fork().unwrap().stop().unwrap().fork().unwrap();
    let image = forked.capture(&Quiet).unwrap();
    assert!(forked.end().collected);
    assert_eq!(image.left_out_bytes(), 2 << 20);
    for (place, byte) in places.iter().zip(b"abc") {
        assert_eq!(image.word(Address(place + 4096)).unwrap(), u64::from_le_bytes([*byte; 8]));
    }
    target.say("end");
}

#[test]
fn a_target_that_ends_meanwhile_is_reported() {
    for _ in 0..10 {
        let mut target = Target::start("import sys\nprint('ready', flush=True)\nsys.stdin.readline()");
        let process = Process::open(target.pid()).unwrap();
        target.say("end");
        let error = loop {
            let forked = process.fork().and_then(|mut fork| fork.stop()?.fork());
            match forked.and_then(|forked| forked.capture(&Quiet)) {
                Ok(image) => assert!(!image.regions().is_empty()),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, TargetError::TargetExited { .. }), "{error:?}");
        assert!(target.child.wait().unwrap().success());
    }
}

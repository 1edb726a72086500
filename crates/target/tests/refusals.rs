//! What cannot be read is refused with the reason.
#![allow(clippy::disallowed_methods)]

mod support;

use std::path::Path;
use std::process::Command;

use memsight_model::Explain;
use memsight_target::{Process, Subject, TargetError, Verdict, diagnose, pids};
use support::{Target, status, wait_for_state};

const WAITING: &str = "import sys\nprint('ready', flush=True)\nsys.stdin.readline()";

#[test]
fn a_pid_that_nobody_has() {
    let pid = 1 << 22; // the kernel's largest pid is below
    let error = Process::open(pid).map(drop).unwrap_err();
    assert!(matches!(error, TargetError::NoSuchProcess { pid: 4_194_304 }), "{error:?}");
    assert_eq!(error.code(), "MS-E010");
    assert!(error.hint().contains("memsight ps"));
    let found = diagnose(pid);
    assert!(!found.readable);
    assert_eq!((found.checks[0].subject, found.checks[0].verdict), (Subject::Process, Verdict::Bad));
}

#[test]
fn a_thread_of_the_kernel() {
    // in a container there is none to be seen
    let kernel = pids()
        .unwrap()
        .into_iter()
        .find(|&pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "kthreadd"));
    let Some(pid) = kernel else { return };
    assert!(matches!(Process::open(pid), Err(TargetError::KernelThread { .. })));
    assert!(!diagnose(pid).readable);
}

#[test]
fn a_process_that_is_traced_already() {
    let target = Target::start(WAITING);
    let pid = target.pid();
    // SAFETY: takes numbers only; the tracing ends with this thread.
    let seized = unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid as i32, 0, 0) };
    assert_eq!(seized, 0);
    let process = Process::open(pid).unwrap();
    let error = process.freeze().map(drop).unwrap_err();
    assert!(matches!(error, TargetError::Traced { by, .. } if by == std::process::id()), "{error:?}");
    let found = diagnose(pid);
    let traced = found.checks.iter().find(|check| check.subject == Subject::Traced).unwrap();
    assert_eq!(traced.verdict, Verdict::Bad);
    assert!(found.readable, "only the pause is impossible");
}

#[test]
fn a_good_process_is_diagnosed_as_such_and_known_by_any_thread() {
    let target = Target::start(
        "import sys, threading, time\nthreading.Thread(target=time.sleep, args=(99,), daemon=True).start()\n\
         print('ready', flush=True)\nsys.stdin.readline()",
    );
    let found = diagnose(target.pid());
    assert!(found.readable, "{found:?}");
    assert!(found.denial.is_none());
    assert!(found.checks.iter().all(|check| check.verdict != Verdict::Bad), "{found:?}");
    assert!(pids().unwrap().contains(&target.pid()));
    let threads = std::fs::read_dir(format!("/proc/{}/task", target.pid())).unwrap();
    for thread in threads {
        let tid = thread.unwrap().file_name().to_str().unwrap().parse().unwrap();
        let process = Process::open(tid).unwrap();
        assert_eq!(process.pid(), target.pid());
        assert!(process.command()[0].contains("python"));
        assert_eq!(process.command()[1], "-c");
        let usage = process.usage().unwrap();
        assert!(usage.rss_bytes > 1 << 20 && usage.vms_bytes > usage.rss_bytes);
        process.check_access().unwrap();
    }
}

/// Runs this test binary's `unprivileged` as another user; needs to be root itself.
#[test]
fn another_users_process() {
    use std::os::unix::process::CommandExt;
    if status(std::process::id(), "Uid").split_whitespace().next() != Some("0") {
        return;
    }
    let target = Target::start(WAITING);
    // a copy, as the build's folder may be closed to other users
    let folder = std::env::temp_dir().join(format!("memsight-test-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let program = folder.join("refusals");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let output = Command::new(&program)
        .args(["unprivileged", "--exact", "--nocapture"])
        .env("MEMSIGHT_TEST_REFUSED", target.pid().to_string())
        .current_dir("/")
        .uid(65534)
        .gid(65534)
        .output();
    std::fs::remove_dir_all(&folder).unwrap();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("refused as it should be"));
}

/// Not a test by itself: what `another_users_process` runs.
#[test]
fn unprivileged() {
    use memsight_target::Denial;
    use std::io::Write;
    let Ok(pid) = std::env::var("MEMSIGHT_TEST_REFUSED") else { return };
    let pid = pid.parse().unwrap();
    let process = Process::open(pid).unwrap();
    let frozen = process.freeze().map(drop).unwrap_err();
    let live = process.capture_live(&memsight_model::Quiet).map(drop).unwrap_err();
    for error in [frozen, live, process.check_access().unwrap_err(), process.maps().map(drop).unwrap_err()] {
        assert!(
            matches!(error, TargetError::NotPermitted { cause: Denial::Uid { target: 0, own: 65534 }, .. }),
            "{error:?}"
        );
        assert_eq!(error.code(), "MS-E012");
        assert!(error.hint().contains(&format!("sudo memsight heap {pid}")));
    }
    let found = diagnose(pid);
    assert!(!found.readable);
    assert_eq!(found.denial, Some(Denial::Uid { target: 0, own: 65534 }));
    a_process_that_hides();
    own_files_are_found_by_their_paths();
    writeln!(std::io::stdout(), "refused as it should be").unwrap();
}

/// The same user, but it has made itself undumpable.
fn a_process_that_hides() {
    use memsight_target::Denial;
    let target = Target::start(&format!("import ctypes\nctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\n{WAITING}"));
    let error = Process::open(target.pid()).unwrap().freeze().map(drop).unwrap_err();
    assert!(matches!(error, TargetError::NotPermitted { cause: Denial::Capability, .. }), "{error:?}");
    let found = diagnose(target.pid());
    assert_eq!(found.denial, Some(Denial::Capability));
    let hidden = found.checks.iter().find(|check| check.subject == Subject::Dumpable).unwrap();
    assert_eq!(hidden.verdict, Verdict::Bad);
}

/// Without privileges `/proc/PID/map_files` is closed.
fn own_files_are_found_by_their_paths() {
    let process = Process::open(std::process::id()).unwrap();
    let regions = process.maps().unwrap();
    let code: Vec<_> = regions.iter().filter(|region| region.execute && region.inode != 0).collect();
    assert!(code.len() > 1);
    for region in code {
        assert_eq!(process.file(region).expect("its file")[..4], *b"\x7fELF", "{}", region.path);
    }
    assert!(
        process
            .file(&memsight_model::Region { inode: 1, path: "/no such file".into(), ..regions[0].clone() })
            .is_none()
    );
}

/// The system call `exit` (60) ends one thread; the others go on.
#[test]
fn a_process_whose_first_thread_has_ended_is_not_called_ended() {
    let program = "import ctypes, sys, threading\nthreading.Thread(target=sys.stdin.readline).start()\n\
                   print('ready', flush=True)\nctypes.CDLL(None).syscall(60, 0)";
    let target = Target::start(program);
    wait_for_state(target.pid(), 'Z');
    let error = Process::open(target.pid()).map(drop).unwrap_err();
    let TargetError::FirstThreadEnded { pid, thread } = error else { panic!("{error:?}") };
    assert_eq!(pid, target.pid());
    assert!(Path::new(&format!("/proc/{pid}/task/{thread}")).exists());
}

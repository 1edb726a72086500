//! The figures of processes against the kernel's own text, and of processes that are not there to be read.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

mod support;

use std::io::Write;
use std::process::{Command, Stdio};

use memsight_model::Explain;
use memsight_target::figures::{self, Handle};
use memsight_target::{Denial, TargetError};
use support::{Target, status};

const WAITING: &str = "import sys\nprint('ready', flush=True)\nsys.stdin.readline()";

/// The number behind `key:` in a file of a process, summed over its lines.
fn kilobytes(pid: u32, file: &str, key: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    let values = text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    values.map(|value| value.trim().trim_end_matches(" kB").parse::<u64>().unwrap()).sum()
}

#[test]
fn a_frozen_process_has_the_figures_that_the_kernel_writes() {
    let target = Target::start(WAITING);
    let pid = target.pid();
    // SAFETY: sends a signal to a child of ours.
    assert_eq!(unsafe { libc::kill(pid as i32, libc::SIGSTOP) }, 0);
    while !status(pid, "State").starts_with('T') {
        std::thread::yield_now();
    }
    let handle = Handle::open(pid).unwrap();
    let private = ["Private_Clean", "Private_Dirty", "Private_Hugetlb"];
    // Whoever shares pages with it moves these when it starts or ends.
    let shared = || {
        let uss = private.map(|key| kilobytes(pid, "smaps_rollup", key));
        [1024 * kilobytes(pid, "smaps_rollup", "Pss"), 1024 * uss.iter().sum::<u64>()]
    };
    let before = shared();
    let (memory, rollup, status) = (handle.memory().unwrap(), handle.rollup().unwrap(), handle.status().unwrap());
    let after = shared();
    let pages = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap();
    let pages: Vec<u64> = pages.split_whitespace().map(|word| word.parse::<u64>().unwrap() * 4096).collect();
    let ours = [memory.vms_bytes, memory.rss_bytes, memory.shared_bytes, memory.text_bytes, memory.lib_bytes];
    assert_eq!((&ours[..], memory.data_bytes, memory.dirty_bytes), (&pages[..5], pages[5], pages[6]));
    for (key, bytes) in [("Rss", rollup.rss_bytes), ("Swap", rollup.swap_bytes)] {
        assert_eq!(kilobytes(pid, "smaps_rollup", key) * 1024, bytes, "{key}");
    }
    if before == after {
        assert_eq!([rollup.pss_bytes, rollup.uss_bytes()], before, "PSS and USS");
    }
    assert!((rollup.uss_bytes()..=rollup.rss_bytes).contains(&rollup.pss_bytes), "{rollup:?}");
    for (key, bytes) in [
        ("VmHWM", status.peak_rss_bytes),
        ("VmPeak", status.peak_vms_bytes),
        ("RssAnon", status.rss_anon_bytes),
        ("VmPTE", status.page_tables_bytes),
    ] {
        assert_eq!(kilobytes(pid, "status", key) * 1024, bytes, "{key}");
    }
    let maps = handle.maps().unwrap();
    assert_eq!(maps.iter().map(|map| map.pages.rss_bytes).sum::<u64>(), kilobytes(pid, "smaps", "Rss") * 1024);
    assert_eq!(maps.iter().map(|map| map.size_bytes).sum::<u64>(), kilobytes(pid, "smaps", "Size") * 1024);
    let stat = handle.stat().unwrap();
    assert_eq!((stat.state, stat.parent, stat.threads), ('T', std::process::id(), 1));
    assert!(handle.name().unwrap().to_string_lossy().starts_with("python"));
    assert_eq!(
        handle.command().unwrap().last().map(|last| last.to_string_lossy().into_owned()).as_deref(),
        Some(WAITING)
    );
    assert!(handle.exe().unwrap().is_absolute());
    assert!(handle.oom_score().unwrap() >= 0);
    assert!((0.0..=60.0).contains(&(figures::now().unix_ns as f64 / 1e9 - handle.created())));
}

#[test]
fn a_zombie_is_there_without_memory() {
    let mut child = Command::new("true").spawn().unwrap();
    let handle = Handle::open(child.id()).unwrap();
    while !handle.stat().unwrap().is_zombie() {
        std::thread::yield_now();
    }
    let opened = Handle::open(child.id()).unwrap();
    for handle in [&handle, &opened] {
        assert!(handle.is_running());
        assert_eq!(handle.memory().unwrap(), Default::default());
        // the kernel gives an empty list, or none
        assert!(matches!(handle.rollup(), Ok(_) | Err(TargetError::Zombie { .. })), "{:?}", handle.rollup());
        assert!(matches!(handle.maps(), Ok(_) | Err(TargetError::Zombie { .. })));
        assert!(matches!(handle.command(), Err(TargetError::Zombie { .. })));
        assert!(matches!(handle.exe(), Err(TargetError::Zombie { .. })));
        assert_eq!(handle.status().unwrap().threads, 1);
        assert_eq!(handle.name().unwrap(), "true");
    }
    child.wait().unwrap();
    assert!(!handle.is_running());
    for gone in [
        handle.memory().map(drop),
        handle.rollup().map(drop),
        handle.status().map(drop),
        handle.maps().map(drop),
        handle.command().map(drop),
        handle.exe().map(drop),
        handle.oom_score().map(drop),
    ] {
        assert!(matches!(gone, Err(TargetError::TargetExited { .. })), "{gone:?}");
    }
    assert!(matches!(Handle::open(handle.pid()), Err(TargetError::NoSuchProcess { .. })));
    assert!(!figures::pid_exists(handle.pid()));
}

#[test]
fn a_thread_of_the_kernel_has_zeros() {
    let Some(pid) = figures::pids()
        .unwrap()
        .into_iter()
        .find(|&pid| Handle::open(pid).and_then(|handle| handle.stat()).is_ok_and(|stat| stat.kernel))
    else {
        return eprintln!("skipped: no thread of the kernel is visible here");
    };
    let handle = Handle::open(pid).unwrap();
    assert_eq!(handle.memory().unwrap(), Default::default());
    assert_eq!(handle.rollup().unwrap(), Default::default());
    assert_eq!(handle.status().unwrap().peak_rss_bytes, 0);
    assert!(handle.maps().unwrap().is_empty());
    assert!(handle.command().unwrap().is_empty());
    assert_eq!(handle.exe().unwrap().as_os_str(), "");
}

#[test]
fn a_process_that_becomes_another_program_stays_the_same_process() {
    let mut command = Command::new("sh");
    command.args(["-c", "echo ready; read line; exec python3 -c \"$PROGRAM\""]).env("PROGRAM", WAITING);
    let mut target = Target::spawn(&mut command);
    assert_eq!(target.line(), "ready");
    let handle = Handle::open(target.pid()).unwrap();
    for _ in 0..3 {
        handle.memory().unwrap();
        handle.rollup().unwrap();
    }
    let before = handle.rollup().unwrap();
    assert_eq!(target.ask("go"), "ready");
    assert!(handle.is_running());
    assert!(handle.rollup().unwrap().rss_bytes > before.rss_bytes);
    assert!(handle.maps().unwrap().iter().any(|map| map.label().to_string_lossy().contains("python")));
}

#[test]
fn threads_are_no_processes_and_children_have_parents() {
    let target = Target::start(
        "import sys, threading\nthreading.Thread(target=sys.stdin.readline).start()\nprint('ready', flush=True)",
    );
    let pid = target.pid();
    let thread = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let thread = thread.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<u32>().ok());
    let thread = { thread }.find(|tid| *tid != pid).unwrap();
    assert!(figures::pid_exists(pid) && !figures::pid_exists(thread));
    assert!(!figures::pid_exists(0) && !figures::pid_exists(u32::MAX));
    assert!(figures::parents().unwrap().contains(&(pid, std::process::id())));
    assert!(figures::last_pid().is_ok());
}

#[test]
fn the_machine_is_consistent() {
    let machine = figures::machine().unwrap();
    let memory = machine.memory;
    assert!(memory.total_bytes > 0 && memory.available_bytes <= memory.total_bytes);
    assert_eq!(memory.used_bytes, memory.total_bytes - memory.available_bytes);
    assert!(figures::boot_time() > 0.0 && figures::boot_time() * 1e9 < figures::now().unix_ns as f64);
}

/// Runs `inside` of this test program as root in namespaces of its own and with few open files allowed; what it prints.
fn run_inside(test: &str, arguments: &[&str], script: &str) -> Option<String> {
    if status(std::process::id(), "Uid").split_whitespace().next() != Some("0") {
        eprintln!("skipped: needs root for namespaces of its own");
        return None;
    }
    // a copy, as the build's folder may be closed to other users
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let program = folder.path().join("figures");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let output = Command::new("unshare")
        .args(arguments)
        .args(["sh", "-c", script])
        .env("PROGRAM", &program)
        .env("MEMSIGHT_TEST_INSIDE", test)
        .current_dir("/")
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    Some(text)
}

/// Not tests by themselves: what the tests below run in another place.
#[test]
fn inside() {
    match std::env::var("MEMSIGHT_TEST_INSIDE").as_deref() {
        Ok("reuse") => a_pid_that_is_used_again(),
        Ok("denied") => a_process_of_another_user(),
        Ok("hidden") => a_process_that_is_hidden(),
        _ => return,
    }
    writeln!(std::io::stdout(), "as it should be").unwrap();
}

#[test]
fn a_reused_pid_is_another_process() {
    let script = "ulimit -n 24; exec \"$PROGRAM\" inside --exact --nocapture";
    let Some(text) = run_inside("reuse", &["--pid", "--fork", "--mount-proc"], script) else { return };
    assert!(text.contains("as it should be"), "{text}");
}

/// In a PID namespace of its own whose next id can be set, and where 6 files are kept at most.
fn a_pid_that_is_used_again() {
    let sleeper = || Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
    let mut first = sleeper();
    let pid = first.id();
    let kept = Handle::open(pid).unwrap();
    let mut others = Vec::new();
    for _ in 0..3 {
        kept.memory().and_then(|_| kept.stat()).unwrap();
        others.push(Handle::open(pid).unwrap());
        for handle in &others {
            handle.memory().and_then(|_| handle.stat()).unwrap();
        }
    }
    assert!(figures::kept_files() <= 6);
    while figures::kept_files() < 6 {
        others.push(Handle::open(std::process::id()).unwrap());
    }
    let unkept = Handle::open(pid).unwrap();
    unkept.rollup().unwrap();
    first.kill().unwrap();
    first.wait().unwrap();
    // a clock tick has to pass between the two for their start times to differ
    // (the second number is the time without work, which several processors may change within one tick)
    let ticks = || std::fs::read_to_string("/proc/uptime").unwrap().split(' ').next().map(str::to_owned);
    let then = ticks();
    while ticks() == then {
        std::thread::yield_now();
    }
    if std::fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()).is_err() {
        return eprintln!("skipped: this kernel does not let the next id be set");
    }
    let mut second = sleeper();
    assert_eq!(second.id(), pid, "the id is used again");
    for handle in [&kept, &unkept] {
        assert!(!handle.is_running());
        for gone in
            [handle.memory().map(drop), handle.rollup().map(drop), handle.command().map(drop), handle.exe().map(drop)]
        {
            assert!(matches!(gone, Err(TargetError::TargetExited { .. })), "{gone:?}");
        }
    }
    assert!(Handle::open(pid).unwrap().started() > kept.started());
    second.kill().unwrap();
    second.wait().unwrap();
}

#[test]
fn another_user_sees_rss_but_no_pss() {
    let script = "exec setpriv --reuid 65534 --regid 65534 --clear-groups \"$PROGRAM\" inside --exact --nocapture";
    let Some(text) = run_inside("denied", &["--mount"], script) else { return };
    assert!(text.contains("as it should be"), "{text}");
}

fn a_process_of_another_user() {
    let handle = Handle::open(1).unwrap();
    assert!(handle.memory().unwrap().rss_bytes > 0);
    assert!(handle.status().unwrap().peak_rss_bytes > 0);
    for error in [handle.rollup().unwrap_err(), handle.maps().unwrap_err(), handle.exe().unwrap_err()] {
        assert!(matches!(error, TargetError::NotPermitted { cause: Denial::Uid { .. }, .. }), "{error:?}");
        assert_eq!(error.code(), "MS-E012");
    }
}

#[test]
fn a_hidden_process_does_not_exist() {
    let script = "mount -t proc -o hidepid=2 proc /proc || exec echo skipped: no hidepid
        exec setpriv --reuid 65534 --regid 65534 --clear-groups \"$PROGRAM\" inside --exact --nocapture";
    let Some(text) = run_inside("hidden", &["--mount"], script) else { return };
    assert!(text.contains("as it should be") || text.contains("skipped"), "{text}");
}

fn a_process_that_is_hidden() {
    assert!(matches!(Handle::open(1), Err(TargetError::NoSuchProcess { pid: 1 })));
    assert!(!figures::pid_exists(1) && figures::pid_exists(std::process::id()));
    assert!(figures::pids().unwrap().contains(&std::process::id()));
    assert!(figures::parents().unwrap().iter().all(|(pid, _)| *pid != 1));
}

const STORM: &str = r#"
import os, sys

def child(i):
    pid = os.posix_spawn("/bin/true", ["true"], {}) if i % 10 == 0 else os.fork()
    if pid == 0:
        os._exit(0)
    return pid

print("ready", flush=True)
sys.stdin.readline()
for batch in range(200):
    for pid in [child(i) for i in range(50)]:
        os.waitpid(pid, 0)
print("over", flush=True)
sys.stdin.readline()
"#;

/// Ten thousand processes are born and die, many as zombies for a while, while all that there are is read.
#[test]
fn a_storm_of_processes_is_read_without_an_error() {
    let mut target = Target::start(STORM);
    let first = figures::last_pid().unwrap();
    // a container's supervisor may be closed to everyone
    let closed = |pid: &u32| matches!(look(*pid), Err(TargetError::NotPermitted { .. }));
    let closed: Vec<u32> = figures::pids().unwrap().into_iter().filter(closed).collect();
    target.say("go");
    let waiter = std::thread::spawn(move || (target.line(), target));
    let (mut read, mut gone) = (0_u64, 0_u64);
    while !waiter.is_finished() {
        let parents = figures::parents().unwrap();
        for pid in parents.into_iter().map(|(pid, _)| pid).filter(|pid| !closed.contains(pid)) {
            match look(pid) {
                Ok(()) => read += 1,
                Err(
                    TargetError::NoSuchProcess { .. } | TargetError::TargetExited { .. } | TargetError::Zombie { .. },
                ) => gone += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    let (line, _target) = waiter.join().unwrap();
    assert_eq!(line, "over");
    eprintln!("ids {first} to {}: {read} readings, {gone} of processes that had ended", figures::last_pid().unwrap());
    assert!(read > 0);
}

fn look(pid: u32) -> Result<(), TargetError> {
    let handle = Handle::open(pid)?;
    handle.stat()?;
    handle.memory()?;
    handle.status()?;
    match handle.stat()?.kernel {
        true => Ok(()),
        false => handle.rollup().map(drop),
    }
}

#[test]
fn a_variable_is_found() {
    let mut command = Command::new("sleep");
    let mut child = command.arg("1000").env_clear().env("SERVICE_NAME", "shop").env("SERVICE", "").spawn().unwrap();
    let handle = Handle::open(child.id()).unwrap();
    // until it has become `sleep` it is a copy of this program, with this program's environment
    while handle.stat().unwrap().name.as_os_str() != "sleep" {
        std::thread::yield_now();
    }
    assert_eq!(handle.variable("SERVICE_NAME").unwrap().as_deref(), Some("shop".as_ref()));
    assert_eq!(handle.variable("SERVICE").unwrap().as_deref(), Some("".as_ref()));
    assert_eq!(handle.variable("ERVICE").unwrap(), None);
    child.kill().unwrap();
    child.wait().unwrap();
}

//! Targets in namespaces of their own, as in a container.
#![allow(clippy::disallowed_methods)]

mod support;

use std::process::Command;

use memsight_model::{Address, Quiet, ReadMemory};
use memsight_target::{Process, Subject, Verdict, diagnose};
use support::Target;

const PROGRAM: &str = r#"
import ctypes, mmap, os, sys
file = open("/mnt/a b")
view = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE)
text = b"known to the target"
print("ready", flush=True)
print(os.getpid(), id(text) + bytes.__basicsize__ - 1, flush=True)
sys.stdin.readline()
"#;

#[test]
fn a_process_in_other_pid_and_mount_namespaces_is_read_with_its_own_files() {
    let setup =
        "mount -t tmpfs memsight /mnt && printf 'only here' > '/mnt/a b' && exec /usr/bin/python3 -c \"$PROGRAM\"";
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount", "sh", "-c", setup]).env("PROGRAM", PROGRAM);
    // where namespaces may not be made, there is nothing to test
    if !Command::new("unshare").args(["--pid", "--fork", "--mount", "true"]).status().is_ok_and(|done| done.success()) {
        return;
    }
    let target = Target::spawn(&mut command);
    assert_eq!(target.line(), "ready");
    let told = target.line();
    let (inner, address) = told.split_once(' ').unwrap();
    assert_eq!(inner, "1");
    let outer = target.pid();
    let children = std::fs::read_to_string(format!("/proc/{outer}/task/{outer}/children")).unwrap();
    let process = Process::open(children.trim().parse().unwrap()).unwrap();

    let image = process.freeze().unwrap().capture(&Quiet).unwrap();
    let mut text = [0; 19];
    image.read(Address(address.parse().unwrap()), &mut text).unwrap();
    assert_eq!(&text, b"known to the target");
    let region = image.regions().iter().find(|region| region.path == "/mnt/a b").unwrap();
    assert_eq!(process.file(region).unwrap(), b"only here");
    assert!(!std::path::Path::new("/mnt/a b").exists());

    let found = diagnose(process.pid());
    assert!(found.readable);
    let namespace = found.checks.iter().find(|check| check.subject == Subject::PidNamespace).unwrap();
    assert_eq!(namespace.verdict, Verdict::Note);
}

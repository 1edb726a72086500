//! The doctor on processes without a Python that memsight could read: each is told for what it is.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a test makes programs, and says what it skips"
)]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use memsight_engine::{Check, Subject, Verdict, diagnose};
use memsight_testkit::{Target, interpreters};

/// A process that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `cat`, which waits for its input, under another name and in a folder of its own.
fn cat_as(folder: &Path, name: &str) -> Running {
    let path = folder.join(name);
    fs::copy("/bin/cat", &path).expect("cat is there");
    Running(start(&path).expect("it starts"))
}

fn start(path: &Path) -> std::io::Result<Child> {
    let mut child = Command::new(path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    // it has read its first line: it runs
    child.stdin.as_mut().expect("piped").write_all(b"x\n")?;
    let mut line = [0; 2];
    std::io::Read::read_exact(child.stdout.as_mut().expect("piped"), &mut line)?;
    Ok(child)
}

/// What is said of Python in a process.
fn told(pid: u32) -> Check {
    let found = diagnose(pid);
    assert!(found.readable, "{found:?}");
    found.checks.into_iter().find(|check| check.subject == Subject::Python).expect("Python was looked for")
}

#[test]
fn a_python_is_named_with_its_version() {
    for interpreter in interpreters() {
        let target = Target::start(&interpreter, "minimal.py", &[]).expect("it starts");
        let check = told(target.pid());
        let (major, minor, _) = interpreter.version;
        assert_eq!(check.verdict, Verdict::Good, "{interpreter}: {check:?}");
        assert!(check.detail.starts_with(&format!("it runs CPython {major}.{minor}.")), "{interpreter}: {check:?}");
        assert!(!check.detail.contains("embedded"), "{interpreter}: {check:?}");
    }
}

#[test]
fn what_is_no_python_is_said_to_be_none() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, words) in [
        ("cat", "it is no CPython process"),
        ("python3-lookalike", "it is no CPython process"),
        ("pypy3", "PyPy, not CPython"),
        ("pypy3.10", "PyPy, not CPython"),
        ("graalpy", "GraalPy, not CPython"),
        ("pypydriver", "it is no CPython process"),
        ("python2.7", "Python 2.7, which this memsight cannot read"),
    ] {
        let running = cat_as(folder.path(), name);
        let check = told(running.0.id());
        assert!(check.verdict == Verdict::Bad && check.detail.contains(words), "{name}: {check:?}");
    }
}

#[test]
fn zombies_have_nothing_to_read() {
    let mut child = Command::new("true").spawn().expect("true is there");
    while !fs::read_to_string(format!("/proc/{}/stat", child.id())).expect("not collected").contains(") Z ") {
        std::thread::yield_now();
    }
    let found = diagnose(child.id());
    child.wait().expect("it has ended");
    assert!(!found.readable && found.checks.iter().all(|check| check.subject != Subject::Python), "{found:?}");
    assert!(found.checks[0].detail.contains("zombie"), "{found:?}");
}

/// A program of 32 bits that echoes two bytes and waits for more, as small as ELF lets it be.
fn narrow() -> Vec<u8> {
    const BASE: u32 = 0x0804_8000;
    #[rustfmt::skip]
    let code = [
        0x83, 0xec, 0x10,                   // sub esp, 16
        // read(0, esp, 2), write(1, esp, 2), until the input is at its end
        0xb8, 3, 0, 0, 0, 0x31, 0xdb, 0x89, 0xe1, 0xba, 2, 0, 0, 0, 0xcd, 0x80,
        0x85, 0xc0, 0x7e, 0x10,             // test eax, eax; jle exit
        0x89, 0xc2, 0xb8, 4, 0, 0, 0, 0xbb, 1, 0, 0, 0, 0xcd, 0x80, 0xeb, 0xdc,
        0xb8, 1, 0, 0, 0, 0x31, 0xdb, 0xcd, 0x80, // exit(0)
    ];
    let mut elf = vec![0x7f, b'E', b'L', b'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let halves = |elf: &mut Vec<u8>, words: &[u16]| words.iter().for_each(|word| elf.extend(word.to_le_bytes()));
    let wholes = |elf: &mut Vec<u8>, words: &[u32]| words.iter().for_each(|word| elf.extend(word.to_le_bytes()));
    halves(&mut elf, &[2, 3]); // ET_EXEC, EM_386
    wholes(&mut elf, &[1, BASE + 84, 52, 0, 0]);
    halves(&mut elf, &[52, 32, 1, 40, 0, 0]);
    let size = 84 + code.len() as u32;
    wholes(&mut elf, &[1, 0, BASE, BASE, size, size, 5, 0x1000]);
    elf.extend(code);
    elf
}

#[test]
fn a_python_of_32_bits_is_said_to_be_one() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, words) in [("python3.11", "a 32-bit Python"), ("narrow", "it is no CPython process")] {
        let path = folder.path().join(name);
        fs::write(&path, narrow()).expect("own folder");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("own file");
        match start(&path) {
            Ok(child) => {
                let running = Running(child);
                let check = told(running.0.id());
                assert!(check.verdict == Verdict::Bad && check.detail.contains(words), "{name}: {check:?}");
            }
            Err(error) => eprintln!("NOT COVERED: this kernel runs no program of 32 bits: {error}"),
        }
    }
}

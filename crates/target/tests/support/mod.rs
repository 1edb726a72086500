//! Targets for the tests: small Python programs that are talked to through pipes.
#![allow(dead_code, clippy::disallowed_methods)]

use std::io::{BufRead, BufReader, Lines, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use memsight_model::Quiet;
use memsight_target::{Ended, Frozen, Obstacle, Process, TargetError};

/// A target that does not answer for this long hangs; no test passes or fails by being slower or faster.
pub const HANGS: Duration = Duration::from_secs(60);

/// A running Python program whose lines are read, and that reads lines.
pub struct Target {
    pub child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Target {
    /// Starts `program` and waits for its line `ready`.
    pub fn start(program: &str) -> Target {
        let python = if Path::new("/usr/bin/python3").exists() { "/usr/bin/python3" } else { "python3" };
        let mut command = Command::new(python);
        command.arg("-c").arg(program);
        let target = Target::spawn(&mut command);
        assert_eq!(target.line(), "ready");
        target
    }

    /// Starts a command with its pipes connected.
    pub fn spawn(command: &mut Command) -> Target {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the target starts");
        let input = child.stdin.take().expect("piped");
        let output = child.stdout.take().expect("piped");
        let (send, lines) = channel();
        std::thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| send.send(line))
        });
        Target { child, input, lines }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it prints.
    pub fn line(&self) -> String {
        self.lines.recv_timeout(HANGS).expect("the target answers")
    }

    /// The next line if it is there already.
    pub fn line_so_far(&self) -> Option<String> {
        self.lines.try_recv().ok()
    }

    pub fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").and_then(|()| self.input.flush()).expect("the target listens");
    }

    /// Says a line, and what it answers.
    pub fn ask(&mut self, line: &str) -> String {
        self.say(line);
        self.line()
    }

    pub fn kill(&mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A field of `/proc/PID/status`.
pub fn status(pid: u32, name: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.expect("the field is there").trim().to_owned()
}

/// How often a look has gone to sleep when it surely waits for another: many more times than it would be refused.
const WAITS: u64 = 500;

/// Ends the `first` look when a `second` one is seen to wait for it, and not before.
pub fn take_turns(first: Frozen<'_>, second: impl FnOnce() + Send) {
    let over = AtomicBool::new(false);
    let (name, named) = channel();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            // SAFETY: no memory is involved.
            name.send(unsafe { libc::gettid() } as u32).expect("it is read");
            second();
            assert!(over.load(Ordering::SeqCst), "the second look did not wait");
        });
        let tid = named.recv().expect("a name");
        let sleeps = || status(tid, "voluntary_ctxt_switches").parse::<u64>().expect("a number");
        while !waiting.is_finished() && sleeps() < WAITS {
            std::thread::yield_now();
        }
        over.store(!waiting.is_finished(), Ordering::SeqCst);
        first.resume();
    });
}

/// Sends a signal to a process that has not been waited for.
pub fn signal(pid: u32, signal: i32) {
    // SAFETY: no memory is involved.
    assert_eq!(unsafe { libc::kill(pid as i32, signal) }, 0);
}

/// Waits until the process is in a state that no system call reports.
pub fn wait_for_state(pid: u32, state: char) {
    loop {
        let now = status(pid, "State");
        if now.starts_with(state) {
            return;
        }
        assert!(!now.starts_with(['Z', 'X']), "{pid} has ended");
        std::thread::yield_now();
    }
}

/// How often the long tests look; `MEMSIGHT_TEST_ROUNDS` is another number.
pub fn rounds(usual: usize) -> usize {
    std::env::var("MEMSIGHT_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(usual)
}

/// Some moments, other ones in each run; which ones does not matter.
pub struct Moments(u32);

impl Moments {
    pub fn new() -> Moments {
        Moments(std::process::id())
    }

    /// Waits for a random part of `most`.
    pub fn pass(&mut self, most: Duration) {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        std::thread::sleep(most * (self.0 >> 16) / (1 << 16));
    }
}

/// The name of the variable that tells a helper which process is its target.
pub const HELPER: &str = "MEMSIGHT_TEST_TARGET";

/// In a helper: the id of the target.
pub fn helped() -> Option<u32> {
    std::env::var(HELPER).ok().map(|pid| pid.parse().expect("a number"))
}

/// In a helper: tells that one look is over.
pub fn once() {
    let _ = writeln!(std::io::stdout(), "once");
}

/// A process that runs one of this program's tests: one that looks at a target until it is killed.
pub struct Helper {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Helper {
    /// Starts the test `name` with `pid` as its target, and waits for its first look.
    pub fn start(name: &str, pid: u32) -> Helper {
        let mut child = Command::new(std::env::current_exe().expect("we run"))
            .args([name, "--exact", "--nocapture"])
            .env(HELPER, pid.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the helper starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut helper = Helper { child, lines };
        helper.look();
        helper
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end of a look.
    pub fn look(&mut self) {
        assert!(self.lines.any(|line| line.expect("text").ends_with("once")), "the helper works");
    }

    /// Whether it has not ended.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("wait").is_none()
    }

    /// Kills it.
    pub fn kill(mut self) {
        self.child.kill().expect("kill");
        assert_eq!(self.child.wait().expect("wait").signal(), Some(libc::SIGKILL));
    }

    /// Closes its input, and waits until it has ended by itself.
    pub fn finish(mut self) {
        drop(self.child.stdin.take());
        self.lines.by_ref().for_each(drop);
        assert!(self.child.wait().expect("wait").success());
    }
}

/// Makes a copy, reads it and ends it.
pub fn copied(process: &Process) -> Ended {
    // in a flood of signals a moment may be unfit
    let forked = loop {
        let mut fork = process.fork().unwrap();
        match fork.stop().unwrap().fork() {
            Err(TargetError::NoFork { cause: Obstacle::Moment, .. }) => {}
            forked => break forked.unwrap(),
        }
    };
    assert!(forked.capture(&Quiet).unwrap().copied_bytes() > 0);
    let ended = forked.end();
    assert!(ended.collected);
    ended
}

/// The processes whose parent `pid` is, zombies included.
pub fn children(pid: u32) -> Vec<u32> {
    let stat = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let parent = |pid: &u32| stat(pid).rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok();
    memsight_target::pids().unwrap().into_iter().filter(|child| parent(child) == Some(pid)).collect()
}

/// The children of the target that send no signal at their end: none of its own is such.
pub fn copies(pid: u32) -> usize {
    let silent = |child: &&u32| {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        // the 38th field of proc(5)
        stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(35)) == Some("0")
    };
    children(pid).iter().filter(silent).count()
}

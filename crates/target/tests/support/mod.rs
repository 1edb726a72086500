//! Targets for the tests: small Python programs that are talked to through pipes.
#![allow(dead_code, clippy::disallowed_methods)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A target that does not answer for this long hangs; no test passes or fails by being slower or faster.
const HANGS: Duration = Duration::from_secs(60);

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

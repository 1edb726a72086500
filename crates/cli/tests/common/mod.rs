//! The built command, and Python processes that say when they are ready.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::disallowed_methods, reason = "tests read files")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// What a run of the command gave.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// stdout of a run that went well.
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.stdout
    }

    /// stdout of a run that went well, as JSON.
    pub fn json(self) -> serde_json::Value {
        let text = self.ok();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// A run that failed as errors do: exit 2, nothing on stdout, one clear sentence with this code and a hint.
    pub fn fails_with(&self, code: &str) {
        assert_eq!(self.code, Some(2), "{self:#?}");
        assert_eq!(self.stdout, "", "{self:#?}");
        assert!(self.stderr.starts_with(&format!("error[{code}]: ")), "{self:#?}");
        assert!(self.stderr.lines().any(|line| line.starts_with("hint: ") && line.len() > 10), "{self:#?}");
        assert_eq!(self.stderr.lines().count(), 2, "{self:#?}");
    }
}

/// The command with these arguments, not yet started.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_memsight"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the command to its end.
pub fn memsight(args: &[&str]) -> Run {
    finish(command(args).spawn().expect("memsight starts"))
}

/// A folder with two snapshots of a process, `before.heap` and `after.heap`, and room for more.
pub struct Kept(tempfile::TempDir);

impl Kept {
    pub fn of(pid: &str) -> Kept {
        let kept = Kept(tempfile::tempdir().expect("a folder"));
        for name in ["before.heap", "after.heap"] {
            memsight(&["snapshot", pid, "-o", &kept.path(name)]).ok();
        }
        kept
    }

    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("UTF-8").to_owned()
    }
}

/// Waits for a run of the command.
pub fn finish(child: Child) -> Run {
    let output = child.wait_with_output().expect("memsight ends");
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// A Python process that ran some code and now counts the lines that it is sent.
pub struct Python {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Python {
    /// Runs `code`, and waits until it is done.
    pub fn start(code: &str) -> Python {
        Python::start_with("python3", code)
    }

    /// The same with another interpreter.
    pub fn start_with(python: &str, code: &str) -> Python {
        let program = format!(
            "{code}\nimport sys\nprint('ready', flush=True)\nlines = 0\nfor _ in sys.stdin:\n    lines += 1\n    print(lines, flush=True)\n"
        );
        let mut child = Command::new(python)
            .args(["-c", &program])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is on PATH");
        let input = child.stdin.take().expect("piped");
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("python speaks");
        assert_eq!(line, "ready\n");
        Python { child, input, output }
    }

    pub fn number(&self) -> u32 {
        self.child.id()
    }

    pub fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// Asks for an answer: the process runs, and has run all the time.
    pub fn answers(&mut self, expected: u32) {
        self.input.write_all(b"?\n").expect("python listens");
        assert_eq!(self.line(), expected.to_string());
    }

    /// The next line that the process prints.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("python speaks");
        line.trim_end().to_owned()
    }

    /// Sends a line without waiting for an answer.
    pub fn send(&mut self, line: &str) {
        self.input.write_all(line.as_bytes()).expect("python listens");
    }

    /// State letter of the process, as in `ps`.
    pub fn state(&self) -> String {
        status(self.child.id(), "State").chars().take(1).collect()
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        kill(self.child.id(), name);
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal by name to a process that the test started.
pub fn kill(pid: u32, signal: &str) {
    let done = Command::new("kill").args(["-s", signal, &pid.to_string()]).status().expect("kill is there");
    assert!(done.success());
}

/// A field of `/proc/PID/status`.
pub fn status(pid: u32, field: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

/// A pid that no process has: that of a child that is gone and was waited for.
pub fn nobody() -> String {
    let mut child = Command::new("true").spawn().expect("true is there");
    child.wait().expect("true ends");
    child.id().to_string()
}

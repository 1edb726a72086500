//! Starting a Python program that says when it is ready and answers questions about itself.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::frames::{self, Stack};
use crate::{Interpreter, TestkitError, Truth, kernel};

/// How long one answer may take; only a hang is that slow.
const DEADLINE: Duration = Duration::from_secs(120);

/// A running Python program, blocked in a read of its standard input; killed on drop.
pub struct Target {
    child: Child,
    lines: Receiver<String>,
    stderr: Arc<Mutex<String>>,
    /// What it said when it was ready.
    pub ready: Value,
}

/// The programs that need nothing but the standard library.
pub const TARGETS: [&str; 10] = [
    "minimal",
    "builtins_",
    "classes",
    "functions",
    "library",
    "threads",
    "tasks",
    "generations",
    "interpreters",
    "syntax",
];

/// The folder of the programs that know the truth about themselves.
pub fn targets_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../python/tests/targets")
}

impl Target {
    /// Starts `script` (a path, relative ones from [`targets_dir`]) and waits until it says that it is ready.
    pub fn start(interpreter: &Interpreter, script: impl AsRef<Path>, args: &[&str]) -> Result<Target, TestkitError> {
        let mut command = Command::new(&interpreter.path);
        command.arg("-B").arg(targets_dir().join(script)).args(args);
        Target::spawn(command)
    }

    /// Starts any command whose program speaks the same handshake.
    pub fn spawn(mut command: Command) -> Result<Target, TestkitError> {
        // A PYTHONHOME or a debug allocator of the caller's would make it another process than the one meant.
        command.env_remove("PYTHONHOME").env_remove("PYTHONPATH").env_remove("PYTHONMALLOC");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = PathBuf::from(command.get_program());
        let mut child = command.spawn().map_err(|source| TestkitError::Start { program, source })?;
        let lines = follow_lines(child.stdout.take());
        let stderr = follow_text(child.stderr.take());
        let mut target = Target { child, lines, stderr, ready: Value::Null };
        target.ready = target.answer("start")?;
        match target.ready.get("ready") {
            Some(Value::Bool(true)) => Ok(target),
            _ => Err(TestkitError::Answer { request: "start".into(), answer: target.ready.to_string() }),
        }
    }

    /// Process id of the program itself, which a launcher may have started.
    pub fn pid(&self) -> u32 {
        self.ready.get("pid").and_then(Value::as_u64).map_or(self.child.id(), |pid| pid as u32)
    }

    /// Sends a line and waits for the line that answers it.
    pub fn ask(&mut self, request: &str) -> Result<Value, TestkitError> {
        let line = format!("{request}\n"); // in one write, for the target takes what one read gives
        let ended = self.child.stdin.as_mut().is_none_or(|stdin| stdin.write_all(line.as_bytes()).is_err());
        if ended {
            return Err(TestkitError::Ended { request: request.into(), stderr: self.stderr() });
        }
        self.answer(request)
    }

    /// Asks for the truth; the target is blocked again when this returns.
    pub fn truth(&mut self, folder: &Path) -> Result<Truth, TestkitError> {
        let path = folder.join(format!("{}.truth", self.pid()));
        let request = format!("truth {}", path.display());
        let answer = self.ask(&request)?;
        if answer.get("done").and_then(Value::as_str) != Some("truth") {
            return Err(TestkitError::Answer { request, answer: answer.to_string() });
        }
        let mut truth = Truth::read(&path)?;
        for other in answer.get("also").and_then(Value::as_array).into_iter().flatten() {
            truth.merge(Truth::read(Path::new(other.as_str().unwrap_or_default()))?);
        }
        Ok(truth)
    }

    /// Asks for the stacks of all threads.
    pub fn frames(&mut self, folder: &Path) -> Result<Vec<Stack>, TestkitError> {
        let path = folder.join(format!("{}.frames", self.pid()));
        self.ask(&format!("frames {}", path.display()))?;
        frames::read(&path)
    }

    /// What it wrote to standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.lock().map(|text| text.clone()).unwrap_or_default()
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn answer(&mut self, request: &str) -> Result<Value, TestkitError> {
        let line = match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => {
                let request = request.to_owned();
                return Err(TestkitError::Deadline { request, deadline: DEADLINE, stderr: self.stderr() });
            }
            Err(RecvTimeoutError::Disconnected) => {
                let _ = self.child.wait(); // so that standard error is whole
                return Err(TestkitError::Ended { request: request.into(), stderr: self.stderr() });
            }
        };
        let answer: Value =
            serde_json::from_str(&line).map_err(|_| TestkitError::Answer { request: request.into(), answer: line })?;
        if answer.get("busy").is_none() {
            self.settle(request, &answer)?;
        }
        Ok(answer)
    }

    /// Waits until the main thread is back in its read and every other one asleep, as the kernel tells.
    ///
    /// Whoever gives the GIL away wakes the next in line, so that as long as one thread has something to do, one is
    /// awake. Two looks without a change are needed because threads are looked at one after the other.
    fn settle(&mut self, request: &str, answer: &Value) -> Result<(), TestkitError> {
        let pid = answer.get("pid").and_then(Value::as_u64).map_or(self.pid(), |pid| pid as u32);
        let began = Instant::now();
        let mut before = None;
        loop {
            let now = kernel::asleep(pid);
            if now.is_some() && now == before {
                return Ok(());
            }
            before = now;
            if let Ok(Some(status)) = self.child.try_wait() {
                let request = format!("{request} ({status})");
                return Err(TestkitError::Ended { request, stderr: self.stderr() });
            }
            if began.elapsed() > DEADLINE {
                let request = format!("{request} (settling)");
                return Err(TestkitError::Deadline { request, deadline: DEADLINE, stderr: self.stderr() });
            }
            std::thread::yield_now();
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn follow_lines(stream: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = channel();
    if let Some(stream) = stream {
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
    }
    receiver
}

fn follow_text(stream: Option<impl Read + Send + 'static>) -> Arc<Mutex<String>> {
    let text = Arc::new(Mutex::new(String::new()));
    if let Some(stream) = stream {
        let text = Arc::clone(&text);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if let Ok(mut text) = text.lock() {
                    text.push_str(&line);
                    text.push('\n');
                }
            }
        });
    }
    text
}

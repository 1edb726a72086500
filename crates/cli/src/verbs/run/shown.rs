//! A program that runs while a screen shows what it allocates.

use memsight_engine::record::Recording;

use super::kept::Kept;
use crate::platform::exit_code;
use crate::verbs::command::Command;
use crate::verbs::live::Subject;

/// What `q` does to the screen of a program that was started.
pub(super) const QUITS: &str = "closes this; the program goes on";

/// The program on the screen.
pub(super) struct Shown<'a> {
    pub command: &'a mut Command,
    pub recording: &'a Recording,
    pub kept: &'a mut Kept,
}

impl Subject for Shown<'_> {
    fn over(&mut self) -> Option<String> {
        if self.command.ended() {
            let code = self.command.status().ok().and_then(exit_code);
            let code = code.map_or_else(String::new, |code| format!(": exit code {code}"));
            return Some(format!("the program has ended{code}"));
        }
        self.recording.has_stopped().then(|| "the recording has stopped, and the program goes on".to_owned())
    }

    /// The program's, as without a screen: it may go on.
    fn interrupted(&mut self) -> bool {
        self.command.interrupt();
        false
    }

    fn signalled(&mut self, signal: i32) -> bool {
        self.command.forward(signal);
        false
    }

    fn last_line(&mut self) -> Option<String> {
        self.kept.last_line()
    }

    fn ends_screen(&self) -> bool {
        false
    }
}

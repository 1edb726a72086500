//! A target that works all the time and knows whether anything disturbed it (`python/tests/targets/busy.py`).

use serde::Deserialize;

use crate::{Interpreter, Target, TestkitError};

/// Four computing threads and a main thread that forks.
pub struct Busy(Target);

/// What it did so far.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Progress {
    /// Rounds that each thread completed.
    pub rounds: Vec<u64>,
    /// Results that were not what they are without a reader.
    pub wrong: u64,
    /// Forked children that ended.
    pub children: u64,
    /// Children that ended otherwise than they should.
    pub failed: u64,
}

impl Busy {
    /// Starts it; every thread runs when this returns.
    pub fn start(interpreter: &Interpreter) -> Result<Busy, TestkitError> {
        Target::start(interpreter, "busy.py", &[]).map(Busy)
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.0.pid()
    }

    /// Asks what it did so far.
    pub fn progress(&mut self) -> Result<Progress, TestkitError> {
        let request = "progress";
        let answer = self.0.ask(request)?;
        serde_json::from_value(answer.clone())
            .map_err(|_| TestkitError::Answer { request: request.into(), answer: answer.to_string() })
    }

    /// Waits until every thread has done more than at `before` and a further child has ended.
    pub fn advance(&mut self, before: &Progress) -> Result<Progress, TestkitError> {
        loop {
            let now = self.progress()?; // fails at its deadline when the main thread stands still
            if now.children > before.children && now.rounds.iter().zip(&before.rounds).all(|(now, then)| now > then) {
                return Ok(now);
            }
        }
    }
}

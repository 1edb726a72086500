//! Killed at any moment, memsight leaves its target running.
#![allow(clippy::disallowed_methods, reason = "tests read clocks")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use memsight_testkit::{Busy, interpreters};

const KILLS: u64 = 100;

/// How long a whole run takes, so that the kills fall into every part of it.
fn whole_run(pid: &str) -> Result<Duration, Box<dyn std::error::Error>> {
    let began = Instant::now();
    let status = run(pid).status()?;
    assert!(status.success(), "{status}");
    Ok(began.elapsed())
}

fn run(pid: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_memsight"));
    command.args(["heap", pid]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn a_hundred_kills_leave_the_target_running() -> Result<(), Box<dyn std::error::Error>> {
    let interpreter = interpreters().pop().ok_or("no Python found")?;
    let mut busy = Busy::start(&interpreter)?;
    let pid = busy.pid().to_string();
    let whole = whole_run(&pid)?;
    let mut before = busy.progress()?;
    // Multiples of the golden ratio spread evenly over the run, whatever their number.
    let moments = (0..KILLS).map(|number| (number as f64 * 0.618_033_988_749_895).fract());
    for moment in moments {
        let mut memsight = run(&pid).spawn()?;
        std::thread::sleep(whole.mul_f64(moment)); // the moment of the kill, nothing waits for it
        memsight.kill()?;
        memsight.wait()?;
        before = busy.advance(&before)?; // every thread of it, and it still forks
    }
    assert_eq!((before.wrong, before.failed), (0, 0), "{before:?}");
    whole_run(&pid)?;
    Ok(())
}

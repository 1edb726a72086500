//! `memsight agent`.

use crate::args::Agent;
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;

pub fn run(_args: &Agent, _console: &Console, _interrupt: &Interrupt) -> Result<i32, Error> {
    Ok(0)
}

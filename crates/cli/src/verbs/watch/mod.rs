//! `memsight watch`.

use crate::args::Watch;
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;

pub fn run(_args: &Watch, _console: &Console, _interrupt: &Interrupt) -> Result<i32, Error> {
    Ok(0)
}

//! `memsight top`: the memory of Python processes on the screen, or a line of JSON a reading.

#[cfg(test)]
mod fixture;
mod state;
mod view;

use crate::args::Top;
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;

pub fn run(_args: &Top, _console: &Console, _interrupt: &Interrupt) -> Result<i32, Error> {
    Ok(0)
}

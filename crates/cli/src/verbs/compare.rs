//! `memsight compare`: what has grown between two moments.

use crate::args::Compare;
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;

pub fn run(_args: &Compare, _console: &Console, _interrupt: &Interrupt) -> Result<(), Error> {
    Err(Error::NoSubject)
}

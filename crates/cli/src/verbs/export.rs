//! `memsight export`: a heap in the form of another tool.

use crate::args::Export;
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;

pub fn run(_args: &Export, _console: &Console, _interrupt: &Interrupt) -> Result<(), Error> {
    Err(Error::NoSubject)
}

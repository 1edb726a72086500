//! `memsight completions`: the completions of a shell.

use clap::CommandFactory;

use crate::args::{Cli, Completions};
use crate::console::Console;
use crate::error::Error;

pub fn run(args: &Completions, console: &Console) -> Result<(), Error> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "memsight", &mut text);
    console.write(&String::from_utf8_lossy(&text))
}

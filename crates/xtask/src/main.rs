//! Generators and checks of the workspace: `cargo xtask VERB`.

#![forbid(unsafe_code)]
// A tool for developers: it prints, reads files and the environment as it likes.
#![allow(clippy::disallowed_macros, clippy::disallowed_methods)]

mod circles;
mod docs;
mod features;
mod layers;
mod layouts;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask VERB
  docs [--check]     make the sections of the pages that come from the program; check links and error codes
  layouts [3.X...]   generate the layout tables of CPython (all versions by default)
  layers             check the layers of the crates, the wings of cpython, the sizes of the files and that dependencies
                     are built once";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    match arguments.split_first().map(|(verb, rest)| (verb.as_str(), rest)) {
        Some(("docs", [])) => docs::run(&root, false),
        Some(("docs", [check])) if check == "--check" => docs::run(&root, true),
        Some(("layouts", versions)) => layouts::run(&root, versions),
        Some(("layers", [])) => layers::run(&root),
        Some((other, _)) => bail!("no verb {other}\n{USAGE}"),
        None => bail!("{USAGE}"),
    }
}

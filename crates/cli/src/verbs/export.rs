//! `memsight export`: a heap in the form of another tool.

use std::fs::File;
use std::io;
use std::path::Path;

use memsight_engine::{export, open_with};
use memsight_model::count;

use super::options::{beside, look as options};
use crate::args::Export;
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;

/// What DevTools recognise.
const SUFFIX: &str = "heapsnapshot";

pub fn run(args: &Export, console: &Console, interrupt: &Interrupt) -> Result<(), Error> {
    let output = args.output.clone().unwrap_or_else(|| beside(&args.subject, SUFFIX));
    if output.as_os_str() == "-" {
        return to_stdout(args, console, interrupt);
    }
    if output.extension().is_none_or(|suffix| suffix != SUFFIX) {
        return Err(Error::NoSuchForm { path: output });
    }
    write(args, &output, console, interrupt)?;
    console.remark(|_| "next: in Chrome's DevTools, Memory, Load profile\n".to_owned());
    Ok(())
}

/// The file is made whole first: half of one is none.
#[allow(clippy::disallowed_methods, reason = "the file that is read was made here")]
fn to_stdout(args: &Export, console: &Console, interrupt: &Interrupt) -> Result<(), Error> {
    let folder = tempfile::tempdir().map_err(Error::Setup)?;
    let path = folder.path().join(format!("stdout.{SUFFIX}"));
    write(args, &path, console, interrupt)?;
    let mut file = File::open(&path).map_err(|source| Error::File { path, source })?;
    io::copy(&mut file, &mut io::stdout().lock()).map(drop).map_err(Error::of_output)
}

fn write(args: &Export, output: &Path, console: &Console, interrupt: &Interrupt) -> Result<(), Error> {
    let ticker = console.ticker(interrupt);
    let written = interrupt.carefully(|| {
        let snapshot = open_with(&args.subject, &(&args.files).into(), &options(&args.look), &ticker)?;
        Ok::<_, Error>(export::heapsnapshot(&snapshot, output, args.force, &ticker)?)
    })?;
    drop(ticker);
    let (nodes, edges) = (count(written.nodes), count(written.edges));
    let name = if args.output.as_deref().is_some_and(|path| path.as_os_str() == "-") {
        "-".into()
    } else {
        output.to_string_lossy()
    };
    console.remark(|_| format!("wrote {name}: {nodes} nodes, {edges} edges\n"));
    if written.cut_sizes > 0 {
        let cut = count(written.cut_sizes);
        console.remark(|_| format!("{cut} objects are larger than the 4 GiB that the format can say\n"));
    }
    Ok(())
}

//! `memsight export`: a heap in the form of another tool.

use std::fs::File;
use std::io;
use std::path::Path;

use memsight_engine::format::heapsnapshot::Written;
use memsight_engine::{export, open_with};
use memsight_model::count;

use super::options::{beside, look as options};
use crate::args::Export;
use crate::console::{Console, stdout};
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
    let written = write(args, &output, console, interrupt)?;
    tell(&output, &written, console);
    console.remark(|_| "next: in Chrome's DevTools, Memory, Load profile\n".to_owned());
    Ok(())
}

/// The file is made whole first: half of one is none.
#[allow(clippy::disallowed_methods, reason = "the file that is read was made here")]
fn to_stdout(args: &Export, console: &Console, interrupt: &Interrupt) -> Result<(), Error> {
    let folder = tempfile::tempdir().map_err(Error::Setup)?;
    let path = folder.path().join(format!("stdout.{SUFFIX}"));
    let written = write(args, &path, console, interrupt)?;
    let mut file = File::open(&path).map_err(|source| Error::File { path, source })?;
    io::copy(&mut file, &mut stdout()?.lock()).map_err(Error::of_output)?;
    tell(Path::new("-"), &written, console);
    Ok(())
}

fn write(args: &Export, output: &Path, console: &Console, interrupt: &Interrupt) -> Result<Written, Error> {
    let ticker = console.ticker(interrupt);
    interrupt.carefully(|| {
        let snapshot = open_with(&args.subject, &(&args.files).into(), &options(&args.look), &ticker)?;
        Ok::<_, Error>(export::heapsnapshot(&snapshot, output, args.force, &ticker)?)
    })
}

/// What was written, once it is.
fn tell(output: &Path, written: &Written, console: &Console) {
    let (name, nodes, edges) = (output.display(), count(written.nodes), count(written.edges));
    console.remark(|_| format!("wrote {name}: {nodes} nodes, {edges} edges\n"));
    if written.cut_sizes > 0 {
        let cut = count(written.cut_sizes);
        console.remark(|_| format!("{cut} objects are larger than the 4 GiB that the format can say\n"));
    }
}

//! A heap in the form of another tool.

use std::path::Path;

use memsight_engine::format::heapsnapshot::Written;
use memsight_engine::{export, open_with};
use memsight_model::count;

use super::super::options::{beside, look as options};
use super::through_file;
use crate::args::Export;
use crate::console::Console;
use crate::error::{Error, ExportError};
use crate::interrupt::Interrupt;

/// What DevTools recognise.
const SUFFIX: &str = "heapsnapshot";

pub(super) fn run(args: &Export, console: &Console, interrupt: &Interrupt) -> Result<(), Error> {
    let output = args.output.clone().unwrap_or_else(|| beside(&args.subject, SUFFIX));
    if output.as_os_str() == "-" {
        return to_stdout(args, console, interrupt);
    }
    if output.extension().is_none_or(|suffix| suffix != SUFFIX) {
        return Err(ExportError::Ending { path: output }.into());
    }
    let written = write(args, &output, console, interrupt)?;
    tell(&output, &written, console);
    console.remark(|_| "next: in Chrome's DevTools, Memory, Load profile\n".to_owned());
    Ok(())
}

fn to_stdout(args: &Export, console: &Console, interrupt: &Interrupt) -> Result<(), Error> {
    let written = through_file(SUFFIX, |path| write(args, path, console, interrupt))?;
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

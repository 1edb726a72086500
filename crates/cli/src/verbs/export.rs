//! `memsight export`: a heap in the form of another tool.

use memsight_engine::{export, open_with};
use memsight_model::count;

use super::options::look as options;
use crate::args::Export;
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;

/// What DevTools recognise.
const SUFFIX: &str = "heapsnapshot";

pub fn run(args: &Export, console: &Console, interrupt: &Interrupt) -> Result<(), Error> {
    if args.output.extension().is_none_or(|suffix| suffix != SUFFIX) {
        return Err(Error::NoSuchForm { path: args.output.clone() });
    }
    let ticker = console.ticker(interrupt);
    let written = interrupt.carefully(|| {
        let snapshot = open_with(&args.subject, &(&args.files).into(), &options(&args.look), &ticker)?;
        Ok::<_, Error>(export::heapsnapshot(&snapshot, &args.output, args.force, &ticker)?)
    })?;
    drop(ticker);
    let (nodes, edges) = (count(written.nodes), count(written.edges));
    console.remark(|_| format!("wrote {}: {nodes} nodes, {edges} edges\n", args.output.display()));
    if written.cut_sizes > 0 {
        let cut = count(written.cut_sizes);
        console.remark(|_| format!("{cut} objects are larger than the 4 GiB that the format can say\n"));
    }
    console.remark(|_| "next: in Chrome's DevTools, Memory, Load profile\n".to_owned());
    Ok(())
}

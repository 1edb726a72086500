//! `memsight man`: the manual pages, made of what `--help` says.

use std::fs;
use std::io;
use std::path::Path;

use clap::CommandFactory;
use clap_mangen::Man as Page;

use crate::args::{Cli, Man};
use crate::console::Console;
use crate::error::Error;

pub fn run(args: &Man, console: &Console) -> Result<(), Error> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let Some(folder) = &args.folder else {
        return console.write(&text(&Page::new(command)).map_err(Error::of_output)?);
    };
    let failed = |source: io::Error| Error::File { path: folder.clone(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    let mut count = 0;
    place(command, folder, &mut count).map_err(failed)?;
    console.remark(|_| format!("wrote {count} pages into {}\n", folder.display()));
    Ok(())
}

/// Writes the page of a command and of those below it, as `memsight-heap-types.1`.
fn place(command: clap::Command, folder: &Path, count: &mut u32) -> io::Result<()> {
    let below: Vec<_> = command.get_subcommands().filter(|below| !below.is_hide_set()).cloned().collect();
    for command in below {
        place(command, folder, count)?;
    }
    let page = Page::new(command);
    fs::write(folder.join(page.get_filename()), text(&page)?)?;
    *count += 1;
    Ok(())
}

/// A page. What stands behind the options is made of lines, examples above all, and is not filled.
fn text(page: &Page) -> io::Result<String> {
    let mut bytes = Vec::new();
    page.render(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let Some((head, rest)) = text.split_once(".SH EXTRA\n") else { return Ok(text) };
    let (lines, tail) =
        rest.split_once("\n.SH ").map_or((rest, String::new()), |(lines, tail)| (lines, format!("\n.SH {tail}")));
    Ok(format!("{head}.SH MORE\n.nf\n{lines}\n.fi{tail}"))
}

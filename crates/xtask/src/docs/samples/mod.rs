//! Samples of output on the pages are what the program prints today, but for the numbers.
//!
//! ```text
//! <!-- sample: PROGRAM: COMMAND -->   above a block: that command, on a program of `programs.rs`
//! <!-- sample: PROGRAM -->            the command is the block's own: `$ memsight heap 4242`
//! <!-- sample: PROGRAM, in part -->   each line is printed, in this order; others may stand between them
//! <!-- sample: none, WHY -->          not run here
//! ```
//!
//! ```text
//! page ─> Sample ──────────────────> words ─┐
//!            └─> program ─> memsight ─> words ─┴─> fault
//! ```

mod form;
mod page;
mod programs;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use page::Run;
use programs::{Python, Running};

/// What the program does at the moment of a look is not ours: a sample is stale when so many looks say so.
const LOOKS: usize = 3;

/// What is wrong with the samples of the pages.
#[derive(Default)]
pub struct Found {
    /// In words, with page and line.
    pub faults: Vec<String>,
    /// Outputs that the program prints otherwise today.
    stale: Vec<Stale>,
}

struct Stale {
    page: PathBuf,
    /// Its first line, from 1, and how many.
    line: usize,
    count: usize,
    fault: String,
    printed: String,
}

/// Compares the samples with what the program at `memsight` prints.
pub fn check(root: &Path, pages: &BTreeMap<PathBuf, String>, memsight: &Path) -> Result<Found> {
    let mut found = Found::default();
    let mut samples = Vec::new();
    for (name, text) in pages {
        let (of_page, wrong) = page::samples(text);
        found.faults.extend(wrong.into_iter().map(|(line, fault)| format!("{}:{line}: {fault}", name.display())));
        samples.extend(of_page.into_iter().map(|sample| (name, sample)));
    }
    let python = match Python::find(memsight)? {
        Ok(python) => python,
        Err(why) => {
            println!("NOT COVERED: {} samples of output on the pages: {why}", samples.len());
            return Ok(found);
        }
    };
    let mut running: BTreeMap<String, Running> = BTreeMap::new();
    for (name, sample) in &samples {
        if !running.contains_key(&sample.program) {
            match python.start(&sample.program, root, pages)? {
                Some(started) => drop(running.insert(sample.program.clone(), started)),
                None => {
                    found.faults.push(format!("{}:{}: no program {:?}", name.display(), sample.line, sample.program))
                }
            }
        }
        if let Some(program) = running.get(&sample.program) {
            for run in &sample.runs {
                found.stale.extend(stale(name, run, sample.in_part, program, memsight)?);
            }
        }
    }
    Ok(found)
}

impl Found {
    /// All faults in words.
    pub fn in_words(self) -> Vec<String> {
        let stale = self.stale.into_iter().map(|stale| stale.fault);
        self.faults.into_iter().chain(stale).collect()
    }

    /// Puts what is printed today in place of what is stale. Lines that were left out come back.
    pub fn renew(&mut self, root: &Path) -> Result<()> {
        // From the last, so that the lines above keep their numbers.
        self.stale.sort_by_key(|stale| std::cmp::Reverse((stale.page.clone(), stale.line)));
        for stale in self.stale.drain(..) {
            let path = root.join(&stale.page);
            let text = std::fs::read_to_string(&path)?;
            let mut lines: Vec<&str> = text.lines().collect();
            let first = stale.line - 1;
            lines.splice(first..first + stale.count, stale.printed.trim_end().lines());
            std::fs::write(&path, lines.join("\n") + "\n")?;
            println!("{}:{}: put today's output there; look at it", stale.page.display(), stale.line);
        }
        Ok(())
    }
}

/// A sample that is not printed.
fn stale(page: &Path, run: &Run, in_part: bool, program: &Running, memsight: &Path) -> Result<Option<Stale>> {
    let Run { command, line, output } = run;
    let mut looks = 0;
    loop {
        let before = program.asked(command).filter(|_| looks == 0);
        let printed = before.map_or_else(|| program.ask(memsight, command), Ok)?;
        let Some(fault) = form::differs(output, &printed, in_part) else { return Ok(None) };
        looks += 1;
        if looks == LOOKS {
            let fault = format!("{}:{}: memsight {command} {fault}", page.display(), line + fault.line);
            return Ok(Some(Stale { page: page.to_owned(), line: *line, count: output.len(), fault, printed }));
        }
    }
}

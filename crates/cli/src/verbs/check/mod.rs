//! `memsight check`: a file against a budget.

mod budget;

use std::path::Path;

use memsight_engine::analysis::Analysis;
use memsight_engine::analysis::budget::{Subject, VerdictWord, judge};
use memsight_engine::analysis::profile::At;
use memsight_engine::{CoreFiles, LookOptions, holds_trace, open_file, open_trace};
use memsight_render::{annotations, junit, text};

use super::watch;
use crate::args::{Check, Format};
use crate::console::{Console, here};
use crate::error::{CheckError, Error};
use crate::interrupt::Interrupt;

/// Exit code of a budget that is broken.
const OVER: i32 = 1;

pub fn run(args: &Check, console: &Console, interrupt: &Interrupt) -> Result<i32, Error> {
    let rules = budget::read(&args.budget)?;
    let subject = open(&args.subject, console, interrupt)?;
    let kind = subject.kind();
    let rules = rules.of(kind);
    if rules.is_empty() {
        return Err(CheckError::NothingFor { path: args.budget.clone(), kind: kind.word() }.into());
    }
    let baseline = args.baseline.as_ref().map(|path| open(path, console, interrupt)).transpose()?;
    if let Some(other) = baseline.as_ref().map(Subject::kind).filter(|other| *other != kind) {
        let (kind, other) = (kind.word(), other.word());
        return Err(CheckError::OtherKind { path: args.subject.clone(), kind, other }.into());
    }
    let name = |path: &Path| path.to_string_lossy().into_owned();
    let names = (name(&args.subject), name(&args.budget), args.baseline.as_deref().map(name));
    let view = judge(rules, &subject, baseline.as_ref(), names);
    match console.format() {
        Format::Junit => console.write(&junit::check(&view))?,
        Format::Github => console.write(&annotations::check(&view, here().as_deref()))?,
        _ => console.show(&view, text::check)?,
    }
    let fails = match view.verdict {
        VerdictWord::Over => true,
        VerdictWord::Unknown => args.strict,
        VerdictWord::Within => false,
    };
    Ok(if fails { OVER } else { 0 })
}

/// A trace, a snapshot (or a core, which is one), or else a recording.
fn open(path: &Path, console: &Console, interrupt: &Interrupt) -> Result<Subject, Error> {
    let ticker = console.ticker(interrupt);
    if holds_trace(path) {
        let profile = interrupt.carefully(|| Ok::<_, Error>(open_trace(path, At::Peak, false, &ticker)?))?;
        return Ok(Subject::Trace(Box::new(profile)));
    }
    if !path.exists() {
        return Err(CheckError::NotThere { path: path.to_path_buf() }.into());
    }
    if path.is_file() && !memsight_engine::is_core(path) {
        return Ok(Subject::Recording(Box::new(watch::summary_of(path, console)?)));
    }
    let snapshot = interrupt
        .carefully(|| Ok::<_, Error>(open_file(path, &CoreFiles::default(), &LookOptions::default(), &ticker)?))?;
    Ok(Subject::Snapshot(Box::new(Analysis::new(&snapshot, &ticker).types(0))))
}

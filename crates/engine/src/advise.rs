//! Advice on source: files are found, read, looked through, and changed if that is asked for.

mod files;
mod rows;
mod write;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use memsight_advice::{Checked, Needs, PythonVersion, Rule, Safety, Settings, check_all, rules};
use memsight_analysis::advise::{AdviceSummary, AdviceView, FaultRow, RulePage, RulesView};
use memsight_model::{Progress, SCHEMA_VERSION};

pub use files::STDIN;
pub use write::{Change, unified};

use crate::Error;

/// What to look at and what for.
#[derive(Debug, Clone)]
pub struct AdviseOptions {
    /// Files and folders; `-` is the standard input.
    pub paths: Vec<PathBuf>,
    /// Rules by id, name, or the beginning of an id (`MS1`); none: those that are on by default.
    pub select: Vec<String>,
    /// Rules to leave out, in the same way.
    pub ignore: Vec<String>,
    /// All rules, also those that need evidence to be right.
    pub all: bool,
    /// The oldest Python that the program runs on, 11 for 3.11: later syntax is a fault. None: all syntax is read, and what is advised
    /// is there from 3.10 on.
    pub target_minor: Option<u8>,
    /// Fixes to make, if any.
    pub fix: Fixes,
}

/// Which fixes are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fixes {
    /// None.
    None,
    /// Those after which a program does the same.
    Safe,
    /// All.
    Unsafe,
}

impl Fixes {
    fn most(self) -> Option<Safety> {
        match self {
            Fixes::None => None,
            Fixes::Safe => Some(Safety::Safe),
            Fixes::Unsafe => Some(Safety::Unsafe),
        }
    }
}

/// All rules, in the order of their ids.
pub fn catalogue() -> RulesView {
    RulesView { schema_version: SCHEMA_VERSION, rules: rules::all().into_iter().map(rule_page).collect() }
}

/// The page of a rule, by its id or name.
pub fn page(text: &str) -> Result<RulePage, Error> {
    rules::find(text).map(rule_page).ok_or_else(|| Error::NoSuchRule { text: text.to_owned() })
}

fn rule_page(rule: &Rule) -> RulePage {
    let needs = match rule.needs {
        Needs::Source => "source",
        Needs::Heap => "heap",
        Needs::Trace => "trace",
    };
    RulePage {
        rule: rule.id.to_owned(),
        name: rule.name.to_owned(),
        technique: rows::technique(rule.technique).to_owned(),
        summary: rule.summary.to_owned(),
        is_default: rule.is_default,
        needs: needs.to_owned(),
        why: rule.page.why.to_owned(),
        bad: rule.page.bad.to_owned(),
        good: rule.page.good.to_owned(),
        unless: rule.page.unless.iter().map(|text| (*text).to_owned()).collect(),
        figures: rule.page.figures.to_owned(),
    }
}

/// What was found, and what became of the files.
pub struct Advised {
    /// The findings that are left.
    pub view: AdviceView,
    /// Files that change, in order; they are written by [`Advised::write`] only.
    pub changes: Vec<Change>,
}

impl Advised {
    /// Writes the changed files, each at once and only if it is as it was read.
    pub fn write(&self) -> Result<(), Error> {
        self.changes.iter().try_for_each(Change::write)
    }
}

/// Rounds of fixes: one may make room for the next.
const ROUNDS: usize = 10;

/// Looks through files.
///
/// Cost: some 400,000 lines a second and processor, and memory for the text of all files. Files that cannot be read or
/// understood are told in the view and are no error; a path that was named and is not there is one.
pub fn advise(options: &AdviseOptions, progress: &dyn Progress) -> Result<Advised, Error> {
    let settings = settings(options)?;
    progress.phase("finding files", None);
    let (paths, unread) = files::find(&options.paths)?;
    let (contents, more_unread) = files::read(&paths, progress)?;
    let mut faults: Vec<FaultRow> = unread.into_iter().chain(more_unread).collect();
    let originals: Vec<(String, Vec<u8>)> = if options.fix != Fixes::None { contents.clone() } else { Vec::new() };
    let mut checked = look(contents, &settings, progress);
    let (mut changes, mut fixed) = (Vec::new(), 0);
    if let Some(most) = options.fix.most() {
        (changes, fixed) = fix(&mut checked, &originals, most, &settings);
    }
    let mut view = AdviceView { schema_version: SCHEMA_VERSION, ..AdviceView::default() };
    for report in &checked.reports {
        match report {
            Ok(report) => rows::add(report, &mut view),
            Err((file, why)) => faults.push(rows::whole(file, why)),
        }
    }
    view.summary.fixed = fixed;
    view.faults.extend(faults);
    if progress.cancelled() { Err(Error::Cancelled) } else { Ok(Advised { view, changes }) }
}

fn look(contents: Vec<(String, Vec<u8>)>, settings: &Settings, progress: &dyn Progress) -> Checked {
    progress.phase("looking through files", Some(2 * contents.len() as u64));
    let done = AtomicU64::new(0);
    check_all(contents, settings, &|| progress.advance(done.fetch_add(1, Ordering::Relaxed) + 1))
}

/// Fixes round by round what can be fixed; the reports become those of the fixed files.
fn fix(
    checked: &mut Checked,
    originals: &[(String, Vec<u8>)],
    most: Safety,
    settings: &Settings,
) -> (Vec<Change>, u64) {
    let (mut changes, mut count) = (Vec::new(), 0);
    let mut reports = std::mem::take(&mut checked.reports);
    for (report, (path, bytes)) in reports.iter_mut().zip(originals) {
        let Ok(report) = report else { continue };
        let before = report.source.text().to_owned();
        for _ in 0..ROUNDS {
            let Some(fixed) = memsight_advice::apply(&report.source, &report.findings, most, settings.syntax) else {
                break;
            };
            // What the file's encoding cannot say is not written.
            let Some(encoded) = report.source.encode(&fixed.text) else { break };
            let Ok(next) = checked.again(path, &encoded) else { break };
            count += fixed.applied.len() as u64;
            *report = next;
        }
        if report.source.text() != before
            && let Some(after) = report.source.encode(report.source.text())
        {
            changes.push(Change::new(Path::new(path), bytes.clone(), after, before, report.source.text().to_owned()));
        }
    }
    checked.reports = reports;
    (changes, count)
}

fn settings(options: &AdviseOptions) -> Result<Settings, Error> {
    let fits = |rule: &Rule, text: &String| {
        rule.name == text || (text.len() >= 2 && rule.id.to_ascii_lowercase().starts_with(&text.to_ascii_lowercase()))
    };
    for text in options.select.iter().chain(&options.ignore) {
        if !rules::all().iter().any(|rule| fits(rule, text)) {
            return Err(Error::NoSuchRule { text: text.clone() });
        }
    }
    let chosen = |rule: &Rule| match options.select.as_slice() {
        [] => options.all || rule.is_default,
        select => select.iter().any(|text| fits(rule, text)),
    };
    let mut rules = rules::all();
    rules.retain(|rule| chosen(rule) && !options.ignore.iter().any(|text| fits(rule, text)));
    let version = |minor| PythonVersion { major: 3, minor };
    let (target, syntax) = (options.target_minor.unwrap_or(10), options.target_minor.unwrap_or(15));
    Ok(Settings { target: version(target), syntax: version(syntax), rules })
}

/// Counts that a summary has of findings.
fn count(summary: &mut AdviceSummary, safety: Option<Safety>) {
    summary.findings += 1;
    match safety {
        Some(Safety::Safe) => summary.fixable += 1,
        Some(Safety::Unsafe) => summary.unsafely_fixable += 1,
        None => {}
    }
}

//! Advice on source: files are found, read, looked through, and changed if that is asked for.

mod baseline;
mod candidates;
mod config;
mod evidence;
mod fault;
mod files;
mod finder;
mod fingerprint;
mod habits;
mod patterns;
mod prepare;
mod python;
mod rows;
mod select;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memsight_advice::{Checked, Input, Needs, Rule, Safety, check_each, rules};
use memsight_analysis::advise::{AdviceSummary, AdviceView, FaultRow, RulePage, RulesView};
use memsight_model::{Progress, SCHEMA_VERSION};

pub(crate) use candidates::{Candidate, Candidates};
pub use evidence::Evidence;
pub use fault::SettingsError;
pub use files::STDIN;
pub use habits::{Habits, SettingsFrom};
pub use python::minor_of;
pub(crate) use select::meant;
pub use write::{Change, unified};

use crate::Error;
use files::Content;
use finder::Finder;
use prepare::Prepare;

/// What to look at and what for.
#[derive(Debug, Clone, Default)]
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
    /// Settings, files that are left out, and what is known already.
    pub habits: Habits,
    /// What findings are held against.
    pub evidence: Evidence,
}

/// Which fixes are made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fixes {
    /// None.
    #[default]
    None,
    /// Those after which a program does the same.
    Safe,
    /// All.
    Unsafe,
}

impl Fixes {
    pub(crate) fn most(self) -> Option<Safety> {
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
    /// How many findings stand in the baseline that was written.
    pub written: Option<u64>,
    /// The standard input as it came in, where fixes were made.
    stdin: Vec<u8>,
}

impl Advised {
    pub(crate) fn new(view: AdviceView, changes: Vec<Change>) -> Advised {
        Advised { view, changes, written: None, stdin: Vec::new() }
    }

    /// Writes the changed files, each at once and only if it is as it was read.
    pub fn write(&self) -> Result<(), Error> {
        self.changes.iter().try_for_each(Change::write)
    }

    /// The standard input after fixes; as it came in where nothing was to be fixed. Empty where it was not among the paths.
    pub fn stdin(&self) -> &[u8] {
        let changed = self.changes.iter().find(|change| change.path().as_os_str() == STDIN);
        changed.map_or(&self.stdin, Change::bytes)
    }
}

/// Rounds of fixes: one may make room for the next.
const ROUNDS: usize = 10;

/// Looks through files.
///
/// Cost: some 400,000 lines a second and processor, and memory for the text of all files. Files that cannot be read or
/// understood are told in the view and are no error; a path that was named and is not there is one.
pub fn advise(options: &AdviseOptions, progress: &dyn Progress) -> Result<Advised, Error> {
    let Looked { mut checked, originals, prepare, mut view, faults } = Looked::at(options, progress)?;
    let mut changes = Vec::new();
    if let Some(most) = options.fix.most() {
        (changes, view.summary.fixed) = fix(&mut checked, &originals, most, &prepare);
    }
    for report in &checked.reports {
        match report {
            Ok(report) => rows::add(report, &mut view),
            Err((file, why)) => view.faults.push(rows::whole(file, why)),
        }
    }
    if !options.evidence.is_empty() {
        let changed: Vec<&Path> = changes.iter().map(Change::path).collect();
        evidence::join(options, &checked.reports, &changed, &mut view, progress)?;
    }
    view.summary.wanting = select::wanting(options);
    view.faults.extend(faults);
    if progress.cancelled() {
        return Err(Error::Cancelled);
    }
    let written = prepare.write_baseline(&checked.reports, &originals)?;
    let stdin = originals.into_iter().find(|content| content.path.as_os_str() == STDIN);
    Ok(Advised { view, changes, written, stdin: stdin.map(|content| content.bytes).unwrap_or_default() })
}

/// Files that were looked through, before anything is done with what was found.
struct Looked {
    checked: Checked,
    /// The files; with their bytes where fixes are to be made.
    originals: Vec<Content>,
    prepare: Prepare,
    /// Nothing but what was left out.
    view: AdviceView,
    /// What could not be read.
    faults: Vec<FaultRow>,
}

impl Looked {
    fn at(options: &AdviseOptions, progress: &dyn Progress) -> Result<Looked, Error> {
        select::are_known(options.select.iter().chain(&options.ignore).chain(&options.habits.extend_select))?;
        let habits = &options.habits;
        let finder = Arc::new(Finder::new(habits)?);
        progress.phase("finding files", None);
        let (paths, unread) = files::find(&options.paths, habits, &finder)?;
        let (contents, more_unread) = files::read(&paths, habits, progress)?;
        let prepare = Prepare::new(options, &finder, &contents)?;
        // What is written must be what was read; without fixes the bytes are not kept.
        let originals: Vec<Content> = match options.fix {
            Fixes::None => contents.iter().map(Content::without_bytes).collect(),
            _ => contents.clone(),
        };
        let inputs = contents.into_iter().map(|content| prepare.input(content)).collect();
        let mut checked = look(inputs, progress);
        let mut view = AdviceView { schema_version: SCHEMA_VERSION, ..AdviceView::default() };
        for (report, content) in checked.reports.iter_mut().zip(&originals) {
            if let Ok(report) = report {
                prepare.leave_out(report, content, &mut view.summary);
            }
        }
        Ok(Looked { checked, originals, prepare, view, faults: unread.into_iter().chain(more_unread).collect() })
    }
}

fn look(inputs: Vec<Input>, progress: &dyn Progress) -> Checked {
    progress.phase("looking through files", Some(2 * inputs.len() as u64));
    let done = AtomicU64::new(0);
    check_each(inputs, &|| progress.advance(done.fetch_add(1, Ordering::Relaxed) + 1))
}

/// Fixes round by round what can be fixed; the reports become those of the fixed files.
fn fix(checked: &mut Checked, originals: &[Content], most: Safety, prepare: &Prepare) -> (Vec<Change>, u64) {
    let (mut changes, mut count) = (Vec::new(), 0);
    let mut reports = std::mem::take(&mut checked.reports);
    for (report, content) in reports.iter_mut().zip(originals) {
        let Ok(report) = report else { continue };
        let before = report.source.clone();
        let syntax = prepare.syntax_of(content);
        for _ in 0..ROUNDS {
            let Some(fixed) = memsight_advice::apply(&report.source, &report.findings, most, syntax) else {
                break;
            };
            // What the file's encoding cannot say is not written.
            let Some(encoded) = report.source.encode(&fixed.text) else { break };
            let Ok(mut next) = checked.again(&content.name, &encoded) else { break };
            prepare.leave_out(&mut next, content, &mut AdviceSummary::default());
            count += fixed.applied.len() as u64;
            *report = next;
        }
        if report.source.text() != before.text()
            && let Some(after) = report.source.encode(report.source.text())
        {
            changes.push(Change::new(content, after, &before, &report.source));
        }
    }
    checked.reports = reports;
    (changes, count)
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

//! Fixes that are tried one by one before any is made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use memsight_advice::{Checked, FileReport, Finding, Safety, Settings};
use memsight_analysis::advise::{AdviceRow, AdviceView, FaultRow};
use memsight_model::{Progress, SCHEMA_VERSION};

use super::write::Change;
use super::{AdviseOptions, files, look, rows, settings};
use crate::Error;

/// A code base that was looked through, and the fixes that can be made in it.
pub(crate) struct Candidates {
    checked: Checked,
    originals: Vec<(String, Vec<u8>)>,
    settings: Settings,
    most: Safety,
    faults: Vec<FaultRow>,
    /// Fixes that can be made together.
    pub fixes: Vec<Candidate>,
    /// How many others change what these change as well.
    pub left: u64,
}

/// One fix.
pub(crate) struct Candidate {
    report: usize,
    finding: usize,
    /// What people see of its finding.
    pub row: AdviceRow,
    /// Its file.
    pub path: PathBuf,
}

impl Candidates {
    /// Looks through files as [`super::advise`] does.
    pub fn of(options: &AdviseOptions, most: Safety, progress: &dyn Progress) -> Result<Candidates, Error> {
        let settings = settings(options)?;
        progress.phase("finding files", None);
        let (paths, unread) = files::find(&options.paths)?;
        let (contents, more_unread) = files::read(&paths, progress)?;
        let originals = contents.clone();
        let checked = look(contents, &settings, progress);
        let faults = unread.into_iter().chain(more_unread).collect();
        let mut candidates = Candidates { checked, originals, settings, most, faults, fixes: Vec::new(), left: 0 };
        candidates.collect();
        if progress.cancelled() { Err(Error::Cancelled) } else { Ok(candidates) }
    }

    fn collect(&mut self) {
        for (at, report) in self.checked.reports.iter().enumerate() {
            let Ok(report) = report else { continue };
            let fits = |finding: &Finding| finding.fix.as_ref().is_some_and(|fix| fix.safety <= self.most);
            let all = report.findings.iter().filter(|finding| fits(finding)).count();
            let syntax = self.settings.syntax;
            let fixed = memsight_advice::apply(&report.source, &report.findings, self.most, syntax);
            let applied = fixed.map(|fixed| fixed.applied).unwrap_or_default();
            self.left += (all - applied.len()) as u64;
            self.fixes.extend(applied.into_iter().map(|finding| Candidate {
                report: at,
                finding,
                row: rows::row(&report.findings[finding], &report.source),
                path: PathBuf::from(&report.source.path),
            }));
        }
    }

    /// The files that change by some of the fixes.
    pub fn changes(&self, chosen: &[usize]) -> Vec<Change> {
        let mut by_file: BTreeMap<usize, Vec<Finding>> = BTreeMap::new();
        for fix in chosen.iter().filter_map(|&at| self.fixes.get(at)) {
            if let Some(Ok(report)) = self.checked.reports.get(fix.report) {
                by_file.entry(fix.report).or_default().push(report.findings[fix.finding].clone());
            }
        }
        by_file.iter().filter_map(|(&at, findings)| self.change(at, findings)).collect()
    }

    fn change(&self, at: usize, findings: &[Finding]) -> Option<Change> {
        let report = self.checked.reports.get(at)?.as_ref().ok()?;
        let fixed = memsight_advice::apply(&report.source, findings, self.most, self.settings.syntax)?;
        // What the file's encoding cannot say is not written.
        let encoded = report.source.encode(&fixed.text)?;
        let (path, bytes) = self.originals.get(at)?;
        Some(Change::new(Path::new(path), bytes.clone(), encoded, report.source.text().to_owned(), fixed.text))
    }

    /// What is left to be found when these changes, by so many fixes, are made.
    pub fn view(&self, changes: &[Change], fixed: u64) -> AdviceView {
        let mut view = AdviceView { schema_version: SCHEMA_VERSION, ..AdviceView::default() };
        for (report, (path, _)) in self.checked.reports.iter().zip(&self.originals) {
            let changed = changes.iter().find(|change| change.path() == Path::new(path));
            let again = changed.map(|change| self.checked.again(path, change.after()));
            let mut add = |report: &FileReport| rows::add(report, &mut view);
            match again.as_ref().unwrap_or(report) {
                Ok(report) => add(report),
                Err((file, why)) => view.faults.push(rows::whole(file, why)),
            }
        }
        view.summary.fixed = fixed;
        view.faults.extend(self.faults.iter().cloned());
        view
    }
}

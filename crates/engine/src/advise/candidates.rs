//! Fixes that are tried one by one before any is made.

use std::collections::BTreeMap;
use std::path::PathBuf;

use memsight_advice::{Finding, Safety, Source};
use memsight_analysis::advise::{AdviceRow, AdviceSummary, AdviceView};
use memsight_model::Progress;

use super::write::Change;
use super::{AdviseOptions, Looked, evidence, fingerprint, rows};
use crate::Error;

/// A code base that was looked through, and the fixes that can be made in it.
pub(crate) struct Candidates {
    looked: Looked,
    most: Safety,
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
        let looked = Looked::at(options, progress)?;
        let mut candidates = Candidates { looked, most, fixes: Vec::new(), left: 0 };
        candidates.collect();
        candidates.promise(options, progress)?;
        if progress.cancelled() { Err(Error::Cancelled) } else { Ok(candidates) }
    }

    fn collect(&mut self) {
        let looked = &self.looked;
        for (at, (report, content)) in looked.checked.reports.iter().zip(&looked.originals).enumerate() {
            let Ok(report) = report else { continue };
            let fits = |finding: &Finding| finding.fix.as_ref().is_some_and(|fix| fix.safety <= self.most);
            let all = report.findings.iter().filter(|finding| fits(finding)).count();
            let syntax = looked.prepare.syntax_of(content);
            let fixed = memsight_advice::apply(&report.source, &report.findings, self.most, syntax);
            let applied = fixed.map(|fixed| fixed.applied).unwrap_or_default();
            self.left += (all - applied.len()) as u64;
            let fingerprints = fingerprint::of_report(report);
            self.fixes.extend(applied.into_iter().map(|finding| Candidate {
                report: at,
                finding,
                row: rows::row(&report.findings[finding], report, fingerprints[finding].clone()),
                path: content.path.clone(),
            }));
        }
    }

    /// What a trace or a heap of the program says that each fix saves.
    fn promise(&mut self, options: &AdviseOptions, progress: &dyn Progress) -> Result<(), Error> {
        if options.evidence.is_empty() {
            return Ok(());
        }
        let reports = &self.looked.checked.reports;
        let mut view = AdviceView::default();
        reports.iter().flatten().for_each(|report| rows::add(report, &mut view));
        evidence::join(options, reports, &[], &mut view, progress)?;
        for fix in &mut self.fixes {
            let is_same = |row: &&AdviceRow| row.file == fix.row.file && row.fingerprint == fix.row.fingerprint;
            if let Some(row) = view.findings.iter().find(is_same) {
                fix.row.bytes = row.bytes;
            }
        }
        self.looked.view.evidence = view.evidence;
        Ok(())
    }

    /// The files that change by some of the fixes.
    pub fn changes(&self, chosen: &[usize]) -> Vec<Change> {
        let mut by_file: BTreeMap<usize, Vec<Finding>> = BTreeMap::new();
        for fix in chosen.iter().filter_map(|&at| self.fixes.get(at)) {
            if let Some(Ok(report)) = self.looked.checked.reports.get(fix.report) {
                by_file.entry(fix.report).or_default().push(report.findings[fix.finding].clone());
            }
        }
        by_file.iter().filter_map(|(&at, findings)| self.change(at, findings)).collect()
    }

    fn change(&self, at: usize, findings: &[Finding]) -> Option<Change> {
        let report = self.looked.checked.reports.get(at)?.as_ref().ok()?;
        let content = self.looked.originals.get(at)?;
        let syntax = self.looked.prepare.syntax_of(content);
        let fixed = memsight_advice::apply(&report.source, findings, self.most, syntax)?;
        // What the file's encoding cannot say is not written.
        let encoded = report.source.encode(&fixed.text)?;
        let after = Source::decode(&content.name, &encoded).ok()?;
        Some(Change::new(content, encoded, &report.source, &after))
    }

    /// What is left to be found when these changes, by so many fixes, are made.
    pub fn view(&self, changes: &[Change], fixed: u64) -> AdviceView {
        let Looked { checked, originals, prepare, view, faults } = &self.looked;
        let mut view = view.clone();
        for (report, content) in checked.reports.iter().zip(originals) {
            let changed = changes.iter().find(|change| change.path() == content.path);
            let mut again = changed.map(|change| checked.again(&content.name, change.bytes()));
            if let Some(Ok(report)) = &mut again {
                prepare.leave_out(report, content, &mut AdviceSummary::default());
            }
            match again.as_ref().unwrap_or(report) {
                Ok(report) => rows::add(report, &mut view),
                Err((file, why)) => view.faults.push(rows::whole(file, why)),
            }
        }
        view.summary.fixed = fixed;
        view.faults.extend(faults.iter().cloned());
        view
    }
}

//! Findings that are known already: only new ones are told.

use std::collections::{BTreeSet, HashSet};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use memsight_advice::FileReport;
use memsight_format::regular;
use serde::{Deserialize, Serialize};

use super::fault::SettingsError;
use super::fingerprint;
use super::habits::{Habits, absolute, relative};

/// What the file says that it is.
const KIND: &str = "memsight advise baseline";
const VERSION: u32 = 1;

/// A baseline of a million findings has some 150 MB.
const LARGEST: u64 = 256 << 20;

/// A finding as it stands in the file; in the order of its fields.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Known {
    /// From the folder of the baseline on, with `/`.
    file: String,
    rule: String,
    /// For people; the fingerprint has it as well.
    function: String,
    fingerprint: String,
}

#[derive(Serialize, Deserialize)]
struct Content {
    kind: String,
    version: u32,
    findings: BTreeSet<Known>,
}

/// Only this, to tell a file of another kind or version from a damaged one.
#[derive(Deserialize)]
struct Head {
    kind: Option<String>,
    version: Option<u32>,
}

/// A baseline that is obeyed, or one that is being made.
pub(super) struct Baseline {
    path: PathBuf,
    /// The folder that its files begin at.
    folder: PathBuf,
    known: HashSet<Known>,
}

impl Baseline {
    /// Reads the baseline of a run, if it has one. One that is to be written need not be there.
    pub(super) fn read(habits: &Habits) -> Result<Option<Baseline>, SettingsError> {
        let Some(path) = &habits.baseline else { return Ok(None) };
        let whole = absolute(path);
        let folder = whole.parent().unwrap_or(&whole).to_owned();
        let mut text = String::new();
        let read = regular::open(path).and_then(|file| file.take(LARGEST).read_to_string(&mut text));
        let known = match read {
            Ok(_) => parse(path, &text)?,
            Err(error) if habits.write_baseline && error.kind() == std::io::ErrorKind::NotFound => HashSet::new(),
            Err(source) => return Err(SettingsError::BaselineUnreadable { path: path.clone(), source }),
        };
        Ok(Some(Baseline { path: path.clone(), folder, known }))
    }

    /// Takes out what is known, and says how much that is.
    pub(super) fn keep_back(&self, report: &mut FileReport, file: &Path) -> u64 {
        let rows = self.rows(report, file);
        let before = report.findings.len();
        let mut rows = rows.iter();
        report.findings.retain(|_| rows.next().is_none_or(|row| !self.known.contains(row)));
        (before - report.findings.len()) as u64
    }

    fn rows(&self, report: &FileReport, file: &Path) -> Vec<Known> {
        let file = relative(file, &self.folder);
        let prints = fingerprint::of_report(report);
        let row = |(finding, fingerprint): (&memsight_advice::Finding, String)| Known {
            file: file.clone(),
            rule: finding.rule.id.to_owned(),
            function: report.outline.around(finding.start.line).to_owned(),
            fingerprint,
        };
        report.findings.iter().zip(prints).map(row).collect()
    }

    /// Writes the findings of reports, with what was known of files that were not looked at. Gives the number of findings.
    pub(super) fn write(&self, reports: &[(&FileReport, PathBuf)]) -> Result<u64, SettingsError> {
        let looked_at: HashSet<String> = reports.iter().map(|(_, file)| relative(file, &self.folder)).collect();
        let mut findings: BTreeSet<Known> =
            self.known.iter().filter(|known| !looked_at.contains(&known.file)).cloned().collect();
        findings.extend(reports.iter().flat_map(|(report, file)| self.rows(report, file)));
        let count = findings.len() as u64;
        let content = Content { kind: KIND.to_owned(), version: VERSION, findings };
        let failed = |source| SettingsError::BaselineNotWritten { path: self.path.clone(), source };
        let mut text = serde_json::to_string_pretty(&content).map_err(|error| failed(error.into()))?;
        text.push('\n');
        let mut file = tempfile::Builder::new().prefix(".memsight-").tempfile_in(&self.folder).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        readable(file.as_file()).map_err(failed)?;
        file.persist(self.folder.join(self.path.file_name().unwrap_or_default()))
            .map_err(|error| failed(error.error))?;
        Ok(count)
    }
}

/// A baseline is shared like source; temporary files are their owner's alone.
#[cfg(unix)]
fn readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

fn parse(path: &Path, text: &str) -> Result<HashSet<Known>, SettingsError> {
    let broken = |reason: String| SettingsError::BaselineBroken { path: path.to_owned(), reason };
    let head: Head = serde_json::from_str(text).map_err(|error| broken(error.to_string()))?;
    match (head.kind.as_deref(), head.version) {
        (Some(KIND), Some(VERSION)) => {}
        (Some(KIND), version) => {
            let version = version.map_or("none".to_owned(), |version| version.to_string());
            return Err(broken(format!("its version is {version}, and {VERSION} is read")));
        }
        _ => return Err(broken(format!("its \"kind\" is not \"{KIND}\""))),
    }
    let content: Content = serde_json::from_str(text).map_err(|error| broken(error.to_string()))?;
    Ok(content.findings.into_iter().collect())
}

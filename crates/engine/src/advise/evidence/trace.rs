//! Findings held against a trace: what their lines made, and what the peak would be without it.

use std::path::Path;

use memsight_advice::{FileReport, Finding, Part, part};
use memsight_analysis::advise::{AdviceBytes, AdviceRow, AdviceView, OtherCode, TraceEvidence};
use memsight_analysis::profile::{At, Forecasts, Letting, Profile, Saved, Site, SiteForecast};
use memsight_format::trace::Reader;
use memsight_model::trace::{Event, Record};
use memsight_model::{Bytes, Confidence, Progress};

use super::Verdict;
use super::code::{Code, Ran};
use crate::Error;
use crate::trace::open_trace;

/// A line that never held more than this is not worth a change.
const LEAST: u64 = 4 << 10;
/// The peak has moved where less of the bytes of a line counts, in percent: what is live besides always varies a little.
const BOUNDED: u64 = 98;
/// Records between two looks at whether the person asked to stop.
const STEP: u64 = 1 << 16;

/// What is held against the trace.
pub(super) struct Subject<'a> {
    /// All files.
    pub(super) reports: &'a [&'a FileReport],
    /// Files whose lines are not those on the disk.
    pub(super) changed: &'a [&'a Path],
}

impl Subject<'_> {
    pub(super) fn is_changed(&self, report: &FileReport) -> bool {
        self.changed.iter().any(|path| *path == Path::new(&report.source.path))
    }
}

/// A finding of which the trace has the code.
struct Joined {
    row: usize,
    part: Part,
}

/// Adds bytes and sentences to the rows. Cost: three passes over the trace.
pub(super) fn join(
    (path, is_own): (&Path, bool),
    subject: &Subject<'_>,
    view: &mut AdviceView,
    verdicts: &mut [Verdict],
    other_code: &mut Vec<OtherCode>,
    progress: &dyn Progress,
) -> Result<TraceEvidence, Error> {
    let profile = open_trace(path, At::Peak, false, progress)?;
    let ran = Ran::of_trace(&profile);
    let (mut joined, mut sites) = (Vec::new(), Vec::new());
    let mut first = 0;
    for report in subject.reports {
        let rows = first..first + report.findings.len();
        first = rows.end;
        if rows.is_empty() {
            continue;
        }
        match if subject.is_changed(report) { Code::None } else { ran.find(report) } {
            Code::Same(file) => {
                for (row, finding) in rows.zip(&report.findings) {
                    let (site, part) = site(&file, finding);
                    joined.push(Joined { row, part });
                    sites.push(site);
                }
            }
            Code::Other(reason) => {
                let told = format!("the trace is of other code: {reason}");
                view.findings[rows].iter_mut().for_each(|row| row.evidence.push(told.clone()));
                other_code.push(OtherCode { file: report.source.path.clone(), reason });
            }
            Code::None => verdicts[rows].fill(Verdict::Elsewhere),
        }
    }
    let forecasts = forecast(path, &profile, &sites, progress)?;
    let is_exact = profile.head().sample_bytes == 0;
    let mut churn_bytes = 0;
    for (one, forecast) in joined.iter().zip(&forecasts.sites) {
        let row = &mut view.findings[one.row];
        verdicts[one.row] = tell(row, one.part, forecast, &forecasts, is_exact);
        churn_bytes += row.bytes.and_then(|bytes| bytes.churn).unwrap_or_default();
    }
    let (is_cut, lost) = profile.gaps();
    Ok(TraceEvidence {
        path: (!is_own).then(|| path.display().to_string()),
        program: profile.head().program.clone(),
        python: format!("3.{}", profile.head().python_minor),
        peak_bytes: forecasts.peak_bytes,
        peak_after_bytes: forecasts.peak_bytes - forecasts.together.peak_saved_bytes,
        churn_bytes,
        error_bytes: forecasts.together.error_bytes,
        is_partial: is_cut || lost > 0,
    })
}

fn site(file: &str, finding: &Finding) -> (Site, Part) {
    let part = part::of(finding.rule);
    let saved = match part {
        Part::Statement => Saved::Statement,
        Part::Container => Saved::Container,
        Part::All => Saved::Share { left: 0, of: 1 },
        Part::Share { left, of } => Saved::Share { left, of },
        Part::Churn | Part::Instances | Part::Unknown => Saved::Nothing,
    };
    (Site { file: file.to_owned(), first: finding.made.first, last: finding.made.last, saved }, part)
}

fn forecast(path: &Path, profile: &Profile, sites: &[Site], progress: &dyn Progress) -> Result<Forecasts, Error> {
    let mut letting = Letting::new(profile.sites(sites));
    events(path, progress, |event| letting.event(event))?;
    let mut forecast = letting.forecast(profile.head());
    events(path, progress, |event| forecast.event(event))?;
    Ok(forecast.finish())
}

fn events(path: &Path, progress: &dyn Progress, mut act: impl FnMut(Event)) -> Result<(), Error> {
    progress.phase("following the lines of findings", None);
    for (read, record) in (1u64..).zip(Reader::open(path)?) {
        if let Record::Event(event) = record? {
            act(event);
        }
        if read.is_multiple_of(STEP) {
            progress.advance(read);
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
        }
    }
    Ok(())
}

/// What the trace says of one finding.
fn tell(row: &mut AdviceRow, part: Part, of: &SiteForecast, all: &Forecasts, is_exact: bool) -> Verdict {
    if part == Part::Instances {
        return Verdict::Unknown;
    }
    if of.allocated_bytes == 0 {
        row.evidence.push("trace: nothing was allocated there".to_owned());
        return Verdict::NotRun;
    }
    row.evidence.push(held(of, all));
    row.bytes = bytes(part, of);
    match row.bytes {
        Some(bytes) if bytes.peak.is_some_and(|peak| peak < of.unbounded_bytes / 100 * BOUNDED) => {
            let (counted, held) = (bytes.peak.unwrap_or_default(), of.unbounded_bytes);
            let sentence = match counted {
                0 => format!("another moment is the highest without its {} too: it saves nothing alone", Bytes(held)),
                _ => format!("another moment is the highest then, so that {} of {} count", Bytes(counted), Bytes(held)),
            };
            row.evidence.push(sentence);
        }
        None => row.evidence.push("a change saves at most that; how much of it is not known".to_owned()),
        Some(_) => {}
    }
    if !is_exact {
        row.evidence.push(format!("estimated from a sample, within {}", Bytes(of.error_bytes)));
        row.confidence = row.confidence.min(Confidence::Medium);
    }
    let is_small = of.most_bytes.max(row.bytes.and_then(|bytes| bytes.churn).unwrap_or_default()) < LEAST;
    if is_small && is_exact { Verdict::Contradicted } else { Verdict::Supported }
}

fn held(of: &SiteForecast, all: &Forecasts) -> String {
    if of.at_peak_bytes == 0 {
        return format!("trace: it held {} at most, and nothing at the peak", Bytes(of.most_bytes));
    }
    let share = of.at_peak_bytes as f64 / all.peak_bytes.max(1) as f64 * 100.0;
    format!("trace: it held {} at the peak, {share:.1}% of all", Bytes(of.at_peak_bytes))
}

fn bytes(part: Part, of: &SiteForecast) -> Option<AdviceBytes> {
    let peak = Some(of.peak_saved_bytes);
    let error_bytes = of.error_bytes;
    Some(match part {
        Part::Statement | Part::Container => AdviceBytes { peak, error_bytes, ..AdviceBytes::default() },
        Part::All => {
            let (now, churn) = (Some(of.end_saved_bytes), Some(of.allocated_bytes));
            AdviceBytes { peak, now, churn, error_bytes }
        }
        Part::Share { .. } => AdviceBytes { peak, now: Some(of.end_saved_bytes), churn: None, error_bytes },
        Part::Churn => {
            let churn = Some(of.allocated_bytes.saturating_sub(of.most_bytes));
            AdviceBytes { churn, ..AdviceBytes::default() }
        }
        Part::Instances | Part::Unknown => return None,
    })
}

//! What findings were held against, and what all changes together make of it.

use memsight_analysis::advise::{AdviceBytes, AdviceView, EvidenceView, HeapEvidence, TraceEvidence};
use memsight_model::{Bytes, count};

use crate::text::style::{Style, Tone};
use crate::text::words::{clean, plural};

/// `peak -88.5 MiB, heap -10.7 MiB`; empty where nothing is known.
pub(super) fn saves(bytes: &AdviceBytes) -> String {
    let figures = [("peak", bytes.peak), ("heap", bytes.now), ("churn", bytes.churn)];
    // A nought is a figure where it is the only one.
    let has_some = figures.iter().any(|(_, bytes)| bytes.is_some_and(|bytes| bytes > 0));
    let known = figures.iter().filter_map(|(name, bytes)| bytes.map(|bytes| (name, bytes)));
    let known: Vec<String> = known
        .filter(|(_, bytes)| *bytes > 0 || !has_some)
        .map(|(name, bytes)| if bytes == 0 { format!("{name} 0 B") } else { format!("{name} -{}", Bytes(bytes)) })
        .collect();
    known.join(", ")
}

/// A line for each piece of evidence, and for each file of which it is of other code.
pub(super) fn head(view: &AdviceView, style: &Style) -> String {
    let Some(evidence) = &view.evidence else { return String::new() };
    let mut out = String::new();
    if let Some(trace) = &evidence.trace {
        let partial = if trace.is_partial { "; it ends early, or lacks events" } else { "" };
        let line = format!(
            "{}: {}, Python {}, peak {}{partial}",
            trace.path.as_ref().map_or_else(|| "run".to_owned(), |path| format!("trace {}", clean(path))),
            clean(&trace.program),
            clean(&trace.python),
            Bytes(trace.peak_bytes)
        );
        out.push_str(&format!("{}\n", style.paint(Tone::Dim, &line)));
    }
    if let Some(heap) = &evidence.heap {
        let (subject, python) = (clean(&heap.subject), clean(&heap.python));
        let line = format!("heap {subject}: Python {python}, {}", Bytes(heap.heap_bytes));
        out.push_str(&format!("{}\n", style.paint(Tone::Dim, &line)));
    }
    for other in &evidence.other_code {
        let line =
            format!("{}: the evidence is of other code ({}): no bytes", clean(&other.file), clean(&other.reason));
        out.push_str(&format!("{}\n", style.paint(Tone::Bad, &line)));
    }
    if out.is_empty() { out } else { out + "\n" }
}

/// `Together  peak 214.3 MiB -> 116.0 MiB, heap now -42.0 MiB, churn -190.0 MiB (predicted)`.
pub(super) fn together(view: &AdviceView, style: &Style) -> String {
    let Some(evidence) = &view.evidence else { return String::new() };
    let parts: Vec<String> =
        [evidence.trace.as_ref().and_then(peak), evidence.heap.as_ref().and_then(heap), churn(evidence)]
            .into_iter()
            .flatten()
            .collect();
    if parts.is_empty() {
        return String::new();
    }
    format!("{}  {} (predicted)\n", style.paint(Tone::Strong, "Together"), parts.join(", "))
}

fn peak(trace: &TraceEvidence) -> Option<String> {
    let error = match trace.error_bytes {
        0 => String::new(),
        error => format!(" ±{}", Bytes(error)),
    };
    (trace.peak_after_bytes < trace.peak_bytes)
        .then(|| format!("peak {} -> {}{error}", Bytes(trace.peak_bytes), Bytes(trace.peak_after_bytes)))
}

fn heap(heap: &HeapEvidence) -> Option<String> {
    (heap.saved_bytes > 0).then(|| format!("heap now -{}", Bytes(heap.saved_bytes)))
}

fn churn(evidence: &EvidenceView) -> Option<String> {
    let bytes = evidence.trace.as_ref().map_or(0, |trace| trace.churn_bytes);
    (bytes > 0).then(|| format!("churn -{}", Bytes(bytes)))
}

/// What the evidence speaks against.
pub(super) fn left_out(view: &AdviceView) -> String {
    match view.evidence.as_ref().map_or(0, |evidence| evidence.contradicted) {
        0 => String::new(),
        some => format!("; {} left out, since there was next to nothing (--all)", count(some)),
    }
}

/// What more would be known with evidence.
pub(super) fn wanting(view: &AdviceView, style: &Style) -> String {
    if view.summary.wanting == 0 {
        return String::new();
    }
    let line =
        format!("{} need a heap or a trace: --heap PID, --trace FILE, --run", plural(view.summary.wanting, "rule"));
    format!("{}\n", style.paint(Tone::Dim, &line))
}

//! What fixes have really saved: a line a fix, promised beside measured.

use memsight_analysis::advise::AdviceView;
use memsight_analysis::verify::{Difference, Effect, Verdict, VerifiedFix, VerifyView};
use memsight_model::Bytes;

use super::style::{Style, Tone};
use super::table::{Table, cell, toned};
use super::words::{clean, plural, wrap_words};

/// The table of fixes, with those that had to be undone for what they do first; then the whole.
pub fn verified(view: &AdviceView, style: &Style) -> String {
    let Some(verify) = &view.verify else { return String::new() };
    if verify.fixes.is_empty() {
        return "Nothing to verify: no finding has a fix that may be made\n".to_owned() + &left(view, style);
    }
    let mut out = said_first(verify, style);
    out.push_str(&heading(verify, style));
    out.push_str(&table(verify, style));
    verify
        .fixes
        .iter()
        .filter(|fix| fix.verdict != Verdict::ChangesProgram)
        .for_each(|fix| remark(fix, style, &mut out));
    out.push_str(&whole(verify, style));
    verify.notes.iter().for_each(|note| lines(note, "", style, &mut out));
    out + &left(view, style)
}

/// Fixes that change what the program does.
fn said_first(verify: &VerifyView, style: &Style) -> String {
    let mut out = String::new();
    for fix in verify.fixes.iter().filter(|fix| fix.verdict == Verdict::ChangesProgram) {
        let text = format!("{} {}:{} is undone: {}", fix.rule, clean(&fix.file), fix.line, clean(&fix.reason));
        for line in wrap_words(&text, style.width.min(100)) {
            out.push_str(&style.paint(Tone::Bad, &line));
            out.push('\n');
        }
    }
    if out.is_empty() { out } else { out + "\n" }
}

fn heading(verify: &VerifyView, style: &Style) -> String {
    if verify.runs == 0 {
        return "No fix was measured\n".to_owned();
    }
    let equal = match verify.compare.as_str() {
        "output" => "output and exit code equal with every fix that is kept",
        "exit" => "exit code equal with every fix that is kept",
        _ => "neither output nor exit code compared",
    };
    let runs = format!("{} with each, in turn", plural(verify.runs, "run"));
    format!("{}; {equal}\n", style.paint(Tone::Strong, &runs))
}

fn table(verify: &VerifyView, style: &Style) -> String {
    let mut table = Table::new(2).giving("fix").text("promised").text("measured").numbers(&["time"]).text("verdict");
    for fix in &verify.fixes {
        let tone = if fix.verdict.is_kept() { Tone::Good } else { Tone::Warn };
        table.row([
            cell(format!("{} {}:{}", fix.rule, clean(&fix.file), fix.line)),
            cell(promised(fix)),
            cell(measured(fix.effect.as_ref(), &fix.saves)),
            cell(fix.effect.as_ref().map_or_else(String::new, time)),
            toned(tone, verdict(fix.verdict)),
        ]);
    }
    if let Some(effect) = &verify.together {
        let kept = verify.fixes.iter().filter(|fix| fix.verdict.is_kept()).count() as u64;
        table.row([
            cell(format!("{} together", plural(kept, "fix"))),
            cell(""),
            cell(measured(Some(effect), "peak")),
            cell(time(effect)),
            cell(""),
        ]);
    }
    table.render(style)
}

fn promised(fix: &VerifiedFix) -> String {
    let figure = if fix.saves == "now" { "end" } else { fix.saves.as_str() };
    match fix.promised_bytes {
        Some(bytes) => format!("{figure} -{}", Bytes(bytes)),
        None => figure.to_owned(),
    }
}

/// `peak -88.1 MiB +-0.3 MiB`.
fn measured(effect: Option<&Effect>, saves: &str) -> String {
    let Some(effect) = effect else { return "not measured".to_owned() };
    match effect.saving(saves) {
        Some((figure, difference)) => format!("{figure} {}", change(&difference)),
        None if effect.peak.is_seen => format!("peak {}", change(&effect.peak)),
        None => "no difference seen".to_owned(),
    }
}

fn change(difference: &Difference) -> String {
    let sign = if difference.saved < 0 { "+" } else { "-" };
    format!("{sign}{} ±{}", Bytes(difference.saved.unsigned_abs()), Bytes(difference.error()))
}

fn time(effect: &Effect) -> String {
    match effect.cpu_ns.ratio().filter(|_| effect.cpu_ns.is_seen) {
        Some(ratio) => format!("{ratio:.2}x"),
        None => "same".to_owned(),
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Kept => "kept",
        Verdict::KeptOnRequest => "kept, as asked",
        Verdict::SavesNothing | Verdict::ChangesProgram => "undone",
    }
}

/// What is to be known of a fix beside its line.
fn remark(fix: &VerifiedFix, style: &Style, out: &mut String) {
    if fix.reason.is_empty() {
        return;
    }
    lines(&format!("{} {}:{}: {}", fix.rule, clean(&fix.file), fix.line, clean(&fix.reason)), "  ", style, out);
}

fn lines(text: &str, indent: &str, style: &Style, out: &mut String) {
    for line in wrap_words(text, style.width.min(100).saturating_sub(indent.len())) {
        out.push_str(&format!("{indent}{}\n", style.paint(Tone::Dim, &line)));
    }
}

/// `peak 214.3 -> 115.5 MiB (46% less), 1.02x time; 3 files changed`.
fn whole(verify: &VerifyView, style: &Style) -> String {
    let files = plural(verify.changed_files, "file");
    let changed = if verify.written { format!("{files} changed") } else { format!("{files} would change (--fix)") };
    let Some(effect) = &verify.together else {
        let text = if verify.changed_files == 0 { "nothing is kept, and no file changed" } else { &changed };
        return format!("{}\n", style.paint(Tone::Warn, text));
    };
    let peak = &effect.peak;
    let less = 100.0 * peak.saved as f64 / (peak.before as f64).max(1.0);
    let part = match () {
        () if !peak.is_seen => "no difference seen".to_owned(),
        () if less < 0.0 => format!("{:.0}% more", -less),
        () => format!("{less:.0}% less"),
    };
    let text = format!("peak {} -> {} ({part})", Bytes(peak.before), Bytes(peak.after));
    let took = match time(effect).as_str() {
        "same" => "time: no difference seen".to_owned(),
        ratio => format!("{ratio} time"),
    };
    format!("{}, {took}; {changed}\n", style.paint(Tone::Strong, &text))
}

/// What there is besides.
fn left(view: &AdviceView, style: &Style) -> String {
    let Some(verify) = &view.verify else { return String::new() };
    let mut out = String::new();
    if verify.left > 0 {
        let text = format!("{} not tried, as they overlap with these: run it again", plural(verify.left, "fix"));
        lines(&text, "", style, &mut out);
    }
    let rest = view.findings.len() as u64;
    if rest > 0 {
        lines(&format!("{} left: memsight advise shows them", plural(rest, "finding")), "", style, &mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    use memsight_analysis::verify::{Samples, Traced};

    use super::*;

    fn effect(peak: u64, cpu: u64) -> Option<Effect> {
        let samples = |peak: u64, cpu: u64| Samples {
            peak_bytes: (0..5).map(|at| peak + at * 4096).collect(),
            cpu_ns: (0..5).map(|at| cpu + at).collect(),
            traced: vec![Traced::default()],
        };
        Effect::of(&samples(100 << 20, 1_000_000), &samples(peak, cpu))
    }

    fn fix(rule: &str, effect: Option<Effect>, verdict: Verdict, reason: &str) -> VerifiedFix {
        VerifiedFix {
            rule: rule.to_owned(),
            name: "whole-lines".to_owned(),
            file: "src/shop/log.py".to_owned(),
            line: 28,
            safety: "safe".to_owned(),
            saves: "peak".to_owned(),
            formula: String::new(),
            promised_bytes: (rule == "MS105").then_some(52 << 20),
            effect,
            verdict,
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn what_changes_the_program_comes_first_and_the_whole_last() {
        let fixes = vec![
            fix("MS105", effect(50 << 20, 1_100_000), Verdict::Kept, ""),
            fix("MS401", effect(100 << 20, 1_000_000), Verdict::SavesNothing, ""),
            fix("MS306", None, Verdict::ChangesProgram, "the outputs differ: line 1 is \"0\", and was \"False\""),
        ];
        let together = effect(50 << 20, 1_100_000);
        let verify = VerifyView {
            compare: "output".to_owned(),
            runs: 5,
            fixes,
            together,
            changed_files: 1,
            written: true,
            ..VerifyView::default()
        };
        let view = AdviceView { verify: Some(verify), ..AdviceView::default() };
        assert_eq!(
            verified(&view, &Style::plain(80)),
            "MS306 src/shop/log.py:28 is undone: the outputs differ: line 1 is \"0\", and was\n\
             \"False\"\n\n\
             5 runs with each, in turn; output and exit code equal with every fix that is kept\n\
             \x20 fix                   promised        measured                   time  verdict\n\
             \x20 MS105 …hop/log.py:28  peak -52.0 MiB  peak -50.0 MiB ±12.0 KiB  1.10x  kept\n\
             \x20 MS401 …hop/log.py:28  peak            no difference seen         same  undone\n\
             \x20 MS306 …hop/log.py:28  peak            not measured                     undone\n\
             \x20 1 fix together                        peak -50.0 MiB ±12.0 KiB  1.10x\n\
             peak 100.0 MiB -> 50.0 MiB (50% less), 1.10x time; 1 file changed\n"
        );
    }
}

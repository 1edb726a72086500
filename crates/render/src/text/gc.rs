//! The collector.

use memsight_analysis::gc::{GcPauses, GcView};
use memsight_model::{PauseSource, count, duration};

use super::style::{Style, Tone};
use super::table::{Table, cell, toned};
use super::words::{bar, clean, percent, share, wrap_words};
use super::{findings, heading};

/// Columns of the longest bar of the histogram.
const BAR: usize = 30;

/// `memsight gc PID`.
pub fn gc(view: &GcView, style: &Style) -> String {
    let mut out = top(view, style);
    out.push_str(&heading("Generations", "as gc.get_stats(), get_count() and get_threshold() have them", style));
    out.push_str(&generations(view, style));
    out.push_str(&held(view, style));
    out.push_str(&pauses(view, style));
    out.push_str(&heading("Findings", "", style));
    match view.findings.as_slice() {
        [] if view.enabled => {
            out.push_str(&format!("  {}\n", style.paint(Tone::Good, "none: nothing here asks for a change")));
        }
        // how much that is, these figures do not tell
        [] => out.push_str(&format!(
            "  none, but cycles stay until gc.collect() is called: {} counts them\n",
            style.paint(Tone::Hint, &format!("memsight heap {} garbage", view.pid)),
        )),
        found => out.push_str(&findings(found, style)),
    }
    out
}

fn top(view: &GcView, style: &Style) -> String {
    let python = format!("Python {}, pid {}", clean(&view.python), view.pid);
    let watched = match view.watched_seconds {
        0.0 => "one look".to_owned(),
        seconds => format!("watched {seconds:.1} s"),
    };
    let mut facts = vec![if view.enabled { "automatic collection on" } else { "automatic collection off" }.to_owned()];
    let (average, when) = match view.rates_since_start {
        true => (" on average", "since it started"),
        false => ("", "watched"),
    };
    facts.extend(view.collections_per_second.map(|rate| format!("{rate:.1} collections a second{average}")));
    facts.extend(view.gc_share.map(|part| {
        let least = if view.gc_share_most == Some(part) { "" } else { "at least " };
        format!("{least}{} of the time", percent(part))
    }));
    let rates = view.collections_per_second.is_some() || view.gc_share.is_some();
    if let Some(last) = facts.last_mut().filter(|_| rates) {
        last.push_str(&format!(" {when}"));
    }
    let mut out = format!("{}, {watched}\n", style.paint(Tone::Strong, &python));
    for line in wrap_words(&facts.join(", "), style.width) {
        out.push_str(&line);
        out.push('\n');
    }
    out
}

fn generations(view: &GcView, style: &Style) -> String {
    let titles = ["collections", "collected", "uncollectable", "count", "threshold"];
    let timed = view.generations.iter().any(|generation| generation.duration_ns.is_some());
    let table = Table::new(2).text("generation").numbers(&titles);
    let mut table = if timed { table.numbers(&["time"]) } else { table };
    let names = ["0  young", "1  middle", "2  old"];
    for (name, generation) in names.iter().zip(&view.generations) {
        let stuck = generation.uncollectable > 0;
        let mut row = vec![
            toned(Tone::Hint, *name),
            cell(count(generation.collections)),
            cell(count(generation.collected)),
            if stuck { toned(Tone::Bad, count(generation.uncollectable)) } else { cell("0") },
            cell(generation.count.to_string()),
            cell(generation.threshold.to_string()),
        ];
        row.extend(generation.duration_ns.map(|time| cell(duration(time))));
        table.row(row);
    }
    table.render(style)
}

/// What the collector holds besides, and how many collectors there are.
fn held(view: &GcView, style: &Style) -> String {
    let number = |known: Option<u64>| known.map_or_else(|| "unknown".to_owned(), count);
    let mut facts = vec![format!("permanent: {}", permanent(view)), format!("gc.garbage: {}", number(view.garbage))];
    let lived = view.long_lived_total.and_then(|total| u64::try_from(total).ok());
    facts.extend(lived.map(|total| format!("long-lived: {}", count(total))));
    if view.interpreters.len() > 1 {
        facts.push(format!("{} interpreters, the main one shown (--format json has all)", view.interpreters.len()));
    }
    wrap_words(&facts.join(", "), style.width.saturating_sub(2)).iter().map(|line| format!("  {line}\n")).collect()
}

/// Objects that no collection looks at, and who put them there.
fn permanent(view: &GcView) -> String {
    match (view.permanent, view.permanent_immortal.unwrap_or(0)) {
        (None, _) => "unknown".to_owned(),
        (Some(0), _) => "0".to_owned(),
        (Some(all), 0) => format!("{} (gc.freeze())", count(all)),
        (Some(all), own) if own >= all => format!("{} (immortal, by the interpreter itself)", count(all)),
        (Some(all), own) => {
            format!("{} ({} by gc.freeze(), {} immortal)", count(all), count(all - own), count(own))
        }
    }
}

fn pauses(view: &GcView, style: &Style) -> String {
    let Some(pauses) = &view.pauses else {
        let hint = "one look sees no pauses in this version; --duration 10s measures them";
        return heading("Pauses", "", style) + &format!("  {}\n", style.paint(Tone::Dim, hint));
    };
    let source = match pauses.source {
        PauseSource::RingBuffer => "exact, from the interpreter's own record",
        PauseSource::Usdt => "exact, from USDT probes",
        PauseSource::Sampled => "sampled: the collector's state, looked at again and again",
        PauseSource::Callbacks => "exact, from gc.callbacks",
    };
    let mut out = heading("Pauses", source, style);
    let mut facts = vec![format!("{} seen", count(pauses.count))];
    if pauses.count > 0 {
        facts.push(format!("half up to {}, 99% up to {}", duration(pauses.p50_ns), duration(pauses.p99_ns)));
        facts.push(format!("longest {}, in all {}", duration(pauses.max_ns), duration(pauses.total_ns)));
    }
    if pauses.missed > 0 {
        let within =
            pauses.missed_below_ns.map_or_else(String::new, |most| format!(", none longer than {}", duration(most)));
        let cpu = match pauses.missed_for_cpu {
            0 => String::new(),
            some => format!(", {} of them for the limit of processor time (--max-cpu)", count(some)),
        };
        facts.push(format!("{} more passed unseen{within}{cpu}", count(pauses.missed)));
    }
    if pauses.error_ns > 0 {
        facts.push(format!("durations right to {} or better", duration(pauses.error_ns)));
    }
    let mut lines = |text: &str, tone: Option<Tone>| {
        for line in wrap_words(text, style.width.saturating_sub(2)) {
            out.push_str(&format!("  {}\n", tone.map_or_else(|| line.clone(), |tone| style.paint(tone, &line))));
        }
    };
    lines(&facts.join("; "), None);
    if let Some(note) = &pauses.note {
        lines(&clean(note), Some(Tone::Dim));
    }
    out.push_str(&histogram(pauses, style));
    out
}

fn histogram(pauses: &GcPauses, style: &Style) -> String {
    let most = pauses.buckets.iter().map(|bucket| bucket.count).max().unwrap_or(0);
    let mut table = Table::new(2).numbers(&["up to", "pauses"]).optional();
    for bucket in &pauses.buckets {
        let end = bucket.to_ns.map_or_else(|| "longer".to_owned(), duration);
        table.row([cell(end), cell(count(bucket.count)), cell(bar(share(bucket.count, most), BAR))]);
    }
    if pauses.buckets.is_empty() { String::new() } else { table.render(style) }
}

#[cfg(test)]
mod tests {
    use memsight_analysis::gc::GcEvidence;
    use memsight_model::{GcGeneration, GcInterpreter, GcReading};

    use super::*;

    fn view(watched_ns: u64) -> GcView {
        let generation = |collections, threshold| GcGeneration { collections, threshold, ..GcGeneration::default() };
        let main = GcInterpreter {
            enabled: true,
            generations: vec![generation(1_234, 700), generation(112, 10), generation(9, 10)],
            permanent: Some(375),
            permanent_immortal: Some(375),
            garbage: Some(0),
            ..GcInterpreter::default()
        };
        let reading = GcReading { at_ns: 1, interpreters: vec![main] };
        let mut evidence = GcEvidence { uptime_seconds: 3_600.0, ..GcEvidence::new(reading, None) };
        evidence.last.at_ns += watched_ns;
        if watched_ns > 0 {
            evidence.measured = true;
            evidence.pauses.add(60_000, 100_000);
            evidence.pauses.miss(3, Some(1_000_000));
            evidence.pauses.miss_for_cpu(2);
        }
        let note = Some("no record \x1b[2J here".to_owned());
        GcView::new(7, "3.12.1".to_owned(), &evidence, PauseSource::Sampled, note)
    }

    #[test]
    fn a_look_says_what_it_cannot_see() {
        let text = gc(&view(0), &Style::plain(100));
        assert!(
            text.starts_with(
                "Python 3.12.1, pid 7, one look\nautomatic collection on, 0.4 collections a second on average since it started\n"
            ),
            "{text}"
        );
        assert!(text.contains("  0  young          1,234"), "{text}");
        assert!(text.contains("one look sees no pauses in this version"), "{text}");
        assert!(text.contains("gc-frees-nothing"), "{text}");
        assert!(text.contains("permanent: 375 (immortal, by the interpreter itself), gc.garbage: 0"), "{text}");
    }

    #[test]
    fn who_froze_what_is_told() {
        let of = |permanent, permanent_immortal| super::permanent(&GcView { permanent, permanent_immortal, ..view(0) });
        assert_eq!(of(None, None), "unknown");
        assert_eq!(of(Some(0), Some(0)), "0");
        assert_eq!(of(Some(200_000), Some(0)), "200,000 (gc.freeze())");
        assert_eq!(of(Some(200_000), Some(375)), "200,000 (199,625 by gc.freeze(), 375 immortal)");
    }

    #[test]
    fn a_watch_says_how_exact_it_is_and_fits() {
        for width in [40, 60, 100] {
            let text = gc(&view(2_000_000_000), &Style::plain(width));
            assert!(text.lines().all(|line| line.chars().count() <= width.max(75)), "{text}");
            assert!(text.contains("watched 2.0 s") && !text.contains('\x1b'), "{text}");
        }
        let text = gc(&view(2_000_000_000), &Style::plain(300));
        // one pause of 60 us, and three of up to 1 ms each that nobody saw
        assert!(text.contains("0.0 collections a second, at least 0.0% of the time watched\n"), "{text}");
        assert!(text.contains("1 seen; half up to 60 us, 99% up to 60 us; longest 60 us"), "{text}");
        assert!(
            text.contains(
                "3 more passed unseen, none longer than 1.0 ms, 2 of them for the limit of processor \
                 time (--max-cpu); durations right to 100 us or better"
            ),
            "{text}"
        );
    }
}

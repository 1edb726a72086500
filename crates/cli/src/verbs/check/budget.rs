//! A budget: TOML, read into rules. Whatever it says that has no meaning is an error with its line.

use std::io::Read;
use std::ops::Range;
use std::path::Path;

use memsight_engine::analysis::budget::{Bound, Figure, KindWord, Of, Rule, Unit};
use memsight_engine::analysis::profile::PlacePattern;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::args::size;
use crate::error::CheckError;

/// A budget is written by hand.
const LARGEST: u64 = 1 << 20;

/// Keys, and the figures that they limit.
type Figures = &'static [(&'static str, Figure)];

const TRACE: Figures = &[
    ("peak", Figure::Peak),
    ("allocated", Figure::Allocated),
    ("allocations", Figure::Allocations),
    ("leaks", Figure::Leaks),
];
const RECORDING: Figures =
    &[("rss_peak", Figure::RssPeak), ("rss_growth", Figure::RssGrowth), ("rss_per_hour", Figure::RssPerHour)];
/// (the others are growth themselves)
const RECORDING_GROWTH: Figures = &[("rss_peak", Figure::RssPeak)];
const SNAPSHOT: Figures = &[("objects", Figure::Objects), ("bytes", Figure::Bytes)];
const TYPES: Figures = &[("count", Figure::Objects), ("bytes", Figure::Bytes)];

/// What a section may say.
struct Section {
    figures: Figures,
    growth: Figures,
    /// The list of parts, and their figures.
    parts: Option<(&'static str, Figures)>,
}

/// Keys that say which part is meant.
const OF_PLACES: &[&str] = &["file", "line", "function", "module", "own"];
const OF_TYPES: &[&str] = &["type"];

/// The rules of a budget.
#[derive(Debug, Default)]
pub(super) struct Rules {
    trace: Vec<Rule>,
    recording: Vec<Rule>,
    snapshot: Vec<Rule>,
}

impl Rules {
    /// Those for files of a kind, in the order of the budget.
    pub(super) fn of(&self, kind: KindWord) -> &[Rule] {
        match kind {
            KindWord::Trace => &self.trace,
            KindWord::Recording => &self.recording,
            KindWord::Snapshot => &self.snapshot,
        }
    }
}

/// Reads a budget.
#[allow(clippy::disallowed_methods, reason = "a file of settings that the person named")]
pub(super) fn read(path: &Path) -> Result<Rules, CheckError> {
    let mut text = String::new();
    let file = std::fs::File::open(path);
    let read = file.and_then(|file| file.take(LARGEST).read_to_string(&mut text));
    read.map_err(|source| CheckError::Unreadable { path: path.to_path_buf(), source })?;
    Reading { path, text: &text }.rules()
}

type Value<'t> = Spanned<DeValue<'t>>;

/// A budget that is being read.
struct Reading<'t> {
    path: &'t Path,
    text: &'t str,
}

impl<'t> Reading<'t> {
    fn rules(&self) -> Result<Rules, CheckError> {
        let root = DeTable::parse(self.text).map_err(|error| {
            let reason = error.message().lines().next().unwrap_or_default().to_owned();
            self.fault(error.span().unwrap_or_default(), reason, "`memsight check --help` shows a budget.".to_owned())
        })?;
        let mut rules = Rules::default();
        for (key, value) in root.get_ref() {
            let (name, span) = (key.get_ref().as_ref(), key.span());
            let table = || self.table(value, &format!("[{name}]"));
            match name {
                "trace" => rules.trace = self.section("trace", table()?)?,
                "recording" => rules.recording = self.section("recording", table()?)?,
                "snapshot" => rules.snapshot = self.section("snapshot", table()?)?,
                _ => return Err(self.unknown(span, name, "a budget", &["trace", "recording", "snapshot"])),
            }
        }
        Ok(rules)
    }

    /// The rules of `[trace]` and the like.
    fn section(&self, name: &str, table: &DeTable<'t>) -> Result<Vec<Rule>, CheckError> {
        let about = match name {
            "trace" => Section { figures: TRACE, growth: TRACE, parts: Some(("places", TRACE)) },
            "recording" => Section { figures: RECORDING, growth: RECORDING_GROWTH, parts: None },
            _ => Section { figures: SNAPSHOT, growth: SNAPSHOT, parts: Some(("types", TYPES)) },
        };
        let mut rules = Vec::new();
        let parts = about.parts.map(|(key, _)| key);
        self.limits(name, table, &about, &Of::Whole, parts.as_slice(), &mut rules)?;
        if let Some((key, figures)) = about.parts
            && let Some(list) = table.get(key)
        {
            let what = format!("[[{name}.{key}]]");
            let of_list =
                |span| self.fault(span, format!("{key} is no list of tables"), format!("Begin each with {what}."));
            let DeValue::Array(list) = list.get_ref() else { return Err(of_list(list.span())) };
            let about = Section { figures, growth: figures, parts: None };
            for part in list {
                let table = self.table(part, &what)?;
                let (of, words) = match key {
                    "places" => self.places(part.span(), table)?,
                    _ => self.types(part.span(), table)?,
                };
                let selectors = if key == "places" { OF_PLACES } else { OF_TYPES };
                let before = rules.len();
                self.limits(&format!("{name}.{key}[{words}]"), table, &about, &of, selectors, &mut rules)?;
                if rules.len() == before {
                    let hint = format!("Give a limit: {}.", keys(figures.iter().map(|(key, _)| *key)));
                    return Err(self.fault(part.span(), format!("{what} {words} limits nothing"), hint));
                }
            }
        }
        rules.sort_by_key(|rule: &Rule| rule.line);
        Ok(rules)
    }

    /// The limits of a table, which may have the keys `besides`, too.
    fn limits(
        &self,
        name: &str,
        table: &DeTable<'t>,
        about: &Section,
        of: &Of,
        besides: &[&str],
        rules: &mut Vec<Rule>,
    ) -> Result<(), CheckError> {
        let find =
            |figures: Figures, key: &str| figures.iter().find(|(known, _)| *known == key).map(|(_, figure)| *figure);
        for (key, value) in table {
            let (key, span) = (key.get_ref().as_ref(), key.span());
            let mut rule = |name: String, figure, span: Range<usize>, bound| {
                rules.push(Rule { name, line: self.line(&span), figure, of: of.clone(), bound });
            };
            if let Some(figure) = find(about.figures, key) {
                let most = self.number(value, figure)?;
                rule(format!("{name}.{key}"), figure, span, Bound::AtMost(most));
            } else if key == "growth" {
                for (key, value) in self.table(value, &format!("[{name}.growth]"))? {
                    let (key, span) = (key.get_ref().as_ref(), key.span());
                    let Some(figure) = find(about.growth, key) else {
                        let known: Vec<&str> = about.growth.iter().map(|(key, _)| *key).collect();
                        return Err(self.unknown(span, key, &format!("{name}.growth"), &known));
                    };
                    rule(format!("{name}.growth.{key}"), figure, span, self.growth(value, figure)?);
                }
            } else if !besides.contains(&key) {
                let known: Vec<&str> = about.figures.iter().map(|(key, _)| *key).chain(["growth"]).collect();
                return Err(self.unknown(span, key, name, &[known.as_slice(), besides].concat()));
            }
        }
        Ok(())
    }

    /// Which places are meant, and in words.
    fn places(&self, span: Range<usize>, table: &DeTable<'t>) -> Result<(Of, String), CheckError> {
        let text = |key: &str| table.get(key).map(|value| self.text(value, key)).transpose();
        let line = match table.get("line") {
            None => None,
            Some(value) => Some(self.whole(value, "a line is a whole number").and_then(|line| {
                u32::try_from(line)
                    .map_err(|_| self.fault(value.span(), "there is no such line".to_owned(), String::new()))
            })?),
        };
        let own = match table.get("own").map(|value| (value.get_ref(), value.span())) {
            None => false,
            Some((DeValue::Boolean(own), _)) => *own,
            Some((_, span)) => return Err(self.fault(span, "own is true or false".to_owned(), String::new())),
        };
        let pattern =
            PlacePattern { file: text("file")?, line, function: text("function")?, module: text("module")?, own };
        let word = |key: &str, value: Option<String>| value.map(|value| format!("{key}={value}"));
        let words: Vec<String> = [
            word("file", pattern.file.clone()),
            word("line", line.map(|line| line.to_string())),
            word("function", pattern.function.clone()),
            word("module", pattern.module.clone()),
        ]
        .into_iter()
        .flatten()
        .collect();
        if words.is_empty() {
            let hint = "Give file, line, function or module.".to_owned();
            return Err(self.fault(span, "[[trace.places]] says no place".to_owned(), hint));
        }
        Ok((Of::Places(pattern), words.join(", ") + if own { ", own" } else { "" }))
    }

    /// Which types are meant, and in words.
    fn types(&self, span: Range<usize>, table: &DeTable<'t>) -> Result<(Of, String), CheckError> {
        let Some(value) = table.get("type") else {
            let hint = "Give the name of a type, such as type = \"app.Session\" or \"app.*\".".to_owned();
            return Err(self.fault(span, "[[snapshot.types]] names no type".to_owned(), hint));
        };
        let pattern = self.text(value, "type")?;
        Ok((Of::Types(pattern.clone()), pattern))
    }

    /// A limit on growth: a number, a share, or the larger of both.
    fn growth(&self, value: &Value<'t>, figure: Figure) -> Result<Bound, CheckError> {
        let (mut most, mut share) = (0, 0.0);
        let alone = std::slice::from_ref(value);
        let parts = match value.get_ref() {
            DeValue::Array(parts) if !parts.is_empty() => parts.iter().as_slice(),
            _ => alone,
        };
        for part in parts {
            let percent = part.get_ref().as_str().and_then(|text| text.trim().strip_suffix('%'));
            match percent.map(|percent| percent.trim().parse::<f64>()) {
                None => most = self.number(part, figure)?,
                Some(Ok(percent)) if percent >= 0.0 && percent.is_finite() => share = percent / 100.0,
                Some(_) => {
                    return Err(self.fault(part.span(), "that is no share".to_owned(), "Write \"10%\".".to_owned()));
                }
            }
        }
        Ok(Bound::Growth { most, share })
    }

    fn number(&self, value: &Value<'t>, figure: Figure) -> Result<u64, CheckError> {
        match (value.get_ref(), figure.unit()) {
            (_, Unit::Count) => self.whole(value, "a number of blocks or objects is a whole number, such as 10_000"),
            (DeValue::String(text), _) => size(text).map_err(|reason| {
                self.fault(value.span(), format!("\"{text}\" is no size: {reason}"), "Write \"24 MiB\".".to_owned())
            }),
            _ => self.whole(value, "a size is a text such as \"24 MiB\", or a whole number of bytes"),
        }
    }

    fn whole(&self, value: &Value<'t>, reason: &str) -> Result<u64, CheckError> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        number.ok_or_else(|| self.fault(value.span(), reason.to_owned(), "It is 0 or more.".to_owned()))
    }

    fn text(&self, value: &Value<'t>, key: &str) -> Result<String, CheckError> {
        let text = value.get_ref().as_str().map(str::to_owned);
        text.ok_or_else(|| self.fault(value.span(), format!("{key} is no text"), format!("Write {key} = \"...\".")))
    }

    fn table<'v>(&self, value: &'v Value<'t>, what: &str) -> Result<&'v DeTable<'t>, CheckError> {
        let fault =
            || self.fault(value.span(), format!("{what} is no table"), format!("Write {what}, and limits below."));
        value.get_ref().as_table().ok_or_else(fault)
    }

    fn unknown(&self, span: Range<usize>, key: &str, place: &str, known: &[&str]) -> CheckError {
        let hint = format!("Known are {}.", keys(known.iter().copied()));
        self.fault(span, format!("{place} has no key \"{key}\""), hint)
    }

    fn fault(&self, span: Range<usize>, reason: String, hint: String) -> CheckError {
        CheckError::Budget { path: self.path.to_path_buf(), line: self.line(&span), reason, hint }
    }

    fn line(&self, span: &Range<usize>) -> u32 {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        before.matches('\n').count() as u32 + 1
    }
}

fn keys<'k>(keys: impl Iterator<Item = &'k str>) -> String {
    keys.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Result<Rules, CheckError> {
        Reading { path: Path::new("budget.toml"), text }.rules()
    }

    #[test]
    fn limits_are_read_with_their_lines() {
        let text = "[trace]\npeak = \"24 MiB\"\nallocations = 1_000\ngrowth.leaks = [\"10%\", 4096]\n\n\
                    [[trace.places]]\nfile = \"app/*.py\"\nown = true\nallocated = 0x10\n";
        let rules = rules(text).expect("a budget");
        let all: Vec<_> = rules.trace.iter().map(|rule| (rule.name.as_str(), rule.line, rule.bound)).collect();
        assert_eq!(
            all,
            [
                ("trace.peak", 2, Bound::AtMost(24 << 20)),
                ("trace.allocations", 3, Bound::AtMost(1000)),
                ("trace.growth.leaks", 4, Bound::Growth { most: 4096, share: 0.1 }),
                ("trace.places[file=app/*.py, own].allocated", 9, Bound::AtMost(16)),
            ]
        );
        let Of::Places(pattern) = &rules.trace[3].of else { panic!("no places") };
        assert!(pattern.own && pattern.file.as_deref() == Some("app/*.py"));
        assert!(rules.snapshot.is_empty());
    }

    #[test]
    fn what_has_no_meaning_is_refused_with_its_line() {
        let faults = [
            ("[trace]\npeek = 1", 2, "has no key \"peek\""),
            ("\n[traces]\npeak = 1", 2, "has no key \"traces\""),
            ("[trace]\n\npeak = \"24 parsecs\"", 3, "is no size"),
            ("[trace]\npeak = -1", 2, "a size is"),
            ("[trace]\nallocations = \"1 MiB\"", 2, "whole number"),
            ("[trace]\ngrowth.peak = \"x%\"", 2, "no share"),
            ("[trace]\ngrowth = 3", 2, "is no table"),
            ("[recording.growth]\nrss_per_hour = 3", 2, "has no key"),
            ("[[trace.places]]\npeak = 1", 1, "says no place"),
            ("[[trace.places]]\nfile = \"a.py\"", 1, "limits nothing"),
            ("[[trace.places]]\nfile = 3\npeak = 1", 2, "is no text"),
            ("[trace.places]\nfile = \"a\"", 1, "no list of tables"),
            ("[[snapshot.types]]\ncount = 1", 1, "names no type"),
            ("[trace]\npeak = ", 2, ""),
            ("[trace]\npeak = 1\npeak = 2", 3, "duplicate"),
            ("trace = 3", 1, "is no table"),
        ];
        for (text, at, words) in faults {
            let Err(CheckError::Budget { line, reason, .. }) = rules(text) else { panic!("{text} is accepted") };
            assert!(line == at && reason.contains(words), "{text}: line {line}: {reason}");
        }
    }
}

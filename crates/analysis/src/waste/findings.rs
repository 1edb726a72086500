//! Places with waste as findings; each rule stands in `docs/reference/findings.md`.

use std::cmp::Reverse;

use memsight_model::{Bytes, Confidence, Finding, Severity, count};

use super::{Found, WastePlace, WasteRule};
use crate::Analysis;
use crate::words::{by, short};

/// Bytes from which on a place is a finding, and part of all bytes.
const LEAST_BYTES: u64 = 16 << 10;
const LEAST_SHARE: f64 = 0.001;
/// Part of all bytes from which on it is a warning.
const WARNING_SHARE: f64 = 0.01;

impl Analysis<'_> {
    /// The largest places of all kinds. Their bytes add up: none is in two of them.
    pub(super) fn waste_findings(&self, found: &[Found<'_>], top: usize) -> Vec<Finding> {
        let mut findings = Vec::new();
        for kind in found {
            let places = kind.places.rows(top);
            let large = places
                .iter()
                .filter(|place| place.saved_bytes >= LEAST_BYTES && self.share(place.saved_bytes) >= LEAST_SHARE);
            findings.extend(large.map(|place| self.finding(kind.rule, place)));
        }
        findings.sort_by(|a, b| (Reverse(a.bytes), &a.rule, &a.place).cmp(&(Reverse(b.bytes), &b.rule, &b.place)));
        findings.truncate(top);
        findings
    }

    fn finding(&self, rule: WasteRule, place: &WastePlace) -> Finding {
        let share = self.share(place.saved_bytes);
        let confidence = match rule {
            WasteRule::DuplicateStrings
            | WasteRule::DuplicateBytes
            | WasteRule::DuplicateTuples
            | WasteRule::DuplicateNumbers => Confidence::High,
            // The program may need the room again, the attributes of a class may differ tomorrow.
            _ => Confidence::Medium,
        };
        let mut evidence = vec![
            format!("{:.1}% of the heap", share * 100.0),
            by("held", &place.path.join(" -> ")),
            format!("for example {}", place.example.address),
        ];
        if let (Some(used), Some(allocated)) = (place.used, place.allocated) {
            let room = match rule {
                WasteRule::SmallViews => format!("{} of {} are looked at", Bytes(used), Bytes(allocated)),
                _ => format!("{} items in room for {}", count(used), count(allocated)),
            };
            evidence.insert(1, room);
        }
        Finding {
            rule: rule.name().to_owned(),
            severity: if share >= WARNING_SHARE { Severity::Warning } else { Severity::Note },
            confidence,
            message: message(rule, place),
            place: place.path.join(" -> "),
            bytes: Some(place.saved_bytes),
            advice: advice(rule, place),
            evidence,
        }
    }
}

fn message(rule: WasteRule, place: &WastePlace) -> String {
    let objects = format!("{} {}", count(place.count), short(&place.type_name));
    match rule {
        WasteRule::DuplicateStrings
        | WasteRule::DuplicateBytes
        | WasteRule::DuplicateTuples
        | WasteRule::DuplicateNumbers => format!("{objects} objects are equal to others"),
        WasteRule::OverallocatedLists | WasteRule::OverallocatedSets | WasteRule::OverallocatedBuffers => {
            format!("{objects} objects have room that their items do not need")
        }
        WasteRule::SparseDicts => format!("{objects} objects have tables that their entries do not need"),
        WasteRule::EmptyContainers => format!("{objects} objects are empty, each kept by one attribute"),
        WasteRule::InstanceDicts => match place.used.unwrap_or(0) {
            0 => format!("{objects} instances have no attributes and a __dict__"),
            1 => format!("{objects} instances have the same attribute and a __dict__"),
            same => format!("{objects} instances have the same {same} attributes and a __dict__"),
        },
        WasteRule::BoxedNumbers => format!("{objects} objects hold numbers of one type only"),
        WasteRule::SmallViews => {
            let views = place.views.unwrap_or(0);
            let (plural, keep) = if views == 1 { ("", "keeps") } else { ("s", "keep") };
            let (shown, kept) = (Bytes(place.used.unwrap_or(0)), Bytes(place.allocated.unwrap_or(0)));
            let kind = if place.count == 1 { "object" } else { "objects" };
            format!("{} view{plural} of {shown} {keep} {objects} {kind} of {kept}", count(views))
        }
    }
}

fn advice(rule: WasteRule, place: &WastePlace) -> String {
    let kind = short(&place.type_name);
    match rule {
        WasteRule::DuplicateStrings => {
            "Let equal strings be one object where they are made: sys.intern() for names that live long, or a dictionary \
             of those seen (seen.setdefault(text, text))."
                .to_owned()
        }
        WasteRule::DuplicateBytes | WasteRule::DuplicateTuples | WasteRule::DuplicateNumbers => {
            format!("Let equal {kind} objects be one where they are made: seen.setdefault(value, value).")
        }
        WasteRule::OverallocatedLists => "A list that will not grow any more: keep tuple(items), or items[:] in its \
                                          place. One made by append() has an eighth more room than it needs, one that \
                                          shrank up to twice as much."
            .to_owned(),
        WasteRule::SparseDicts => "A dictionary never gives back the room of deleted entries: after deleting most of \
                                   them, replace it by dict(table). A fresh table is right where entries come and go."
            .to_owned(),
        WasteRule::OverallocatedSets => "Sets that grew by add() have up to four times the room of their copy: keep \
                                         frozenset(members) or members.copy() of one that will not change."
            .to_owned(),
        WasteRule::OverallocatedBuffers => {
            format!("Replace a {kind} that will not grow any more by a copy of itself.")
        }
        WasteRule::EmptyContainers => format!(
            "Make the {kind} when its first item comes and keep None (or one shared empty tuple) until then."
        ),
        WasteRule::InstanceDicts => format!(
            "Give {kind} __slots__ (and its bases, too){}, or @dataclass(slots=True) from 3.10 on; it must get no \
             other attributes then.",
            place.text.as_ref().filter(|names| !names.is_empty()).map_or_else(String::new, |names| format!(": {names}"))
        ),
        WasteRule::SmallViews => "A view keeps the whole array or bytes object that it looks into: keep a copy of the part \
                                  instead, view.copy() or bytes(view)."
            .to_owned(),
        WasteRule::BoxedNumbers => format!(
            "Hold them in an array.array or a numpy array instead of a {kind}: 8 bytes each, and no objects until they \
             are read. An array saves {}.",
            Bytes(place.saved_bytes)
        ),
    }
}

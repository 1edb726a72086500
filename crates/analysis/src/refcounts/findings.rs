//! What the audit comes to, in words.

use memsight_model::{Confidence, Finding, Severity, count};

use super::{DeficitRow, HeldKind, RefcountsView, SurplusRow, references};

/// The verdict in a sentence.
pub(super) fn verdict(view: &RefcountsView) -> String {
    if !view.recorded {
        return "this snapshot does not say what the interpreter and C code hold: take it again with this version"
            .to_owned();
    }
    let names = |rows: &mut dyn Iterator<Item = String>| rows.take(3).collect::<Vec<_>>().join(", ");
    let mut parts = Vec::new();
    if !view.deficits.is_empty() {
        let types = names(&mut view.deficits.iter().map(|row| row.type_name.clone()));
        let missing = references(view.deficit_references);
        parts.push(match &view.doubt {
            None => format!("{missing} missing ({types}): a crash waits there"),
            Some(doubt) => format!("{missing} may be missing ({types}), which is not sure: {doubt}"),
        });
    }
    if !view.surplus.is_empty() {
        let types = names(&mut view.surplus.iter().map(|row| row.type_name.clone()));
        let all = view.surplus.iter().map(|row| row.references).sum();
        parts.push(format!("{} left over ({types}): C code holds or has leaked them", references(all)));
    }
    let firm: u64 = view.held.iter().map(|row| row.references).sum();
    let stacks: u64 = view.held.iter().filter(|row| row.kind >= HeldKind::Temporary).map(|row| row.references).sum();
    let rest = format!(
        "{} that variables of C code and the interpreter's state explain and {} that running calls do",
        count(firm - stacks),
        count(stacks)
    );
    if parts.is_empty() {
        format!("no reference is missing or left over, beyond {rest}")
    } else {
        format!("{}; beside {rest}", parts.join("; "))
    }
}

/// A finding a type.
pub(super) fn of(view: &RefcountsView) -> Vec<Finding> {
    if !view.recorded {
        return Vec::new();
    }
    let deficits = view.deficits.iter().map(|row| deficit(row, view.doubt.as_deref()));
    deficits.chain(view.surplus.iter().map(|row| surplus(row, view.gil_held))).collect()
}

/// What is missing; a note if `doubt` says why that is not sure.
fn deficit(row: &DeficitRow, doubt: Option<&str>) -> Finding {
    let evidence = row.examples.iter().map(|example| {
        format!(
            "{}: count {}, references found {}",
            example.object.address,
            count(example.refcount),
            count(example.found)
        )
    });
    let be = match (row.references, doubt) {
        (_, Some(_)) => "may be counted",
        (1, None) => "is counted",
        _ => "are counted",
    };
    let advice = match doubt {
        None => {
            "C code let go of an object that it did not hold (Py_DECREF of a borrowed reference): the object will be \
             freed while in use. Look at the extensions that handle this type."
        }
        Some(_) => {
            "Look at the running process again (memsight heap PID refcounts): what two looks find of the same objects \
             while no thread is at work is sure."
        }
    };
    Finding {
        rule: "refcount-deficit".to_owned(),
        severity: if doubt.is_some() { Severity::Note } else { Severity::Error },
        confidence: if doubt.is_some() { Confidence::Low } else { Confidence::High },
        message: format!("{} of {} {be} fewer than there are", references(row.references), row.type_name),
        place: row.type_name.clone(),
        bytes: None,
        advice: advice.to_owned(),
        evidence: evidence.chain(doubt.map(|doubt| format!("not sure: {doubt}"))).collect(),
    }
}

fn surplus(row: &SurplusRow, gil_held: bool) -> Finding {
    let example = |example: &super::CountedObject| {
        let places = match example.places.as_slice() {
            [] => "no variable of C code and no stack points to it".to_owned(),
            places => format!("may be held by {}", places.join(", ")),
        };
        let (address, found) = (&example.object.address, count(example.found));
        format!("{address}: count {}, references found {found}; {places}", count(example.refcount))
    };
    let objects = if row.objects == 1 { "1 object".to_owned() } else { format!("{} objects", count(row.objects)) };
    Finding {
        rule: "refcount-surplus".to_owned(),
        // Nobody can tell from outside a reference that C code keeps from one that it has forgotten.
        severity: Severity::Note,
        confidence: if gil_held { Confidence::Low } else { Confidence::Medium },
        message: format!(
            "{objects} of {} with {} that no Python object holds",
            row.type_name,
            references(row.references)
        ),
        place: row.type_name.clone(),
        bytes: Some(row.bytes),
        advice: "C code keeps these references in memory of its own, or took them and never gave them back (a missing \
                 Py_DECREF). If the number grows between two looks (memsight compare), it leaks: look at the extension that \
                 makes or receives this type."
            .to_owned(),
        evidence: row.examples.iter().map(example).collect(),
    }
}

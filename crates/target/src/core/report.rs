//! What a core does not hold, in words with sizes.

use memsight_model::Bytes;

use super::files::{Mapped, Object, State};
use super::headers::Headers;
use super::regions::PF_W;

/// Names that are listed before the rest is only counted.
const LISTED: usize = 3;

pub(super) fn missing(headers: &Headers, mapped: &Mapped, lost: u64) -> Vec<String> {
    let mut reasons = Vec::new();
    let sum =
        |of: &dyn Fn(&super::headers::Segment) -> u64| headers.segments.iter().map(of).fold(0, u64::saturating_add);
    let (claimed, present) = (sum(&|segment| segment.claimed), sum(&|segment| segment.present));
    if present < claimed {
        let lost = Bytes(claimed - present);
        reasons.push(format!("the core was cut off: {lost} of the {} that it was to hold are missing", Bytes(claimed)));
    }
    // The kernel leaves out what was never touched as well, so that only a core without any of it tells something.
    let is_own =
        |segment: &super::headers::Segment| segment.flags & PF_W != 0 && headers.mapped_file(segment.start).is_none();
    let own =
        |of: &dyn Fn(&super::headers::Segment) -> u64| sum(&|segment| if is_own(segment) { of(segment) } else { 0 });
    let (there, all) = (own(&|segment| segment.claimed), own(&|segment| segment.memory));
    if there == 0 && all > 0 {
        reasons.push(format!("the {} of the process's own memory were left out (coredump_filter)", Bytes(all)));
    }
    if headers.notes.files.is_empty() {
        reasons.push("the core has no list of mapped files: no code or constants could be read".to_owned());
    }
    reasons.extend(files(mapped.absent(), "not found here"));
    let in_state = |state| mapped.objects.iter().filter(move |file| file.state == state && file.left_out > 0);
    reasons.extend(files(in_state(State::Wrong), "not the ones that the process had"));
    reasons.extend(unchecked(in_state(State::Unchecked)));
    if lost > 0 {
        reasons.push(format!("{} could not be read from the disk", Bytes(lost)));
    }
    reasons
}

/// `3 mapped files were not found here, so that 1.2 MiB of code and constants are missing: a, b, c`.
fn files<'m>(files: impl Iterator<Item = &'m Object>, what: &str) -> Option<String> {
    let files: Vec<&Object> = files.collect();
    let bytes = Bytes(files.iter().fold(0, |sum, file| sum.saturating_add(file.left_out)));
    let which = names(&files)?;
    Some(format!("mapped files are {what}, so that {bytes} of code and constants are missing: {which}"))
}

fn unchecked<'m>(files: impl Iterator<Item = &'m Object>) -> Option<String> {
    let files: Vec<&Object> = files.collect();
    let which = names(&files)?;
    Some(format!(
        "mapped files were taken from this disk unchecked, for the core does not hold their first page: {which}"
    ))
}

/// The first few by name, the rest by number.
fn names(files: &[&Object]) -> Option<String> {
    let mut names: Vec<&str> = files.iter().take(LISTED).map(|file| file.path.as_str()).collect();
    names.first()?;
    let more = files.len() - names.len();
    let rest = format!("{more} more");
    if more > 0 {
        names.push(&rest);
    }
    Some(names.join(", "))
}

//! Recursion on a stack: functions that stand there again and again, one after the other.

use std::ops::Range;

/// Functions that call each other in turn, at most: longer circles are rare.
const CYCLE: usize = 8;
/// So many times in a row make it worth to say it once.
const OFTEN: usize = 4;

/// Calls that follow each other on a stack: `cycle` of them, `repeats` times in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Calls {
    /// Place of the first.
    start: usize,
    /// How many there are before they begin anew.
    pub(crate) cycle: usize,
    /// How often they stand there.
    pub(crate) repeats: usize,
}

impl Calls {
    /// Places of the calls that are like number `of` of the cycle.
    pub(crate) fn like(&self, of: usize) -> impl Iterator<Item = usize> + use<> {
        let Calls { start, cycle, repeats } = *self;
        (0..repeats).map(move |round| start + of + round * cycle)
    }

    fn places(&self) -> Range<usize> {
        self.start..self.start + self.cycle * self.repeats
    }
}

/// A stack in parts, from its beginning on: what does not repeat is a part of one call. Cost: linear.
pub(crate) fn folded<T: PartialEq>(stack: &[T]) -> Vec<Calls> {
    let mut parts = Vec::new();
    let mut start = 0;
    while start < stack.len() {
        let rest = &stack[start..];
        let often = |cycle: &usize| repeats(rest, *cycle) >= OFTEN;
        let cycle = (1..=CYCLE.min(rest.len() / OFTEN)).find(often);
        let part = Calls { start, cycle: cycle.unwrap_or(1), repeats: cycle.map_or(1, |cycle| repeats(rest, cycle)) };
        start = part.places().end;
        parts.push(part);
    }
    parts
}

/// How often the first `cycle` of some calls stand there one after the other.
fn repeats<T: PartialEq>(calls: &[T], cycle: usize) -> usize {
    let (first, rest) = calls.split_at(cycle.min(calls.len()));
    1 + rest.chunks_exact(cycle).take_while(|round| *round == first).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(stack: &str) -> Vec<(usize, usize)> {
        let calls: Vec<char> = stack.chars().collect();
        let parts = folded(&calls);
        let places: Vec<usize> = parts.iter().flat_map(Calls::places).collect();
        assert_eq!(places, (0..calls.len()).collect::<Vec<_>>(), "each call is in one part");
        parts.iter().map(|part| (part.cycle, part.repeats)).collect()
    }

    #[test]
    fn a_function_that_calls_itself_is_one_part() {
        assert_eq!(parts("waaaaab"), [(1, 1), (1, 5), (1, 1)]);
        assert_eq!(parts("aaaa"), [(1, 4)]);
        assert_eq!(parts("aaa"), [(1, 1), (1, 1), (1, 1)], "three calls are no recursion worth a word");
        assert_eq!(parts(""), []);
    }

    #[test]
    fn functions_that_call_each_other_are_folded_together() {
        assert_eq!(parts("ababababx"), [(2, 4), (1, 1)]);
        assert_eq!(parts("abcabcabcabcab"), [(3, 4), (1, 1), (1, 1)]);
        let calls: Vec<char> = "xabababab".chars().collect();
        assert_eq!(folded(&calls)[1].like(1).collect::<Vec<_>>(), [2, 4, 6, 8]);
    }
}

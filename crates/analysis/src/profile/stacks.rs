//! Every stack with all that is known of it, for other tools.

use std::collections::BTreeMap;
use std::ops::Range;

use super::amount::Amount;
use super::types::{Figures, TraceHeader};
use super::{Profile, Selection};
use crate::AnalysisError;

/// A function. Foreign text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackFunction {
    /// Its name.
    pub name: String,
    /// Its file; empty for what is no function.
    pub file: String,
    /// Its first line; 0: not known.
    pub first_line: u32,
}

/// What one thread allocated with one stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackSums {
    /// Its id in the operating system.
    pub thread: u32,
    /// Where its frames are in [`Stacks::frames`].
    frames: Range<usize>,
    /// In the state that was asked for.
    pub shown: Figures,
    /// Live at the peak.
    pub peak: Figures,
    /// Live at the end.
    pub end: Figures,
    /// Allocated over the whole run.
    pub allocated: Figures,
}

/// All stacks. Memory: 4 bytes a frame of each.
#[derive(Debug, Clone, Default)]
pub struct Stacks {
    /// The trace.
    pub header: TraceHeader,
    /// The functions.
    pub functions: Vec<StackFunction>,
    /// Lines of them: the number of a function in `functions`, and the line; 0: not known.
    pub lines: Vec<(u32, u32)>,
    /// The sums, by thread and stack.
    pub rows: Vec<StackSums>,
    /// Numbers of lines in `lines`, stack after stack, the newest frame first.
    frames: Vec<u32>,
}

impl Stacks {
    /// The frames of a row, as numbers in `lines`, the newest first; at least one.
    pub fn stack(&self, row: &StackSums) -> &[u32] {
        self.frames.get(row.frames.clone()).unwrap_or_default()
    }

    /// Function and line of a frame.
    pub fn frame(&self, line: u32) -> Option<(&StackFunction, u32)> {
        let (function, line) = *self.lines.get(line as usize)?;
        Some((self.functions.get(function as usize)?, line))
    }
}

/// Shown, live at the peak and at the end, allocated.
type Sums = [Amount; 4];

impl Profile {
    /// Every stack with something in it. A filter chooses stacks, and cuts nothing off. Cost: linear in the frames of all of them.
    pub fn stacks(&self, selection: &Selection) -> Result<Stacks, AnalysisError> {
        let mut sums: BTreeMap<(u32, Vec<u32>), Sums> = BTreeMap::new();
        let mut all = Amount::default();
        for chosen in self.chosen(selection)? {
            let newest = self.places.known(chosen.row.stack);
            let mut stack: Vec<u32> = self.places.stack(newest).map(|frame| self.places.of(frame)).collect();
            if stack.is_empty() {
                stack.push(0);
            }
            let sum = sums.entry((chosen.row.thread, stack)).or_default();
            sum[0] += chosen.shown;
            sum[1] += chosen.row.peak;
            sum[2] += chosen.row.live;
            sum[3] += chosen.row.allocated;
            all += chosen.shown;
        }
        let mut stacks = Stacks { header: self.header(selection, all), ..Stacks::default() };
        stacks.lines = (0..self.places.place_count() as u32)
            .map(|place| self.places.get(place))
            .map(|place| (place.function, place.line))
            .collect();
        stacks.functions = (self.places.functions().iter())
            .map(|function| StackFunction {
                name: function.name.clone(),
                file: self.places.file(function.file).to_owned(),
                first_line: function.first_line,
            })
            .collect();
        for ((thread, stack), sums) in sums {
            let from = stacks.frames.len();
            stacks.frames.extend(stack);
            let [shown, peak, end, allocated] = sums.map(|sum| self.scale.figures(sum));
            stacks.rows.push(StackSums { thread, frames: from..stacks.frames.len(), shown, peak, end, allocated });
        }
        Ok(stacks)
    }
}

//! Whole stacks with their bytes, for flame graphs.

use std::collections::BTreeMap;

use super::amount::Amount;
use super::types::{FlameStack, FlameView};
use super::{Profile, Selection};
use crate::AnalysisError;

impl Profile {
    /// Every stack with bytes. Cost: linear in the frames of all of them.
    pub fn flame(&self, selection: &Selection) -> Result<FlameView, AnalysisError> {
        let chosen = self.chosen(selection)?;
        let mut sums: BTreeMap<Vec<u32>, Amount> = BTreeMap::new();
        for row in chosen.iter().filter(|row| row.shown.bytes > 0) {
            let mut stack: Vec<u32> =
                self.places.stack(self.places.known(row.row.stack)).map(|frame| self.places.of(frame)).collect();
            stack.reverse();
            *sums.entry(stack).or_default() += row.shown;
        }
        let all: Amount = sums.values().copied().sum();
        let name = |place: u32| {
            let spot = self.places.spot(place);
            match spot.file.as_str() {
                "" => spot.function,
                file => format!("{} ({file}:{})", spot.function, spot.line),
            }
        };
        let stacks = sums.into_iter().map(|(mut stack, amount)| {
            if stack.is_empty() {
                stack.push(0);
            }
            FlameStack { frames: stack.into_iter().map(name).collect(), figures: self.scale.figures(amount) }
        });
        Ok(FlameView { header: self.header(selection, all), stacks: stacks.collect() })
    }
}

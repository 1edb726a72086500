//! The rows of the list.

use std::collections::HashMap;

use memsight_model::ProcessSample;

use super::reading::{Identity, Reading};
use super::track::{Growth, Track};

/// A process of the reading that is shown, with what its past tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub identity: Identity,
    /// Index into the processes of the reading.
    at: usize,
    pub growth: Option<Growth>,
    pub collections_per_second: Option<f64>,
}

impl Row {
    /// Its figures.
    pub fn process<'a>(&self, reading: &'a Reading) -> Option<&'a ProcessSample> {
        reading.sample.processes.get(self.at)
    }
}

/// The rows of a reading, in its order. Cost: linear in processes and in the points of their past.
pub fn rows(reading: &Reading, tracks: &HashMap<Identity, Track>) -> Vec<Row> {
    let row = |(at, process): (usize, &ProcessSample)| {
        let identity = Identity::of(process);
        let track = tracks.get(&identity);
        Row {
            identity,
            at,
            growth: track.and_then(|track| Growth::of(track.series.until(u64::MAX))),
            collections_per_second: track.and_then(|track| track.collections.per_second()),
        }
    };
    reading.sample.processes.iter().enumerate().map(row).collect()
}

//! Sums by thread and stack, and what they were at the peak.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::amount::Amount;
use super::blocks::Mix;

/// What one thread allocated with one stack.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Row {
    pub thread: u32,
    /// The number of its newest frame; 0: no Python frame.
    pub stack: u32,
    /// What is live now.
    pub live: Amount,
    /// What was live at the peak.
    pub peak: Amount,
    /// All that was ever allocated.
    pub allocated: Amount,
    /// Of that, what was free again before the thread's next allocation but one.
    pub temporary: Amount,
    /// `live` may differ from `peak`, and the row is in the list of those.
    is_changed: bool,
}

/// The rows, and the highest that their sum has been.
#[derive(Debug, Default)]
pub(super) struct Rows {
    numbers: HashMap<(u32, u32), u32, BuildHasherDefault<Mix>>,
    rows: Vec<Row>,
    /// Rows that changed since the last peak: all others are now as they were then.
    changed: Vec<u32>,
    pub live: Amount,
    pub peak: Amount,
}

impl Rows {
    /// The row of a thread and a stack.
    pub fn number(&mut self, thread: u32, stack: u32) -> u32 {
        let next = self.rows.len() as u32;
        let number = *self.numbers.entry((thread, stack)).or_insert(next);
        if number == next {
            self.rows.push(Row { thread, stack, ..Row::default() });
        }
        number
    }

    /// Adds a block. Gives whether there never was as much as now: then the state is kept, which costs a row for each that
    /// changed since the last time, so that all events together cost a constant each.
    pub fn add(&mut self, number: u32, amount: Amount) -> bool {
        let Some(row) = self.touched(number) else { return false };
        row.live += amount;
        row.allocated += amount;
        self.live += amount;
        if self.live.bytes <= self.peak.bytes {
            return false;
        }
        self.peak = self.live;
        for number in self.changed.drain(..) {
            if let Some(row) = self.rows.get_mut(number as usize) {
                row.peak = row.live;
                row.is_changed = false;
            }
        }
        true
    }

    /// Takes a block away.
    pub fn remove(&mut self, number: u32, amount: Amount, is_temporary: bool) {
        if let Some(row) = self.touched(number) {
            row.live -= amount;
            if is_temporary {
                row.temporary += amount;
            }
            self.live -= amount;
        }
    }

    fn touched(&mut self, number: u32) -> Option<&mut Row> {
        let row = self.rows.get_mut(number as usize)?;
        if !row.is_changed {
            row.is_changed = true;
            self.changed.push(number);
        }
        Some(row)
    }

    /// The thread of a row.
    pub fn thread(&self, number: u32) -> Option<u32> {
        self.rows.get(number as usize).map(|row| row.thread)
    }

    /// What is live now, by row.
    pub fn moment(&self) -> Vec<Amount> {
        self.rows.iter().map(|row| row.live).collect()
    }

    pub fn into_rows(self) -> Vec<Row> {
        self.rows
    }
}

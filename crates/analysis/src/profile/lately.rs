//! A recording while it is made: what is live now, line by line, and what was allocated so far.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use memsight_model::trace::{Code, Event, Frame, Head, NATIVE};

use super::amount::{Amount, Scale};
use super::blocks::{Block, Blocks, Mix};
use super::types::Figures;

/// Takes what is written to a trace as it comes. Memory: an entry for each block that is live, for each stack, code and frame.
#[derive(Debug, Default)]
pub struct Lately {
    head: Option<Head>,
    blocks: Blocks,
    stacks: HashMap<u32, Sum, BuildHasherDefault<Mix>>,
    all: Sum,
    peak: u64,
    resident: Option<u64>,
    /// The interpreter clears up.
    is_ending: bool,
    codes: HashMap<u32, Code>,
    frames: Vec<Frame>,
    lines: HashMap<(u32, u32), u32>,
}

/// What one stack has allocated.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    live: Amount,
    allocated: Amount,
}

/// What is live now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Now {
    /// Bytes between samples in the mean; 0 where every allocation is recorded.
    pub sample_bytes: u64,
    /// All of it.
    pub live: Figures,
    /// The most bytes that were live so far.
    pub peak_bytes: u64,
    /// Bytes that were allocated so far.
    pub allocated_bytes: u64,
    /// The resident set as it was last read.
    pub resident_bytes: Option<u64>,
    /// The lines, in no order.
    pub lines: Vec<NowLine>,
}

/// What a line has live.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NowLine {
    /// The place of the newest frame.
    pub place: LinePlace,
    /// Bytes that are live.
    pub bytes: u64,
    /// Blocks that are live.
    pub count: u64,
    /// Bytes that were allocated so far.
    pub allocated_bytes: u64,
}

/// A line of the program.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinePlace {
    /// Its file; empty for what no Python frame allocated.
    pub file: String,
    /// Its number, 0 when unknown.
    pub line: u32,
    /// Its function.
    pub function: String,
}

/// The newest frame of Python code of a stack: native ones count for it.
fn python_frame(frames: &[Frame], stack: u32) -> Option<&Frame> {
    let frame = |number: u32| (number as usize).checked_sub(1).and_then(|row| frames.get(row));
    let mut at = frame(stack)?;
    while at.code & NATIVE != 0 {
        at = frame(at.caller)?;
    }
    Some(at)
}

impl Lately {
    /// What holds for all of it.
    pub fn begin(&mut self, head: &Head) {
        self.head = Some(head.clone());
    }

    /// A code object.
    pub fn code(&mut self, code: &Code) {
        self.codes.insert(code.number, code.clone());
    }

    /// A frame, of the next number.
    pub fn frame(&mut self, frame: Frame) {
        self.frames.push(frame);
    }

    /// An event.
    pub fn event(&mut self, event: Event) {
        // What the interpreter clears as it ends, the program has kept: that stays on the screen.
        if self.is_ending {
            return;
        }
        let scale = self.scale();
        match event {
            Event::Allocated { address, bytes, stack, .. } => {
                let lost = self.blocks.allocated(address, Block { bytes, row: stack, ordinal: 0 });
                lost.inspect(|lost| self.remove(*lost, scale));
                let amount = scale.amount(bytes);
                let sum = self.stacks.entry(stack).or_default();
                for sum in [sum, &mut self.all] {
                    sum.live += amount;
                    sum.allocated += amount;
                }
                self.peak = self.peak.max(self.all.live.bytes);
            }
            Event::Freed(address) => {
                if let Some(block) = self.blocks.freed(address) {
                    self.remove(block, scale);
                }
            }
            Event::Resident(bytes) => self.resident = Some(bytes),
            Event::Ending => self.is_ending = true,
            Event::Thread(_) | Event::Time(_) => {}
        }
    }

    fn scale(&self) -> Scale {
        Scale::new(self.head.as_ref().map_or(0, |head| head.sample_bytes))
    }

    fn remove(&mut self, block: Block, scale: Scale) {
        let amount = scale.amount(block.bytes);
        self.stacks.entry(block.row).or_default().live -= amount;
        self.all.live -= amount;
    }

    /// What is live now. `line` gives the line of an offset in a code object of a Python of this minor version; it is asked once
    /// for each. Cost: linear in stacks.
    pub fn now(&mut self, line: impl Fn(u32, &Code, u32) -> u32) -> Now {
        let (scale, minor) = (self.scale(), self.head.as_ref().map_or(0, |head| head.python_minor));
        let mut sums: HashMap<(u32, u32), Sum> = HashMap::new();
        for (stack, sum) in &self.stacks {
            let Some(frame) = python_frame(&self.frames, *stack) else {
                join(sums.entry((0, 0)).or_default(), *sum);
                continue;
            };
            let told = self.codes.get(&frame.code);
            let number = self.lines.entry((frame.code, frame.offset));
            let number = *number.or_insert_with(|| told.map_or(0, |code| line(minor, code, frame.offset)));
            join(sums.entry((frame.code, number)).or_default(), *sum);
        }
        let mut places: HashMap<LinePlace, Sum> = HashMap::new();
        for ((code, line), sum) in sums {
            join(places.entry(self.place(code, line)).or_default(), sum);
        }
        let row = |(place, sum): (LinePlace, Sum)| NowLine {
            place,
            bytes: sum.live.bytes,
            count: scale.count(sum.live),
            allocated_bytes: sum.allocated.bytes,
        };
        Now {
            sample_bytes: self.head.as_ref().map_or(0, |head| head.sample_bytes),
            live: scale.figures(self.all.live),
            peak_bytes: self.peak,
            allocated_bytes: self.all.allocated.bytes,
            resident_bytes: self.resident,
            lines: places.into_iter().map(row).collect(),
        }
    }

    /// Code objects of one function that was made anew are one place.
    fn place(&self, code: u32, line: u32) -> LinePlace {
        match self.codes.get(&code) {
            Some(code) => LinePlace { file: code.file.clone(), line, function: code.name.clone() },
            None => LinePlace { function: super::places::NO_FRAME.to_owned(), ..LinePlace::default() },
        }
    }
}

fn join(sum: &mut Sum, other: Sum) {
    sum.live += other.live;
    sum.allocated += other.allocated;
}

#[cfg(test)]
mod tests {
    use memsight_model::Timestamp;
    use memsight_model::trace::Domain;

    use super::*;

    #[test]
    fn a_line_has_what_its_stacks_have() {
        let mut lately = Lately::default();
        let started = Timestamp { monotonic_ns: 0, unix_ns: 0 };
        lately.begin(&Head {
            pid: 1,
            program: String::new(),
            python_minor: 12,
            started,
            sample_bytes: 0,
            family: None,
        });
        lately.code(&Code { number: 7, name: "f".into(), file: "a.py".into(), first_line: 1, lines: Vec::new() });
        lately.frame(Frame { caller: 0, code: 7, offset: 1 });
        lately.frame(Frame { caller: 1, code: 7, offset: 1 });
        let allocated = |address, bytes, stack| Event::Allocated { domain: Domain::Object, address, bytes, stack };
        for event in
            [allocated(16, 10, 1), allocated(32, 20, 2), allocated(48, 5, 0), Event::Freed(16), Event::Freed(99)]
        {
            lately.event(event);
        }
        let now = lately.now(|minor, code, offset| minor + code.first_line + offset);
        let rows: std::collections::BTreeMap<_, _> = now
            .lines
            .iter()
            .map(|row| ((row.place.function.as_str(), row.place.line), (row.bytes, row.count, row.allocated_bytes)))
            .collect();
        assert_eq!(rows, [(("(no Python frame)", 0), (5, 1, 5)), (("f", 14), (20, 1, 30))].into());
        assert_eq!((now.live.bytes, now.peak_bytes, now.allocated_bytes), (25, 35, 35));
    }
}

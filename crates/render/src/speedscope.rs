//! Traces for speedscope, which draws them in a browser: <https://www.speedscope.app/file-format-schema.json>.

use memsight_analysis::profile::{AtWord, Figures, StackSums, Stacks};
use serde::Serialize;

use crate::json_line;
use crate::text::clean;

/// A file of speedscope: the stacks in the state that was asked for, and what was allocated over the whole run. Cost: linear in
/// frames.
pub fn speedscope(stacks: &Stacks) -> String {
    let frame = |(function, line): &(u32, u32)| {
        let function = stacks.functions.get(*function as usize).cloned().unwrap_or_default();
        Frame {
            name: clean(&function.name),
            file: Some(clean(&function.file)).filter(|file| !file.is_empty()),
            line: Some(*line).filter(|line| *line > 0),
        }
    };
    let mut profiles = vec![profile(stacks, "allocated over the whole run", |row| row.allocated)];
    let state = match stacks.header.at {
        AtWord::All => None,
        AtWord::Peak => Some("live at the peak"),
        AtWord::End => Some("live at the end"),
        AtWord::Time => Some("live at the moment that was asked for"),
    };
    if let Some(state) = state {
        profiles.insert(0, profile(stacks, state, |row| row.shown));
    }
    json_line(&File {
        schema: "https://www.speedscope.app/file-format-schema.json",
        shared: Shared { frames: stacks.lines.iter().map(frame).collect() },
        profiles,
        name: format!("{}, pid {}", clean(&stacks.header.program), stacks.header.pid),
        exporter: concat!("memsight ", env!("CARGO_PKG_VERSION")),
        active: 0,
    })
}

fn profile(stacks: &Stacks, name: &'static str, of: impl Fn(&StackSums) -> Figures) -> Sampled {
    let rows = || stacks.rows.iter().filter(|row| of(row).bytes > 0);
    let weights: Vec<u64> = rows().map(|row| of(row).bytes).collect();
    Sampled {
        kind: "sampled",
        name,
        unit: "bytes",
        start: 0,
        end: weights.iter().fold(0, |sum, bytes| sum.saturating_add(*bytes)),
        samples: rows().map(|row| stacks.stack(row).iter().rev().copied().collect()).collect(),
        weights,
    }
}

#[derive(Serialize)]
struct File {
    #[serde(rename = "$schema")]
    schema: &'static str,
    shared: Shared,
    profiles: Vec<Sampled>,
    name: String,
    exporter: &'static str,
    #[serde(rename = "activeProfileIndex")]
    active: u32,
}

#[derive(Serialize)]
struct Shared {
    frames: Vec<Frame>,
}

#[derive(Serialize)]
struct Frame {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

#[derive(Serialize)]
struct Sampled {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'static str,
    unit: &'static str,
    #[serde(rename = "startValue")]
    start: u64,
    #[serde(rename = "endValue")]
    end: u64,
    /// Numbers of frames, the oldest first.
    samples: Vec<Vec<u32>>,
    weights: Vec<u64>,
}

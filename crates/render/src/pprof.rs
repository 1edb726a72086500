//! Traces for pprof, and whatever reads its files: `go tool pprof`, Pyroscope, Parca, speedscope.
//!
//! The format: <https://github.com/google/pprof/blob/main/proto/profile.proto>. Field numbers are theirs; fields that are not
//! used are left out, which protobuf allows.

use std::collections::HashMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use memsight_analysis::profile::{AtWord, StackSums, Stacks};
use prost::Message;

use crate::text::clean;

/// A profile in protobuf, packed with gzip, as pprof writes it: `alloc_objects`, `alloc_space`, and but for sums over the whole
/// run `inuse_objects` and `inuse_space`, what was live in the state of `stacks`. Cost: linear in frames.
pub fn pprof(stacks: &Stacks) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    // A vector takes whatever it is given.
    let written = packed.write_all(&profile(stacks).encode_to_vec());
    written.and_then(|()| packed.finish()).unwrap_or_default()
}

fn profile(stacks: &Stacks) -> Profile {
    let mut strings = Strings::default();
    // (the first one is empty by the format)
    strings.number("");
    let is_live = stacks.header.at != AtWord::All;
    let sample_type = SAMPLE_TYPES[..if is_live { 4 } else { 2 }]
        .iter()
        .map(|(name, unit)| ValueType { r#type: strings.number(name), unit: strings.number(unit) })
        .collect();
    let default = if is_live { "inuse_space" } else { "alloc_space" };
    let thread = strings.number("thread");
    let mapping = Mapping {
        id: 1,
        filename: strings.number(&clean(&stacks.header.program)),
        has_functions: true,
        has_filenames: true,
        has_line_numbers: true,
    };
    let function = |(at, function): (usize, &memsight_analysis::profile::StackFunction)| Function {
        id: at as u64 + 1,
        name: strings.number(&clean(&function.name)),
        filename: strings.number(&clean(&function.file)),
        start_line: i64::from(function.first_line),
    };
    let function = stacks.functions.iter().enumerate().map(function).collect();
    let location = |(at, (function, line)): (usize, &(u32, u32))| Location {
        id: at as u64 + 1,
        mapping_id: 1,
        line: vec![Line { function_id: u64::from(*function) + 1, line: i64::from(*line) }],
    };
    let sample = |row: &StackSums| Sample {
        location_id: stacks.stack(row).iter().map(|line| u64::from(*line) + 1).collect(),
        value: values(row, is_live),
        label: vec![Label { key: thread, num: i64::from(row.thread) }],
    };
    Profile {
        sample_type,
        sample: stacks.rows.iter().map(sample).collect(),
        mapping: vec![mapping],
        location: stacks.lines.iter().enumerate().map(location).collect(),
        function,
        time_nanos: number(stacks.header.started_ns),
        duration_nanos: number(stacks.header.duration_ns),
        period_type: Some(ValueType { r#type: strings.number("space"), unit: strings.number("bytes") }),
        period: number(stacks.header.sample_bytes.max(1)),
        default_sample_type: strings.number(default),
        string_table: strings.all,
    }
}

const SAMPLE_TYPES: [(&str, &str); 4] =
    [("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"), ("inuse_space", "bytes")];

fn values(row: &StackSums, is_live: bool) -> Vec<i64> {
    let allocated = [row.allocated.count, row.allocated.bytes].map(number);
    let live = [row.shown.count, row.shown.bytes].map(number);
    if is_live { [allocated, live].concat() } else { allocated.to_vec() }
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Texts, each once.
#[derive(Default)]
struct Strings {
    numbers: HashMap<String, i64>,
    all: Vec<String>,
}

impl Strings {
    fn number(&mut self, text: &str) -> i64 {
        let next = self.all.len() as i64;
        let number = *self.numbers.entry(text.to_owned()).or_insert(next);
        if number == next {
            self.all.push(text.to_owned());
        }
        number
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct Profile {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    sample: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    mapping: Vec<Mapping>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(int64, tag = "9")]
    time_nanos: i64,
    #[prost(int64, tag = "10")]
    duration_nanos: i64,
    #[prost(message, optional, tag = "11")]
    period_type: Option<ValueType>,
    #[prost(int64, tag = "12")]
    period: i64,
    #[prost(int64, tag = "14")]
    default_sample_type: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    r#type: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    label: Vec<Label>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Label {
    #[prost(int64, tag = "1")]
    key: i64,
    #[prost(int64, tag = "3")]
    num: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Mapping {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "5")]
    filename: i64,
    #[prost(bool, tag = "7")]
    has_functions: bool,
    #[prost(bool, tag = "8")]
    has_filenames: bool,
    #[prost(bool, tag = "9")]
    has_line_numbers: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint64, tag = "2")]
    mapping_id: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
    #[prost(int64, tag = "2")]
    line: i64,
}

/// The `system_name` is left out: where it is that of the function, pprof takes `<module>` for a template of C++, of which it shows
/// what is outside of the brackets.
#[derive(Clone, PartialEq, prost::Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "4")]
    filename: i64,
    #[prost(int64, tag = "5")]
    start_line: i64,
}

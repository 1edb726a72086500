//! Traces that are written here.

use std::path::Path;

use memsight_engine::format::trace::Writer;
use memsight_model::Timestamp;
use memsight_model::trace::{Code, Domain, End, Event, Frame, Head};

/// A trace at `path` of a program that allocates twice in `load`, `bytes` the second time, and frees the first block.
pub fn write(path: &Path, bytes: u64, sample_bytes: u64, ends: bool) {
    let started = Timestamp { monotonic_ns: 0, unix_ns: 1_700_000_000_000_000_000 };
    let head = Head { pid: 4242, program: "main.py".into(), python_minor: 10, started, sample_bytes, family: None };
    let mut writer = Writer::create(path, true).expect("a trace");
    writer.begin(&head).expect("a head");
    let file = path.with_file_name("data.py").to_str().expect("UTF-8").to_owned();
    // Two lines of 4 bytes of code each, as 3.10 writes them.
    let code = |number, name: &str, first_line| Code {
        number,
        name: name.into(),
        file: file.clone(),
        first_line,
        lines: vec![4, 0, 4, 1],
    };
    writer.code(&code(1, "main", 1)).expect("code");
    writer.code(&code(2, "load", 3)).expect("code");
    let main = writer.frame(Frame { caller: 0, code: 1, offset: 2 }).expect("a frame");
    let first = writer.frame(Frame { caller: main, code: 2, offset: 0 }).expect("a frame");
    let second = writer.frame(Frame { caller: main, code: 2, offset: 3 }).expect("a frame");
    let allocated = |address, bytes, stack| Event::Allocated { domain: Domain::Memory, address, bytes, stack };
    let events = [
        Event::Thread(4242),
        Event::Time(1_000_000),
        allocated(0x1000, 1 << 20, first),
        Event::Time(2_000_000_000),
        allocated(0x2000, bytes, second),
        Event::Resident(20 << 20),
        Event::Time(3_000_000_000),
        Event::Freed(0x1000),
        allocated(0x3000, 100, 0),
    ];
    events.into_iter().for_each(|event| writer.event(event).expect("an event"));
    if ends {
        let end = End { duration_ns: 4_000_000_000, exit_code: Some(3), ..End::default() };
        writer.end(&end).expect("an end");
    } else {
        writer.flush().expect("a block");
    }
}

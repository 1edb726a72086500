//! A machine for the tests: made by hand, the same at every run.

use std::sync::Arc;
use std::time::Duration;

use memsight_model::{
    ContainerSample, GcGeneration, GcInterpreter, GcReading, MachineSample, MemoryInfo, Pressure, ProcessSample,
    Rollup, Sample, StatusFigures, SwapMemory, Timestamp, Unavailable, VirtualMemory,
};

use super::state::columns::{Column, Sort};
use super::state::reading::{Facts, Reading};
use super::state::{Event, State, Watched};

pub const MIB: u64 = 1 << 20;
/// When the machine was started, in nanoseconds since 1970.
const EPOCH_NS: u64 = 1_700_000_000_000_000_000;

/// A process with these figures.
pub fn process(pid: u32, rss: u64, second: u64) -> ProcessSample {
    let rollup = Rollup {
        rss_bytes: rss,
        pss_bytes: rss - rss / 10,
        private_dirty_bytes: rss - rss / 5,
        anonymous_bytes: rss - rss / 4,
        ..Rollup::default()
    };
    let status = StatusFigures {
        peak_rss_bytes: rss + MIB,
        rss_anon_bytes: rss - rss / 4,
        rss_file_bytes: rss / 4,
        page_tables_bytes: 400 << 10,
        threads: 3,
        ..StatusFigures::default()
    };
    ProcessSample {
        pid,
        parent: 1,
        created: EPOCH_NS as f64 / 1e9 - f64::from(pid),
        name: "python3".into(),
        python: Some("3.12.1".into()),
        state: 'S',
        memory: MemoryInfo { rss_bytes: rss, vms_bytes: 4 * rss, ..MemoryInfo::default() },
        status: Some(status),
        rollup: Some(rollup),
        minor_faults: 100 * second,
        major_faults: second / 2,
        threads: 3,
        oom_score: Some(667),
        gc: Some(collector(second, u64::from(pid % 10))),
        ..ProcessSample::default()
    }
}

fn collector(second: u64, per_second: u64) -> GcReading {
    let generation = |at: u32| GcGeneration {
        collections: second * per_second / 10u64.pow(at),
        collected: second * 40 / 10u64.pow(at),
        uncollectable: 0,
        count: 7 - i64::from(at),
        threshold: if at == 0 { 700 } else { 10 },
        ..GcGeneration::default()
    };
    let main = GcInterpreter {
        enabled: true,
        generations: (0..3).map(generation).collect(),
        permanent: Some(0),
        garbage: Some(0),
        ..GcInterpreter::default()
    };
    GcReading { at_ns: second * 1_000_000_000, interpreters: vec![main] }
}

/// A reading of these processes at that second.
pub fn reading(second: u64, processes: Vec<(ProcessSample, &str)>) -> Reading {
    let mut out = Reading { took_ns: 1_234_000, ..Reading::default() };
    out.sample.at = Timestamp { monotonic_ns: second * 1_000_000_000, unix_ns: EPOCH_NS + second * 1_000_000_000 };
    for (process, command) in processes {
        let facts = Facts { command: command.to_owned(), container: Some("/app".to_owned()) };
        out.facts.insert(process.pid, Arc::new(facts));
        out.sample.processes.push(process);
    }
    totals(&mut out.sample);
    out.sample.machine = Some(machine());
    let container = ContainerSample {
        version: 2,
        path: "/app".into(),
        usage_bytes: (400 + second) * MIB,
        working_set_bytes: (380 + second) * MIB,
        limit_bytes: Some(1024 * MIB),
        ..ContainerSample::default()
    };
    out.containers.insert("/app".into(), container);
    out
}

fn totals(sample: &mut Sample) {
    let processes = &sample.processes;
    sample.total.processes = processes.len() as u32;
    sample.total.rss_bytes = processes.iter().map(|process| process.memory.rss_bytes).sum();
    sample.total.pss_bytes = processes.iter().map(|process| Some(process.rollup?.pss_bytes)).sum();
    sample.total.uss_bytes = processes.iter().map(|process| Some(process.rollup?.uss_bytes())).sum();
}

fn machine() -> MachineSample {
    MachineSample {
        memory: VirtualMemory {
            total_bytes: 16_384 * MIB,
            available_bytes: 12_000 * MIB,
            percent: 26.8,
            ..VirtualMemory::default()
        },
        swap: SwapMemory { total_bytes: 2_048 * MIB, used_bytes: 128 * MIB, ..SwapMemory::default() },
        pressure: Some(Pressure { some_avg10: 0.4, full_avg10: 0.1, ..Pressure::default() }),
    }
}

/// The usual processes at that second: one leaks, one shrinks, one is denied, one a zombie, two have hostile names.
pub fn usual(second: u64) -> Reading {
    let mut denied = process(311, 90 * MIB, second);
    denied.rollup = None;
    denied.gc = None;
    denied.python = None;
    denied.rollup_missing = Some(Unavailable { code: "MS-E012".into(), reason: "not permitted".into() });
    let mut zombie =
        ProcessSample { state: 'Z', name: "python3".into(), parent: 1, pid: 402, ..ProcessSample::default() };
    zombie.created = 5.0;
    let mut fresh = process(977, 12 * MIB, second);
    fresh.rollup = None;
    let processes = vec![
        (process(104, (200 + 3 * second) * MIB, second), "python3 -m service --port 8080 --workers 4"),
        (process(208, (190 - second) * MIB, second), "/usr/bin/python3 /srv/批处理/作业.py --输入 数据"),
        (process(209, 55 * MIB + second % 3 * 4096, second), "python3 \u{1b}[31mred\u{7}\n\u{202e}evil"),
        (denied, "/opt/other/bin/python manage.py runserver"),
        (zombie, ""),
        (fresh, "python3 -c pass"),
    ];
    reading(second, processes)
}

/// A screen of this size that watches every process.
pub fn screen(columns: u16, lines: u16) -> State {
    let mut state = State::new(Watched::Pythons, Duration::from_secs(1), Sort::by(Column::Rss), String::new(), None);
    state.update(Event::Resize(columns, lines));
    state
}

/// The same after half a minute.
pub fn busy_screen(columns: u16, lines: u16) -> State {
    let mut state = screen(columns, lines);
    for second in 1..=30 {
        state.update(Event::Reading(Box::new(usual(second))));
    }
    state
}

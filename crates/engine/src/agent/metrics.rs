//! What is exported, and where each figure is found in a sample. `docs/reference/metrics.md` explains each one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memsight_model::metrics::{Behaviour, Key, Metric, Unit, Value};
use memsight_model::{ContainerSample, GcGeneration, GcReading, MachineSample, Pressure, ProcessSample};

use super::OwnFigures;
use Behaviour::{Counter, Gauge, Info, UpDown};
use Unit::{Bytes, Count, Seconds};

/// Takes a point: the value of the metric's own dimension, and the number.
pub(super) type Emit<'a> = &'a mut dyn FnMut(&'static str, Value);

/// A metric and where its points are found.
pub(super) struct Source<T: ?Sized> {
    pub metric: Metric,
    pub read: fn(&T, Emit),
}

const fn key(attribute: &'static str, label: &'static str) -> Option<Key> {
    Some(Key { attribute, label, integer: false })
}

const GENERATION: Option<Key> = Some(Key { attribute: "cpython.gc.generation", label: "generation", integer: true });
const FAULT: Option<Key> = key("system.paging.fault.type", "type");
const EVENT: Option<Key> = key("memsight.container.event", "event");
const STALL: Option<Key> = key("memsight.pressure.kind", "kind");

const fn metric(name: &'static str, unit: Unit, behaviour: Behaviour, key: Option<Key>, help: &'static str) -> Metric {
    Metric { name, unit, behaviour, key, help }
}

macro_rules! source {
    ($name:literal, $unit:expr, $behaviour:expr, $key:expr, $help:literal, $read:expr) => {
        Source { metric: metric($name, $unit, $behaviour, $key, $help), read: $read }
    };
}

/// Of each process.
pub(super) static PROCESS: &[Source<ProcessSample>] = &[
    source!("process.memory.usage", Bytes, UpDown, None, "Resident set size", |p, emit| {
        emit("", Value::Int(p.memory.rss_bytes));
    }),
    source!("process.memory.virtual", Bytes, UpDown, None, "Virtual size", |p, emit| {
        emit("", Value::Int(p.memory.vms_bytes));
    }),
    source!("process.paging.faults", Count("{fault}"), Counter, FAULT, "Page faults", |p, emit| {
        emit("major", Value::Int(p.major_faults));
        emit("minor", Value::Int(p.minor_faults));
    }),
    source!("process.thread.count", Count("{thread}"), UpDown, None, "Threads", |p, emit| {
        emit("", Value::Int(p.threads.into()));
    }),
    source!("process.cpu.time", Seconds, Counter, None, "CPU time, user and system", |p, emit| {
        emit("", seconds(p.cpu_ns));
    }),
    source!("cpython.gc.collections", Count("{collection}"), Counter, GENERATION, "Garbage collections", |p, emit| {
        generations(p, |generation| generation.collections, emit);
    }),
    source!(
        "cpython.gc.collected_objects",
        Count("{object}"),
        Counter,
        GENERATION,
        "Objects that garbage collections freed",
        |p, emit| generations(p, |generation| generation.collected, emit)
    ),
    source!(
        "cpython.gc.uncollectable_objects",
        Count("{object}"),
        Counter,
        GENERATION,
        "Garbage that could not be freed",
        |p, emit| generations(p, |generation| generation.uncollectable, emit)
    ),
    source!(
        "memsight.process.memory.pss",
        Bytes,
        UpDown,
        None,
        "Proportional set size: shared pages divided",
        |p, emit| {
            some(p.rollup.map(|rollup| rollup.pss_bytes), emit);
        }
    ),
    source!(
        "memsight.process.memory.uss",
        Bytes,
        UpDown,
        None,
        "Unique set size: what its end would free",
        |p, emit| {
            some(p.rollup.map(|rollup| rollup.uss_bytes()), emit);
        }
    ),
    source!("memsight.process.memory.swap", Bytes, UpDown, None, "Memory in swap", |p, emit| {
        some(swap(p), emit);
    }),
    source!("memsight.process.memory.anonymous", Bytes, UpDown, None, "Resident memory of no file", |p, emit| {
        some(p.status.map(|status| status.rss_anon_bytes), emit);
    }),
    source!("memsight.process.memory.peak", Bytes, Gauge, None, "Largest resident set size so far", |p, emit| {
        some(p.status.map(|status| status.peak_rss_bytes), emit);
    }),
    source!("memsight.process.oom_score", Count("1"), Gauge, None, "The kernel's inclination to kill it", |p, emit| {
        some(p.oom_score.and_then(|score| u64::try_from(score).ok()), emit);
    }),
    source!(
        "memsight.process.info",
        Count("1"),
        Info,
        None,
        "Always 1; its labels tell the version of Python",
        |p, emit| {
            // not before there is something to tell
            p.python.iter().for_each(|_| emit("", Value::Int(1)));
        }
    ),
    source!("memsight.process.start_time", Seconds, Gauge, None, "When it started, seconds since 1970", |p, emit| {
        emit("", Value::Float(p.created));
    }),
];

/// Of each container.
pub(super) static CONTAINER: &[Source<ContainerSample>] = &[
    source!("memsight.container.memory.usage", Bytes, UpDown, None, "Memory charged to the container", |c, emit| {
        emit("", Value::Int(c.usage_bytes));
    }),
    source!(
        "memsight.container.memory.working_set",
        Bytes,
        UpDown,
        None,
        "Usage without inactive page cache",
        |c, emit| emit("", Value::Int(c.working_set_bytes))
    ),
    source!(
        "memsight.container.memory.limit",
        Bytes,
        Gauge,
        None,
        "The tightest limit upon the container",
        |c, emit| {
            some(c.limit_bytes, emit);
        }
    ),
    source!("memsight.container.memory.high", Bytes, Gauge, None, "Usage at which it is throttled", |c, emit| {
        some(c.high_bytes, emit);
    }),
    source!("memsight.container.memory.peak", Bytes, Gauge, None, "Largest usage so far", |c, emit| {
        some(c.peak_bytes, emit);
    }),
    source!("memsight.container.memory.swap", Bytes, UpDown, None, "Swap charged to the container", |c, emit| {
        some(c.swap_bytes, emit);
    }),
    source!(
        "memsight.container.memory.events",
        Count("{event}"),
        Counter,
        EVENT,
        "Limit met, out of memory, killed",
        |c, emit| {
            for (event, count) in [("max", c.max_events), ("oom", c.oom), ("oom_kill", c.oom_kill)] {
                count.into_iter().for_each(|count| emit(event, Value::Int(count)));
            }
        }
    ),
    source!(
        "memsight.container.memory.pressure",
        Seconds,
        Counter,
        STALL,
        "Time that tasks waited for memory",
        |c, emit| {
            stalls(c.pressure.as_ref(), emit);
        }
    ),
];

/// Of the machine.
pub(super) static MACHINE: &[Source<MachineSample>] = &[
    source!("memsight.machine.memory.total", Bytes, Gauge, None, "Memory of the machine", |m, emit| {
        emit("", Value::Int(m.memory.total_bytes));
    }),
    source!(
        "memsight.machine.memory.available",
        Bytes,
        UpDown,
        None,
        "Memory that can be had without swapping",
        |m, emit| {
            emit("", Value::Int(m.memory.available_bytes));
        }
    ),
    source!("memsight.machine.memory.used", Bytes, UpDown, None, "Memory in use, as psutil counts it", |m, emit| {
        emit("", Value::Int(m.memory.used_bytes));
    }),
    source!("memsight.machine.swap.total", Bytes, Gauge, None, "Swap of the machine", |m, emit| {
        emit("", Value::Int(m.swap.total_bytes));
    }),
    source!("memsight.machine.swap.used", Bytes, UpDown, None, "Swap in use", |m, emit| {
        emit("", Value::Int(m.swap.used_bytes));
    }),
    source!(
        "memsight.machine.memory.pressure",
        Seconds,
        Counter,
        STALL,
        "Time that tasks waited for memory",
        |m, emit| {
            stalls(m.pressure.as_ref(), emit);
        }
    ),
];

/// Of the agent itself; the two counts stand beside what it counts while it runs.
pub(super) struct Agent {
    pub own: Arc<OwnFigures>,
    pub exported: u64,
    pub dropped: u64,
    pub rss_bytes: Option<u64>,
    pub cpu_ns: Option<u64>,
}

pub(super) static AGENT: &[Source<Agent>] = &[
    source!(
        "memsight.build.info",
        Count("1"),
        Gauge,
        key("service.version", "version"),
        "Version of memsight",
        |_, emit| {
            emit(env!("CARGO_PKG_VERSION"), Value::Int(1));
        }
    ),
    source!("memsight.agent.scrapes", Count("{scrape}"), Counter, None, "Answers with figures", |a, emit| {
        count(&a.own.scrapes, emit);
    }),
    source!("memsight.agent.refused_requests", Count("{request}"), Counter, None, "Requests refused", |a, emit| {
        count(&a.own.refused, emit);
    }),
    source!("memsight.agent.samples", Count("{sample}"), Counter, None, "Samples taken", |a, emit| {
        count(&a.own.samples, emit);
    }),
    source!(
        "memsight.agent.missed_ticks",
        Count("{tick}"),
        Counter,
        None,
        "Samples not taken for want of time",
        |a, emit| {
            count(&a.own.missed_ticks, emit);
        }
    ),
    source!("memsight.agent.collection", Seconds, Counter, None, "Time spent on samples", |a, emit| {
        emit("", seconds(a.own.collection_ns.load(Ordering::Relaxed)));
    }),
    source!("memsight.agent.last_collection", Seconds, Gauge, None, "Time spent on the last sample", |a, emit| {
        emit("", seconds(a.own.last_collection_ns.load(Ordering::Relaxed)));
    }),
    source!(
        "memsight.agent.processes",
        Count("{process}"),
        UpDown,
        None,
        "Python processes with series of their own",
        |a, emit| {
            emit("", Value::Int(a.exported));
        }
    ),
    source!(
        "memsight.agent.dropped_processes",
        Count("{process}"),
        UpDown,
        None,
        "Python processes summed as pid=other",
        |a, emit| {
            emit("", Value::Int(a.dropped));
        }
    ),
    source!("memsight.agent.memory", Bytes, UpDown, None, "Resident set size of the agent", |a, emit| {
        some(a.rss_bytes, emit);
    }),
    source!("memsight.agent.cpu", Seconds, Counter, None, "CPU time of the agent", |a, emit| {
        a.cpu_ns.into_iter().for_each(|cpu_ns| emit("", seconds(cpu_ns)));
    }),
    source!("memsight.agent.history.size", Bytes, UpDown, None, "Size of the history", |a, emit| {
        count(&a.own.history_bytes, emit);
    }),
    source!(
        "memsight.agent.history.paused",
        Count("1"),
        Gauge,
        None,
        "1 while the history cannot be written",
        |a, emit| {
            count(&a.own.history_paused, emit);
        }
    ),
    source!(
        "memsight.agent.history.lost",
        Count("{interval}"),
        Counter,
        None,
        "Intervals that the history lacks",
        |a, emit| {
            count(&a.own.history_lost, emit);
        }
    ),
    source!("memsight.agent.otlp.pushes", Count("{push}"), Counter, None, "Pushes that a receiver took", |a, emit| {
        count(&a.own.pushes, emit);
    }),
    source!("memsight.agent.otlp.failures", Count("{push}"), Counter, None, "Pushes that were given up", |a, emit| {
        count(&a.own.failed_pushes, emit);
    }),
];

/// Every metric that there is, for the documentation and its test.
pub fn all() -> Vec<&'static Metric> {
    let process = PROCESS.iter().map(|source| &source.metric);
    let container = CONTAINER.iter().map(|source| &source.metric);
    let machine = MACHINE.iter().map(|source| &source.metric);
    let agent = AGENT.iter().map(|source| &source.metric);
    process.chain(container).chain(machine).chain(agent).collect()
}

/// Swap of a process, from the cheaper source if it was read.
pub(super) fn swap(process: &ProcessSample) -> Option<u64> {
    let rollup = || process.rollup.map(|rollup| rollup.swap_bytes);
    process.status.map(|status| status.swap_bytes).or_else(rollup)
}

fn some(value: Option<u64>, emit: Emit) {
    value.into_iter().for_each(|value| emit("", Value::Int(value)));
}

fn count(counter: &AtomicU64, emit: Emit) {
    emit("", Value::Int(counter.load(Ordering::Relaxed)));
}

fn seconds(ns: u64) -> Value {
    Value::Float(ns as f64 / 1e9)
}

fn stalls(pressure: Option<&Pressure>, emit: Emit) {
    if let Some(pressure) = pressure {
        emit("full", seconds(pressure.full_total_ns));
        emit("some", seconds(pressure.some_total_ns));
    }
}

/// Sums over the interpreters of a process.
fn generations(process: &ProcessSample, figure: fn(&GcGeneration) -> u64, emit: Emit) {
    let Some(GcReading { interpreters, .. }) = process.gc.as_ref().filter(|gc| !gc.interpreters.is_empty()) else {
        return;
    };
    for (index, name) in ["0", "1", "2"].into_iter().enumerate() {
        let of_index = interpreters.iter().filter_map(|interpreter| interpreter.generations.get(index));
        emit(name, Value::Int(of_index.map(figure).fold(0, u64::saturating_add)));
    }
}

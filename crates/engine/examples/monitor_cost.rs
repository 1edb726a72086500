//! What a monitor costs without anything around it: `monitor_cost PID|pythons INTERVAL_MS SECONDS`.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a program of its own")]

use std::time::Duration;

use memsight_engine::figures::Handle;
use memsight_engine::monitor::{Cadence, Monitor, Options, Pacer, Subject, Tick};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [who, interval, seconds] = arguments.as_slice() else { return Err("PID|pythons INTERVAL_MS SECONDS".into()) };
    let subject = who.parse().map_or(Subject::Pythons, Subject::Tree);
    let options =
        Options { gc: Cadence::Every(Duration::from_secs(1)), container: true, machine: true, ..Options::default() };
    let mut monitor = Monitor::new(subject, options)?;
    let mut pacer = Pacer::new(Duration::from_millis(interval.parse()?))?;
    let own = Handle::open(std::process::id())?;
    let samples = seconds.parse::<u64>()? * 1000 / interval.parse::<u64>()?;
    monitor.sample()?;
    let (cpu, mut work_ns) = (own.stat()?.cpu_ns(), 0);
    let begin = memsight_engine::figures::now().monotonic_ns;
    for _ in 0..samples {
        if pacer.wait() == Tick::Stopped {
            break;
        }
        let start = memsight_engine::figures::now().monotonic_ns;
        monitor.sample()?;
        work_ns += memsight_engine::figures::now().monotonic_ns - start;
    }
    let last = monitor.sample()?;
    let wall = memsight_engine::figures::now().monotonic_ns - begin;
    println!(
        "{} processes, {} with Python known, {samples} samples, {} missed",
        last.processes.len(),
        last.processes.iter().filter(|process| process.python.is_some()).count(),
        pacer.missed()
    );
    println!(
        "{} us a sample; {:.2} % of a core by the kernel's count; rss {} KiB",
        work_ns / samples.max(1) / 1000,
        (own.stat()?.cpu_ns() - cpu) as f64 / wall as f64 * 100.0,
        own.memory()?.rss_bytes / 1024
    );
    Ok(())
}

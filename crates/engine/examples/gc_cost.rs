//! What looking at a collector costs: `gc_cost PID [SECONDS]`. Readings first, then a watch of so many seconds.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a program of its own")]

use std::time::{Duration, Instant};

use memsight_engine::Error;
use memsight_engine::figures::Handle;
use memsight_engine::gc::{GcProbe, GcWatch, Missed, Pauses, Tick};

/// The median of 5,000 calls, in microseconds.
fn median(mut call: impl FnMut() -> Result<(), Error>) -> Result<f64, Error> {
    let mut times = Vec::with_capacity(5_000);
    for _ in 0..5_000 {
        let started = Instant::now();
        call()?;
        times.push(started.elapsed().as_nanos());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2] as f64 / 1e3)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let pid = arguments.next().ok_or("PID [SECONDS]")?.parse()?;
    let seconds: u64 = arguments.next().map_or(Ok(0), |text| text.parse())?;
    let started = Instant::now();
    let probe = GcProbe::open(pid)?;
    println!("Python {}: found in {:.1} ms", probe.version(), started.elapsed().as_secs_f64() * 1e3);
    let mut watch = GcWatch::open(pid, Pauses::Auto)?;
    println!(
        "a reading {:.1} us, with what is frozen {:.1} us, a poll {:.1} us",
        median(|| probe.read().map(drop))?,
        median(|| probe.read_whole().map(drop))?,
        median(|| watch.poll().map(drop))?
    );
    if seconds == 0 {
        return Ok(());
    }
    watch.restart()?;
    let own = Handle::open(std::process::id())?;
    let (cpu, started) = (own.stat()?.cpu_ns(), Instant::now());
    let (mut seen, mut missed) = (0, Missed::default());
    watch.follow(Duration::from_secs(1), Some(Duration::from_secs(seconds)), &|| false, &mut |tick: Tick| {
        seen += tick.events.len();
        missed.add(tick.missed);
        Ok::<(), Error>(())
    })?;
    let wall = started.elapsed();
    println!(
        "{:.0} collections a second: {seen} seen, {} missed ({} for the allowance); {:.2} % of a core",
        (seen as u64 + missed.count) as f64 / wall.as_secs_f64(),
        missed.count,
        missed.by_allowance,
        (own.stat()?.cpu_ns() - cpu) as f64 / wall.as_nanos() as f64 * 100.0
    );
    Ok(())
}

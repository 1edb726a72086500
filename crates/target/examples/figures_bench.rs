//! What the figures of a process cost, beside the least that the kernel's files cost: reading a file that is open
//! already, and opening, reading and closing it.
//!
//! `cargo run --release -p memsight-target --example figures_bench [PID]`
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::time::Instant;

use memsight_target::figures::{self, Handle};

/// Each figure is the least mean of this many rounds, so that other work of the machine does not count.
const ROUNDS: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let pid = std::env::args().nth(1).map_or(Ok(std::process::id()), |text| text.parse())?;
    let handle = Handle::open(pid)?;
    let bare = |file: &str, calls: usize| -> Result<(f64, f64), Box<dyn Error>> {
        let path = format!("/proc/{pid}/{file}");
        let kept = File::open(&path)?;
        let mut buffer = [0; 4096];
        let read = nanoseconds(calls, || drop(black_box(kept.read_at(&mut buffer, 0))));
        let opened = nanoseconds(calls, || {
            drop(black_box(File::open(&path).and_then(|mut file| file.read(&mut buffer))));
        });
        Ok((read, opened))
    };
    println!("pid {pid}, rss {} bytes; nanoseconds a call", handle.memory()?.rss_bytes);
    println!("{:<16}{:>10}{:>12}{:>24}", "", "memsight", "bare pread", "bare open+read+close");
    let line = |name: &str, own: f64, (read, opened): (f64, f64)| {
        println!("{name:<16}{own:>10.0}{read:>12.0}{opened:>24.0}");
    };
    line("memory()", nanoseconds(2000, || drop(black_box(handle.memory()))), bare("statm", 2000)?);
    line("stat()", nanoseconds(2000, || drop(black_box(handle.stat()))), bare("stat", 2000)?);
    line("rollup()", nanoseconds(100, || drop(black_box(handle.rollup()))), bare("smaps_rollup", 100)?);
    line("status()", nanoseconds(500, || drop(black_box(handle.status()))), bare("status", 500)?);
    let alone = |name: &str, own: f64| println!("{name:<16}{own:>10.0}");
    alone("maps()", nanoseconds(20, || drop(black_box(handle.maps()))));
    alone("Handle::open()", nanoseconds(500, || drop(black_box(Handle::open(pid)))));
    alone("created()", nanoseconds(2000, || assert!(black_box(handle.created()) > 0.0)));
    alone("last_pid()", nanoseconds(2000, || drop(black_box(figures::last_pid()))));
    alone("machine()", nanoseconds(100, || drop(black_box(figures::machine()))));
    let processes = figures::pids()?.len();
    alone(&format!("parents() {processes}"), nanoseconds(20, || drop(black_box(figures::parents()))));
    if let Some(container) = figures::Container::of(pid)? {
        alone("Container::of", nanoseconds(100, || drop(black_box(figures::Container::of(pid)))));
        alone("sample()", nanoseconds(100, || drop(black_box(container.sample()))));
    }
    Ok(())
}

fn nanoseconds(calls: usize, mut call: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        (0..calls).for_each(|_| call());
        best = best.min(start.elapsed().as_nanos() as f64 / calls as f64);
    }
    best
}

//! Copies the memory of a process in a short pause and says what that cost: `capture PID [TIMES]`.
#![allow(clippy::disallowed_macros, clippy::disallowed_methods)]

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use memsight_model::{Address, Bytes, Quiet, ReadMemory, count, duration};
use memsight_target::{Image, Process};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let pid = arguments.next().ok_or("usage: capture PID [TIMES]")?.parse()?;
    let times = arguments.next().map_or(Ok(1), |times| times.parse())?;
    let process = Process::open(pid)?;
    for _ in 0..times {
        let began = Instant::now();
        let frozen = process.freeze()?;
        let ready = began.elapsed();
        let image = frozen.capture(&Quiet)?;
        let pause = frozen.resume();
        let rate = image.copied_bytes() as f64 / pause as f64;
        println!(
            "before {} us, pause {}: {} of {} resident copied ({rate:.2} GB/s), kept in {} ({:.1}%)",
            ready.as_micros(),
            duration(pause),
            Bytes(image.copied_bytes()),
            Bytes(process.usage()?.rss_bytes),
            Bytes(image.stored_bytes()),
            100.0 * image.stored_bytes() as f64 / image.copied_bytes() as f64,
        );
        time_reads(&image);
    }
    println!(
        "{}",
        std::fs::read_to_string("/proc/self/status")?.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("")
    );
    Ok(())
}

/// Times single words in a random order, and whole pages.
fn time_reads(image: &Image) {
    let region =
        image.regions().iter().filter(|region| region.write && !region.shared).max_by_key(|region| region.len());
    let Some(region) = region else { return };
    let (start, words) = (region.start.0, region.len() / 8);
    for places in [1 << 10, 1 << 15, 1 << 20] {
        const READS: u64 = 1 << 22;
        let places = some_places(image, start, words, places);
        let began = Instant::now();
        let mut sum = 0_u64;
        for _ in 0..READS / places.len() as u64 {
            for &at in &places {
                sum = sum.wrapping_add(image.word(at).unwrap_or(0));
            }
        }
        black_box(sum);
        let ns = began.elapsed().as_nanos() as f64 / READS as f64;
        println!("  a word of {} places: {ns:.1} ns", count(places.len() as u64));
    }
    let began = Instant::now();
    let mut page = vec![0; 4096];
    for at in (start..region.end.0).step_by(4096) {
        let _ = image.read(Address(at), &mut page);
    }
    println!("  whole pages: {:.2} GB/s", region.len() as f64 / began.elapsed().as_nanos() as f64);
    let mut out = Vec::new();
    let began = Instant::now();
    for at in (start..region.end.0).step_by(4096) {
        out.clear();
        let _ = image.words(Address(at), 512, &mut out);
    }
    println!("  as words: {:.2} GB/s", region.len() as f64 / began.elapsed().as_nanos() as f64);
}

/// Random places that are not zero, a power of two of them.
fn some_places(image: &Image, start: u64, words: u64, count: usize) -> Vec<Address> {
    let mut state = 1_u64;
    let random = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Address(start + 8 * ((state >> 33) % words))
    });
    random.filter(|&at| image.word(at).is_ok_and(|word| word != 0)).take(count).collect()
}

//! The machine's memory: `/proc/meminfo`, `/proc/vmstat`, with psutil's definitions.

use std::io;
use std::sync::Mutex;
use std::sync::PoisonError;

use memsight_model::{MachineSample, SwapMemory, VirtualMemory};

use super::field::{kilobytes, number, pairs, words};
use super::pressure;
use crate::error::TargetError;
use crate::sys;

const MEMINFO: &str = "/proc/meminfo";

/// Memory, swap and pressure. Cost: four small files, 60 µs.
pub fn machine() -> Result<MachineSample, TargetError> {
    let memory = Meminfo::read()?;
    Ok(MachineSample {
        memory: memory.virtual_memory(),
        swap: memory.swap_memory(&std::fs::read("/proc/vmstat").unwrap_or_default()),
        // a machine whose pressure is refused to us has figures all the same
        pressure: pressure::pressure().unwrap_or_default(),
    })
}

/// psutil's `virtual_memory`.
pub fn virtual_memory() -> Result<VirtualMemory, TargetError> {
    Ok(Meminfo::read()?.virtual_memory())
}

/// psutil's `swap_memory`.
pub fn swap_memory() -> Result<SwapMemory, TargetError> {
    Ok(Meminfo::read()?.swap_memory(&std::fs::read("/proc/vmstat").unwrap_or_default()))
}

/// When the machine started, in seconds since 1970, by the wall's clock as it is set now: psutil's `boot_time`. 0 where
/// `/proc/stat` does not say. Cost: 0.1 µs; one read of `/proc/stat` at first and after the clock was set.
pub fn boot_time() -> f64 {
    // (what the clocks said then, what the kernel said): the file is long, and its line changes only with the clocks
    static KNOWN: Mutex<Option<(u64, f64)>> = Mutex::new(None);
    let second = |clock| sys::clock(clock) / 1_000_000_000;
    let now = second(libc::CLOCK_REALTIME).saturating_sub(second(libc::CLOCK_BOOTTIME));
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    match *known {
        Some((then, boot)) if then.abs_diff(now) <= 1 => boot,
        _ => {
            let boot = std::fs::read("/proc/stat").ok().and_then(|text| btime(&text)).unwrap_or(0) as f64;
            *known = Some((now, boot));
            boot
        }
    }
}

fn btime(text: &[u8]) -> Option<u64> {
    let line = text.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"btime "))?;
    words(line).next().and_then(number)
}

/// The lines of `/proc/meminfo` that are asked for.
struct Meminfo(Vec<u8>);

impl Meminfo {
    fn read() -> Result<Meminfo, TargetError> {
        let failure = |source| TargetError::Machine { what: MEMINFO, source };
        let text = Meminfo(std::fs::read(MEMINFO).map_err(failure)?);
        match text.get("MemTotal") {
            Some(_) => Ok(text),
            None => Err(failure(io::Error::from(io::ErrorKind::InvalidData))),
        }
    }

    /// A line in bytes; `None`: this kernel has no such line.
    fn get(&self, name: &str) -> Option<u64> {
        pairs(&self.0).find(|(key, _)| *key == name.as_bytes()).and_then(|(_, value)| kilobytes(value))
    }

    fn virtual_memory(&self) -> VirtualMemory {
        let of = |name| self.get(name).unwrap_or(0);
        let (total, free) = (of("MemTotal"), of("MemFree"));
        // the kernel gives 0 when it cannot tell; more than there is comes from a container that sees the host's
        let available = match of("MemAvailable") {
            0 => self.estimate_available(&std::fs::read("/proc/zoneinfo").unwrap_or_default()),
            given => given,
        };
        let available_bytes = if available > total { free } else { available };
        let used = total.saturating_sub(available_bytes);
        let inactive = || of("Inact_dirty").saturating_add(of("Inact_clean")).saturating_add(of("Inact_laundry"));
        VirtualMemory {
            total_bytes: total,
            available_bytes,
            percent: percent(used, total),
            used_bytes: used,
            free_bytes: free,
            active_bytes: of("Active"),
            inactive_bytes: self.get("Inactive").unwrap_or_else(inactive),
            buffers_bytes: of("Buffers"),
            // as `free` does: the part of the slabs that can be given back is a cache
            cached_bytes: self.get("Cached").map_or(0, |cached| cached.saturating_add(of("SReclaimable"))),
            shared_bytes: self.get("Shmem").unwrap_or_else(|| of("MemShared")),
            slab_bytes: of("Slab"),
        }
    }

    /// What could be had without swapping, estimated as the kernel does since 3.14 (`si_mem_available`), from the low
    /// watermarks of the zones.
    fn estimate_available(&self, zones: &[u8]) -> u64 {
        let free = self.get("MemFree").unwrap_or(0);
        let simple = free.saturating_add(self.get("Cached").unwrap_or(0));
        let files = self.get("Active(file)").zip(self.get("Inactive(file)"));
        let (Some((active, inactive)), Some(slabs)) = (files, self.get("SReclaimable")) else { return simple };
        if zones.is_empty() {
            return simple;
        }
        let low = zones.split(|&byte| byte == b'\n').filter_map(|line| line.trim_ascii().strip_prefix(b"low"));
        let pages: u64 = low.filter_map(|rest| words(rest).next().and_then(number)).sum();
        let low = pages.saturating_mul(sys::page_bytes()) as f64;
        let kept = |cache: f64| cache - low.min(cache / 2.0);
        let available = free as f64 - low + kept(active as f64 + inactive as f64) + kept(slabs as f64);
        // a float becomes the nearest integer that there is, a negative one 0
        available as u64
    }

    fn swap_memory(&self, vmstat: &[u8]) -> SwapMemory {
        let (total, free) = (self.get("SwapTotal").unwrap_or(0), self.get("SwapFree").unwrap_or(0));
        let used = total.saturating_sub(free);
        let swapped = |name: &str| {
            let line = vmstat.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(name.as_bytes()));
            // counted in pages; psutil takes 4 KiB for one everywhere
            line.and_then(|rest| words(rest).next().and_then(number)).unwrap_or(0).saturating_mul(4096)
        };
        SwapMemory {
            total_bytes: total,
            used_bytes: used,
            free_bytes: free,
            percent: percent(used, total),
            sin_bytes: swapped("pswpin "),
            sout_bytes: swapped("pswpout "),
        }
    }
}

/// A share of `total` in percent with one digit, rounded as Python's `round`.
fn percent(used: u64, total: u64) -> f64 {
    if total == 0 {
        return 0.0;
    }
    let percent = used as f64 / total as f64 * 100.0;
    // formatting rounds the exact binary value, and a tie to even, which multiplying by ten would not
    format!("{percent:.1}").parse().unwrap_or(percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meminfo(text: &str) -> Meminfo {
        Meminfo(text.as_bytes().to_vec())
    }

    #[test]
    fn percent_is_rounded_as_python_does() {
        assert_eq!(percent(1, 400), 0.2); // 0.25
        assert_eq!(percent(3, 400), 0.8); // 0.75
        assert_eq!(percent(1, 0), 0.0);
        assert_eq!(percent(2, 3), 66.7);
    }

    #[test]
    fn a_container_that_sees_more_available_than_there_is() {
        let memory = meminfo("MemTotal: 100 kB\nMemFree: 40 kB\nMemAvailable: 1000 kB\n").virtual_memory();
        assert_eq!((memory.available_bytes, memory.used_bytes), (40 * 1024, 60 * 1024));
        assert_eq!((memory.percent, memory.cached_bytes), (60.0, 0));
    }

    #[test]
    fn old_kernels_get_an_estimate() {
        let text = "MemTotal: 10000 kB\nMemFree: 1000 kB\nCached: 500 kB\nActive(file): 300 kB\nInactive(file): 100 kB\n\
            SReclaimable: 80 kB\n";
        let zones = b"Node 0, zone DMA\n        min 1\n        low      10\n";
        let low = 10.0 * sys::page_bytes() as f64 / 1024.0;
        let expected = 1000.0 - low + (400.0 - low.min(200.0)) + (80.0 - low.min(40.0));
        assert_eq!(meminfo(text).estimate_available(zones), (expected * 1024.0) as u64);
        assert_eq!(meminfo(text).estimate_available(b""), 1500 * 1024);
        assert_eq!(meminfo("MemFree: 1000 kB\nCached: 5 kB").estimate_available(zones), 1005 * 1024);
        let drained = "MemFree: 0 kB\nActive(file): 0 kB\nInactive(file): 0 kB\nSReclaimable: 0 kB";
        assert_eq!(meminfo(drained).estimate_available(zones), 0);
    }

    #[test]
    fn swap_is_counted_from_vmstat() {
        let memory = meminfo("SwapTotal: 100 kB\nSwapFree: 75 kB\n");
        let swap = memory.swap_memory(b"pswpin 2\npswpout 3\npswpinx 9\n");
        assert_eq!((swap.used_bytes, swap.percent, swap.sin_bytes, swap.sout_bytes), (25600, 25.0, 8192, 12288));
        assert_eq!(meminfo("SwapTotal: 1 kB\nSwapFree: 9 kB").swap_memory(b"").used_bytes, 0);
    }
}

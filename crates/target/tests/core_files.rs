//! Core files of every kind that is not one, damaged ones, and what a whole one reads like.

use std::path::{Path, PathBuf};

use memsight_model::{Address, Explain, ReadMemory};
use memsight_target::{Core, CoreFiles, TargetError, is_core};
use proptest::prelude::*;

const PAGE: usize = 4096;

/// A core of three mappings: two pages of data, a hole of a page between zeros, and a page that was not dumped.
fn whole() -> Vec<u8> {
    let notes = notes();
    let headers = 64 + 4 * 56;
    let data_at = (headers + notes.len()).next_multiple_of(PAGE);
    let mut file = header(4, 62, 2, 1, 4);
    file.extend(segment(4, 0, headers, 0, notes.len(), 0));
    file.extend(segment(1, 6, data_at, 0x10_000, 2 * PAGE, 2 * PAGE));
    file.extend(segment(1, 6, data_at + 2 * PAGE, 0x7f00_0000_0000, 3 * PAGE, 3 * PAGE));
    file.extend(segment(1, 5, data_at + 5 * PAGE, 0x7fff_0000_0000, 0, PAGE));
    file.extend(notes);
    file.resize(data_at, 0);
    file.extend((0..2 * PAGE).map(|i| (i / 8 * 7 + i % 8) as u8));
    file.extend([1; PAGE].iter().chain(&[0; PAGE]).chain(&[3; PAGE]));
    file
}

fn header(kind: u16, machine: u16, class: u8, order: u8, segments: u16) -> Vec<u8> {
    let mut bytes = vec![0x7f, b'E', b'L', b'F', class, order, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let half = |value: u16| if order == 2 { value.to_be_bytes() } else { value.to_le_bytes() };
    bytes.extend([half(kind), half(machine)].concat());
    bytes.extend(1u32.to_le_bytes());
    bytes.extend([0u64, 64, 0].iter().flat_map(|word| word.to_le_bytes()));
    bytes.extend(0u32.to_le_bytes());
    bytes.extend([64, 56, segments, 64, 0, 0].iter().flat_map(|value: &u16| value.to_le_bytes()));
    bytes
}

fn segment(kind: u32, flags: u32, offset: usize, address: u64, filesz: usize, memsz: usize) -> Vec<u8> {
    let words = [offset as u64, address, 0, filesz as u64, memsz as u64, PAGE as u64];
    let words = words.iter().flat_map(|word| word.to_le_bytes());
    [kind, flags].iter().flat_map(|half| half.to_le_bytes()).chain(words).collect()
}

fn notes() -> Vec<u8> {
    let mut status = vec![0; 336];
    (status[12], status[32]) = (11, 42);
    let mut process = vec![0; 136];
    process[24] = 42;
    process[56..66].copy_from_slice(b"a\x1b program");
    let words = [1u64, 4096, 0x7fff_0000_0000, 0x7fff_0000_1000, 0];
    let mut files: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    files.extend(b"/no/such/libpython3.11.so\0");
    let mut bytes = Vec::new();
    for (kind, description) in [(1u32, status), (3, process), (0x4649_4c45, files)] {
        bytes.extend([5, description.len() as u32, kind].iter().flat_map(|half| half.to_le_bytes()));
        bytes.extend(b"CORE\0\0\0\0");
        bytes.extend(description);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

fn written(folder: &Path, bytes: &[u8]) -> PathBuf {
    let path = folder.join("core.1");
    std::fs::write(&path, bytes).expect("a folder of ours");
    path
}

fn opened(bytes: &[u8]) -> Result<Core, TargetError> {
    let folder = tempfile::tempdir().expect("a folder");
    Core::open(&written(folder.path(), bytes), &CoreFiles::default())
}

fn refusal(bytes: &[u8]) -> String {
    match opened(bytes) {
        Ok(core) => panic!("read: {core:?}"),
        Err(error) => {
            assert_eq!(error.code(), "MS-E027", "{error}");
            assert!(!error.hint().is_empty());
            error.to_string()
        }
    }
}

#[test]
fn a_core_tells_who_it_was_and_what_it_lacks() {
    let core = opened(&whole()).expect("a core");
    assert_eq!((core.pid(), core.signal(), core.threads()), (42, 11, 1));
    assert_eq!(core.command(), "a\u{1b} program");
    assert_eq!(core.mapped_bytes(), 6 * PAGE as u64);
    let regions = core.regions();
    assert_eq!(regions.len(), 3);
    assert!(regions[0].write && !regions[2].write && regions[2].execute && regions[2].inode != 0);
    assert_eq!(core.missing_files(), ["/no/such/libpython3.11.so"]);
    let missing = core.missing();
    assert!(missing.len() == 1 && missing[0].contains("4.0 KiB") && missing[0].contains("libpython"), "{missing:?}");
}

#[test]
fn its_memory_is_read_across_pages_and_not_beyond() {
    let core = opened(&whole()).expect("a core");
    let byte = |i: usize| (i / 8 * 7 + i % 8) as u8;
    for (at, len) in [(0, 8), (1, 7), (4090, 12), (0, 2 * PAGE), (8191, 1), (3, 0)] {
        let mut bytes = vec![0xee; len];
        core.read(Address(0x10_000 + at as u64), &mut bytes).expect("there");
        assert!(bytes.iter().enumerate().all(|(i, &found)| found == byte(at + i)), "{at} {len}");
    }
    let mut words = Vec::new();
    core.words(Address(0x10_000), 1024, &mut words).expect("there");
    assert_eq!(words.len(), 1024);
    assert_eq!(words[600].to_le_bytes(), [0, 1, 2, 3, 4, 5, 6, 7].map(|i| byte(4800 + i)));
    let mut odd = Vec::new();
    core.words(Address(0x10_001), 1000, &mut odd).expect("there");
    assert_eq!(odd[511], core.word(Address(0x10_001 + 8 * 511)).expect("there"));
    assert_eq!(core.word(Address(0x7f00_0000_0ffc)), Ok(0x0101_0101));
    assert_eq!(core.u32(Address(0x7f00_0000_2000)), Ok(0x0303_0303));
    for nowhere in [0, 0xf_fff, 0x10_000 + 8185, 0x7fff_0000_0000, u64::MAX - 3] {
        assert!(core.word(Address(nowhere)).is_err(), "{nowhere:#x}");
    }
    assert_eq!(core.populated(), Some(vec![0, 0x7f0_0000]));
}

#[test]
fn what_is_no_core_is_refused_with_the_reason() {
    for (bytes, reason) in [
        (&b""[..], "cut off"),
        (b"#!/bin/sh\n", "no ELF file"),
        (b"\x28\xb5\x2f\xfd and more", "zstd"),
        (b"\x04\x22\x4d\x18", "lz4"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\x1f\x8b\x08", "gzip"),
        (&header(2, 62, 2, 1, 0), "a program"),
        (&header(4, 3, 1, 1, 0), "32 bits"),
        (&header(4, 62, 1, 1, 0), "32 bits"),
        (&header(4, 183, 2, 1, 0), "AArch64"),
        (&header(4, 22, 2, 2, 0), "S/390"),
        (&header(4, 62, 2, 1, 0), "no memory"),
        (&header(4, 62, 2, 1, 3), "cut off"),
        (&header(4, 62, 2, 1, 0xffff), "table of segments"),
        (&header(4, 62, 2, 1, 1)[..30], "cut off"),
    ] {
        let said = refusal(bytes);
        assert!(said.contains(reason), "{said}");
    }
    let packed = refusal(b"\x28\xb5\x2f\xfd and more");
    assert!(!packed.contains("-dc"), "{packed}");
    let folder = tempfile::tempdir().expect("a folder");
    let zstd = folder.path().join("core.python.zst");
    std::fs::write(&zstd, b"\x28\xb5\x2f\xfd").expect("written");
    assert!(is_core(&zstd) && is_core(Path::new("/proc/self/exe")) && !is_core(folder.path()));
    let error = Core::open(&zstd, &CoreFiles::default()).expect_err("packed");
    assert!(error.hint().contains("zstd -dc") && error.hint().contains("coredumpctl dump"), "{}", error.hint());
    for not_plain in [folder.path(), Path::new("/dev/zero"), Path::new("/no/such/core")] {
        assert_eq!(Core::open(not_plain, &CoreFiles::default()).expect_err("no file").code(), "MS-E027");
    }
}

#[test]
fn segments_of_no_process_are_refused() {
    let with = |segments: &[Vec<u8>]| {
        let mut file = header(4, 62, 2, 1, segments.len() as u16);
        file.extend(segments.concat());
        file.resize(4 * PAGE, 1);
        file
    };
    for (segments, reason) in [
        (vec![segment(1, 6, PAGE, 0x1234, PAGE, PAGE)], "possible place"),
        (vec![segment(1, 6, PAGE, 0x10_000, 2 * PAGE, PAGE)], "possible place"),
        (vec![segment(1, 6, PAGE, 0xffff_ffff_ffff_f000, 0, 2 * PAGE)], "possible place"),
        (vec![segment(1, 6, PAGE, 0x10_000, PAGE, 2 * PAGE), segment(1, 6, PAGE, 0x11_000, 0, PAGE)], "overlap"),
        ((0..5).map(|i| segment(1, 6, PAGE, i << 20, 3 * PAGE, 3 * PAGE)).collect(), "more bytes than the file"),
    ] {
        let said = refusal(&with(&segments));
        assert!(said.contains(reason), "{said}");
    }
}

#[test]
fn a_core_that_was_cut_off_says_how_much_is_missing() {
    let whole = whole();
    let kept = whole.len() - 2 * PAGE - 100;
    let core = opened(&whole[..kept]).expect("a part of a core");
    assert!(core.missing()[0].contains("12.0 KiB of the 20.0 KiB"), "{:?}", core.missing());
    assert!(core.word(Address(0x10_000 + 4096)).is_ok());
    assert!(core.word(Address(0x7f00_0000_0000)).is_err());
    for len in 0..300 {
        match opened(&whole[..len]) {
            Err(error) => assert_eq!(error.code(), "MS-E027"),
            Ok(core) => assert!(len >= 288 && !core.missing().is_empty(), "{len}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Damage anywhere in the headers and notes ends in an error or in reads that fail, never in a panic.
    #[test]
    fn damage_is_survived(damage in prop::collection::vec((0usize..1200, any::<u8>()), 1..12), cut in 0usize..30_000) {
        let mut bytes = whole();
        for (at, byte) in damage {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        bytes.truncate(cut.max(64));
        if let Ok(core) = opened(&bytes) {
            for region in core.regions() {
                let last = region.end.0.saturating_sub(8);
                for at in [region.start.0, region.start.0 + 4093, last, region.end.0] {
                    let _ = core.word(Address(at));
                    let _ = core.read(Address(at), &mut [0; 5000]);
                    let _ = core.fill(Address(at), &mut [0; 100]);
                    let _ = core.words(Address(at), 700, &mut Vec::new());
                }
                core.file(region);
            }
            core.missing();
            core.populated();
        }
    }
}

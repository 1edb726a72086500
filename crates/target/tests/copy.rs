//! What is copied is what the target says it is, and costs the target nothing.
#![allow(clippy::disallowed_methods)]

mod support;

use memsight_model::{Address, Quiet, ReadMemory};
use memsight_target::{Image, Process};
use proptest::test_runner::{Config, TestRunner};
use support::Target;

const PROGRAM: &str = include_str!("programs/buffer.py");

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// An address and what the target says is there.
fn told(target: &Target) -> (Address, Vec<u8>) {
    (Address(target.line().parse().unwrap()), unhex(&target.line()))
}

fn check_all_reads<M: ReadMemory>(memory: &M, at: Address, truth: &[u8]) {
    let mut whole = vec![0; truth.len()];
    memory.read(at, &mut whole).unwrap();
    assert!(whole == truth, "the whole buffer");
    let mut runner = TestRunner::new(Config { cases: 2000, failure_persistence: None, ..Config::default() });
    let range = (0..truth.len() - 40_000, 0..40_000_usize);
    let check = |(from, len): (usize, usize)| {
        let place = at.at(from as i64);
        let mut bytes = vec![0; len];
        memory.read(place, &mut bytes).unwrap();
        assert!(bytes == truth[from..from + len], "{len} bytes at {from}");
        let eight: [u8; 8] = truth[from..from + 8].try_into().unwrap();
        assert_eq!(memory.word(place).unwrap(), u64::from_le_bytes(eight));
        assert_eq!(memory.u32(place).unwrap(), u32::from_le_bytes(eight[..4].try_into().unwrap()));
        assert_eq!(memory.u16(place).unwrap(), u16::from_le_bytes(eight[..2].try_into().unwrap()));
        assert_eq!(memory.u8(place).unwrap(), eight[0]);
        let mut words = vec![7];
        memory.words(place, len / 8, &mut words).unwrap();
        let expected =
            truth[from..from + len / 8 * 8].chunks(8).map(|word| u64::from_le_bytes(word.try_into().unwrap()));
        assert!(words[1..].iter().copied().eq(expected), "{} words at {from}", len / 8);
        Ok(())
    };
    runner.run(&range, check).unwrap();
}

#[test]
fn the_copy_is_what_the_target_says_and_stays_so() {
    let mut target = Target::start(PROGRAM);
    let (buffer, words) = told(&target);
    let (text, bytes) = told(&target);
    let process = Process::open(target.pid()).unwrap();
    let frozen = process.freeze().unwrap();
    let image = frozen.capture(&Quiet).unwrap();
    assert!(frozen.resume() > 0);
    let live = process.capture_live(&Quiet).unwrap();
    for image in [&image, &live] {
        check_all_reads(image, buffer, &words);
        check_all_reads(image, text, &bytes);
    }
    check_all_reads(&process.memory(), buffer, &words);

    target.line(); // the address of the sparse mapping, which the other test looks at
    assert_eq!(target.ask("change"), "changed");
    assert_eq!(process.memory().u8(buffer).unwrap(), 0xee);
    check_all_reads(&image, buffer, &words);
    target.kill();
    check_all_reads(&image, buffer, &words);
}

#[test]
fn untouched_memory_costs_nothing_and_stays_untouched() {
    let target = Target::start(PROGRAM);
    told(&target);
    told(&target);
    let sparse: u64 = target.line().parse().unwrap();
    let process = Process::open(target.pid()).unwrap();
    // in its read, for which it allocates the first time
    support::wait_for_state(target.pid(), 'S');
    let before = process.usage().unwrap();
    assert!(before.vms_bytes > 1 << 36);
    let frozen = process.freeze().unwrap();
    let image = frozen.capture(&Quiet).unwrap();
    assert_eq!(process.usage().unwrap(), before, "nothing came in by looking");
    drop(frozen);
    assert!(image.copied_bytes() <= before.rss_bytes, "{} of {}", image.copied_bytes(), before.rss_bytes);
    assert!(image.stored_bytes() < before.rss_bytes / 2);
    assert_eq!(image.unreadable_pages(), 0);
    let at = |offset: u64| Address(sparse + offset);
    assert_eq!(image.u8(at(5 << 30)), Ok(42));
    assert_eq!(image.word(at(1 << 30)), Ok(0));
    assert_eq!(image.word(at(1 << 35)), Ok(0));
    let mut some = vec![1; 3 << 20];
    image.read(at((5 << 30) - (1 << 20)), &mut some).unwrap();
    assert_eq!(some.iter().map(|&byte| u64::from(byte)).sum::<u64>(), 42);
}

#[test]
fn what_is_not_mapped_faults_and_what_is_read_only_is_read() {
    let target = Target::start(PROGRAM);
    let process = Process::open(target.pid()).unwrap();
    let image = process.freeze().unwrap().capture(&Quiet).unwrap();
    let mut out = [0; 16];
    for wild in [0, 8, 4095, 1 << 46, 0xffff_8000_0000_0000, u64::MAX - 15, u64::MAX] {
        assert!(image.read(Address(wild), &mut out).is_err(), "{wild:#x}");
        assert!(image.word(Address(wild)).is_err(), "{wild:#x}");
        assert!(image.words(Address(wild), 2, &mut Vec::new()).is_err());
        assert!(process.memory().read(Address(wild), &mut out).is_err(), "{wild:#x}");
    }
    assert!(image.words(Address(0x1000), usize::MAX / 8 + 1, &mut Vec::new()).is_err());
    check_files(&process, &image);
}

/// Executable mappings hold what their file holds at that place.
fn check_files(process: &Process, image: &Image) {
    let code: Vec<_> = image.regions().iter().filter(|region| region.execute && region.inode != 0).collect();
    assert!(!code.is_empty());
    assert_eq!(process.maps().unwrap().len(), image.regions().len());
    for region in code {
        let file = process.file(region).expect("its file");
        let start = region.offset as usize;
        let len = (file.len() - start).min(region.len() as usize).min(64 << 10);
        let mut bytes = vec![0; len];
        image.read(region.start, &mut bytes).unwrap();
        assert!(bytes == file[start..start + len], "{}", region.path);
    }
}

//! Core files: made from the images of the corpus, damaged where a reader of cores looks, and read like any other.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use memsight_cpython::locate;
use memsight_model::{Quiet, Region};
use memsight_target::{Core, CoreFiles};

use crate::corrupt::EDGES;
use crate::image::{Image, PAGE};
use crate::random::Random;
use crate::targets::{Target, analyse, any_options};

/// Bytes of the header of an ELF file, and of one of its program headers.
const HEADER: usize = 64;
const SEGMENT: usize = 56;

const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
const NT_PRSTATUS: u32 = 1;
const NT_PRPSINFO: u32 = 3;
const NT_AUXV: u32 = 6;
const NT_FILE: u32 = 0x4649_4c45;

/// The reader of cores, and the decoder on what it makes of damage.
pub struct Cores {
    folder: tempfile::TempDir,
    seeds: Vec<Seed>,
}

/// A core that is whole.
struct Seed {
    /// Where the files are that it had mapped.
    root: PathBuf,
    bytes: Vec<u8>,
    segments: usize,
    /// Where the notes are.
    notes: std::ops::Range<usize>,
}

impl Cores {
    /// Cores of `images`, and the beginnings of the files that they had mapped.
    pub fn new(images: &[(String, Image)]) -> Result<Cores> {
        let folder = tempfile::tempdir()?;
        let mut seeds = Vec::new();
        for (name, image) in images {
            let root = folder.path().join(name);
            lay_files(image, &root)?;
            seeds.push(Seed::of(image, root));
        }
        Ok(Cores { folder, seeds })
    }

    fn core(&self) -> PathBuf {
        self.folder.path().join("core.1")
    }
}

impl Target for Cores {
    fn name(&self) -> &'static str {
        "core"
    }

    fn run(&self, seed: u64) -> bool {
        let mut random = Random::new(seed);
        let Some(whole) = random.pick(&self.seeds) else { return false };
        let damaged = whole.damaged(&mut random);
        if std::fs::write(self.core(), damaged).is_err() {
            return false;
        }
        let files = CoreFiles { exe: None, sysroot: Some(whole.root.clone()) };
        let Ok(core) = Core::open(&self.core(), &files) else { return false };
        // what people are told of it
        let _ = (core.command(), core.mapped_bytes(), core.missing(), core.missing_files());
        let options = any_options(&mut random);
        let Ok(python) = locate(&core, core.regions(), &|region| core.file(region)) else { return false };
        let _ = python.moment(&core);
        let Ok(snapshot) = python.decode(&core, core.regions(), &options, &Quiet) else { return false };
        if random.once_in(8) {
            analyse(&snapshot);
        }
        true
    }
}

/// The files that `image` had mapped, as far as their pages are here; zeros elsewhere.
fn lay_files(image: &Image, root: &Path) -> Result<()> {
    let plain = |region: &&Region| region.path.starts_with('/') && !region.path.ends_with(" (deleted)");
    for region in image.regions.iter().filter(plain) {
        let path = root.join(region.path.trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().context("below the root")?)?;
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        file.set_len(file.metadata()?.len().max(region.offset + region.len()))?;
        for at in (region.start.0..region.end.0).step_by(PAGE as usize).filter(|_| !region.write) {
            if let Some(page) = image.page(at) {
                file.write_all_at(page, region.offset + at - region.start.0)?;
            }
        }
    }
    Ok(())
}

impl Seed {
    fn of(image: &Image, root: PathBuf) -> Seed {
        let runs = runs(image);
        let notes = notes(image);
        let segments = runs.len() + 1;
        let notes_at = HEADER + segments * SEGMENT;
        let data_at = (notes_at + notes.len()).next_multiple_of(PAGE as usize);
        let mut bytes = header(segments);
        bytes.extend(segment(PT_NOTE, 0, notes_at as u64, 0, [notes.len() as u64, 0]));
        let mut offset = data_at as u64;
        for run in &runs {
            bytes.extend(segment(PT_LOAD, run.flags, offset, run.start, [run.present, run.len]));
            offset += run.present;
        }
        bytes.extend(&notes);
        bytes.resize(data_at, 0);
        for run in &runs {
            let pages = (run.start..run.start + run.present).step_by(PAGE as usize);
            bytes.extend(pages.filter_map(|at| image.page(at)).flatten());
        }
        Seed { root, bytes, segments, notes: notes_at..notes_at + notes.len() }
    }

    /// With up to 64 wounds, most of them where the reader of cores looks; and sometimes cut, or longer.
    fn damaged(&self, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for _ in 0..1u64 << random.below(7) {
            let (place, width) = self.place(random);
            self.change(&mut bytes, place, width, random);
        }
        if random.once_in(6) {
            let head = random.once_in(3);
            let most = if head { self.notes.end } else { bytes.len() };
            bytes.truncate(random.below(most as u64) as usize);
        } else if random.once_in(16) {
            bytes.resize(bytes.len() + random.below(1 << 20) as usize, random.next() as u8);
        }
        bytes
    }

    /// A number in the core: its place and its bytes.
    fn place(&self, random: &mut Random) -> (usize, usize) {
        // (kind, flags, offset, address, physical, in the file, in memory, alignment)
        const FIELDS: [(usize, usize); 8] = [(0, 4), (4, 4), (8, 8), (16, 8), (24, 8), (32, 8), (40, 8), (48, 8)];
        const HALF: usize = 2;
        match random.below(8) {
            0 => (random.below(HEADER as u64 / 2) as usize * HALF, HALF),
            1 => (32, 8),
            2 | 3 => {
                let which = random.below(self.segments as u64) as usize;
                let (field, width) = random.pick(&FIELDS).copied().unwrap_or((0, 4));
                (HEADER + which * SEGMENT + field, width)
            }
            4 => (self.notes.start + random.below(self.notes.len() as u64 / 4) as usize * 4, 4),
            5 | 6 => (self.notes.start + random.below(self.notes.len() as u64 / 4) as usize * 4, 8),
            _ => (self.notes.end + random.below((self.bytes.len() - self.notes.end) as u64 / 8) as usize * 8, 8),
        }
    }

    fn change(&self, bytes: &mut [u8], place: usize, width: usize, random: &mut Random) {
        let (other, from) = self.place(random);
        let other = read(&self.bytes, other, from);
        let old = read(bytes, place, width);
        let new = match random.below(6) {
            0 => random.next(),
            1 => random.pick(&EDGES).copied().unwrap_or(0),
            2 => old ^ 1 << random.below(8 * width as u64),
            3 => old.wrapping_add(PAGE * random.below(9)).wrapping_sub(4 * PAGE),
            4 => old << random.below(40),
            _ => other,
        };
        if let Some(slot) = bytes.get_mut(place..place + width) {
            slot.copy_from_slice(&new.to_le_bytes()[..width]);
        }
    }
}

fn read(bytes: &[u8], at: usize, width: usize) -> u64 {
    let bytes = bytes.get(at..at + width).unwrap_or_default();
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// A mapping from one of its pages on.
struct Run {
    start: u64,
    /// Bytes that are in the core, and bytes of the segment.
    present: u64,
    len: u64,
    flags: u32,
}

/// Every mapping, in pieces that each begin with what is there of them.
fn runs(image: &Image) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for region in &image.regions {
        let flags = u32::from(region.execute) | u32::from(region.write) << 1 | u32::from(region.read) << 2;
        let first = runs.len();
        runs.push(Run { start: region.start.0, present: 0, len: region.len(), flags });
        for (page, _) in image.pages.iter().filter(|(page, _)| (region.start.0..region.end.0).contains(page)) {
            match runs.last_mut().filter(|run| run.start + run.present == *page) {
                Some(run) => run.present += PAGE,
                None => runs.push(Run { start: *page, present: PAGE, len: region.end.0 - page, flags }),
            }
        }
        // each ends where the next begins
        for place in first + 1..runs.len() {
            let next = runs[place].start;
            runs[place - 1].len = next - runs[place - 1].start;
        }
    }
    runs
}

fn header(segments: usize) -> Vec<u8> {
    // 64 bits, little-endian; a core of x86-64
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 62, 0, 1, 0, 0, 0];
    bytes.extend([0, HEADER as u64, 0].iter().flat_map(|word| word.to_le_bytes()));
    bytes.extend(0u32.to_le_bytes());
    let halves = [HEADER as u16, SEGMENT as u16, segments as u16, 64, 0, 0];
    bytes.extend(halves.iter().flat_map(|half| half.to_le_bytes()));
    bytes
}

fn segment(kind: u32, flags: u32, offset: u64, start: u64, [present, len]: [u64; 2]) -> Vec<u8> {
    let words = [offset, start, 0, present, len, PAGE];
    let words = words.iter().flat_map(|word| word.to_le_bytes());
    [kind, flags].iter().flat_map(|half| half.to_le_bytes()).chain(words).collect()
}

/// Two threads, the process, where its program is, and its files.
fn notes(image: &Image) -> Vec<u8> {
    let mut status = vec![0; 336];
    (status[12], status[32]) = (11, 42);
    let mut process = vec![0; 136];
    process[24] = 42;
    process[56..70].copy_from_slice(b"python main.py");
    let files: Vec<_> = image.regions.iter().filter(|region| region.path.starts_with('/')).collect();
    let program = files.first().map_or(0, |region| region.start.0 + HEADER as u64);
    let auxiliary = [3, program, 33, 0x7fff_f000_0000, 0, 0].iter().flat_map(|word: &u64| word.to_le_bytes()).collect();
    let mut table = vec![files.len() as u64, PAGE];
    table.extend(files.iter().flat_map(|file| [file.start.0, file.end.0, file.offset / PAGE]));
    let mut list: Vec<u8> = table.iter().flat_map(|word| word.to_le_bytes()).collect();
    list.extend(files.iter().flat_map(|file| [file.path.as_bytes(), &[0]].concat()));
    let mut bytes = Vec::new();
    let notes: [(u32, Vec<u8>); 5] = [
        (NT_PRSTATUS, status.clone()),
        (NT_PRPSINFO, process),
        (NT_AUXV, auxiliary),
        (NT_FILE, list),
        (NT_PRSTATUS, status),
    ];
    for (kind, description) in notes {
        bytes.extend([5, description.len() as u32, kind].iter().flat_map(|half| half.to_le_bytes()));
        bytes.extend(b"CORE\0\0\0\0");
        bytes.extend(description);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_that_is_not_damaged_is_read_whole() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
        let mut images = Vec::new();
        for entry in std::fs::read_dir(corpus).unwrap() {
            let path = entry.unwrap().path();
            images.push((images.len().to_string(), Image::load(&path).unwrap()));
        }
        let cores = Cores::new(&images).unwrap();
        for (seed, (_, image)) in cores.seeds.iter().zip(&images) {
            std::fs::write(cores.core(), &seed.bytes).unwrap();
            let files = CoreFiles { exe: None, sysroot: Some(seed.root.clone()) };
            let core = Core::open(&cores.core(), &files).unwrap();
            let options = memsight_cpython::DecodeOptions::default();
            let of_core = locate(&core, core.regions(), &|region| core.file(region)).unwrap();
            let of_core = of_core.decode(&core, core.regions(), &options, &Quiet).unwrap();
            let python = locate(image, &image.regions, &|_| None).unwrap();
            let of_image = python.decode(image, &image.regions, &options, &Quiet).unwrap();
            assert!(of_image.objects.len() > 1000);
            assert_eq!(of_core.objects.len(), of_image.objects.len());
        }
    }
}

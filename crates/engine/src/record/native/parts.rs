//! The parts of the program's code: looked for when it meets code that it does not know, and told to it by the tables behind its
//! ring.

use std::collections::HashMap;
use std::io;
use std::ops::Range;

use memsight_model::trace::{Module, NATIVE};
use memsight_model::{Address, ReadMemory, Region};
use memsight_recorder::tables::{PARTS, Part, ROWS_AT};
use memsight_target::Process;

use super::super::ring::Ring;
use super::rows::rows;
use crate::native::Image;

/// Larger images are not read from memory.
const LARGEST: u64 = 1 << 30;
/// The function that runs Python code (Python/ceval.c), and pieces that the compiler makes of it.
const LOOP: &str = "_PyEval_EvalFrameDefault";

/// A part that was told.
#[derive(Debug)]
struct Told {
    region: Region,
    /// The number of its module, or 0.
    module: u32,
    /// What is to be taken from an address for that of the file.
    bias: u64,
    /// Where Python code is run, in addresses of the process.
    loops: Vec<Range<u64>>,
}

/// All parts.
#[derive(Debug, Default)]
pub(in crate::record) struct Parts {
    process: Option<Process>,
    told: Vec<Told>,
    modules: Vec<Module>,
    /// Bytes of the tables in use.
    used: u64,
    answered: u32,
    places: HashMap<u64, (u32, u32)>,
}

impl Parts {
    /// Looks at the code of a process from now on.
    pub(in crate::record) fn follow(&mut self, process: Process) {
        self.process = Some(process);
    }

    /// Looks for new code, if the program has asked for that, and tells it.
    pub(in crate::record) fn answer(&mut self, ring: &mut Ring) -> io::Result<()> {
        let asked = ring.asked()?;
        if asked != self.answered {
            self.look(ring)?;
            self.answered = asked;
            ring.answer(asked)?;
        }
        Ok(())
    }

    /// Looks for code that is not told.
    pub(in crate::record) fn look(&mut self, ring: &mut Ring) -> io::Result<()> {
        let Some(process) = self.process.take() else { return Ok(()) };
        let regions = process.maps().unwrap_or_default();
        let mut result = Ok(());
        for region in regions.iter().filter(|region| region.execute) {
            let is_told =
                self.told.iter().rev().find(|told| told.region.start < region.end && region.start < told.region.end);
            if is_told.is_none_or(|told| told.region != *region) && self.told.len() < PARTS {
                result = self.tell(&process, region, &regions, ring);
            }
        }
        self.process = Some(process);
        result
    }

    fn tell(&mut self, process: &Process, region: &Region, all: &[Region], ring: &mut Ring) -> io::Result<()> {
        let mut told = Told { region: region.clone(), module: 0, bias: 0, loops: Vec::new() };
        let mut part = Part { start: region.start.0, end: region.end.0, rows: ROWS_AT as u64, count: 0 };
        // (a file may be large, and threads that wait for room are to know that the ring is being read)
        ring.beat()?;
        let data = if region.inode == 0 { None } else { process.file(region).or_else(|| mapped(process, region, all)) };
        ring.beat()?;
        if let Some(image) = data.as_deref().and_then(Image::parse)
            && let Some(bias) = image.bias(region.start.0, region.offset)
        {
            let code = region.start.0.wrapping_sub(bias)..region.end.0.wrapping_sub(bias);
            let mut trouble = Ok(());
            let rows = rows(&image, &code, &mut || trouble = ring.beat());
            trouble?;
            (part.rows, part.count) = ring.put_rows(&mut self.used, &rows)?;
            told.bias = bias;
            told.module = self.module(&region.path, image.build_id());
            let name = region.path.rsplit('/').next().unwrap_or_default();
            if name.contains("python") {
                let loops = image.functions().into_iter().filter(|(_, name)| name.starts_with(LOOP));
                let placed = |range: Range<u64>| range.start.wrapping_add(bias)..range.end.wrapping_add(bias);
                told.loops = loops.map(|(range, _)| placed(range)).collect();
            }
        }
        ring.put_part(self.told.len(), &part)?;
        self.told.push(told);
        self.places.clear();
        Ok(())
    }

    fn module(&mut self, path: &str, build_id: Vec<u8>) -> u32 {
        if let Some(there) = self.modules.iter().find(|there| there.path == path && there.build_id == build_id) {
            return there.number;
        }
        let number = self.modules.len() as u32 + 1;
        self.modules.push(Module { number, path: path.to_owned(), build_id });
        number
    }

    /// What the trace calls the place of an address, which is told to it: code and offset of a frame.
    pub(super) fn place(&mut self, code: u64) -> (u32, u32) {
        if let Some(&place) = self.places.get(&code) {
            return place;
        }
        let place = match self.part(code) {
            Some(told) if told.module != 0 => {
                let offset = u32::try_from(code.wrapping_sub(told.bias));
                offset.map_or((NATIVE, 1), |offset| (NATIVE | told.module, offset))
            }
            _ => (NATIVE, u32::from(code != 0)),
        };
        self.places.insert(code, place);
        place
    }

    /// Whether an address is in the function that runs Python code, as far as its file names it.
    pub(super) fn is_loop(&self, code: u64) -> bool {
        self.part(code).is_some_and(|told| told.loops.iter().any(|range| range.contains(&code)))
    }

    fn part(&self, code: u64) -> Option<&Told> {
        self.told.iter().rev().find(|told| told.region.contains(Address(code)))
    }

    pub(super) fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// Folders below which the files of modules are: as the process sees them, and as we do.
    pub(super) fn roots(&self) -> Vec<std::path::PathBuf> {
        let own = self.process.as_ref().map(|process| format!("/proc/{}/root", process.pid()).into());
        own.into_iter().chain([std::path::PathBuf::from("/")]).collect()
    }
}

/// A file as far as it is mapped: one that is removed, or in memory alone.
fn mapped(process: &Process, region: &Region, all: &[Region]) -> Option<Vec<u8>> {
    let of_file = || all.iter().filter(|each| (each.inode, &each.path) == (region.inode, &region.path) && each.read);
    let len = of_file().map(|each| each.offset.saturating_add(each.len())).max()?;
    if len > LARGEST {
        return None;
    }
    let (memory, mut data) = (process.memory(), vec![0; usize::try_from(len).ok()?]);
    for each in of_file().filter(|each| !each.write) {
        let start = usize::try_from(each.offset).ok()?;
        let part = data.get_mut(start..)?.get_mut(..usize::try_from(each.len()).ok()?)?;
        // (what cannot be read is zeros, and so no tables)
        let _ = memory.read(each.start, part);
    }
    Some(data)
}

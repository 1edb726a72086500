//! Functions, files and lines of addresses: from what debuggers read (DWARF), else from tables of symbols.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use addr2line::gimli::{Dwarf, EndianArcSlice, LittleEndian, SectionId};
use addr2line::{Context, demangle_auto};
use memsight_model::trace::{Module, NativeFunction, Symbol};
use object::{Object, ObjectSection};

use super::image::Image;

/// Larger files have no names: those of the largest frameworks have 2 GiB with what debuggers read.
const LARGEST: u64 = 4 << 30;
/// So many places of a module have names; more are not met in practice, and names are not to be endless.
const MOST: usize = 100_000;
/// Functions that are put into each other are no deeper in practice.
const DEEPEST: usize = 64;
/// Symbols of a function before that at an address which are looked at.
const LABELS: usize = 64;
/// Where debug files of distributions are, by build id.
const DEBUG: &str = "/usr/lib/debug/.build-id";

/// Places whose names are wanted: the module, and addresses as its file has them.
pub(crate) struct Wanted<'m> {
    pub(crate) module: &'m Module,
    pub(crate) offsets: BTreeSet<u32>,
}

/// The names of places, in no module but its own: empty where its file is not there, or is another one now. `roots` are folders
/// below which paths are looked up.
pub(crate) fn symbols(wanted: &Wanted<'_>, roots: &[PathBuf]) -> Vec<Symbol> {
    let path = wanted.module.path.trim_start_matches('/');
    let mut files = roots.iter().map(|root| root.join(path)).filter_map(|path| read(&path));
    let is_same = |data: &Vec<u8>| {
        let id = Image::parse(data).map(|image| image.build_id());
        id.is_some_and(|id| !id.is_empty() && id == wanted.module.build_id)
    };
    let (file, debug) = (files.find(is_same), debug_file(&wanted.module.build_id).filter(is_same));
    named(wanted, file.as_deref(), debug.as_deref())
}

/// The names of places in a file, of which a debug file may know more.
fn named(wanted: &Wanted<'_>, file: Option<&[u8]>, debug: Option<&[u8]>) -> Vec<Symbol> {
    let (file, debug) = (file.and_then(Names::of), debug.and_then(Names::of));
    let names = [&debug, &file].map(Option::as_ref);
    let at = |offset: u32| {
        let offset = u64::from(offset);
        let lines = names.iter().flatten().map(|names| names.lines(offset)).find(|found| !found.is_empty());
        let function = names.iter().flatten().find_map(|names| names.function(offset));
        let mut found = lines.unwrap_or_default();
        match (found.last_mut(), function) {
            (Some(last), Some(function)) if last.name.is_empty() => last.name = function,
            (None, Some(name)) => found.push(NativeFunction { name, ..NativeFunction::default() }),
            _ => {}
        }
        found
    };
    let places = wanted.offsets.iter().take(MOST).map(|&offset| (offset, at(offset)));
    let module = wanted.module.number;
    let known = places.filter(|(_, functions)| functions.last().is_some_and(|last| !last.name.is_empty()));
    known.map(|(offset, functions)| Symbol { module, offset, functions }).collect()
}

#[allow(clippy::disallowed_methods, reason = "the engine reads the files of modules")]
fn read(path: &Path) -> Option<Vec<u8>> {
    let about = std::fs::metadata(path).ok()?;
    (about.is_file() && about.len() <= LARGEST).then(|| std::fs::read(path).ok()).flatten()
}

fn debug_file(build_id: &[u8]) -> Option<Vec<u8>> {
    let (first, rest) = build_id.split_first()?;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    read(&PathBuf::from(DEBUG).join(hex(&[*first])).join(format!("{}.debug", hex(rest))))
}

type Bytes = EndianArcSlice<LittleEndian>;

/// What one file knows.
struct Names<'d> {
    functions: Vec<(Range<u64>, &'d str)>,
    lines: Option<Context<Bytes>>,
}

impl<'d> Names<'d> {
    fn of(data: &'d [u8]) -> Option<Names<'d>> {
        Some(Names { functions: Image::parse(data)?.functions(), lines: context(data) })
    }

    /// The function that an address is in, by the table of symbols.
    fn function(&self, offset: u64) -> Option<String> {
        let next = self.functions.partition_point(|(range, _)| range.start <= offset);
        // (labels within a function are symbols, too)
        let before = self.functions.get(next.saturating_sub(LABELS)..next)?;
        let (_, name) = before.iter().rev().find(|(range, _)| range.contains(&offset))?;
        Some(demangle_auto(Cow::Borrowed(name), None).into_owned())
    }

    /// What debuggers would say of an address, the innermost function first.
    fn lines(&self, offset: u64) -> Vec<NativeFunction> {
        let mut found = Vec::new();
        let frames = self.lines.as_ref().and_then(|context| context.find_frames(offset).skip_all_loads().ok());
        let Some(mut frames) = frames else { return found };
        while let (Ok(Some(frame)), true) = (frames.next(), found.len() < DEEPEST) {
            let name = frame.function.as_ref().and_then(|function| Some(function.demangle().ok()?.into_owned()));
            let (file, line) = match frame.location {
                Some(location) => (location.file.unwrap_or_default().to_owned(), location.line.unwrap_or_default()),
                None => Default::default(),
            };
            found.push(NativeFunction { name: name.unwrap_or_default(), file, line });
        }
        found
    }
}

/// What debuggers read, if it is in the file.
fn context(data: &[u8]) -> Option<Context<Bytes>> {
    let file = object::File::parse(data).ok()?;
    file.section_by_name(".debug_info")?;
    let section = |id: SectionId| -> Result<Bytes, addr2line::gimli::Error> {
        let section = file.section_by_name(id.name());
        let bytes = section.and_then(|section| section.uncompressed_data().ok()).unwrap_or_default();
        Ok(Bytes::new(Arc::from(&*bytes), LittleEndian))
    };
    Context::from_dwarf(Dwarf::load(section).ok()?).ok()
}

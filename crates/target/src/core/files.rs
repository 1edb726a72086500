//! The programs and libraries that the process had mapped, as they are on this disk.
//!
//! A file is taken only if it is the one that the process had: the kernel dumps the first page of every ELF file
//! (bit 4 of `coredump_filter`), and that page holds the headers and, in nearly all files, the build id.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use memsight_model::Region;
use object::LittleEndian;
use object::elf::{ELF_NOTE_GNU, FileHeader64, NT_GNU_BUILD_ID};
use object::read::elf::{FileHeader, ProgramHeader};

use super::headers::Headers;
use super::{CoreFiles, PAGE, disk};
use crate::error::{FileCause, TargetError};

/// The largest file that is read whole.
const LARGEST: u64 = 512 << 20;
const DELETED: &str = " (deleted)";

/// A file of this disk that stays as it was when it was checked, or is read no more.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    len: u64,
    modified: Option<SystemTime>,
}

/// How much is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Its first page is that of the process.
    Checked,
    /// The core does not hold its first page.
    Unchecked,
    /// It is another one.
    Wrong,
    /// It is not there.
    Absent,
}

/// A program or library of the process.
#[derive(Debug)]
pub(super) struct Object {
    /// Its path as the core has it.
    pub path: String,
    /// Bytes of it that the core leaves out.
    pub left_out: u64,
    /// Where its first page was mapped.
    first: Option<u64>,
    /// How long the file must be.
    end: u64,
    pub state: State,
    pub disk: Option<Disk>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Mapped {
    /// Ascending by path.
    pub objects: Vec<Object>,
}

/// Reads bytes that the core itself holds.
type ReadCore<'c> = &'c dyn Fn(u64, &mut [u8]) -> Option<()>;

impl Mapped {
    /// Finds the files and checks them. One that is not the process's own is an error where the interpreter may be in
    /// it; another library is left out.
    pub fn find(
        headers: &Headers,
        regions: &[Region],
        files: &CoreFiles,
        core: ReadCore<'_>,
    ) -> Result<Mapped, TargetError> {
        let mut objects = objects(headers, regions, core);
        let program = headers.mapped_file(headers.notes.program).map(|file| file.path.as_str());
        if let Some(exe) = &files.exe {
            give(&mut objects, exe, program, core)?;
        }
        for object in objects.iter_mut().filter(|object| object.disk.is_none()) {
            let inside = object.path.strip_suffix(DELETED).unwrap_or(&object.path).trim_start_matches('/');
            let path = files.sysroot.as_deref().unwrap_or(Path::new("/")).join(inside);
            let Ok(disk) = Disk::open(path) else { continue };
            object.state = object.judge(&disk, core);
            if object.state == State::Wrong && (Some(object.path.as_str()) == program || is_python(&object.path)) {
                return Err(disk.refused(object, core));
            }
            // Without a check, what stands in the place of a removed file is another one.
            let removed = object.path.ends_with(DELETED) && object.state == State::Unchecked;
            match removed {
                true => object.state = State::Absent,
                false => object.disk = (object.state != State::Wrong).then_some(disk),
            }
        }
        Ok(Mapped { objects })
    }

    /// The file of a path of the core.
    pub fn of(&self, path: &str) -> Option<&Object> {
        self.objects.get(self.number(path)?)
    }

    fn number(&self, path: &str) -> Option<usize> {
        self.objects.binary_search_by(|object| object.path.as_str().cmp(path)).ok()
    }

    /// The number and the length of a file whose bytes can be taken.
    pub fn usable(&self, path: &str) -> Option<(usize, u64)> {
        let number = self.number(path)?;
        Some((number, self.objects.get(number)?.disk.as_ref()?.len))
    }

    /// Reads from the file of that number.
    pub fn read(&self, number: usize, offset: u64, out: &mut [u8]) -> Option<io::Result<()>> {
        Some(self.objects.get(number)?.disk.as_ref()?.read(offset, out))
    }

    /// Those whose bytes are wanted and not to be had.
    pub fn absent(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter().filter(|object| object.state == State::Absent && object.left_out > 0)
    }
}

/// The ELF files among the mappings.
fn objects(headers: &Headers, regions: &[Region], core: ReadCore<'_>) -> Vec<Object> {
    let mut found: BTreeMap<&str, (Object, bool)> = BTreeMap::new();
    for region in regions.iter().filter(|region| region.path.starts_with('/') && !region.shared) {
        let (object, is_elf) = found.entry(&region.path).or_insert_with(|| {
            let path = region.path.clone();
            (Object { path, left_out: 0, first: None, end: 0, state: State::Absent, disk: None }, false)
        });
        let claimed = headers.segment(region.start.0).map_or(0, |segment| segment.start + segment.claimed);
        if region.read && !region.write {
            object.left_out += region.end.0.saturating_sub(claimed.max(region.start.0));
        }
        object.end = object.end.max(region.offset.saturating_add(region.len()));
        let mut magic = [0; 4];
        if region.offset == 0 && core(region.start.0, &mut magic).is_some() {
            object.first = object.first.or(Some(region.start.0));
            *is_elf |= magic == *b"\x7fELF";
        }
        *is_elf |= object.first.is_none() && (region.execute || name(&region.path).contains(".so"));
    }
    found
        .into_values()
        .filter(|(object, is_elf)| *is_elf || is_python(&object.path))
        .map(|(object, _)| object)
        .collect()
}

/// Gives the file that the person named to the mapping that it belongs to: the program, or the one it is equal to.
fn give(objects: &mut [Object], exe: &Path, program: Option<&str>, core: ReadCore<'_>) -> Result<(), TargetError> {
    let refused =
        |mapped: &str, cause| TargetError::CoreFile { path: exe.to_owned(), mapped: mapped.to_owned(), cause };
    let main = program.unwrap_or("its program");
    let disk = Disk::open(exe.to_owned()).map_err(|source| refused(main, FileCause::Io { source }))?;
    let is_main = |object: &Object| Some(object.path.as_str()) == program;
    let judged: Vec<State> = objects.iter().map(|object| object.judge(&disk, core)).collect();
    let equal = judged.iter().position(|state| *state == State::Checked);
    let unchecked =
        || objects.iter().zip(&judged).position(|(each, state)| is_main(each) && *state == State::Unchecked);
    if let Some(place) = equal.or_else(unchecked) {
        let object = &mut objects[place];
        (object.state, object.disk) = (judged[place], Some(disk));
        return Ok(());
    }
    let wanted = objects.iter().find(|object| is_main(object)).or_else(|| objects.iter().find(|o| is_python(&o.path)));
    match wanted {
        Some(object) => Err(disk.refused(object, core)),
        None => Err(refused(main, FileCause::NotMapped)),
    }
}

impl Object {
    /// Whether a file is the one that the process had.
    fn judge(&self, disk: &Disk, core: ReadCore<'_>) -> State {
        // The last page of a mapping reaches beyond the end of its file.
        if disk.len.next_multiple_of(PAGE) < self.end {
            return State::Wrong;
        }
        let Some(page) = self.first_page(core) else { return State::Unchecked };
        match disk.first_page() {
            Some(own) if page.starts_with(&own) => State::Checked,
            _ => State::Wrong,
        }
    }

    fn first_page(&self, core: ReadCore<'_>) -> Option<Vec<u8>> {
        let mut page = vec![0; PAGE as usize];
        core(self.first?, &mut page)?;
        Some(page)
    }
}

impl Disk {
    fn open(path: PathBuf) -> io::Result<Disk> {
        let about = disk::open(&path)?.metadata()?;
        Ok(Disk { path, len: about.len(), modified: about.modified().ok() })
    }

    /// Opens it again: a process may map more files than we may hold open.
    fn reopen(&self) -> io::Result<File> {
        let file = disk::open(&self.path)?;
        let about = file.metadata()?;
        match about.len() == self.len && about.modified().ok() == self.modified {
            true => Ok(file),
            false => Err(io::Error::other("it was changed while it was read")),
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        disk::read_at(&self.reopen()?, offset, out)
    }

    fn first_page(&self) -> Option<Vec<u8>> {
        let mut page = vec![0; self.len.min(PAGE) as usize];
        self.read(0, &mut page).ok()?;
        Some(page)
    }

    /// All of it, unless it is larger than any program.
    pub fn whole(&self) -> Option<Vec<u8>> {
        let len = usize::try_from(self.len).ok().filter(|_| self.len <= LARGEST)?;
        let mut bytes = vec![0; len];
        self.read(0, &mut bytes).ok()?;
        Some(bytes)
    }

    fn refused(&self, object: &Object, core: ReadCore<'_>) -> TargetError {
        let wanted = object.first_page(core).as_deref().and_then(build_id);
        let found = self.first_page().as_deref().and_then(build_id);
        let cause = match (wanted, found) {
            (Some(wanted), Some(found)) if wanted != found => FileCause::BuildId { wanted, found },
            _ => FileCause::Differs,
        };
        TargetError::CoreFile { path: self.path.clone(), mapped: object.path.clone(), cause }
    }
}

/// The build id in the first page of an ELF file, in hexadecimal digits.
fn build_id(page: &[u8]) -> Option<String> {
    let header = FileHeader64::<LittleEndian>::parse(page).ok()?;
    let segments = header.program_headers(LittleEndian, page).ok()?;
    let notes = segments.iter().filter_map(|segment| segment.notes(LittleEndian, page).ok()?);
    let id = notes.flat_map(|notes| notes.map_while(Result::ok)).find_map(|note| {
        let is_id = note.name() == ELF_NOTE_GNU && note.n_type(LittleEndian) == NT_GNU_BUILD_ID;
        is_id.then(|| note.desc().to_vec())
    })?;
    Some(id.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether the interpreter is probably in this file.
fn is_python(path: &str) -> bool {
    let name = name(path);
    name.starts_with("python") || name.starts_with("libpython")
}

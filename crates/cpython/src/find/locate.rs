//! Finding `_PyRuntime`, the version and the layout of the interpreter in a process.

use std::fmt;

use memsight_model::{Address, ReadMemory, Region};

use crate::error::PythonError;
use crate::find::debug_offsets::{COOKIE, DebugOffsets};
use crate::find::elf::Image;
use crate::layout::{self, Layout};
use crate::object::text;

/// A version of CPython.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// `PY_VERSION_HEX`: major, minor, micro, level and serial in 8+8+8+4+4 bits.
    pub hex: u32,
    /// Built without the GIL: `3.14.10t`.
    pub free_threaded: bool,
}

impl Version {
    /// Minor version: 12 for 3.12.1.
    pub fn minor(self) -> u8 {
        (self.hex >> 16) as u8
    }

    /// Patch release: 1 for 3.12.1.
    pub fn micro(self) -> u8 {
        (self.hex >> 8) as u8
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.hex >> 24, self.minor(), self.micro())?;
        match self.hex >> 4 & 0xf {
            0xa => write!(f, "a{}", self.hex & 0xf),
            0xb => write!(f, "b{}", self.hex & 0xf),
            0xc => write!(f, "rc{}", self.hex & 0xf),
            _ => Ok(()),
        }?;
        f.write_str(if self.free_threaded { "t" } else { "" })
    }
}

/// An interpreter found in a process: where its runtime is and how it lays out memory.
#[derive(Debug, Clone)]
pub struct Python {
    pub(crate) runtime: Address,
    pub(crate) layout: Layout,
    version: Version,
}

impl Python {
    /// Version of the interpreter.
    pub fn version(&self) -> Version {
        self.version
    }
}

/// Finds the interpreter of a process.
///
/// `files` gives the bytes of a mapped file, for executables that export no symbols; it is called only when the
/// mapped images themselves do not tell. Cost: a few hundred small reads.
pub fn locate<M: ReadMemory>(
    memory: &M,
    regions: &[Region],
    files: &dyn Fn(&Region) -> Option<Vec<u8>>,
) -> Result<Python, PythonError> {
    if let Some(implementation) = regions.iter().find_map(|region| other_implementation(&region.path)) {
        return Err(PythonError::OtherImplementation { implementation });
    }
    if is_32_bit(regions) && regions.iter().any(|region| is_32_bit_python(memory, region)) {
        return Err(PythonError::Narrow);
    }
    let mut last = None;
    for runtime in candidates(memory, regions, files) {
        match recognise(memory, runtime, regions) {
            Ok(python) => return Ok(python),
            Err(error) => last = last.or(Some(error)),
        }
    }
    match regions.iter().filter_map(|region| told_version(&region.path)).find(|version| !is_readable(*version)) {
        Some((major, minor)) => Err(PythonError::UnknownVersion { version: format!("{major}.{minor}") }),
        None => Err(last.unwrap_or(PythonError::NotPython)),
    }
}

/// The implementation of Python that a mapped file belongs to, if it is another one.
fn other_implementation(path: &str) -> Option<&'static str> {
    let name = path.trim_end_matches(" (deleted)").rsplit('/').next()?;
    // `pypy3.10`, and `pypy3-c` of older ones
    let numbered = |rest: &str| rest.chars().all(|c| c.is_ascii_digit() || ".-c".contains(c));
    if name.strip_prefix("pypy").is_some_and(numbered) || name.starts_with("libpypy") {
        return Some("PyPy");
    }
    (name == "graalpy" || name.starts_with("libpythonvm")).then_some("GraalPy")
}

/// Whether all mappings lie where a process of 32 bits has its own; the kernel's `[vsyscall]` may be shown, too.
fn is_32_bit(regions: &[Region]) -> bool {
    !regions.is_empty() && regions.iter().all(|region| region.end.0 <= 1 << 32 || region.path.starts_with("[vs"))
}

/// Whether an interpreter or its library is an ELF file of class 32 (`EI_CLASS`).
fn is_32_bit_python<M: ReadMemory>(memory: &M, region: &Region) -> bool {
    let mut start = [0u8; 5];
    let candidate = region.read && region.inode != 0 && region.offset == 0 && looks_like_python(&region.path);
    candidate && memory.read(region.start, &mut start).is_ok() && start == [0x7f, b'E', b'L', b'F', 1]
}

/// The version in the name of an interpreter or its library: `python3.7`, `libpython2.7.so.1.0`.
fn told_version(path: &str) -> Option<(u32, u8)> {
    let name = path.rsplit('/').next()?;
    let told = name.strip_prefix("lib").unwrap_or(name).strip_prefix("python")?;
    let mut numbers = told.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn is_readable((major, minor): (u32, u8)) -> bool {
    major == 3 && layout::of(minor).is_some()
}

/// Where `_PyRuntime` may be, the likeliest first: symbols of mapped images, then of files, then the cookie.
fn candidates<'a, M: ReadMemory>(
    memory: &'a M,
    regions: &'a [Region],
    files: &'a dyn Fn(&Region) -> Option<Vec<u8>>,
) -> impl Iterator<Item = Address> + 'a {
    let mut images: Vec<&Region> =
        regions.iter().filter(|region| region.read && region.offset == 0 && region.path.starts_with('/')).collect();
    images.sort_by_key(|region| !looks_like_python(&region.path));
    let by_symbol = images.clone().into_iter().filter_map(|region| {
        let image = Image::at(memory, region)?;
        image.dynamic_symbol(memory, "_PyRuntime")
    });
    let by_file = images.into_iter().filter(|region| looks_like_python(&region.path)).filter_map(move |region| {
        let image = Image::at(memory, region)?;
        image.symbol_of_file(&files(region)?, "_PyRuntime", ".PyRuntime")
    });
    let by_cookie = regions
        .iter()
        .filter(|region| region.write && region.read && !region.shared && region.inode != 0)
        .filter_map(move |region| find_cookie(memory, region));
    by_symbol.chain(by_file).chain(by_cookie)
}

fn looks_like_python(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.contains("python"))
}

/// The debug cookie in a writable mapping of a file (3.13 and later), page by page.
fn find_cookie<M: ReadMemory>(memory: &M, region: &Region) -> Option<Address> {
    const LARGEST_DATA: u64 = 64 << 20;
    let mut page = [0u8; 4096];
    for offset in (0..region.len().min(LARGEST_DATA)).step_by(page.len()) {
        let at = region.start.checked_add(offset)?;
        if memory.read(at, &mut page).is_err() {
            continue;
        }
        if let Some(found) = page.chunks_exact(8).position(|word| word == COOKIE) {
            return at.checked_add(8 * found as u64);
        }
    }
    None
}

fn recognise<M: ReadMemory>(memory: &M, runtime: Address, regions: &[Region]) -> Result<Python, PythonError> {
    if let Some(offsets) = DebugOffsets::read(memory, runtime) {
        return by_debug_offsets(memory, runtime, &offsets);
    }
    let mut not_ready = true;
    for minor in minors_to_try(runtime, regions) {
        let Some(layout) = layout::of(minor) else { continue };
        let python = Python { runtime, layout: layout.clone(), version: Version { hex: 0, free_threaded: false } };
        match python.own_version(memory) {
            Some(version) if version.minor() == minor => {
                let python = Python { version, ..python };
                return python.release_build(memory);
            }
            Some(_) => not_ready = false,
            None => not_ready &= python.is_blank(memory),
        }
    }
    if not_ready {
        return Err(PythonError::NotReady);
    }
    Err(PythonError::Unrecognised { at: runtime, version: "3.8 to 3.12".into(), what: "no layout fits" })
}

/// Versions without debug offsets, the one that the file name tells first.
fn minors_to_try(runtime: Address, regions: &[Region]) -> Vec<u8> {
    let name = regions.iter().find(|region| region.contains(runtime)).map_or("", |region| &region.path);
    told_version(name).map(|(_, minor)| minor).into_iter().chain(8..=12).collect()
}

fn by_debug_offsets<M: ReadMemory>(
    memory: &M,
    runtime: Address,
    offsets: &DebugOffsets,
) -> Result<Python, PythonError> {
    let version = Version { hex: offsets.hex, free_threaded: offsets.free_threaded };
    let text = || version.to_string();
    let known = if offsets.free_threaded { layout::free_threaded } else { layout::of };
    let Some(layout) = known(version.minor()).filter(|_| version.hex >> 24 == 3) else {
        return Err(PythonError::UnknownVersion { version: text() });
    };
    let layout =
        offsets.apply(layout).map_err(|what| PythonError::Unrecognised { at: runtime, version: text(), what })?;
    let python = Python { runtime, layout, version };
    match python.own_version(memory) {
        Some(own) if own.hex == version.hex => python.release_build(memory),
        Some(_) => Err(PythonError::Unrecognised { at: runtime, version: text(), what: "sys.hexversion differs" }),
        None => Err(PythonError::NotReady),
    }
}

impl Python {
    /// `sys.hexversion` as found through this layout: the proof that the layout fits, for it takes the runtime,
    /// the interpreter, a thread, a dict, a str and an int to get there.
    fn own_version<M: ReadMemory>(&self, memory: &M) -> Option<Version> {
        // Of several, the main interpreter is the last of the list; an idle subinterpreter has no thread.
        let interpreter = *self.interpreters(memory).ok()?.last()?;
        let thread = memory.pointer(interpreter.at(self.layout.interpreter.threads_head.into())).ok()?;
        if memory.pointer(thread.at(self.layout.thread.interp.into())).ok()? != interpreter {
            return None;
        }
        let sysdict = memory.pointer(interpreter.at(self.layout.interpreter.sysdict.into())).ok()?;
        let number = text::lookup(memory, &self.layout, sysdict, "hexversion")?;
        let hex = u32::try_from(text::small_int(memory, &self.layout, number)?).ok()?;
        Some(Version { hex, free_threaded: self.layout.is_free_threaded() })
    }

    /// Whether the runtime has no interpreter yet, or no longer.
    fn is_blank<M: ReadMemory>(&self, memory: &M) -> bool {
        memory.word(self.runtime.at(self.layout.runtime.interpreters_head.into())) == Ok(0)
    }

    fn release_build<M: ReadMemory>(self, memory: &M) -> Result<Python, PythonError> {
        let interpreters = self.interpreters(memory)?;
        let main = *interpreters.last().ok_or(PythonError::NotReady)?;
        let sysdict = memory.pointer(main.at(self.layout.interpreter.sysdict.into()))?;
        if text::lookup(memory, &self.layout, sysdict, "gettotalrefcount").is_some() {
            return Err(PythonError::DebugBuild { version: self.version.to_string() });
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_tell_versions() {
        for (path, version) in [
            ("/usr/bin/python3.11", Some((3, 11))),
            ("/opt/lib/libpython3.7m.so.1.0", Some((3, 7))),
            ("/usr/lib/libpython2.7.so.1.0 (deleted)", Some((2, 7))),
            ("/usr/bin/python3", None),
            ("/usr/lib/python3.11/lib-dynload/_csv.so", None),
        ] {
            assert_eq!(told_version(path), version, "{path}");
        }
        assert!(is_readable((3, 15)) && !is_readable((3, 7)) && !is_readable((2, 12)));
    }
}

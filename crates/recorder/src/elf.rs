//! Finding functions in the libraries that the program has loaded: by their tables, since `dlsym` allocates, and is found in
//! another library by older C libraries.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;

/// `dl_phdr_info` of `<link.h>`, as far as it is used.
#[repr(C)]
struct Loaded {
    base: usize,
    name: *const c_char,
    headers: *const ProgramHeader,
    count: u16,
    /// How many objects were ever loaded.
    adds: u64,
}

/// `Elf64_Phdr`.
#[repr(C)]
struct ProgramHeader {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    physical: u64,
    file_size: u64,
    memory_size: u64,
    align: u64,
}

/// `Elf64_Sym`.
#[repr(C)]
struct Symbol {
    name: u32,
    info: u8,
    other: u8,
    section: u16,
    value: u64,
    size: u64,
}

/// `Elf64_Rela`.
#[repr(C)]
struct Relocation {
    offset: u64,
    info: u64,
    addend: i64,
}

const PAGE: usize = 4096;
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_GNU_RELRO: u32 = 0x6474_e552;
const DT_PLTRELSZ: u64 = 2;
const DT_RELA: u64 = 7;
const DT_RELASZ: u64 = 8;
const DT_JMPREL: u64 = 23;
const RELOC_64: u32 = 1;
const RELOC_GLOB_DAT: u32 = 6;
const RELOC_JUMP_SLOT: u32 = 7;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;
const DT_GNU_HASH: u64 = 0x6fff_fef5;
const DT_VERSYM: u64 = 0x6fff_fff0;
/// A version that a program cannot be linked against any more.
const HIDDEN: u16 = 0x8000;
/// Kinds of symbols: data, function, and a function that chooses one (`STT_GNU_IFUNC`).
const DATA: u8 = 1;
const FUNCTION: u8 = 2;
const CHOOSER: u8 = 10;

#[link(name = "c")]
unsafe extern "C" {
    fn dl_iterate_phdr(
        each: unsafe extern "C" fn(*const Loaded, usize, *mut c_void) -> c_int,
        data: *mut c_void,
    ) -> c_int;
}

/// What is looked for, and what was found.
struct Search<'a> {
    name: &'a [u8],
    /// The objects up to the one that this address is in are passed over.
    behind: Option<usize>,
    found: *const c_void,
}

/// The first definition of `name` in the program and its libraries, in their order; null if there is none.
pub fn find(name: &str) -> *const c_void {
    search(name, None)
}

/// The first definition of `name` in a library behind the one that `address` is in: what a program would have if that one were
/// not there.
pub fn find_behind(name: &str, address: usize) -> *const c_void {
    search(name, Some(address))
}

fn search(name: &str, behind: Option<usize>) -> *const c_void {
    let mut search = Search { name: name.as_bytes(), behind, found: ptr::null() };
    // SAFETY: `look` gets back the pointer to `search`, which outlives the call.
    unsafe { dl_iterate_phdr(look, (&raw mut search).cast()) };
    search.found
}

/// Looks into one object; 1 ends the walk.
unsafe extern "C" fn look(loaded: *const Loaded, _size: usize, data: *mut c_void) -> c_int {
    // SAFETY: the loader hands us its own description, and our `Search`.
    let (object, search) = unsafe { (Object::of(&*loaded), &mut *data.cast::<Search<'_>>()) };
    if let Some(address) = search.behind {
        if object.holds(address) {
            search.behind = None;
        }
        return 0;
    }
    // SAFETY: the loader keeps the object while it walks.
    match unsafe { object.tables() } {
        // SAFETY: as above.
        Some(tables) => unsafe { tables.find(search.name) }.map_or(0, |found| {
            search.found = found;
            1
        }),
        None => 0,
    }
}

/// How many objects the loader has ever loaded.
pub fn count() -> u64 {
    unsafe extern "C" fn first(loaded: *const Loaded, _size: usize, data: *mut c_void) -> c_int {
        // SAFETY: the loader hands us its own description, and our number.
        unsafe { *data.cast::<u64>() = (*loaded).adds };
        1
    }
    let mut count = 0_u64;
    // SAFETY: `first` gets back the pointer to `count`, which outlives the call.
    unsafe { dl_iterate_phdr(first, (&raw mut count).cast()) };
    count
}

/// Does `work` for each object that is loaded, while the loader keeps them all.
pub fn each(work: &mut dyn FnMut(&Object<'_>)) {
    unsafe extern "C" fn one(loaded: *const Loaded, _size: usize, data: *mut c_void) -> c_int {
        // SAFETY: the loader hands us its own description, and our pointer to `work`.
        unsafe { (*data.cast::<&mut dyn FnMut(&Object<'_>)>())(&Object::of(&*loaded)) };
        0
    }
    let mut work = work;
    // SAFETY: `one` gets back the pointer to `work`, which outlives the call.
    unsafe { dl_iterate_phdr(one, (&raw mut work).cast()) };
}

/// An object that is loaded: the program, or a library.
pub struct Object<'l> {
    base: usize,
    name: &'l [u8],
    headers: &'l [ProgramHeader],
}

impl<'l> Object<'l> {
    /// # Safety
    /// The loader's own description, while it walks.
    unsafe fn of(loaded: &'l Loaded) -> Object<'l> {
        // SAFETY: the loader's table of program headers, and its text.
        unsafe {
            let headers = core::slice::from_raw_parts(loaded.headers, usize::from(loaded.count));
            let name = if loaded.name.is_null() { &[] } else { CStr::from_ptr(loaded.name).to_bytes() };
            Object { base: loaded.base, name, headers }
        }
    }

    /// Whether it is the loader itself.
    pub fn is_loader(&self) -> bool {
        let file = self.name.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        file.starts_with(b"ld-") || file.starts_with(b"ld.so")
    }

    /// Whether the address is in it.
    pub fn holds(&self, address: usize) -> bool {
        self.headers.iter().any(|each| each.kind == PT_LOAD && holds(self.base, each, address))
    }

    /// Whether the loader makes the address read-only once it has filled in what depends on places (RELRO).
    pub fn is_sealed(&self, address: usize) -> bool {
        self.headers.iter().any(|each| {
            let start = self.base.wrapping_add(each.address as usize);
            // whole pages alone are
            let end = start.wrapping_add(each.memory_size as usize) & !(PAGE - 1);
            each.kind == PT_GNU_RELRO && address >= start & !(PAGE - 1) && address < end
        })
    }

    /// # Safety
    /// The loader keeps the object.
    unsafe fn tables(&self) -> Option<Tables> {
        let dynamic = self.headers.iter().find(|each| each.kind == PT_DYNAMIC)?;
        // SAFETY: the dynamic section of an object that is loaded ends with a pair of zeros.
        unsafe { Tables::of(self.base, self.base.wrapping_add(dynamic.address as usize)) }
    }

    /// Tells the places where addresses of functions stand that are looked up by name: whose, and where.
    pub fn slots(&self, found: &mut dyn FnMut(&CStr, usize)) {
        // SAFETY: the object is kept by the loader, whose walk this object is of.
        unsafe {
            let Some(tables) = self.tables() else { return };
            for (at, bytes) in tables.relocations {
                let entries = bytes / size_of::<Relocation>();
                for entry in core::slice::from_raw_parts(at, if at.is_null() { 0 } else { entries }) {
                    let is_slot = matches!(entry.info as u32, RELOC_64 | RELOC_GLOB_DAT | RELOC_JUMP_SLOT);
                    if !is_slot || entry.addend != 0 || entry.info >> 32 == 0 {
                        continue;
                    }
                    let symbol = &*tables.symbols.add((entry.info >> 32) as usize);
                    let name = CStr::from_ptr(tables.names.add(symbol.name as usize).cast());
                    found(name, self.base.wrapping_add(entry.offset as usize));
                }
            }
        }
    }
}

fn holds(base: usize, header: &ProgramHeader, address: usize) -> bool {
    let start = base.wrapping_add(header.address as usize);
    address.wrapping_sub(start) < header.memory_size as usize
}

/// The tables of one loaded object.
struct Tables {
    base: usize,
    names: *const u8,
    symbols: *const Symbol,
    hash: *const u32,
    versions: *const u16,
    /// Two tables of relocations, and their bytes.
    relocations: [(*const Relocation, usize); 2],
}

impl Tables {
    /// # Safety
    /// `dynamic` is the dynamic section of an object loaded at `base`.
    unsafe fn of(base: usize, dynamic: usize) -> Option<Tables> {
        let mut entry = dynamic as *const [u64; 2];
        let (mut names, mut symbols, mut hash, mut versions) = (0, 0, 0, 0);
        let mut relocations = [(0, 0); 2];
        loop {
            // SAFETY: the section ends with a pair of zeros, at which we stop.
            let [tag, value] = unsafe { *entry };
            match tag {
                0 => break,
                DT_STRTAB => names = value,
                DT_SYMTAB => symbols = value,
                DT_GNU_HASH => hash = value,
                DT_VERSYM => versions = value,
                DT_RELA => relocations[0].0 = value,
                DT_RELASZ => relocations[0].1 = value as usize,
                DT_JMPREL => relocations[1].0 = value,
                DT_PLTRELSZ => relocations[1].1 = value as usize,
                _ => {}
            }
            // SAFETY: as above.
            entry = unsafe { entry.add(1) };
        }
        // The loader writes addresses over the offsets; not so in the vDSO.
        let place = |value: u64| match value as usize {
            0 => 0,
            value if value < base => base.wrapping_add(value),
            value => value,
        };
        let found = names != 0 && symbols != 0 && hash != 0;
        found.then(|| Tables {
            base,
            names: place(names) as *const u8,
            symbols: place(symbols) as *const Symbol,
            hash: place(hash) as *const u32,
            versions: place(versions) as *const u16,
            relocations: relocations.map(|(at, bytes)| (place(at) as *const Relocation, bytes)),
        })
    }

    /// The address of a symbol that is defined here, by the GNU hash table.
    ///
    /// # Safety
    /// The tables are those of an object that stays loaded.
    unsafe fn find(&self, name: &[u8]) -> Option<*const c_void> {
        let hash = name.iter().fold(5381_u32, |hash, &byte| hash.wrapping_mul(33).wrapping_add(u32::from(byte)));
        // SAFETY: the table begins with four numbers, the words of a Bloom filter, buckets, and one hash a symbol from
        // `first` on (binutils' elf.h; glibc's elf/dl-lookup.c).
        unsafe {
            let (buckets, first, bloom) = (*self.hash, *self.hash.add(1), *self.hash.add(2));
            let bucket = self.hash.add(4 + 2 * bloom as usize);
            let hashes = bucket.add(buckets as usize);
            if buckets == 0 {
                return None;
            }
            let mut index = *bucket.add((hash % buckets) as usize);
            if index < first {
                return None;
            }
            loop {
                let other = *hashes.add((index - first) as usize);
                if other | 1 == hash | 1 && self.is(index, name) {
                    return self.address(index);
                }
                if other & 1 == 1 {
                    return None;
                }
                index += 1;
            }
        }
    }

    /// Whether symbol `index` is defined here under `name`, in its present version.
    ///
    /// # Safety
    /// The object has that symbol.
    unsafe fn is(&self, index: u32, name: &[u8]) -> bool {
        // SAFETY: the tables have an entry for each symbol; names end with a zero.
        unsafe {
            let symbol = &*self.symbols.add(index as usize);
            if symbol.section == 0 {
                return false;
            }
            if !self.versions.is_null() && *self.versions.add(index as usize) & HIDDEN != 0 {
                return false;
            }
            let text = self.names.add(symbol.name as usize);
            name.iter().enumerate().all(|(i, &byte)| *text.add(i) == byte) && *text.add(name.len()) == 0
        }
    }

    /// # Safety
    /// The object has that symbol.
    unsafe fn address(&self, index: u32) -> Option<*const c_void> {
        // SAFETY: as above.
        let symbol = unsafe { &*self.symbols.add(index as usize) };
        let address = self.base.wrapping_add(symbol.value as usize);
        match symbol.info & 0xf {
            DATA | FUNCTION => Some(address as *const c_void),
            CHOOSER => {
                // SAFETY: such a symbol is a function that takes nothing on this machine and gives the address to use.
                let choose: extern "C" fn() -> *const c_void = unsafe { core::mem::transmute(address) };
                Some(choose())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_the_c_library_are_found_by_name() {
        let find_getpid = find("getpid");
        assert!(!find_getpid.is_null());
        // SAFETY: `pid_t getpid(void)`.
        let getpid: extern "C" fn() -> u32 = unsafe { core::mem::transmute(find_getpid) };
        assert_eq!(getpid(), std::process::id());
        assert!(find("no_such_function_anywhere").is_null());
        assert!(!find_behind("malloc", look as *const () as usize).is_null());
        assert!(find_behind("getpid", find_getpid as usize).is_null());
    }
}

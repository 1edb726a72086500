//! `/proc/PID/smaps`: the figures of each mapping (`fs/proc/task_mmu.c`, `show_smap`).

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;

use memsight_model::{Address, Rollup};

use super::field::{kilobytes, number, pair, words};
use super::rollup;
use super::types::{MapFigures, MapGroup};

/// The mappings by path, in the order in which the paths come first: psutil's `memory_maps(grouped=True)`.
pub fn group_by_path(maps: &[MapFigures]) -> Vec<MapGroup> {
    let mut places: HashMap<Cow<'_, OsStr>, usize> = HashMap::new();
    let mut groups: Vec<MapGroup> = Vec::new();
    for map in maps {
        let label = map.label();
        let place = *places.entry(label.clone()).or_insert(groups.len());
        if place == groups.len() {
            let path = label.into_owned();
            groups.push(MapGroup { path, mappings: 0, size_bytes: 0, pages: Rollup::default() });
        }
        if let Some(group) = groups.get_mut(place) {
            group.mappings += 1;
            group.size_bytes = group.size_bytes.saturating_add(map.size_bytes);
            group.pages.add(&map.pages);
        }
    }
    groups
}

/// The mappings of a smaps file, in its order (ascending). Lines of another shape are left out.
pub(crate) fn parse(text: &[u8]) -> Vec<MapFigures> {
    let mut maps: Vec<MapFigures> = Vec::new();
    for line in text.split(|&byte| byte == b'\n') {
        match (header(line), maps.last_mut()) {
            (Some(map), _) => maps.push(map),
            (None, Some(map)) => figure(map, line),
            (None, None) => {}
        }
    }
    maps
}

/// The sums over all mappings: what `smaps_rollup` gives, where that is missing.
pub(super) fn sum(maps: &[MapFigures]) -> Rollup {
    let mut sum = Rollup::default();
    for map in maps {
        sum.add(&map.pages);
    }
    sum
}

/// `start-end rights offset major:minor inode   path`.
fn header(line: &[u8]) -> Option<MapFigures> {
    // the lines of figures begin with a capital letter, addresses do not
    if line.first()?.is_ascii_uppercase() {
        return None;
    }
    let mut rest = line;
    let range = word(&mut rest)?;
    let dash = range.iter().position(|&byte| byte == b'-')?;
    let (start, end) = (hexadecimal(range.get(..dash)?)?, hexadecimal(range.get(dash + 1..)?)?);
    let rights = text(word(&mut rest)?);
    let offset_bytes = hexadecimal(word(&mut rest)?)?;
    let device = text(word(&mut rest)?);
    let inode = number(word(&mut rest)?)?;
    Some(MapFigures {
        start: Address(start),
        end: Address(end),
        rights,
        offset_bytes,
        device,
        inode,
        path: OsString::from_vec(rest.trim_ascii_start().to_vec()),
        size_bytes: 0,
        page_bytes: 0,
        pages: Rollup::default(),
        flags: String::new(),
    })
}

fn figure(map: &mut MapFigures, line: &[u8]) {
    let Some((key, value)) = pair(line) else { return };
    match key {
        b"Size" => map.size_bytes = kilobytes(value).unwrap_or(0),
        b"KernelPageSize" => map.page_bytes = kilobytes(value).unwrap_or(0),
        b"VmFlags" => map.flags = text(value.trim_ascii()),
        _ => rollup::set(&mut map.pages, key, value),
    }
}

/// Takes the next word off a line.
fn word<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let word = words(rest).next()?;
    let line = rest.trim_ascii_start();
    *rest = line.get(word.len()..)?;
    Some(word)
}

fn hexadecimal(word: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()
}

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[u8] = b"00400000-0040b000 r-xp 00001000 fe:00 247030                     /tmp/a  b (deleted)\n\
        Size:                 44 kB\nKernelPageSize:        4 kB\nRss:                   8 kB\nPss:  3 kB\n\
        THPeligible:           0\nVmFlags: rd mr mw me \n\
        7ffc7da02000-7ffc7da03000 rw-p 00000000 00:00 0 \nSize:   4 kB\nRss:  4 kB\nSwap:  1 kB\nRs";

    #[test]
    fn mappings_keep_their_lines() {
        let maps = parse(TWO);
        assert_eq!(maps.len(), 2);
        let (code, anonymous) = (&maps[0], &maps[1]);
        assert_eq!((code.range().as_str(), code.rights.as_str()), ("00400000-0040b000", "r-xp"));
        assert_eq!((code.offset_bytes, code.inode, code.device.as_str()), (4096, 247_030, "fe:00"));
        assert_eq!((code.size_bytes, code.page_bytes, code.pages.rss_bytes), (45056, 4096, 8192));
        assert_eq!((code.flags.as_str(), code.path.to_str()), ("rd mr mw me", Some("/tmp/a  b (deleted)")));
        assert_eq!((code.label().to_str(), anonymous.label().to_str()), (Some("/tmp/a  b"), Some("[anon]")));
        assert_eq!((sum(&maps).rss_bytes, sum(&maps).swap_bytes), (12288, 1024));
    }

    #[test]
    fn groups_come_in_the_order_of_their_first_mapping() {
        let twice = [TWO, b"\n", TWO].concat();
        let groups = group_by_path(&parse(&twice));
        let paths: Vec<_> = groups.iter().map(|group| (group.path.to_str(), group.mappings)).collect();
        assert_eq!(paths, [(Some("/tmp/a  b"), 2), (Some("[anon]"), 2)]);
        assert_eq!((groups[0].pages.rss_bytes, groups[1].size_bytes), (16384, 8192));
    }
}

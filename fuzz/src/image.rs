//! The memory of a process, as far as the decoder read it, in a file.
//!
//! The file is a zlib stream of: the magic; the number of regions (u32) and each as start, end, offset, inode (u64),
//! rights (u8), length of the path (u32), path; the number of pages (u32) and each as address (u64) and 4096 bytes.
//! All little-endian.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use memsight_model::{Address, Fault, ReadMemory, Region};

pub const PAGE: u64 = 4096;
const MAGIC: &[u8] = b"memsight image 1\n";
/// A corpus is small; a file that claims more is none.
const LARGEST: usize = 1 << 30;

/// One page.
pub type Page = [u8; PAGE as usize];

/// Regions and pages of a process at one moment.
#[derive(Debug, Clone, Default)]
pub struct Image {
    pub regions: Vec<Region>,
    /// By address, ascending.
    pub pages: Vec<(u64, Box<Page>)>,
    places: HashMap<u64, usize>,
}

impl Image {
    pub fn new(regions: Vec<Region>, mut pages: Vec<(u64, Box<Page>)>) -> Image {
        pages.sort_by_key(|(at, _)| *at);
        let places = pages.iter().enumerate().map(|(place, (at, _))| (*at, place)).collect();
        Image { regions, pages, places }
    }

    /// The page that begins at `at`.
    pub fn page(&self, at: u64) -> Option<&Page> {
        self.places.get(&at).map(|&place| &*self.pages[place].1)
    }

    pub fn load(path: &Path) -> Result<Image> {
        let packed = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let bytes = miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(&packed, LARGEST)
            .ok()
            .with_context(|| format!("{} is damaged", path.display()))?;
        Image::parse(&bytes).with_context(|| format!("{} is no image", path.display()))
    }

    pub fn save(&self, path: &Path) -> Result<()> {
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(&self.bytes(), 10);
        std::fs::write(path, packed).with_context(|| format!("cannot write {}", path.display()))
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend((self.regions.len() as u32).to_le_bytes());
        for region in &self.regions {
            for word in [region.start.0, region.end.0, region.offset, region.inode] {
                out.extend(word.to_le_bytes());
            }
            let rights = [region.read, region.write, region.execute, region.shared];
            out.push(rights.iter().enumerate().map(|(bit, &set)| u8::from(set) << bit).sum());
            out.extend((region.path.len() as u32).to_le_bytes());
            out.extend(region.path.as_bytes());
        }
        out.extend((self.pages.len() as u32).to_le_bytes());
        for (at, page) in &self.pages {
            out.extend(at.to_le_bytes());
            out.extend(page.as_slice());
        }
        out
    }

    fn parse(bytes: &[u8]) -> Result<Image> {
        let mut rest = bytes.strip_prefix(MAGIC).context("another magic")?;
        let mut regions = Vec::new();
        for _ in 0..number::<4>(&mut rest)? {
            regions.push(region(&mut rest)?);
        }
        let mut pages = Vec::new();
        for _ in 0..number::<4>(&mut rest)? {
            let at = number::<8>(&mut rest)?;
            pages.push((at, Box::new(*take::<{ PAGE as usize }>(&mut rest)?)));
        }
        ensure!(rest.is_empty(), "more than its pages");
        Ok(Image::new(regions, pages))
    }
}

fn region(rest: &mut &[u8]) -> Result<Region> {
    let (start, end) = (Address(number::<8>(rest)?), Address(number::<8>(rest)?));
    let (offset, inode, rights) = (number::<8>(rest)?, number::<8>(rest)?, number::<1>(rest)?);
    let len = number::<4>(rest)? as usize;
    let (path, after) = rest.split_at_checked(len).context("cut short")?;
    *rest = after;
    Ok(Region {
        start,
        end,
        read: rights & 1 != 0,
        write: rights & 2 != 0,
        execute: rights & 4 != 0,
        shared: rights & 8 != 0,
        offset,
        inode,
        path: String::from_utf8_lossy(path).into_owned(),
    })
}

fn take<'b, const N: usize>(rest: &mut &'b [u8]) -> Result<&'b [u8; N]> {
    let (taken, after) = rest.split_first_chunk::<N>().context("cut short")?;
    *rest = after;
    Ok(taken)
}

fn number<const N: usize>(rest: &mut &[u8]) -> Result<u64> {
    let bytes = take::<N>(rest)?;
    Ok(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

/// Reads a range page by page; `page` gives each.
pub fn read_pages<'p>(at: Address, out: &mut [u8], page: impl Fn(u64) -> Option<&'p Page>) -> Result<(), Fault> {
    let fault = Fault { at, len: out.len() };
    let mut from = at.0;
    let mut rest = out;
    while !rest.is_empty() {
        let inside = (from % PAGE) as usize;
        let len = rest.len().min(PAGE as usize - inside);
        let (now, later) = rest.split_at_mut(len);
        now.copy_from_slice(&page(from - inside as u64).ok_or(fault)?[inside..inside + len]);
        from = from.checked_add(len as u64).ok_or(fault)?;
        rest = later;
    }
    Ok(())
}

impl ReadMemory for Image {
    fn read(&self, at: Address, out: &mut [u8]) -> Result<(), Fault> {
        read_pages(at, out, |page| self.page(page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_survives_its_file() {
        let path = String::from("/lib/é");
        let region = Region {
            start: Address(4096),
            end: Address(12288),
            read: true,
            shared: true,
            inode: 7,
            path,
            ..Default::default()
        };
        let image = Image::new(vec![region], vec![(8192, Box::new([2; 4096])), (4096, Box::new([1; 4096]))]);
        let again = Image::parse(&image.bytes()).unwrap();
        assert_eq!(again.regions, image.regions);
        assert_eq!(again.pages, image.pages);
        assert_eq!(again.word(Address(8188)), Ok(0x0202_0202_0101_0101));
        assert!(again.word(Address(12284)).is_err());
        assert!(Image::parse(&image.bytes()[..5000]).is_err());
    }
}

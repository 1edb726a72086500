//! Making a file of the corpus: a small Python is started, and every page that the decoder reads of it is kept.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use memsight_cpython::{DecodeOptions, locate};
use memsight_model::{Address, Fault, Quiet, ReadMemory};
use memsight_target::Process;

use crate::image::{Image, PAGE, Page};

const PROGRAM: &str = include_str!("target.py");

/// Memory that remembers which pages were read.
struct Recorder<M> {
    memory: M,
    pages: Mutex<HashSet<u64>>,
}

impl<M: ReadMemory> ReadMemory for Recorder<M> {
    fn read(&self, at: Address, out: &mut [u8]) -> Result<(), Fault> {
        self.memory.read(at, out)?;
        let last = at.0 + out.len().max(1) as u64 - 1;
        let pages = (at.0 / PAGE..=last / PAGE).map(|page| page * PAGE);
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).extend(pages);
        Ok(())
    }
}

/// Starts `interpreter` and writes its image below `folder`, named by its version and `suffix`.
pub fn capture(interpreter: &Path, folder: &Path, suffix: &str) -> Result<()> {
    let mut child = Command::new(interpreter)
        // The corpus is public: nothing of this machine belongs into it.
        .env_clear()
        .current_dir("/")
        .args(["-I", "-S", "-c", PROGRAM])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", interpreter.display()))?;
    let captured = capture_child(&mut child, interpreter, folder, suffix);
    drop(child.stdin.take());
    child.wait()?;
    captured
}

fn capture_child(child: &mut Child, interpreter: &Path, folder: &Path, suffix: &str) -> Result<()> {
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
    ensure!(line.trim() == "ready", "the program did not get ready");
    let process = Process::open(child.id())?;
    let regions = process.maps()?;
    let frozen = process.freeze()?;
    let recorder = Recorder { memory: frozen.memory(), pages: Mutex::default() };
    let options = DecodeOptions { values: true, ..DecodeOptions::default() };
    let python = locate(&recorder, &regions, &|_| None)?;
    python.moment(&recorder)?;
    let snapshot = python.decode(&recorder, &regions, &options, &Quiet)?;
    let Recorder { memory, pages } = recorder;
    let mut kept = Vec::new();
    for at in pages.into_inner().unwrap_or_else(PoisonError::into_inner) {
        let mut page: Box<Page> = Box::new([0; PAGE as usize]);
        memory.read(Address(at), page.as_mut_slice())?;
        kept.push((at, page));
    }
    drop(frozen);
    let image = anonymous(Image::new(regions, kept), interpreter)?;
    let again = python.decode(&image, &image.regions, &options, &Quiet)?;
    ensure!(again.objects.len() == snapshot.objects.len(), "the image decodes to something else");
    let path = folder.join(format!("{}{suffix}.image", python.version()));
    image.save(&path)?;
    println!("{}: {} pages, {} objects", path.display(), image.pages.len(), again.objects.len());
    Ok(())
}

/// The image with the places of the interpreter's files blotted out, length for length.
fn anonymous(mut image: Image, interpreter: &Path) -> Result<Image> {
    let real = interpreter.canonicalize()?;
    let prefixes =
        [real.as_path(), interpreter].map(|path| path.ancestors().nth(2).map(|dir| dir.display().to_string()));
    for prefix in prefixes.into_iter().flatten().filter(|prefix| prefix.len() > "/usr".len()) {
        let blot = format!("/{}", "p".repeat(prefix.len() - 1));
        for region in &mut image.regions {
            region.path = region.path.replace(&prefix, &blot);
        }
        for (_, page) in &mut image.pages {
            blot_out(page, prefix.as_bytes(), blot.as_bytes());
        }
    }
    Ok(image)
}

/// Beginnings of a path shorter than this say nothing about anyone.
const TELLING: usize = 6;

/// Every `prefix` in `page` becomes `blot`, and so does what the end of the page or a later use of the memory has left
/// of one.
fn blot_out(page: &mut Page, prefix: &[u8], blot: &[u8]) {
    for start in 0..page.len() {
        let same = page[start..].iter().zip(prefix).take_while(|(a, b)| a == b).count();
        if same >= TELLING.min(prefix.len()) {
            page[start..start + same].copy_from_slice(&blot[..same]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_blotted_out_in_part_too() {
        let mut page: Page = [0; PAGE as usize];
        page[10..19].copy_from_slice(b"/home/mex");
        page[4090..].copy_from_slice(b"/home/");
        blot_out(&mut page, b"/home/me", b"/ppppppp");
        assert_eq!(&page[10..19], b"/pppppppx");
        assert_eq!(&page[4090..], b"/ppppp");
    }
}

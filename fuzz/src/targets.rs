//! The readers of foreign bytes, each as something that a seed runs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use memsight_analysis::Analysis;
use memsight_cpython::{DecodeOptions, locate};
use memsight_format::WriteOptions;
use memsight_model::{Quiet, Snapshot};

use crate::cores::Cores;
use crate::corrupt::Corrupt;
use crate::image::Image;
use crate::random::Random;

/// Something to be run with damaged input.
pub trait Target {
    fn name(&self) -> &'static str;
    /// Runs once; true when the damaged input still gave a result.
    fn run(&self, seed: u64) -> bool;
}

/// All targets over `images`.
pub fn all(images: &[(String, Image)]) -> Result<Vec<Box<dyn Target + '_>>> {
    Ok(vec![Box::new(Memory { images }), Box::new(Folder::new(images)?), Box::new(Cores::new(images)?)])
}

/// The decoder, and the analysis of what it makes of damage.
struct Memory<'i> {
    images: &'i [(String, Image)],
}

impl Target for Memory<'_> {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn run(&self, seed: u64) -> bool {
        let mut random = Random::new(seed);
        let Some((_, image)) = random.pick(self.images) else { return false };
        let corrupt = Corrupt::new(image, &mut random);
        let options = any_options(&mut random);
        let Ok(snapshot) = decode(&corrupt, &options) else { return false };
        if random.once_in(4) {
            analyse(&snapshot);
        }
        true
    }
}

/// Some way to decode.
pub fn any_options(random: &mut Random) -> DecodeOptions<'static> {
    DecodeOptions {
        values: random.once_in(2),
        threads: 1 + random.below(2) as usize,
        references: !random.once_in(8),
        contents: random.once_in(2),
        account: random.once_in(2),
        holders: random.once_in(2),
        best_effort: random.once_in(2),
        ..DecodeOptions::default()
    }
}

fn decode(corrupt: &Corrupt, options: &DecodeOptions) -> Result<Snapshot> {
    let python = locate(corrupt, &corrupt.regions, &|region| corrupt.file(region))?;
    // Whether this is a good moment is advice; a caller may go on without it.
    let _ = python.moment(corrupt);
    Ok(python.decode(corrupt, &corrupt.regions, options, &Quiet)?)
}

pub fn analyse(snapshot: &Snapshot) {
    let analysis = Analysis::new(snapshot, &Quiet);
    analysis.overview(10);
    analysis.types(10);
    analysis.suspects(10);
    analysis.dominators(10);
    analysis.threads(10);
    // Damage may well have taken the type away.
    let _ = analysis.path("dict", 3);
}

/// Reading a damaged snapshot folder.
struct Folder {
    folder: tempfile::TempDir,
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Folder {
    fn new(images: &[(String, Image)]) -> Result<Folder> {
        let (_, image) = images.first().context("no image")?;
        let python = locate(image, &image.regions, &|_| None)?;
        let options =
            DecodeOptions { values: true, threads: 1, contents: true, account: true, ..DecodeOptions::default() };
        let snapshot = python.decode(image, &image.regions, &options, &Quiet)?;
        let folder = tempfile::tempdir()?;
        memsight_format::write(&snapshot, &folder.path().join("heap"), &WriteOptions { force: false })?;
        memsight_format::read(&folder.path().join("heap")).context("the folder cannot be read before it is damaged")?;
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder.path().join("heap"))? {
            let path = entry?.path();
            files.push((path.clone(), std::fs::read(path)?));
        }
        files.sort();
        Ok(Folder { folder, files })
    }

    /// Has the manifest say that a table's file is as it should be.
    fn vouch_for(&self, table: &Path, bytes: &[u8]) -> Result<()> {
        let (path, original) = self.manifest()?;
        let mut manifest: serde_json::Value = serde_json::from_slice(original)?;
        let name = table.file_stem().and_then(|name| name.to_str()).context("a table has a name")?;
        let entry = manifest.pointer_mut(&format!("/tables/{name}")).context("not a table")?;
        entry["bytes"] = bytes.len().into();
        entry["crc32"] = format!("{:08x}", crc32fast::hash(bytes)).into();
        Ok(std::fs::write(path, serde_json::to_vec(&manifest)?)?)
    }

    fn restore_manifest(&self) -> Result<()> {
        let (path, original) = self.manifest()?;
        Ok(std::fs::write(path, original)?)
    }

    fn manifest(&self) -> Result<&(PathBuf, Vec<u8>)> {
        self.files.iter().find(|(path, _)| path.extension().is_some_and(|kind| kind == "json")).context("no manifest")
    }

    fn damage(&self, bytes: &[u8], random: &mut Random) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        if random.once_in(8) {
            bytes.truncate(random.below(bytes.len() as u64) as usize);
        }
        for _ in 0..1u64 << random.below(8) {
            // Parquet keeps what it says about itself at the end.
            let near_end = random.once_in(2);
            let window = if near_end { bytes.len().min(4096) } else { bytes.len() };
            let place = bytes.len() - window + random.below(window as u64) as usize;
            if let Some(byte) = bytes.get_mut(place) {
                *byte = random.next() as u8;
            }
        }
        bytes
    }
}

impl Target for Folder {
    fn name(&self) -> &'static str {
        "folder"
    }

    fn run(&self, seed: u64) -> bool {
        let mut random = Random::new(seed);
        let Some((path, original)) = random.pick(&self.files) else { return false };
        let damaged = self.damage(original, &mut random);
        // Without a checksum that fits, the reader sees nothing but that.
        let vouched = !random.once_in(8) && self.vouch_for(path, &damaged).is_ok();
        let written = if random.once_in(20) { std::fs::remove_file(path) } else { std::fs::write(path, damaged) };
        let snapshot = written.is_ok().then(|| memsight_format::read(&self.folder.path().join("heap")));
        let restored = std::fs::write(path, original).is_ok() && (!vouched || self.restore_manifest().is_ok());
        match snapshot {
            Some(Ok(snapshot)) if restored => {
                analyse(&snapshot);
                true
            }
            _ => false,
        }
    }
}

//! `cargo xtask layouts`: the tables of `crates/cpython/src/layout/`.
//!
//! Offsets come from debug information alone: of the headers, compiled for that purpose, and of the build's own files
//! for the structs that stand in no header. The interpreter is run once, to tell which files it is made of and which C
//! types it has, so that the list of their structs is checked against it.

mod c_types;
mod containers;
mod dwarf;
mod emit;
mod rules;
mod source;
mod universe;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use c_types::Entry;
use source::{Places, Probe, RuntimeType, Source};
use universe::{ObjectField, Universe};

/// Minor versions with a table.
const MINORS: std::ops::RangeInclusive<u8> = 8..=15;

/// Writes the tables of `versions` (such as `3.12`; all when empty) into the workspace at `root`.
pub fn run(root: &Path, versions: &[String]) -> Result<()> {
    let minors = if versions.is_empty() { MINORS.collect() } else { parse(versions)? };
    let places = Places::from_env();
    for minor in minors {
        let table = Table::make(&places.find(minor)?, &places).with_context(|| format!("3.{minor}"))?;
        let path = root.join(format!("crates/cpython/src/layout/v3_{minor}.rs"));
        std::fs::write(&path, rustfmt(&table.text)?).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{} -> {}", table.version, path.display());
        for remark in table.remarks {
            println!("  {remark}");
        }
    }
    Ok(())
}

fn parse(versions: &[String]) -> Result<Vec<u8>> {
    let minor = |version: &String| version.strip_prefix("3.").and_then(|minor| minor.parse().ok());
    versions
        .iter()
        .map(|version| minor(version).with_context(|| format!("{version} is no version like 3.12")))
        .collect()
}

/// A finished table.
struct Table {
    version: String,
    text: String,
    /// What a person should look at.
    remarks: Vec<String>,
}

impl Table {
    fn make(source: &Source, places: &Places) -> Result<Table> {
        let mut universe = Universe::default();
        universe.add(source.header_types()?);
        let probe = source.probe(&universe)?;
        let bare = probe.add_types(places, &mut universe)?;
        let mut remarks: Vec<String> =
            bare.iter().map(|file| format!("no debug information: {}", file.display())).collect();
        let mut structs = Structs { universe: &universe, probe: &probe, remarks: &mut remarks };
        let base = structs.base_exception()?;
        let exceptions = structs.all(c_types::EXCEPTIONS, &base);
        let c_types = structs.all(c_types::C_TYPES, &[]);
        structs.remark_unknown();
        let mut layout = emit::record(
            &universe,
            "Layout",
            rules::LAYOUT,
            &[("minor", source.minor.to_string()), ("c_types", c_types)],
        )?;
        // The rule of `Exception` has no word for its subclasses: they go in where its braces close.
        layout = insert_subclasses(&layout, &exceptions)?;
        Ok(Table { text: file(&probe.version, &layout), version: probe.version, remarks })
    }
}

fn insert_subclasses(layout: &str, subclasses: &str) -> Result<String> {
    let (head, tail) = layout.split_once("exception: Exception { ").context("no Exception in the table")?;
    Ok(format!("{head}exception: Exception {{ subclasses: {subclasses}, {tail}"))
}

/// The list of C types against one build.
struct Structs<'u> {
    universe: &'u Universe,
    probe: &'u Probe,
    remarks: &'u mut Vec<String>,
}

impl Structs<'_> {
    /// Members that every exception has.
    fn base_exception(&self) -> Result<Vec<ObjectField>> {
        let records = self.universe.records("PyBaseExceptionObject");
        ensure!(!records.is_empty(), "no PyBaseExceptionObject");
        Ok(self.universe.object_fields(records[0]))
    }

    /// The text of the slice of `CType` of `entries`, without the members in `base`.
    fn all(&mut self, entries: &[Entry], base: &[ObjectField]) -> String {
        let (mut found, mut failed) = (Vec::new(), Vec::new());
        for entry in entries {
            // A class written in Python may have the same name; the size tells them apart.
            let same_name = self.probe.types.iter().filter(|known| known.name == entry.name);
            let results: Vec<_> = same_name.map(|known| self.one(entry, known, base)).collect();
            match results.iter().find_map(|result| result.as_ref().ok()) {
                Some(text) => found.push((entry.name, text.clone())),
                None => failed.extend(results.into_iter().filter_map(Result::err).map(|why| (entry.name, why))),
            }
        }
        failed.retain(|(name, _)| !found.iter().any(|(has, _)| has == name));
        self.remarks.extend(failed.iter().map(|(name, why)| format!("{name}: {why}")));
        let texts: Vec<String> = found.into_iter().map(|(_, text)| text).collect();
        format!("&[{}]", texts.join(", "))
    }

    fn one(&self, entry: &Entry, known: &RuntimeType, base: &[ObjectField]) -> Result<String> {
        let record = self.universe.record_of_size(entry.record, known.basicsize)?;
        let mut fields = self.universe.object_fields(record);
        fields.retain(|field| {
            let (name, offset) = field;
            let excluded = entry.without.iter().any(|start| name.starts_with(start));
            !excluded && *offset != known.weaklistoffset && !base.contains(field)
        });
        let fields = emit::objects(&fields);
        Ok(format!("CType {{ name: {:?}, fields: {fields}, size: {} }}", entry.name, known.basicsize))
    }

    /// Names the C types with references that no line of the list is about.
    fn remark_unknown(&mut self) {
        let listed = |name: &str| {
            let entries = c_types::C_TYPES.iter().chain(c_types::EXCEPTIONS);
            entries.map(|entry| entry.name).chain(c_types::KNOWN.iter().copied()).any(|known| known == name)
        };
        let unknown = self.probe.types.iter().filter(|known| known.own_traverse && !listed(&known.name));
        let mut names: Vec<&str> = unknown.map(|known| known.name.as_str()).collect();
        names.sort_unstable();
        if !names.is_empty() {
            self.remarks.push(format!("left to the conservative scan: {}", names.join(" ")));
        }
    }
}

fn file(version: &str, layout: &str) -> String {
    format!(
        "//! CPython {version}: its headers and debug information, x86-64 Linux, release build with the GIL.\n\
         //!\n\
         //! Generated by `cargo xtask layouts`; do not edit. Other patch releases keep these offsets but for the far ends of\n\
         //! large structs and some C types (compare `CType::size` with `tp_basicsize`); the heads of the generations are\n\
         //! found through `generation0`, for their own place in the state has moved within 3.13.\n\n\
         use super::*;\n\n\
         pub(super) static LAYOUT: Layout = {layout};\n"
    )
}

fn rustfmt(text: &str) -> Result<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config", "max_width=120,use_small_heuristics=Max"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run rustfmt")?;
    child.stdin.take().context("rustfmt has no input")?.write_all(text.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "rustfmt refuses the table");
    Ok(String::from_utf8(output.stdout)?)
}

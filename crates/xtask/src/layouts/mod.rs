//! `cargo xtask layouts`: the tables of `crates/cpython/src/layout/`.
//!
//! Offsets come from debug information alone: of the headers, compiled for that purpose, and of the build's own files
//! for the structs that stand in no header. The interpreter is run once, to tell which files it is made of and which C
//! types it has, so that the list of their structs is checked against it.

mod c_types;
mod collector;
mod containers;
mod dwarf;
mod emit;
mod heads;
mod mimalloc;
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
/// The first with a free-threaded build.
const FIRST_FREE_THREADED: u8 = 13;

/// What a table is of.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    minor: u8,
    /// The build without the GIL: `3.14t`.
    free_threaded: bool,
}

/// Writes the tables of `versions` (such as `3.12` or `3.14t`; all when empty) into the workspace at `root`.
pub fn run(root: &Path, versions: &[String]) -> Result<()> {
    let places = Places::from_env();
    for wanted in if versions.is_empty() { all() } else { parse(versions)? } {
        let source = places.find(wanted.minor)?;
        let table = Table::make(&source, &places, wanted).with_context(|| wanted.to_string())?;
        let name = wanted.to_string().replace('.', "_");
        let path = root.join(format!("crates/cpython/src/layout/v{name}.rs"));
        std::fs::write(&path, rustfmt(&table.text)?).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{} -> {}", table.version, path.display());
        for remark in table.remarks {
            println!("  {remark}");
        }
    }
    Ok(())
}

fn all() -> Vec<Wanted> {
    let default = MINORS.map(|minor| Wanted { minor, free_threaded: false });
    let free_threaded = (FIRST_FREE_THREADED..=*MINORS.end()).map(|minor| Wanted { minor, free_threaded: true });
    default.chain(free_threaded).collect()
}

fn parse(versions: &[String]) -> Result<Vec<Wanted>> {
    let wanted = |version: &String| {
        let free_threaded = version.ends_with('t');
        let minor = version.strip_prefix("3.")?.trim_end_matches('t').parse().ok()?;
        (!free_threaded || minor >= FIRST_FREE_THREADED).then_some(Wanted { minor, free_threaded })
    };
    versions
        .iter()
        .map(|version| wanted(version).with_context(|| format!("{version} is no version like 3.12 or 3.14t")))
        .collect()
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "3.{}{}", self.minor, if self.free_threaded { "t" } else { "" })
    }
}

/// A finished table.
struct Table {
    version: String,
    text: String,
    /// What a person should look at.
    remarks: Vec<String>,
}

impl Table {
    fn make(source: &Source, places: &Places, wanted: Wanted) -> Result<Table> {
        let mut universe = Universe::default();
        universe.add(source.header_types(false)?);
        let mut probe = source.probe(&universe)?;
        let bare = probe.add_types(places, &mut universe)?;
        if wanted.free_threaded {
            universe = universe.free_threaded(source.header_types(true)?);
            probe.types = probe.types.into_iter().map(|known| known.enlarged(heads::GROWTH)).collect();
        }
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
        Ok(Table { text: file(&probe.version, wanted, &layout), version: probe.version, remarks })
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
        let (record, size) = self.universe.record_of_size(entry.record, known.basicsize)?;
        let mut fields = self.universe.object_fields(record);
        fields.retain(|field| {
            let (name, offset) = field;
            let excluded = entry.without.iter().any(|start| name.starts_with(start));
            !excluded && *offset != known.weaklistoffset && !base.contains(field)
        });
        let fields = emit::objects(&fields);
        Ok(format!("CType {{ name: {:?}, fields: {fields}, size: {size} }}", entry.name))
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

fn file(version: &str, wanted: Wanted, layout: &str) -> String {
    let build = match wanted.free_threaded {
        false => "its headers and debug information, x86-64 Linux, release build with the GIL.",
        true => {
            "x86-64 Linux, free-threaded release build, from its headers; structs that stand in no header from\n\
             //! the debug information of the build with the GIL, with the larger head of an object put in."
        }
    };
    format!(
        "//! CPython {version}: {build}\n\
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

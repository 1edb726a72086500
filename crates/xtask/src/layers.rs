//! `cargo xtask layers`: the shape of the house as `docs/dev/architecture.md` draws it, checked.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::circles;

/// What each crate may use of ours. Siblings of a layer never see each other.
const LAYERS: &[(&str, &[&str])] = &[
    ("unify", &[]),
    ("model", &["unify"]),
    ("target", &["model"]),
    ("cpython", &["model"]),
    ("format", &["model"]),
    ("heap", &["model"]),
    ("advice", &["model"]),
    // (a test of it holds its offsets against the tables)
    ("recorder", &["cpython"]),
    ("analysis", &["model", "heap"]),
    ("engine", &["model", "target", "cpython", "format", "heap", "advice", "analysis", "recorder"]),
    ("render", &["model", "analysis"]),
    ("cli", &["model", "engine", "render"]),
    ("py", &["model", "engine", "render", "recorder", "cli"]),
];
/// Tools for developers: they may use everything, and only tests may use them.
const TOOLS: &[&str] = &["testkit", "xtask"];
/// Crates whose code may be `unsafe`.
const UNSAFE: &[&str] = &["target", "recorder", "py"];
/// No source file is longer, tables aside.
const LONGEST_FILE: usize = 500;
const TABLES: &str = "crates/cpython/src/layout/";

/// Checks the workspace at `root`; the error lists everything that is wrong.
pub fn run(root: &Path) -> Result<()> {
    let metadata = metadata(root)?;
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().context("cargo metadata has no packages")? {
        let name = package["name"].as_str().and_then(short).context("a package without a name of ours")?;
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let Some(used) = dependency["name"].as_str().and_then(short) else { continue };
            if !allowed(name, used, dependency["kind"].as_str()) {
                wrong.push(format!("{name} must not use {used}"));
            }
        }
    }
    let mut inside = Vec::new();
    for file in sources(&root.join("crates"))? {
        let path = file.strip_prefix(root)?.to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {path}"))?;
        for remark in remarks(&path, &text) {
            println!("  {remark}");
        }
        wrong.extend(faults(&path, &text).into_iter().map(|fault| format!("{path}: {fault}")));
        inside.push((path, text));
    }
    wrong.extend(circles::faults(&inside));
    wrong.extend(crate::features::faults(root)?);
    if wrong.is_empty() {
        println!("layers: in order");
        return Ok(());
    }
    bail!("the house is out of order:\n  {}", wrong.join("\n  "))
}

/// `heap` for `memsight-heap`.
fn short(name: &str) -> Option<&str> {
    name.strip_prefix("memsight-")
}

/// Whether crate `name` may use crate `used`; `kind` is cargo's: `dev`, `build`, or none.
fn allowed(name: &str, used: &str, kind: Option<&str>) -> bool {
    if TOOLS.contains(&name) {
        return true;
    }
    if TOOLS.contains(&used) {
        return kind == Some("dev");
    }
    LAYERS.iter().any(|(crate_, may)| *crate_ == name && may.contains(&used))
}

/// What is wrong with a source file.
fn faults(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = text.lines().count();
    if lines > LONGEST_FILE && !path.starts_with(TABLES) {
        faults.push(format!("{lines} lines, more than {LONGEST_FILE}"));
    }
    let mut parts = path.split('/').skip(1);
    let (name, file) = (parts.next().unwrap_or_default(), path.rsplit('/').next().unwrap_or_default());
    let is_root = matches!(file, "lib.rs" | "main.rs") && parts.next() == Some("src") && path.matches('/').count() == 3;
    if is_root && !UNSAFE.contains(&name) && !text.contains("#![forbid(unsafe_code)]") {
        faults.push("no #![forbid(unsafe_code)]".to_owned());
    }
    faults
}

/// Lines of the decoder that ask for a version where the layout should have a word for it. Worth a look: some of
/// what differs has no field in a table, such as the meaning of a flag.
fn remarks(path: &str, text: &str) -> Vec<String> {
    if !path.starts_with("crates/cpython/src/") || path.starts_with(TABLES) {
        return Vec::new();
    }
    let lines = text.lines().enumerate().filter(|(_, line)| compares_minor(line));
    lines.map(|(at, _)| format!("{path}:{} compares versions", at + 1)).collect()
}

/// Whether a line of code compares a minor version with a number.
fn compares_minor(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let Some((_, after)) = code.split_once("minor") else { return false };
    let after = after.trim_start_matches([')', ' ']);
    let operand = ["==", "!=", ">=", "<=", "> ", "< "].iter().find_map(|operator| after.strip_prefix(operator));
    operand.is_some_and(|operand| operand.trim_start().starts_with(|c: char| c.is_ascii_digit()))
}

/// All `.rs` files below `dir`.
fn sources(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn metadata(root: &Path) -> Result<Value> {
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--format-version", "1", "--no-deps", "--offline"]).current_dir(root);
    let output = cargo.output().context("cannot run cargo")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siblings_do_not_see_each_other() {
        assert!(allowed("cpython", "model", None));
        assert!(!allowed("cpython", "target", None));
        assert!(!allowed("model", "heap", None));
        assert!(!allowed("unheard_of", "model", None));
    }

    #[test]
    fn tools_are_for_tests() {
        assert!(allowed("cli", "testkit", Some("dev")));
        assert!(!allowed("cli", "testkit", None));
        assert!(allowed("testkit", "engine", None));
    }

    #[test]
    fn files_have_a_largest_size() {
        let long = "// x\n".repeat(501);
        assert_eq!(faults("crates/heap/src/graph.rs", &long).len(), 1);
        assert!(faults("crates/cpython/src/layout/v3_8.rs", &long).is_empty());
    }

    #[test]
    fn versions_are_compared_in_the_layout_only() {
        assert!(compares_minor("if version.minor >= 12 {"));
        assert!(!compares_minor("// minor >= 12"));
        assert!(!compares_minor("layout.minor == version.minor"));
        assert_eq!(remarks("crates/cpython/src/frames.rs", "if layout.minor == 8 {}").len(), 1);
        assert!(remarks("crates/cpython/src/layout/mod.rs", "if layout.minor == 8 {}").is_empty());
    }

    #[test]
    fn unsafe_is_forbidden_at_the_root_of_a_crate() {
        assert_eq!(faults("crates/heap/src/lib.rs", "").len(), 1);
        assert!(faults("crates/target/src/lib.rs", "").is_empty());
        assert!(faults("crates/heap/src/graph/lib.rs", "").is_empty());
    }
}

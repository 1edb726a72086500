//! Whether dependencies are built once: see `crates/unify`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// What is built in `make test`, each against the whole workspace with its tests.
const CHOICES: &[&[&str]] = &[
    &["--package", "memsight-cli", "--edges", "normal,build"],
    &["--package", "memsight-py", "--edges", "normal,build"],
    &["--package", "memsight-testkit", "--edges", "normal,build"],
    &["--workspace", "--exclude", "memsight-py", "--edges", "normal,build,dev"],
];

/// Dependencies that some choice of packages builds with other features than the workspace does.
pub fn faults(root: &Path) -> Result<Vec<String>> {
    let all = features(root, &["--workspace", "--edges", "normal,build,dev"])?;
    let mut faults = Vec::new();
    for choice in CHOICES {
        let other = features(root, choice)?;
        faults.extend(other.difference(&all).map(|line| {
            format!("built again for `{}`, to be asked for in crates/unify: {line}", choice[..2].join(" "))
        }));
    }
    Ok(faults)
}

/// A line `name version features` for each dependency of `choice`.
fn features(root: &Path, choice: &[&str]) -> Result<BTreeSet<String>> {
    let output = Command::new("cargo")
        .args(["tree", "--prefix", "none", "--format", "{p} {f}"])
        .args(choice)
        .current_dir(root)
        .output()
        .context("cannot run cargo tree")?;
    ensure!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).context("cargo tree's output")?;
    let lines = text.lines().map(|line| line.trim_end_matches(" (*)").trim_end().to_owned());
    Ok(lines.filter(|line| !line.is_empty()).collect())
}

//! `cargo xtask docs`: sections of the pages that are made from the program, and checks of the rest.
//!
//! A made section stands between `<!-- made: NAME -->` and `<!-- end: NAME -->`. Everything else is written by hand
//! and checked: links lead somewhere, pages can be found, error codes are explained, commands are
//! understood, the Python package has what they call, samples of output are what the command prints.

mod codes;
mod commands;
mod links;
mod pages;
mod python;
mod rules;
mod samples;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use commands::Known;

/// What `make -s bench` printed when somebody last kept it.
const RESULTS: &str = "benches/RESULTS.txt";
const NOT_MEASURED: &str = "No figures are kept here yet: `make bench` prints those of your machine.";
/// Help is as wide as this, whatever the terminal.
const WIDTH: &str = "100";

/// A section that is made.
struct Section {
    page: &'static str,
    name: &'static str,
    text: String,
}

/// Makes the sections and checks all pages; with `check` nothing is written, and a stale section is an error.
pub fn run(root: &Path, check: bool) -> Result<()> {
    let mut wrong = Vec::new();
    let memsight = built(root)?;
    let (help, known) = help(&memsight)?;
    let sections = [
        Section { page: "docs/reference/cli.md", name: "help", text: help },
        Section { page: "docs/guides/compare.md", name: "figures", text: figures(root)? },
    ];
    for Section { page, name, text } in sections {
        let path = root.join(page);
        let old = std::fs::read_to_string(&path).with_context(|| format!("cannot read {page}"))?;
        let new = replaced(&old, name, &text).with_context(|| format!("{page} has no section {name}"))?;
        match (new == old, check) {
            (true, _) => {}
            (false, true) => wrong.push(format!("{page}: {name} is stale, run `cargo xtask docs`")),
            (false, false) => {
                std::fs::write(&path, new).with_context(|| format!("cannot write {page}"))?;
                println!("{page}: made {name} anew");
            }
        }
    }
    wrong.extend(rules::make(root, check)?);
    let pages = pages::read(root)?;
    wrong.extend(codes::faults(root, &pages)?);
    wrong.extend(links::faults(root, &pages));
    wrong.extend(commands::faults(&pages, &known));
    wrong.extend(python::faults(root, &pages)?);
    let mut samples = samples::check(root, &pages, &memsight)?;
    if !check {
        samples.renew(root)?;
    }
    wrong.extend(samples.in_words());
    if wrong.is_empty() {
        println!("docs: in order");
        return Ok(());
    }
    bail!("the documentation is out of order:\n  {}", wrong.join("\n  "))
}

/// `page` with another text in a section; `None` when there is no such section.
fn replaced(page: &str, name: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(&format!("<!-- made: {name} -->\n"))?;
    let (_, after) = rest.split_once(&format!("<!-- end: {name} -->"))?;
    Some(format!("{before}<!-- made: {name} -->\n{}\n<!-- end: {name} -->{after}", text.trim_end()))
}

/// The command, built.
fn built(root: &Path) -> Result<PathBuf> {
    let cargo = ["build", "--release", "--quiet", "-p", "memsight-cli", "--bin", "memsight"];
    let status = Command::new("cargo").args(cargo).current_dir(root).status().context("cannot run cargo")?;
    ensure!(status.success(), "the command does not build");
    // It lies beside this program: both come from one release build.
    Ok(std::env::current_exe()?.with_file_name("memsight"))
}

/// The help of the command and of each verb, and what they know by it.
fn help(memsight: &Path) -> Result<(String, Known)> {
    let mut known = Known::default();
    let whole = help_of(memsight, &[])?;
    known.whole(&whole);
    let mut text = block("memsight", &whole);
    for verb in names(&whole, "Commands:").into_iter().filter(|verb| *verb != "help") {
        let help = help_of(memsight, &[verb])?;
        known.verb(verb, &help);
        text.push_str(&block(&format!("memsight {verb}"), &help));
        for view in names(&help, "Views:") {
            known.view(view, &help_of(memsight, &[verb, view])?);
        }
    }
    Ok((text, known))
}

fn help_of(memsight: &Path, words: &[&str]) -> Result<String> {
    let mut command = Command::new(memsight);
    command.args(words).arg("--help").env("COLUMNS", WIDTH);
    let output = command.output().with_context(|| format!("cannot run {}", memsight.display()))?;
    ensure!(output.status.success(), "{words:?} has no help: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

fn block(title: &str, help: &str) -> String {
    let lines: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
    format!("\n### {title}\n\n```text\n{}\n```\n", lines.join("\n"))
}

/// The verbs or views that a help lists below a heading. Longer descriptions go on in lines that are indented further.
fn names<'a>(help: &'a str, heading: &str) -> Vec<&'a str> {
    let lines = help.lines().skip_while(|line| *line != heading).skip(1).take_while(|line| !line.is_empty());
    let first = lines.filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    first.filter_map(|line| line.split_whitespace().next()).collect()
}

/// The figures that were kept of a run of the benches.
fn figures(root: &Path) -> Result<String> {
    match std::fs::read_to_string(root.join(RESULTS)) {
        Ok(text) => Ok(format!("```text\n{}\n```", text.trim_end())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(NOT_MEASURED.to_owned()),
        Err(error) => Err(error).context(RESULTS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_replaced_and_nothing_else() {
        let page = "a\n<!-- made: x -->\nold\n<!-- end: x -->\nb\n";
        let new = replaced(page, "x", "new\n").unwrap();
        assert_eq!(new, "a\n<!-- made: x -->\nnew\n<!-- end: x -->\nb\n");
        assert_eq!(replaced(&new, "x", "new").as_ref(), Some(&new));
        assert_eq!(replaced(page, "y", "new"), None);
    }

    #[test]
    fn verbs_are_read_from_the_help() {
        let help = "Says.\n\nUsage: x\n\nCommands:\n  ps    List\n        all\n  heap  Explain\n\nOptions:\n  -h\n";
        assert_eq!(names(help, "Commands:"), ["ps", "heap"]);
        assert!(names(help, "Views:").is_empty());
    }
}

//! `memsight advise` as a linter among linters: settings, forms, baselines, notebooks, the walk.

#![allow(clippy::disallowed_methods, reason = "tests write files")]

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;

use common::{Run, command, finish};
use serde_json::Value;

/// A finding of MS105 in line 2, and one of MS101 in line 4.
const BOTH: &str = "def read(path):\n    for line in open(path).readlines():\n        print(line)\n    return sum([len(x) for x in open(path)])\n";

struct Project(tempfile::TempDir);

impl Project {
    fn new(files: &[(&str, &str)]) -> Project {
        let project = Project(tempfile::tempdir().expect("a folder"));
        files.iter().for_each(|(name, text)| project.write(name, text));
        project
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).expect("a file")
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, args: &[&str]) -> Run {
        finish(command(&[&["advise"], args].concat()).current_dir(self.path()).spawn().expect("memsight starts"))
    }

    fn with_input(&self, args: &[&str], input: &str) -> Run {
        let mut command = command(&[&["advise"], args].concat());
        let mut child = command.current_dir(self.path()).stdin(std::process::Stdio::piped()).spawn().expect("memsight");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
        finish(child)
    }

    fn view(&self, args: &[&str]) -> Value {
        let run = self.run(&[args, &["--format", "json"]].concat());
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:#?}"))
    }

    /// Rules and places: `src/a.py:2 MS105`.
    fn found(&self, args: &[&str]) -> Vec<String> {
        rows(&self.view(args))
    }
}

fn rows(view: &Value) -> Vec<String> {
    let row = |row: &Value| {
        let cell = row["cell"].as_u64().map(|cell| format!("{cell}:")).unwrap_or_default();
        format!(
            "{}:{cell}{} {}",
            row["file"].as_str().expect("a file"),
            row["line"],
            row["rule"].as_str().expect("a rule")
        )
    };
    view["findings"].as_array().expect("findings").iter().map(row).collect()
}

#[test]
fn each_file_has_the_nearest_settings() {
    let project = Project::new(&[
        ("pyproject.toml", "[tool.memsight]\nignore = [\"MS105\"]\n"),
        ("a.py", BOTH),
        ("sub/memsight.toml", "select = [\"whole-lines\"]\n"),
        ("sub/deep/pyproject.toml", "[project]\nname = \"x\"\n"),
        ("sub/deep/b.py", BOTH),
        ("other/pyproject.toml", "this is no TOML"),
        ("other/c.py", BOTH),
    ]);
    assert_eq!(project.found(&["."]), ["./a.py:4 MS101", "./other/c.py:4 MS101", "./sub/deep/b.py:2 MS105"]);
    assert_eq!(project.found(&["sub/deep"]), ["sub/deep/b.py:2 MS105"]);
    assert_eq!(project.found(&["a.py", "--isolated"]), ["a.py:2 MS105", "a.py:4 MS101"]);
    assert_eq!(project.found(&["a.py", "--config", "sub/memsight.toml"]), ["a.py:2 MS105"]);
    assert_eq!(project.found(&["a.py", "--select", "MS1"]), ["a.py:2 MS105", "a.py:4 MS101"]);
    assert_eq!(project.found(&["a.py", "--extend-select", "MS105"]), ["a.py:2 MS105", "a.py:4 MS101"]);
    assert_eq!(project.found(&["a.py", "--extend-select", "MS105", "--ignore", "MS105"]), ["a.py:4 MS101"]);
    assert_eq!(project.found(&["sub", "--ignore", "MS"]), Vec::<String>::new());
}

#[test]
fn rules_are_left_out_of_some_files_and_files_out_of_the_walk() {
    let project = Project::new(&[
        (
            "pyproject.toml",
            "[tool.memsight]\nextend-exclude = [\"*_pb2.py\", \"gen/**\"]\n[tool.memsight.per-file-ignores]\n\"lib/*\" = [\"MS105\"]\n",
        ),
        (".gitignore", "ignored.py\n"),
        ("ignored.py", BOTH),
        ("a_pb2.py", BOTH),
        ("gen/b.py", BOTH),
        ("lib/deep/t.py", BOTH),
        ("build/c.py", BOTH),
        ("environment/pyvenv.cfg", ""),
        ("environment/d.py", BOTH),
        ("src/e.py", BOTH),
    ]);
    let src = ["./src/e.py:2 MS105", "./src/e.py:4 MS101"];
    assert_eq!(project.found(&["."]), [&["./lib/deep/t.py:4 MS101"], &src[..]].concat());
    assert_eq!(project.found(&[".", "--extend-exclude", "lib"]), src);
    let without = project.found(&[".", "--exclude", "src,lib"]);
    assert_eq!(without, ["./build/c.py:2 MS105", "./build/c.py:4 MS101"]);
    assert_eq!(project.found(&["a_pb2.py"]).len(), 2, "what is named is looked at");
    assert_eq!(project.found(&["a_pb2.py", "gen/b.py", "--force-exclude"]), Vec::<String>::new());
    project.run(&[".", "--exclude", "["]).fails_with("MS-E262");
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_are_no_circle() {
    let project = Project::new(&[("src/a.py", BOTH)]);
    std::os::unix::fs::symlink("..", project.path().join("src/loop")).expect("a link");
    std::os::unix::fs::symlink("b.py", project.path().join("src/b.py")).expect("a link");
    assert_eq!(project.found(&["src"]), ["src/a.py:2 MS105", "src/a.py:4 MS101"]);
}

#[test]
fn what_settings_say_wrongly_is_said_with_its_line() {
    let cases = [
        ("[tool.memsight]\n\nselct = []\n", "pyproject.toml line 3: there is no setting \"selct\""),
        ("[tool.memsight]\nselect = \"MS1\"\n", "line 2: select is no list of texts"),
        ("[tool.memsight]\nignore = [\"MS1\",\n  7]\n", "line 3: ignore is no list of texts"),
        ("[tool.memsight]\nselect = [\"MS999\"]\n", "line 2: select: there is no rule \"MS999\""),
        ("[tool.memsight]\ntarget-version = \"2.7\"\n", "line 2: target-version is no Python that is known"),
        ("[tool.memsight]\ntarget-version = 3.9\n", "line 2: target-version is no Python"),
        ("[tool.memsight]\nskip = \"flake8\"\n", "line 2: skip knows \"ruff\" alone"),
        ("[tool.memsight]\nper-file-ignores = []\n", "line 2: per-file-ignores is no table"),
        ("[tool.memsight.per-file-ignores]\n\"a[\" = []\n", "line 2: \"a[\" is no pattern of files"),
        ("tool.memsight = 3\n", "line 1: [tool.memsight] is no table"),
        ("[tool.memsight]\nselect = [\n", "line"),
        ("[project]\nrequires-python = \"3 or so\"\n[tool.memsight]\n", "line 2: requires-python: "),
    ];
    for (text, expected) in cases {
        let project = Project::new(&[("pyproject.toml", text), ("a.py", "x = 1\n")]);
        let run = project.run(&["."]);
        run.fails_with("MS-E261");
        assert!(run.stderr.contains(expected), "{text:?}: {run:#?}");
    }
    let project = Project::new(&[("a.py", "")]);
    project.run(&[".", "--config", "none.toml"]).fails_with("MS-E260");
    project.run(&[".", "--extend-select", "MS999"]).fails_with("MS-E195");
}

#[test]
fn the_oldest_python_comes_from_the_nearest_place_that_says_one() {
    // The advice of MS302 is there from 3.10 on; `match` is syntax of 3.10.
    let source = "match x:\n    case 1:\n        pass\n";
    let project = Project::new(&[("pyproject.toml", "[project]\nrequires-python = \">=3.8\"\n"), ("a.py", source)]);
    assert_eq!(project.view(&["."])["faults"], serde_json::json!([]), "requires-python is about what is installed");
    project.write("pyproject.toml", "[tool.memsight]\ntarget-version = \"py38\"\n");
    assert_eq!(project.view(&["."])["faults"][0]["line"], 1);
    assert_eq!(project.view(&[".", "--target-version", "3.12"])["faults"], serde_json::json!([]));
}

#[test]
fn what_ruff_reports_as_well_is_left_to_it() {
    let source = "def f(log, xs):\n    for line in log.readlines():\n        print(line)\n    print(any([x.y for x in open(z)]), sum([x.y for x in open(z)]))\n";
    let project = Project::new(&[("memsight.toml", "skip = \"ruff\"\n"), ("a.py", source)]);
    let view = project.view(&["."]);
    assert_eq!(rows(&view), ["./a.py:4 MS101"]);
    assert_eq!(view["summary"]["left_to_ruff"], 2);
}

#[test]
fn the_standard_input_has_a_name_and_its_settings() {
    let project = Project::new(&[("sub/memsight.toml", "select = [\"MS101\"]\n")]);
    let run = project.with_input(&["-", "--stdin-filename", "sub/x.py", "--format", "json"], BOTH);
    let view: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(rows(&view), ["sub/x.py:4 MS101"]);
    // Line ends and form feeds are the text's own, and stay.
    let text = "\x0c\r\nprint(sum([x.y for x in open(z)]))\r\n";
    let run = project.with_input(&["-", "--fix"], text);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "\x0c\r\nprint(sum(x.y for x in open(z)))\r\n"), "{run:#?}");
    let run = project.with_input(&["-", "--fix"], "x = 1\r\n");
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "x = 1\r\n"), "{run:#?}");
}

#[test]
fn only_new_findings_are_told_and_moved_lines_are_not_new() {
    let project = Project::new(&[("src/a.py", BOTH), ("src/b.py", BOTH)]);
    let write = ["src", "--baseline", "known.json", "--write-baseline"];
    let run = project.run(&write);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{run:#?}");
    assert!(run.stderr.contains("known from now on: 4"), "{run:#?}");
    let known = ["src", "--baseline", "known.json"];
    let view = project.view(&known);
    assert_eq!((rows(&view), &view["summary"]["in_baseline"]), (vec![], &4.into()));
    // Moved, and one more of the same kind; the same line in another function; a changed line.
    let more = BOTH.replace("    return", "    for line in open(path).readlines():\n        print(line)\n    return");
    project.write("src/a.py", &format!("import os\n\n\n{more}"));
    assert_eq!(project.found(&known), ["src/a.py:7 MS105"]);
    project.write("src/a.py", &BOTH.replace("def read", "def write"));
    assert_eq!(project.found(&known), ["src/a.py:2 MS105", "src/a.py:4 MS101"]);
    project.write("src/a.py", &BOTH.replace("len(x)", "len(x) + 1"));
    assert_eq!(project.found(&known), ["src/a.py:4 MS101"]);
    // What was not looked at stays known.
    let run = project.run(&["src/a.py", "--baseline", "known.json", "--write-baseline"]);
    assert!(run.stderr.contains("known from now on: 4"), "{run:#?}");
    assert_eq!(project.found(&known), Vec::<String>::new());
    // Fixes leave alone what is known.
    project.write("src/c.py", "print(sum([x.y for x in open(z)]))\n");
    let run = project.run(&["src", "--baseline", "known.json", "--fix"]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert_eq!(
        (project.read("src/c.py").as_str(), project.read("src/b.py").as_str()),
        ("print(sum(x.y for x in open(z)))\n", BOTH)
    );
}

#[test]
fn what_is_no_baseline_is_said() {
    let project =
        Project::new(&[("a.py", BOTH), ("broken.json", "{\"kind\": \"mem"), ("other.json", "{\"findings\": []}")]);
    project.write("later.json", "{\"kind\": \"memsight advise baseline\", \"version\": 2}");
    for (file, code) in
        [("none.json", "MS-E263"), ("broken.json", "MS-E264"), ("other.json", "MS-E264"), ("later.json", "MS-E264")]
    {
        project.run(&["a.py", "--baseline", file]).fails_with(code);
    }
    project.run(&["a.py", "--baseline", "other.json", "--write-baseline"]).fails_with("MS-E264");
    assert_eq!(project.read("other.json"), "{\"findings\": []}", "nothing of others is overwritten");
    project.run(&["a.py", "--baseline", "none/b.json", "--write-baseline"]).fails_with("MS-E265");
}

const NOTEBOOK: &str = r##"{
 "cells": [
  {"cell_type": "markdown", "metadata": {}, "source": ["# Orders"]},
  {"cell_type": "code", "execution_count": null, "metadata": {}, "outputs": [],
   "source": ["%matplotlib inline\n", "orders = open(book)\n", "total = sum([order.price for order in orders])\n", "total"]},
  {"cell_type": "code", "execution_count": 2, "metadata": {}, "outputs": [], "source": "%%bash\nls"},
  {"cell_type": "code", "execution_count": 3, "metadata": {}, "outputs": [],
   "source": ["rows = load()\n", "print(any([row for row in rows]))\n", "%timeit rows"]}
 ],
 "metadata": {"kernelspec": {"language": "python", "name": "python3", "display_name": "é"}},
 "nbformat": 4,   "nbformat_minor": 5
}
"##;

#[test]
fn notebooks_are_read_cell_by_cell_and_keep_their_form() {
    let project = Project::new(&[("a.ipynb", NOTEBOOK)]);
    let view = project.view(&["."]);
    assert_eq!(rows(&view), ["./a.ipynb:2:3 MS101"], "of the other one a magic has the name");
    assert_eq!(view["findings"][0]["column"], 13);
    assert_eq!(view["findings"][0]["fix"]["edits"][0]["cell"], 2);
    let concise = project.run(&[".", "--concise"]).stdout;
    assert!(concise.starts_with("./a.ipynb:cell 2:3:13 MS101 "), "{concise}");
    let diff = project.run(&[".", "--diff"]).stdout;
    assert!(
        diff.contains("--- ./a.ipynb:cell 2\n") && diff.contains("+total = sum(order.price for order in orders)\n"),
        "{diff}"
    );
    project.run(&[".", "--fix"]);
    assert_eq!(
        project.read("a.ipynb"),
        NOTEBOOK.replace("sum([order.price for order in orders])", "sum(order.price for order in orders)")
    );
    project.write("b.ipynb", &NOTEBOOK.replace("orders = open(book)", "orders = = open(book)"));
    let faults = &project.view(&["b.ipynb"])["faults"];
    assert_eq!((&faults[0]["cell"], &faults[0]["line"]), (&2.into(), &2.into()), "{faults}");
    project.write("c.ipynb", "{}");
    assert!(project.view(&["c.ipynb"])["faults"][0]["message"].as_str().expect("why").contains("no notebook"));
}

#[test]
fn idle_ignores_are_told_and_taken_out() {
    let project = Project::new(&[("a.py", "x = 1  # memsight: ignore[MS105, MS999] old\n")]);
    let view = project.view(&["."]);
    assert_eq!(rows(&view), ["./a.py:1 MS001"]);
    let row = &view["findings"][0];
    assert_eq!((&row["technique"], &row["severity"], &row["bytes"]), (&"upkeep".into(), &"note".into(), &Value::Null));
    assert_eq!(row["message"], "this comment keeps nothing back of MS105; there is no rule MS999");
    assert_eq!(project.found(&[".", "--ignore", "unused-ignore"]), Vec::<String>::new());
    assert_eq!(project.run(&[".", "--fix"]).code, Some(0));
    assert_eq!(project.read("a.py"), "x = 1\n");
}

#[test]
fn forms_of_other_tools() {
    let project = Project::new(&[("src/odd, 100%.py", BOTH), ("src/bad.py", "x = = 1\n")]);
    let form = |form: &str| project.run(&["src", "--format", form]).stdout;
    let github = form("github");
    let place = "::warning file=src/odd%2C 100%25.py,line=2,endLine=2,col=17,endColumn=38,title=memsight%3A MS105 whole-lines::";
    assert!(github.contains(place), "{github}");
    assert!(github.contains("::error file=src/bad.py,line=1,col=5,title=memsight%3A not read::"), "{github}");
    let gitlab: Value = serde_json::from_str(&form("gitlab")).expect("JSON");
    assert_eq!(gitlab[0]["location"], serde_json::json!({"path": "src/odd, 100%.py", "lines": {"begin": 2, "end": 2}}));
    let sarif: Value = serde_json::from_str(&form("sarif")).expect("JSON");
    let run = &sarif["runs"][0];
    let uri = &run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(uri, "src/odd%2C%20100%25.py".replace("%2C", ",").as_str());
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    assert_eq!(form("full"), project.run(&["src"]).stdout);
    assert_eq!(form("concise"), project.run(&["src", "--concise"]).stdout);
    let junit = form("junit");
    assert!(junit.contains("tests=\"3\" failures=\"2\" errors=\"1\""), "{junit}");
    let refused = project.run(&["--rules", "--format", "sarif"]);
    assert_eq!(refused.code, Some(2), "{refused:#?}");
}

#[test]
fn a_generated_file_of_ten_megabytes_is_read() {
    let line = "T = sum([x.y for x in open(z)])  # memsight\n";
    let rows = "    (1, 'abcdefghijklmnop', 2.5, None),\n".repeat((10 << 20) / 40);
    let project = Project::new(&[("a.py", &format!("TABLE = [\n{rows}]\n{}", line.repeat(2_000)))]);
    project.write("b.py", &format!("x = [{}sum([x for x in open(z)])]\n", "1, ".repeat(3 << 20)));
    let view = project.view(&["."]);
    assert_eq!(view["faults"], serde_json::json!([]));
    assert_eq!(view["summary"]["findings"], 2_001);
    let run = project.run(&["a.py", "--fix"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

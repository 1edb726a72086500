"""``memsight advise`` among other tools: the Python function, SARIF against its schema, pre-commit, the GitHub Action."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

import memsight

ROOT = Path(__file__).parents[2]
SOURCE = "def read(path):\n    for line in open(path).readlines():\n        print(line)\n    return sum([len(x) for x in open(path)])\n"


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "memsight", "advise", *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").write_text(SOURCE)
    (tmp_path / "src/ü b.py").write_text("x = = 1\n")
    cell = {"cell_type": "code", "source": "total = sum([x.y for x in open(z)])\n", "metadata": {}, "outputs": []}
    (tmp_path / "src/c.ipynb").write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4}))
    return tmp_path


def test_rows_are_those_of_the_json(project: Path) -> None:
    view = memsight.advise(project / "src")
    told = json.loads(run(project, str(project / "src"), "--format", "json").stdout)
    assert [(row.rule, row.file, row.cell, row.line, row.fingerprint) for row in view.findings] == [
        (row["rule"], row["file"], row["cell"], row["line"], row["fingerprint"]) for row in told["findings"]
    ]
    assert set(told["findings"][0]) == set(memsight.AdviceRow.__dataclass_fields__)
    assert set(told["faults"][0]) == set(memsight.AdviceFault.__dataclass_fields__)
    assert set(told["summary"]) == set(memsight.AdviceSummary.__dataclass_fields__)
    row = next(row for row in view.findings if row.rule == "MS101" and row.cell is None)
    assert row.fix is not None and row.fix.safety == "safe" and row.bytes is None
    assert set(told["findings"][0]["fix"]["edits"][0]) == set(memsight.AdviceEdit.__dataclass_fields__)
    assert (row.function, row.line, view.faults[0].line) == ("read", 4, 1)
    assert (view.summary.findings, len(view.findings)) == (3, 3)


def test_arguments_are_those_of_the_command(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.memsight]\nignore = ["MS105"]\n')
    source = [project / "src/a.py"]
    rules = [row.rule for row in memsight.advise(source).findings]
    assert rules == ["MS101"]
    assert [row.rule for row in memsight.advise(source, isolated=True).findings] == ["MS105", "MS101"]
    assert [row.rule for row in memsight.advise(source, select=["MS105"]).findings] == ["MS105"]
    assert [row.rule for row in memsight.advise(source, ignore="list-for-consumer").findings] == []
    fixed = memsight.advise(source, select=["MS101"], fix="safe")
    assert (fixed.summary.fixed, len(fixed.findings)) == (1, 0)
    assert "sum(len(x) for x in open(path))" in source[0].read_text()


def test_what_is_wrong_is_raised(project: Path) -> None:
    for arguments in ({"fix": "all"}, {"target_version": "2.7"}, {"all": True, "select": ["MS1"]}):
        with pytest.raises(ValueError, match="fix|target_version|select"):
            memsight.advise(project, **arguments)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="isolated"):
        memsight.advise(project, config="x.toml", isolated=True)
    with pytest.raises(TypeError, match="select"):
        memsight.advise(project, select=[1])  # type: ignore[list-item]
    with pytest.raises(memsight.Error) as caught:
        memsight.advise(project, config=project / "none.toml")
    assert caught.value.code == "MS-E260"
    with pytest.raises(memsight.Error) as caught:
        memsight.advise(project / "nothing")
    assert caught.value.code == "MS-E196"


SCHEMA = ("@microsoft/jest-sarif@1.0.0-beta.0", "package/lib/schemas/sarif-2.1.0-rtm.5.json")
"""A package (MIT) that carries the schema of OASIS."""


def schema(folder: Path) -> Any:
    package, path = SCHEMA
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("NOT COVERED: SARIF against its schema, which npm fetches, and npm is not there")
    fetched = subprocess.run(
        [npm, "pack", package, "--silent"], capture_output=True, text=True, check=False, cwd=folder
    )
    if fetched.returncode != 0:
        pytest.skip(f"NOT COVERED: SARIF against its schema: {package} cannot be fetched")
    with tarfile.open(folder / fetched.stdout.split()[-1]) as archive:
        member = archive.extractfile(path)
        assert member is not None
        return json.load(member)


def test_sarif_is_what_its_schema_says(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    jsonschema = pytest.importorskip(
        "jsonschema", reason="NOT COVERED: SARIF against its schema, for want of jsonschema"
    )
    log = json.loads(run(project, "src", "--format", "sarif").stdout)
    validator = jsonschema.Draft7Validator(schema(tmp_path_factory.mktemp("schema")))
    assert [error.message for error in validator.iter_errors(log)] == []
    assert [error.message for error in validator.iter_errors({**log, "version": "3"})] != [], (
        "it tells wrong from right"
    )
    (run_,) = log["runs"]
    assert run_["tool"]["driver"]["rules"][run_["results"][0]["ruleIndex"]]["id"] == run_["results"][0]["ruleId"]
    # The region holds what the finding is about, and the fix what the command itself makes of the line.
    result = next(result for result in run_["results"] if result["ruleId"] == "MS101" and "fixes" in result)
    region = result["locations"][0]["physicalLocation"]["region"]
    line = SOURCE.splitlines()[region["startLine"] - 1]
    assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == "[len(x) for x in open(path)]"
    lines = SOURCE.splitlines()
    for replacement in reversed(result["fixes"][0]["artifactChanges"][0]["replacements"]):
        deleted, at = replacement["deletedRegion"], replacement["deletedRegion"]["startLine"] - 1
        before, behind = lines[at][: deleted["startColumn"] - 1], lines[at][deleted["endColumn"] - 1 :]
        lines[at] = before + replacement["insertedContent"]["text"] + behind
    assert lines[3] == "    return sum(len(x) for x in open(path))"
    (notification,) = run_["invocations"][0]["toolExecutionNotifications"]
    assert notification["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "src/%C3%BC%20b.py"


def command_on_path(folder: Path) -> dict[str, str]:
    """The environment with a command ``memsight`` that is the package under test, and a pip that installs nothing."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    (bin_folder / "memsight").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m memsight "$@"\n')
    (bin_folder / "python").write_text(
        f'#!/bin/sh\nif [ "$1 $2" = "-m pip" ]; then echo "$@" >> "{folder}/pip.log"; exit 0; fi\nexec "{sys.executable}" "$@"\n'
    )
    for path in bin_folder.iterdir():
        path.chmod(0o755)
    return {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.skipif(
    shutil.which("bash") is None, reason="NOT COVERED: the GitHub Action, whose steps are scripts of bash"
)
@pytest.mark.parametrize("fail", ["true", "false"])
def test_the_steps_of_the_action(project: Path, tmp_path_factory: pytest.TempPathFactory, fail: str) -> None:
    """Its scripts as they are, in order, with the inputs that a workflow gives; the upload is GitHub's own, and not run."""
    yaml = pytest.importorskip("yaml", reason="NOT COVERED: the GitHub Action, for want of PyYAML")
    action = yaml.safe_load((ROOT / "examples/github-action/action.yml").read_text())
    folder = tmp_path_factory.mktemp("action")
    environment = command_on_path(folder)
    outputs = folder / "outputs"
    inputs = {name: str(about["default"]) for name, about in action["inputs"].items()}
    inputs |= {"paths": "src\n\n", "args": "--select MS101", "fail": fail}
    codes = {}
    for step in action["runs"]["steps"]:
        if "run" not in step:
            assert step["uses"].startswith("github/codeql-action/upload-sarif@") and step["with"]["sarif_file"]
            continue
        values = {f"inputs.{name}": value for name, value in inputs.items()}
        if outputs.exists():
            lines = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
            values |= {f"steps.advise.outputs.{name}": value for name, value in lines.items()}
        env = {name: values[text.strip("${ }")] for name, text in step["env"].items()}
        # What GitHub starts for `shell: bash`.
        bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(bash, cwd=project, env={**environment, **env, "GITHUB_OUTPUT": str(outputs)}, check=False)
        codes[step["id"]] = done.returncode
    assert codes == {"install": 0, "advise": 0, "judge": 1 if fail == "true" else 0}
    assert "findings=2\n" in outputs.read_text()
    assert "install" in (folder / "pip.log").read_text() and "memsight" in (folder / "pip.log").read_text()
    results = json.loads((project / "memsight.sarif").read_text())["runs"][0]["results"]
    assert {result["ruleId"] for result in results} == {"MS101"}


@pytest.mark.skipif(shutil.which("git") is None, reason="NOT COVERED: the hooks of pre-commit, which take git")
def test_the_hooks_of_pre_commit(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The hooks as they stand in the file, in a repository that names them as local ones: they take the package under test."""
    pytest.importorskip("pre_commit", reason="NOT COVERED: the hooks of pre-commit, for want of pre-commit")
    yaml = pytest.importorskip("yaml")
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    local = [{**hook, "language": "system"} for hook in hooks]
    (project / ".pre-commit-config.yaml").write_text(yaml.safe_dump({"repos": [{"repo": "local", "hooks": local}]}))
    (project / "src/x_pb2.py").write_text(SOURCE)
    (project / "memsight.toml").write_text('extend-exclude = ["*_pb2.py"]\n')
    (project / "src/ü b.py").unlink()
    folder = tmp_path_factory.mktemp("hooks")
    environment = {**command_on_path(folder), "PRE_COMMIT_HOME": str(folder / "home")}

    def git(*args: str) -> None:
        names = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *names, *args], cwd=project, env=environment, check=True, capture_output=True)

    git("init", "-q")
    git("add", "-A")

    def hook(name: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pre_commit", "run", name, "--all-files"]
        return subprocess.run(command, cwd=project, env=environment, check=False, capture_output=True, text=True)

    checked = hook("memsight-advise")
    assert checked.returncode == 1 and "MS105" in checked.stdout and "src/c.ipynb:cell 1:1" in checked.stdout, checked
    assert "x_pb2" not in checked.stdout
    fixed = hook("memsight-advise-fix")
    assert fixed.returncode == 1 and "files were modified by this hook" in fixed.stdout, fixed
    assert "sum(len(x)" in (project / "src/a.py").read_text()
    assert (project / "src/x_pb2.py").read_text() == SOURCE

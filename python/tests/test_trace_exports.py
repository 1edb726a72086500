"""Traces in the form of other tools, read by those tools: sums are those of ``memsight trace``."""

from __future__ import annotations

import csv
import json
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest

import memsight

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="recorded on Linux on x86-64"
)


class Recording:
    """A trace, and what memsight says of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = str(folder / "app.trace")
        kept = []
        with memsight.Tracker(self.path, exact=True):
            kept.append([bytes(1000 + n) for n in range(500)])
            thread = threading.Thread(target=lambda: kept.append(bytearray(3_000_000)))
            thread.start()
            thread.join()
            bytes(5_000_000)
        self.summary = json.loads(self.run("trace", self.path, "--format", "json"))

    def run(self, *args: str) -> str:
        command = [sys.executable, "-m", "memsight", *args]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=self.folder).stdout

    def export(self, name: str, *args: str) -> Path:
        self.run("export", self.path, "-o", name, "--force", *args)
        return self.folder / name


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return Recording(tmp_path_factory.mktemp("traces"))


def package(config: pytest.Config, name: str, version: str) -> Path:
    """A package of npm, unpacked; kept in pytest's cache."""
    if not (shutil.which("npm") and shutil.which("node")):
        pytest.skip("NOT COVERED: npm and node are not here")
    assert config.cache is not None
    folder = config.cache.mkdir("npm") / f"{name}-{version}"
    if not folder.exists():
        target = folder.parent
        packed = subprocess.run(
            ["npm", "pack", f"{name}@{version}", "--silent"], capture_output=True, text=True, check=False, cwd=target
        )
        if packed.returncode != 0:
            pytest.skip(f"NOT COVERED: {name} cannot be fetched: {packed.stderr.strip()[-200:]}")
        with tarfile.open(target / packed.stdout.strip().splitlines()[-1]) as archive:
            for member in archive:
                if member.isfile() and ".." not in Path(member.name).parts:
                    archive.extract(member, folder)
    return folder / "package"


SUMS = """
const {Profile} = require(process.argv[1]);
const profile = Profile.decode(require("zlib").gunzipSync(require("fs").readFileSync(process.argv[2])));
const text = number => profile.stringTable.strings[Number(number)];
const types = profile.sampleType.map(type => text(type.type));
const sums = Object.fromEntries(types.map((type, at) =>
  [type, profile.sample.reduce((sum, sample) => sum + Number(sample.value[at]), 0)]));
const lines = new Map(profile.location.map(location => [Number(location.id), location.line[0]]));
const names = new Map(profile.function.map(f => [Number(f.id), text(f.name)]));
const newest = profile.sample.map(sample => names.get(Number(lines.get(Number(sample.locationId[0])).functionId)));
const mangled = profile.function.filter(f => text(f.systemName) !== "").length;
console.log(JSON.stringify({sums, types, newest, mangled, default: text(profile.defaultSampleType)}));
"""


@pytest.mark.parametrize("at", ["peak", "end", "all"])
def test_pprof_reads_the_same_sums(recording: Recording, pytestconfig: pytest.Config, at: str) -> None:
    decoder = package(pytestconfig, "pprof-format", "2.3.2") / "dist" / "commonjs" / "index.js"
    file = recording.export("app.pb.gz", "--at", at)
    command = ["node", "-e", SUMS, str(decoder), str(file)]
    read = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    summary = recording.summary
    expected = {"alloc_objects": summary["allocations"], "alloc_space": summary["allocated_bytes"]}
    if at != "all":
        expected |= {"inuse_objects": summary[f"{at}_count"], "inuse_space": summary[f"{at}_bytes"]}
    assert read["sums"] == expected
    assert read["default"] == ("alloc_space" if at == "all" else "inuse_space")
    # (a name that pprof would take for one of C++ it shows without what is in brackets)
    assert read["mangled"] == 0 and any("<lambda>" in name for name in read["newest"])


def test_go_reads_the_same_sums(recording: Recording) -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip("NOT COVERED: go tool pprof, since go is not here (Debian: golang-go)")
    file = recording.export("app.pb.gz")
    command = [go, "tool", "pprof", "-top", "-unit=b", "-nodecount=0", str(file)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    total = re.search(r"of ([0-9]+)B total", text)
    assert total is not None and int(total[1]) == recording.summary["peak_bytes"], text


@pytest.mark.parametrize("at", ["peak", "end", "all"])
def test_speedscope_takes_it(recording: Recording, pytestconfig: pytest.Config, at: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    release = package(pytestconfig, "speedscope", "1.25.0") / "dist" / "release"
    written = json.loads(recording.export("app.speedscope.json", "--at", at).read_text())
    jsonschema.validate(written, json.loads((release / "file-format-schema.json").read_text()))
    sums = [sum(profile["weights"]) for profile in written["profiles"]]
    allocated = recording.summary["allocated_bytes"]
    assert sums == ([allocated] if at == "all" else [recording.summary[f"{at}_bytes"], allocated])
    for profile in written["profiles"]:
        assert profile["endValue"] == sum(profile["weights"]) and profile["unit"] == "bytes"


def columns(rows: list[dict[str, Any]]) -> dict[str, int]:
    names = (
        "bytes",
        "blocks",
        "allocated_bytes",
        "allocations",
        "peak_bytes",
        "peak_blocks",
        "end_bytes",
        "end_blocks",
    )
    return {name: sum(int(row[name]) for row in rows) for name in names}


def test_tables_have_the_same_rows(recording: Recording) -> None:
    parquet, arrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    rows = parquet.read_table(recording.export("app.parquet")).to_pylist()
    done = memsight.Recorded(recording.path, 0, 0, 0)
    assert arrow.table(done.to_arrow()).to_pylist() == rows
    with recording.export("app.csv").open(newline="") as file:
        texts = list(csv.DictReader(file))
    assert [{name: str("" if value is None else value) for name, value in row.items()} for row in rows] == texts
    summary = recording.summary
    assert columns(rows) == {
        "bytes": summary["peak_bytes"],
        "blocks": summary["peak_count"],
        "allocated_bytes": summary["allocated_bytes"],
        "allocations": summary["allocations"],
        "peak_bytes": summary["peak_bytes"],
        "peak_blocks": summary["peak_count"],
        "end_bytes": summary["end_bytes"],
        "end_blocks": summary["end_count"],
    }
    assert columns(arrow.table(done.to_arrow(at="end")).to_pylist())["bytes"] == summary["end_bytes"]
    with pytest.raises(ValueError, match="peak"):
        done.to_arrow(at="noon")
    largest = max(rows, key=lambda row: row["bytes"])
    assert largest["stack"].endswith(f"{largest['function']} ({largest['file']}:{largest['line']})")
    assert largest["file"] == __file__


def test_collapsed_stacks_have_the_same_sum(recording: Recording) -> None:
    lines = recording.export("app.collapsed").read_text().splitlines()
    assert sum(int(line.rpartition(" ")[2]) for line in lines) == recording.summary["peak_bytes"]


def test_what_is_no_form_is_refused(recording: Recording) -> None:
    for args, code in ((["-o", "app.txt"], "MS-E184"), (["--to", "heapsnapshot"], "MS-E186"), ([], "MS-E184")):
        command = [sys.executable, "-m", "memsight", "export", recording.path, *args]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=recording.folder)
        assert done.returncode == 2 and f"error[{code}]" in done.stderr, done.stderr

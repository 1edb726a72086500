"""``memsight check`` on what this process records of itself: the truth is what it allocated."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import memsight

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="recorded on Linux on x86-64"
)

MIB = 1 << 20
# A file whose name XML and annotations have to escape.
FILE = 'odd <&"%,:.py'
SOURCE = "def makes(count):\n    return bytes(count)\n\n\ndef keeps(kept, count):\n    kept[0] = bytes(count)\n"


def record(path: Path, made: int, kept: int, exact: bool = True) -> None:
    names: dict[str, object] = {}
    exec(compile(SOURCE, FILE, "exec"), names)  # noqa: S102 - the name of a file that no file may have
    alive = [b""]
    with memsight.Tracker(path, exact=exact, sample=64 << 10, force=True):
        names["makes"](made)  # type: ignore[operator]
        names["keeps"](alive, kept)  # type: ignore[operator]


def check(folder: Path, budget: str, *args: str) -> tuple[int, str]:
    (folder / "budget.toml").write_text(budget)
    command = [sys.executable, "-m", "memsight", "check", "new.trace", "--budget", "budget.toml", *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout


def test_figures_are_those_that_were_allocated(tmp_path: Path) -> None:
    record(tmp_path / "new.trace", 20 * MIB, 8 * MIB)
    budget = (
        '[trace]\npeak = "20 MiB"\nleaks = "9 MiB"\n'
        f"[[trace.places]]\nfile = 'odd*.py'\nfunction = \"makes\"\nallocated = {20 * MIB}\n"
        f'[[trace.places]]\nfunction = "keeps"\nline = 6\nleaks = {8 * MIB}\n'
    )
    code, text = check(tmp_path, budget, "--format", "json")
    view = json.loads(text)
    assert code == 1 and [row["verdict"] for row in view["checks"]] == ["over", "within", "over", "over"], text
    peak, _, makes, keeps = view["checks"]
    # the head of a bytes object, and its end
    head = sys.getsizeof(b"")
    assert makes["value"] == 20 * MIB + head and keeps["value"] == 8 * MIB + head
    assert 20 * MIB + head <= peak["value"] < 20 * MIB + 100_000
    assert peak["culprits"][0] == {"function": "makes", "file": FILE, "line": 2, "value": 20 * MIB + head}
    assert keeps["culprits"] == [{"function": "keeps", "file": FILE, "line": 6, "value": 8 * MIB + head}]


def test_other_tools_read_odd_names(tmp_path: Path) -> None:
    record(tmp_path / "new.trace", 20 * MIB, MIB)
    code, text = check(tmp_path, '[trace]\npeak = "1 MiB"\nleaks = "1 GiB"\n', "--format", "junit")
    root = ElementTree.fromstring(text)
    assert code == 1 and root.tag == "testsuites" and root.get("tests") == "2" and root.get("failures") == "1"
    failures = [case.find("failure") for case in root.iter("testcase")]
    assert failures[0] is not None and failures[1] is None and f"makes ({FILE}:2)" in str(failures[0].text), text
    _, text = check(tmp_path, '[trace]\npeak = "1 MiB"\n', "--format", "github")
    assert text.startswith('::error file=odd <&"%25%2C%3A.py,line=2,title=memsight%3A trace.peak::20.0 MiB'), text


def test_growth_names_the_line(tmp_path: Path) -> None:
    record(tmp_path / "old.trace", 20 * MIB, MIB)
    record(tmp_path / "new.trace", 20 * MIB, 4 * MIB)
    budget = '[trace.growth]\nleaks = "1 MiB"\npeak = ["10%", "1 MiB"]\n'
    code, text = check(tmp_path, budget, "--baseline", "old.trace", "--format", "json")
    leaks, peak = json.loads(text)["checks"]
    assert code == 1 and peak["verdict"] == "within" and leaks["verdict"] == "over", text
    assert leaks["culprits"][0] == {"function": "keeps", "file": FILE, "line": 6, "value": 3 * MIB}


def test_a_sample_has_intervals_that_hold_the_truth(tmp_path: Path) -> None:
    outside = 0
    for _ in range(10):
        record(tmp_path / "new.trace", 20 * MIB, 8 * MIB, exact=False)
        _, text = check(tmp_path, '[trace]\npeak = "1 GiB"\n', "--format", "json")
        row = json.loads(text)["checks"][0]
        assert row["low"] < row["value"] < row["high"]
        outside += not row["low"] <= 20 * MIB <= row["high"]
    # each is outside by chance in one of twenty cases: four of ten in one of a thousand
    assert outside < 4

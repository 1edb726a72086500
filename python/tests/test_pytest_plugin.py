"""The plugin for pytest, in sessions of its own."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="recorded on Linux on x86-64"
)

TESTS = """
import asyncio, pytest
KEPT = []

@pytest.mark.limit_memory("4 MiB")
def test_within(tmp_path):
    assert len(bytes(3_000_000)) == 3_000_000

@pytest.mark.limit_memory("4 MiB")
def test_above():
    def makes_it():
        return bytes(6_000_000)
    makes_it()

@pytest.mark.limit_leaks("100 KiB", warmups=True)
def test_leaves_nothing():
    block = [bytes(500_000)]
    block.append(block)

@pytest.mark.limit_leaks("100 KiB")
def test_leaves():
    KEPT.append(bytes(500_000))

@pytest.mark.limit_leaks("100 KiB", filter_fn=lambda stack: not any(f.function.endswith("keeps") for f in stack.frames))
def test_leaves_what_is_known():
    def keeps():
        KEPT.append(bytes(500_000))
    keeps()

def test_unmarked():
    bytes(9_000_000)

@pytest.mark.limit_memory("1 MiB")
def test_fails_by_itself():
    block = bytes(2_000_000)
    raise ValueError("its own")
"""


def session(folder: Path, *options: str) -> tuple[int, str]:
    test = folder / "test_it.py"
    if not test.exists():
        test.write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "memsight._pytest", "-p", "no:cacheprovider", "-rA", str(test)]
    done = subprocess.run(
        [*command, *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    return done.returncode, done.stdout + done.stderr


def outcomes(text: str) -> dict[str, str]:
    found = re.findall(r"^(PASSED|FAILED|ERROR) test_it\.py::(\w+)", text, re.MULTILINE)
    return {name: outcome for outcome, name in found}


def test_markers_hold_by_themselves(tmp_path: Path) -> None:
    code, text = session(tmp_path)
    assert code == 1, text
    assert outcomes(text) == {
        "test_within": "PASSED",
        "test_above": "FAILED",
        "test_leaves_nothing": "PASSED",
        "test_leaves": "FAILED",
        "test_leaves_what_is_known": "PASSED",
        "test_unmarked": "PASSED",
        "test_fails_by_itself": "FAILED",
    }, text
    assert re.search(r"5\.7 MiB at once, 4 MiB is the limit.*\n\s+5\.7 MiB +\S*makes_it \(\S*test_it\.py:12\)", text), (
        text
    )
    assert re.search(r"488\.\d KiB in \d blocks? (is|are) left", text) and "its own" in text, text
    assert "memsight: memory of tests" not in text, text


def test_all_are_recorded_and_shown(tmp_path: Path) -> None:
    code, text = session(tmp_path, "--memsight", "--most-allocations=2")
    assert code == 1, text
    summary = text[text.index("memsight: memory of tests") :]
    lines = summary.splitlines()
    assert "8.6 MiB at once" in lines[1] and "test_unmarked" in lines[1], summary
    assert "5.7 MiB at once" in lines[2] and "and 5 more" in lines[3], summary


def test_a_baseline_is_made_and_held(tmp_path: Path) -> None:
    baseline = tmp_path / "baseline.json"
    (tmp_path / "test_it.py").write_text("def test_it():\n    bytes(1_000_000)\n")
    assert session(tmp_path, "--memsight-baseline", str(baseline))[0] == 0
    peaks = json.loads(baseline.read_text())["peak_bytes"]
    assert list(peaks) == ["test_it.py::test_it"] and 1_000_000 <= peaks["test_it.py::test_it"] < 1_100_000
    assert session(tmp_path, "--memsight-baseline", str(baseline))[0] == 0
    (tmp_path / "test_it.py").write_text("def test_it():\n    bytes(1_500_000)\n")
    code, text = session(tmp_path, "--memsight-baseline", str(baseline))
    assert code == 1 and re.search(r"1\.4 MiB at once, 97\d\.\d KiB in the baseline", text), text


def test_sizes() -> None:
    from memsight._pytest import parse_size

    sizes = {"24 MiB": 24 << 20, "1.5GB": 3 << 29, "4096": 4096, "10 kb": 10 << 10, "7 B": 7}
    assert {text: parse_size(text) for text in sizes} == sizes
    for wrong in ("", "x", "12 parsec", "-1 MiB"):
        with pytest.raises(ValueError, match="size"):
            parse_size(wrong)

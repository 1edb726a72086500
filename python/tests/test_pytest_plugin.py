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


def session(folder: Path, *options: str, plugins: tuple[str, ...] = ()) -> tuple[int, str]:
    test = folder / "test_it.py"
    if not test.exists():
        test.write_text(TESTS)
    loaded = [word for name in ("memsight._pytest", *plugins) for word in ("-p", name)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *loaded, "-rA", str(test), *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    return done.returncode, done.stdout + done.stderr


def outcomes(text: str) -> dict[str, str]:
    found = re.findall(r"^(PASSED|FAILED|ERROR|MEMORY PROBLEMS) test_it\.py::(\w+)", text, re.MULTILINE)
    return {name: "FAILED" if outcome == "MEMORY PROBLEMS" else outcome for outcome, name in found}


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
    assert "Test was limited to 4.0MiB but allocated 5.7MiB" in text, text
    assert re.search(r"5\.7MiB allocated here:\n\s+makes_it:\S*test_it\.py:12", text), text
    assert re.search(r"488\.\dKiB allocated here:\n\s+test_leaves:", text) and "its own" in text, text
    assert "MEMRAY REPORT" not in text, text


def test_all_are_recorded_and_shown(tmp_path: Path) -> None:
    code, text = session(tmp_path, "--memsight", "--most-allocations=2")
    assert code == 1, text
    summary = text[text.index("MEMRAY REPORT") :]
    found = re.findall(r"results for test_it\.py::(\w+) .*\n +Total memory allocated: (\S+)", summary)
    assert found == [("test_unmarked", "8.6MiB"), ("test_above", "5.7MiB")], summary
    assert "and 5 more" in summary, summary


def test_a_baseline_is_made_and_held(tmp_path: Path) -> None:
    baseline = tmp_path / "baseline.json"
    (tmp_path / "test_it.py").write_text("def test_it():\n    bytes(1_000_000)\n")
    assert session(tmp_path, "--memsight-baseline", str(baseline))[0] == 0
    peaks = json.loads(baseline.read_text())["peak_bytes"]
    assert list(peaks) == ["test_it.py::test_it"] and 1_000_000 <= peaks["test_it.py::test_it"] < 1_100_000
    assert session(tmp_path, "--memsight-baseline", str(baseline))[0] == 0
    (tmp_path / "test_it.py").write_text("def test_it():\n    bytes(1_500_000)\n")
    code, text = session(tmp_path, "--memsight-baseline", str(baseline))
    assert code == 1 and re.search(r"took 97\d\.\dKiB in the baseline but now takes 1\.4MiB", text), text


SWITCHED = """
import threading, pytest
KEPT = []

@pytest.mark.limit_memory("100 KB", current_thread_only=True)
def test_of_another_thread():
    thread = threading.Thread(target=lambda: bytes(3_000_000))
    thread.start()
    thread.join()

@pytest.mark.limit_leaks("100 KB", current_thread_only=True)
def test_left_by_another_thread():
    thread = threading.Thread(target=lambda: KEPT.append(bytes(3_000_000)))
    thread.start()
    thread.join()

@pytest.mark.limit_memory("100 MB")
def test_small_blocks():
    KEPT.append([object() for _ in range(200_000)])
"""


def test_options_are_those_of_the_other_plugin(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(SWITCHED)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmemray = true\nmost_allocations = 1\n")
    code, text = session(tmp_path, "--memray-bin-path=kept", "--memray-bin-prefix=run", "--stacks=3")
    assert code == 0, text
    assert re.findall(r"results for test_it\.py::(\w+)", text) == ["test_small_blocks"], text
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == [
        f"run-test_it.py-{name}.trace" for name in sorted(outcomes(text))
    ]
    assert "MEMRAY REPORT" not in session(tmp_path, "--hide-memray-summary")[1]
    assert "results for" not in session(tmp_path, "-o", "memray=false")[1]


def test_growth_since_the_last_run_fails(tmp_path: Path) -> None:
    test = tmp_path / "test_it.py"
    for megabytes, options, expected in (
        (1, [], 0),
        (2, [], 0),
        (3, ["--fail-on-increase"], 1),
        (2, ["--fail-on-increase"], 0),
    ):
        test.write_text(
            f"import pytest\n@pytest.mark.limit_memory('100 MB')\ndef test_it():\n    bytes({megabytes} * 1024 * 1024)\n"
        )
        code, text = session(tmp_path, *options)
        assert code == expected, text
    test.write_text(test.read_text().replace("2 * 1024", "4 * 1024"))
    text = session(tmp_path, "--fail-on-increase")[1]
    assert re.search(r"Test previously used 2\.0MiB but now uses 4\.0MiB", text), text


def test_small_blocks_are_left_out_where_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(SWITCHED.replace('"100 MB"', '"2 MB"'))
    code, text = session(tmp_path, "--deselect", "test_it.py::test_of_another_thread")
    assert outcomes(text)["test_small_blocks"] == "FAILED", text
    # what is left is the list itself: 1.6 MB
    code, text = session(tmp_path, "-o", "trace_python_allocators=false")
    assert code == 0, text


ASYNCHRONOUS = """
import asyncio, pytest
KEPT = []

async def makes():
    await asyncio.sleep(0)
    return bytes(3_000_000)

@pytest.mark.{kind}
@pytest.mark.limit_memory("1 MB")
async def test_above():
    await makes()

@pytest.mark.{kind}
@pytest.mark.limit_leaks("1 MB")
async def test_leaves():
    KEPT.append(await makes())

@pytest.mark.{kind}
@pytest.mark.limit_memory("10 MB")
async def test_within():
    await makes()
{more}
"""


@pytest.mark.parametrize(
    ("kind", "package", "plugin", "more"),
    [
        ("asyncio", "pytest_asyncio", "pytest_asyncio.plugin", ""),
        ("anyio", "anyio", "anyio.pytest_plugin", "@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"),
    ],
)
def test_asynchronous_tests_have_limits(tmp_path: Path, kind: str, package: str, plugin: str, more: str) -> None:
    pytest.importorskip(package)
    (tmp_path / "test_it.py").write_text(ASYNCHRONOUS.format(kind=kind, more=more))
    _, text = session(tmp_path, plugins=(plugin,))
    assert outcomes(text) == {"test_above": "FAILED", "test_leaves": "FAILED", "test_within": "PASSED"}, text
    assert re.search(r"2\.9MiB allocated here:\n\s+makes:", text), text


def test_workers_of_xdist_have_limits(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    code, text = session(tmp_path, "--memray", "-n", "2", "--most-allocations=1", plugins=("xdist", "xdist.looponfail"))
    assert code == 1 and outcomes(text)["test_above"] == "FAILED" and outcomes(text)["test_within"] == "PASSED", text
    assert re.findall(r"results for test_it\.py::(\w+)", text) == ["test_unmarked"], text


def test_sizes() -> None:
    from memsight._pytest import parse_size

    sizes = {"24 MiB": 24 << 20, "1.5GB": 3 << 29, "4096": 4096, "10 kb": 10 << 10, "7 B": 7}
    assert {text: parse_size(text) for text in sizes} == sizes
    for wrong in ("", "x", "12 parsec", "-1 MiB"):
        with pytest.raises(ValueError, match="size"):
            parse_size(wrong)

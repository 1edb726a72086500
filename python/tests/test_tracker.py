"""What ``memsight.Tracker`` records of this process, against what it did; each in a process of its own."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="recorded on Linux on x86-64"
)

# Makes blocks of a size that nobody else asks for: 500 that stay and 500 that go, in a function of its own.
WORK = """
SIZE = 30_011
def work(kept):
    # (numbers up to 256 are there already)
    for _ in range(10):
        for number in range(100):
            block = bytes(SIZE)
            if number % 2:
                kept.append(block)
"""


def run(code: str, *arguments: object, fails: bool = False) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "import memsight, os, sys\n" + WORK + code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) == fails, (done.returncode, done.stdout, done.stderr)
    return done.stderr if fails else done.stdout


def view(trace: Path, *words: str) -> Any:
    command = [sys.executable, "-m", "memsight", "trace", str(trace), *words, "--top", "0", "--format", "json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def of_work(trace: Path) -> dict[str, Any]:
    rows = [row for row in view(trace, "functions", "--at", "end")["functions"] if row["function"] == "work"]
    assert len(rows) == 1, rows
    return rows[0]  # type: ignore[no-any-return]


def test_what_a_function_made_is_in_the_trace(tmp_path: Path) -> None:
    trace = tmp_path / "a.trace"
    text = run(
        "kept = []\nwith memsight.Tracker(sys.argv[1], exact=True) as tracker:\n    work(kept)\n"
        "work(kept)\nprint(sys.getsizeof(kept[0]))",
        trace,
    )
    size = int(text)
    row = of_work(trace)
    # of the list that grows beside them there are some more
    assert 500 * size <= row["bytes"] < 505 * size, row
    assert 1000 <= row["allocations"] < 1100, row
    summary = view(trace)
    assert (summary["mode"], summary["is_cut"], summary["lost_events"]) == ("exact", False, 0), summary
    assert trace.stat().st_mode & 0o777 == 0o600


def test_a_sample_estimates_it(tmp_path: Path) -> None:
    trace = tmp_path / "a.trace"
    run(
        "kept = []\nwith memsight.Tracker(sys.argv[1], sample=4096):\n    for _ in range(4): work(kept)\n    kept",
        trace,
    )
    row = of_work(trace)
    # blocks of 30,044 bytes are in a sample of 4 KiB with a probability of 0.9993
    assert 59_000_000 < row["bytes"] < 61_500_000 and row["error_bytes"] > 0, row
    assert view(trace)["mode"] == "sampled"


def test_one_after_the_other_and_not_two_at_once(tmp_path: Path) -> None:
    code = """
kept, folder = [], sys.argv[1]
for number in range(5):
    tracker = memsight.Tracker(os.path.join(folder, f"{number}.trace"), exact=number % 2 == 0)
    assert tracker.stop() is None
    tracker.start()
    try:
        memsight.Tracker(os.path.join(folder, "other.trace")).start()
    except memsight.Error as error:
        assert error.code == "MS-E174", error
    else:
        raise AssertionError("two at once")
    work(kept)
    recorded = tracker.stop()
    assert recorded.allocations > (1000 if number % 2 == 0 else 10) and recorded.lost_events == 0, recorded
    assert recorded.file_bytes == os.stat(recorded.path).st_size
assert not os.path.exists(os.path.join(folder, "other.trace"))
try:
    memsight.Tracker(os.path.join(folder, "0.trace")).start()
except memsight.OutputExists as error:
    print(error.code)
"""
    assert run(code, tmp_path) == "MS-E050\n"
    assert of_work(tmp_path / "4.trace")["allocations"] >= 1000


def test_a_child_by_fork_goes_on_by_itself(tmp_path: Path) -> None:
    code = """
import warnings
warnings.simplefilter("ignore")
kept, folder = [], sys.argv[1]
with memsight.Tracker(os.path.join(folder, "parent.trace"), exact=True) as tracker:
    child = os.fork()
    if child == 0:
        work(kept)
        assert tracker.stop() is None
        with memsight.Tracker(os.path.join(folder, "child.trace"), exact=True):
            work(kept)
            work(kept)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    work(kept)
"""
    run(code, tmp_path)
    assert of_work(tmp_path / "parent.trace")["allocations"] < 1100
    assert of_work(tmp_path / "child.trace")["allocations"] >= 2000


def test_a_program_that_ends_within_it_leaves_a_whole_trace(tmp_path: Path) -> None:
    trace = tmp_path / "a.trace"
    run("kept = []\nmemsight.Tracker(sys.argv[1], exact=True).start()\nwork(kept)\nsys.exit(3)", trace, fails=True)
    assert view(trace)["is_cut"] is False
    assert of_work(trace)["allocations"] >= 1000


def test_errors(tmp_path: Path) -> None:
    import memsight

    with pytest.raises(ValueError, match="1024"):
        memsight.Tracker(tmp_path / "a.trace", sample=100)
    with pytest.raises(memsight.Error) as caught:
        memsight.Tracker(tmp_path / "no" / "a.trace").start()
    assert caught.value.code == "MS-E057"
    # a failure leaves nothing behind that is in the way
    with memsight.Tracker(tmp_path / "a.trace"):
        pass
    assert os.path.exists(tmp_path / "a.trace")

"""Another process, a file, and what goes wrong with both."""

from __future__ import annotations

import os
import pickle
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import memsight

TARGET = """
import sys
class Session:
    def __init__(self, number):
        self.number = number
SESSIONS = [Session(number) for number in range(5000)]
def wait(token):
    sys.stdout.write("ready %d\\n" % id(SESSIONS))
    sys.stdout.flush()
    sys.stdin.read()
wait(bytearray(1 << 20))
"""


class Target:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.pid = process.pid
        assert process.stdout is not None
        self.sessions = int(process.stdout.readline().split()[1])


@pytest.fixture()
def target() -> Iterator[Target]:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", TARGET], stdin=pipe, stdout=pipe) as process:
        yield Target(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait() == 0  # looked at, and as healthy as before


@pytest.fixture()
def saved(target: Target, tmp_path: Path) -> Path:
    path = tmp_path / "app.heap"
    memsight.snapshot(target.pid).save(path)
    return path


def core_of(tmp_path: Path) -> tuple[int, int, Path]:
    """A process id, the address of its sessions, and its core; by the kernel, or by gcore where that has other ways."""
    limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
    names_file = Path("/proc/sys/kernel/core_pattern").read_text()[0] not in "|/"
    by_kernel = names_file and limit == resource.RLIM_INFINITY
    gcore = shutil.which("gcore")
    if not by_kernel and gcore is None:
        pytest.skip("the kernel gives cores away, or none that are whole, and there is no gcore")

    pipe = subprocess.PIPE
    command = [sys.executable, "-c", TARGET]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=tmp_path) as process:
        target = Target(process)
        if by_kernel:
            resource.prlimit(process.pid, resource.RLIMIT_CORE, (limit, limit))
            process.send_signal(signal.SIGABRT)
        else:
            assert gcore is not None
            subprocess.run([gcore, "-o", tmp_path / "core", str(process.pid)], check=True, capture_output=True)
            process.kill()
        process.wait()
    (core,) = tmp_path.glob("core*")
    return process.pid, target.sessions, core


def test_a_core_file_is_loaded_like_a_snapshot(tmp_path: Path) -> None:
    pid, sessions, core = core_of(tmp_path)
    heap = memsight.load(core)
    view = heap.overview()
    assert (heap.pid, view.mode, view.python) == (pid, "core", sys.version.split()[0])
    assert heap.object(sessions).name == "__main__.SESSIONS"
    assert next(row for row in heap.types() if row.type == "__main__.Session").count == 5000
    assert view.core is not None
    assert view.core.signal in (0, signal.SIGABRT)
    assert 0 < view.core.dumped_bytes <= min(view.core.mapped_bytes, core.stat().st_size)
    assert heap.waste().total_bytes > 0
    assert heap.refcounts().recorded, "what C holds is looked for, too"
    heap.save(tmp_path / "app.heap")
    again = memsight.load(tmp_path / "app.heap")
    assert again.overview().core == view.core
    assert again.refcounts() == heap.refcounts()

    with pytest.raises(memsight.Error) as refused:
        memsight.load(core, exe="/bin/sh")
    assert refused.value.code == "MS-E028"
    with core.open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(memsight.CorruptFile, match="cut off"):
        memsight.load(core)


def test_another_process(target: Target) -> None:
    heap = memsight.snapshot(target.pid)
    assert heap.pid == target.pid
    assert heap.overview().python == sys.version.split()[0]
    assert heap.object(target.sessions).name == "__main__.SESSIONS"
    rows = {row.type: row for row in heap.types()}
    assert rows["__main__.Session"].count == 5000
    assert rows["__main__.Session"].retained_bytes >= rows["__main__.Session"].shallow_bytes
    frame = next(frame for frame in heap.threads()[0].frames if frame.function == "wait")
    assert [(local.variable, local.type) for local in frame.locals] == [("token", "bytearray")]


def test_two_looks_agree_on_reference_counts(target: Target) -> None:
    first, second = memsight.snapshot(target.pid), memsight.snapshot(target.pid)
    alone = first.refcounts()
    assert (alone.looks, alone.confirmed) == (1, False) and alone.doubt
    both = second.refcounts(earlier=[first])
    assert (both.looks, both.confirmed, both.doubt) == (2, True, None)
    assert both.deficits == () and both.recorded
    with pytest.raises(memsight.Error):
        second.refcounts(earlier=[memsight.snapshot()])


def test_without_a_pause(target: Target) -> None:
    heap = memsight.snapshot(target.pid, mode="live")
    assert heap.overview().mode == "live"
    assert heap.overview().partial


def test_a_file_says_the_same_as_the_process(target: Target, tmp_path: Path) -> None:
    heap = memsight.snapshot(target.pid)
    heap.save(tmp_path / "app.heap")
    loaded = memsight.load(str(tmp_path / "app.heap"))
    for view in ("overview", "types", "suspects", "dominators", "threads", "garbage", "cycles"):
        assert getattr(loaded, view)() == getattr(heap, view)()
    assert loaded.object(target.sessions) == heap.object(target.sessions)


def test_an_output_is_replaced_only_when_told_to(target: Target, saved: Path) -> None:
    heap = memsight.snapshot(target.pid)
    with pytest.raises(memsight.OutputExists) as refused:
        heap.save(saved)
    assert isinstance(refused.value, FileExistsError)
    heap.save(saved, force=True)
    assert memsight.load(saved).types() == heap.types()


def test_damaged_files(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(memsight.SnapshotNotFound):
        memsight.load(tmp_path / "none")
    table = saved / "objects.parquet"
    table.write_bytes(table.read_bytes()[:-100])
    with pytest.raises(memsight.CorruptFile, match="objects.parquet") as damaged:
        memsight.load(saved)
    assert isinstance(damaged.value, ValueError)
    assert damaged.value.code == "MS-E055"


def test_processes_that_cannot_be_read(target: Target) -> None:
    with pytest.raises(memsight.NoSuchProcess) as missing:
        memsight.snapshot(2**22 + 1)
    assert isinstance(missing.value, ProcessLookupError)
    assert missing.value.code == "MS-E010" and missing.value.hint
    for impossible in (0, -1, 2**40):
        with pytest.raises(memsight.NoSuchProcess):
            memsight.snapshot(impossible)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        with pytest.raises(memsight.UnsupportedInterpreter) as foreign:
            memsight.snapshot(other.pid)
        assert isinstance(foreign.value, RuntimeError)


def test_questions_without_an_answer(target: Target) -> None:
    heap = memsight.snapshot(target.pid)
    with pytest.raises(memsight.NotFound):
        heap.object(12)
    with pytest.raises(memsight.NotFound):
        heap.paths("no.such.Type")
    with pytest.raises(memsight.NotFound, match="tabel"):
        heap.to_arrow("tabel")
    with pytest.raises(ValueError):
        heap.types(top=-1)
    with pytest.raises(ValueError):
        memsight.snapshot(target.pid, mode="freezing")


def test_errors_and_views_can_be_sent_to_other_processes(target: Target) -> None:
    explained = {"code": "MS-E000", "hint": "a hint"}
    errors: list[memsight.Error] = [
        kind(message="a message", **explained) for kind in (memsight.Error, memsight.CorruptFile)
    ]
    errors += [kind(7, "cat", "a message", **explained) for kind in (memsight.AccessDenied, memsight.TargetExited)]
    for error in errors:
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert (copy.code, copy.hint, copy.message) == ("MS-E000", "a hint", "a message")
        assert "a message" in str(copy) and "MS-E000" in str(copy)
    types = memsight.snapshot(target.pid).types()
    assert pickle.loads(pickle.dumps(types)) == types


def test_the_command_runs_from_the_package(target: Target) -> None:
    command = [sys.executable, "-m", "memsight"]
    version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("memsight ")
    failed = subprocess.run([*command, "heap", str(2**22 + 1)], capture_output=True, text=True, check=False)
    assert failed.returncode == 2 and "MS-E010" in failed.stderr
    script = Path(sys.executable).with_name("memsight")
    if script.exists():  # the console script of the same environment
        listed = subprocess.run([script, "ps"], capture_output=True, text=True, check=True)
        assert str(target.pid) in listed.stdout


def test_importing_does_nothing() -> None:
    code = "import sys, memsight; print('memsight._native' in sys.modules, 'subprocess' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False"]
    assert os.path.exists(os.path.join(os.path.dirname(memsight.__file__), "py.typed"))

"""The figures of memory are psutil's, field by field."""

from __future__ import annotations

import functools
import os
import pickle
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from typing import Any, Callable

import pytest

import memsight

psutil = pytest.importorskip("psutil")

PROGRAM = """
import mmap, sys
heap = [str(number) * 10 for number in range(100_000)]
private = bytearray(8 << 20)
shared = mmap.mmap(-1, 4 << 20)
shared.write(b"x" * (2 << 20))
with open(sys.argv[1], "rb") as file:
    code = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
code.read()
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.read()
"""

MEMORY: list[tuple[str, tuple[Any, ...]]] = [
    ("memory_info", ()),
    ("memory_full_info", ()),
    ("memory_maps", (True,)),
    ("memory_maps", (False,)),
    *(("memory_percent", (field,)) for field in psutil.Process().memory_full_info()._fields),
]
IDENTITY: list[tuple[str, tuple[Any, ...]]] = [
    (name, ())
    for name in (
        "name",
        "cmdline",
        "exe",
        "cwd",
        "status",
        "ppid",
        "create_time",
        "num_threads",
        "cpu_times",
        "uids",
        "gids",
        "username",
        "is_running",
    )
]
WINDOWS = 2000


def outcome(process: Any, method: str, arguments: tuple[Any, ...]) -> Any:
    """What a method gives as plain values with the names of their fields, or the kind of its error."""
    try:
        found = getattr(process, method)(*arguments)
    except (memsight.Error, psutil.Error) as error:
        kinds = {"TargetExited": "NoSuchProcess"}  # which says more, and is one
        return kinds.get(type(error).__name__, type(error).__name__), error.pid
    return [plain(row) for row in found] if isinstance(found, list) else plain(found)


def plain(value: Any) -> Any:
    return (type(value).__name__, value._asdict()) if hasattr(value, "_asdict") else value


def agree(theirs: Callable[..., Any], ours: Callable[..., Any], *arguments: Any) -> None:
    """Both give the same.

    What a page counts as, and the machine, changes with what others do: each program that starts shares its libraries
    for a moment. So only those windows count in which psutil gives one answer before and after ours, and since a change
    may come and go within one, ours must be right in most of ten. Another definition would be wrong in all.
    """
    quiet, wrong = 0, []
    for _ in range(WINDOWS):
        before, found, after = theirs(*arguments), ours(*arguments), theirs(*arguments)
        if before == after:
            quiet += 1
            if found != before:
                wrong.append((found, before))
            if quiet == 10:
                break
    assert quiet, f"psutil said something else in each of {WINDOWS} pairs of readings"
    assert len(wrong) <= quiet // 2, wrong[0]


def compare(pid: int, methods: list[tuple[str, tuple[Any, ...]]]) -> None:
    ours, theirs = memsight.Process(pid), psutil.Process(pid)
    for call in methods:
        agree(functools.partial(outcome, theirs), functools.partial(outcome, ours), *call)


@pytest.fixture(scope="module")
def frozen() -> Iterator[int]:
    """A child with memory of every kind, stopped."""
    command = [sys.executable, "-c", PROGRAM, sys.executable]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        child.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
        try:
            yield child.pid
        finally:
            child.send_signal(signal.SIGCONT)
            child.communicate()


@pytest.fixture()
def zombie() -> Iterator[int]:
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        yield child.pid


@pytest.fixture()
def kernel_thread() -> int:
    kernel_threads = (pid for pid in memsight.pids() if memsight.Process(pid).ppid() == 2)
    pid = next(kernel_threads, None)
    if pid is None:
        pytest.skip("no thread of the kernel is to be seen in this PID namespace")
    return pid


@pytest.mark.parametrize(("method", "arguments"), MEMORY, ids=str)
def test_a_frozen_process(frozen: int, method: str, arguments: tuple[Any, ...]) -> None:
    compare(frozen, [(method, arguments)])


def test_who_a_frozen_process_is(frozen: int) -> None:
    compare(frozen, IDENTITY)
    ours, theirs = memsight.Process(frozen), psutil.Process(frozen)
    assert ours.memory_footprint()._fields == ("uss", "pss", "swap")
    assert [process.pid for process in ours.parents()] == [process.pid for process in theirs.parents()]
    assert ours.children() == theirs.children() == []
    mine = memsight.Process().children(recursive=True)
    assert {child.pid for child in mine} == {child.pid for child in psutil.Process().children(recursive=True)}
    assert frozen in {child.pid for child in mine}


def test_figures_that_psutil_has_in_its_next_version(frozen: int) -> None:
    process = memsight.Process(frozen)
    with open(f"/proc/{frozen}/status") as file:
        status = dict(line.split(":", 1) for line in file)
    extras = process.memory_extras()
    fields = ["VmHWM", "VmPeak", "RssAnon", "RssFile", "RssShmem", "VmSwap", "HugetlbPages"]
    assert list(extras) == [int(status[field].split()[0]) * 1024 for field in fields]
    assert extras.peak_rss >= process.memory_info().rss
    with open(f"/proc/{frozen}/stat") as file:
        stat = file.read().rpartition(")")[2].split()
    assert process.page_faults() == (int(stat[7]), int(stat[9]))
    assert process.memory_full_info()[7:] == process.memory_footprint()


def test_a_zombie(zombie: int) -> None:
    compare(zombie, MEMORY + IDENTITY)


def test_a_thread_of_the_kernel(kernel_thread: int) -> None:
    compare(kernel_thread, MEMORY + IDENTITY)


def test_this_process() -> None:
    # a list of mappings is made in the memory that it tells of, and takes time
    compare(os.getpid(), [call for call in MEMORY + IDENTITY if call[0] not in ("memory_maps", "cpu_times")])
    ours, theirs = memsight.Process().memory_maps(), psutil.Process().memory_maps()
    assert {row.path for row in ours} == {row.path for row in theirs}


def test_a_process_that_is_gone() -> None:
    with subprocess.Popen(["true"]) as child:
        pair = memsight.Process(child.pid), psutil.Process(child.pid)
    for method, arguments in MEMORY + IDENTITY:
        ours, theirs = (outcome(process, method, arguments) for process in pair)
        assert ours == theirs, method


def test_a_process_of_another_user(frozen: int) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    assert (
        in_another_user(lambda: compare(frozen, MEMORY + [call for call in IDENTITY if call[0] != "children"])) is None
    )
    denied = in_another_user(lambda: outcome(memsight.Process(frozen), "memory_full_info", ()))
    assert denied == ("AccessDenied", frozen)
    figures = in_another_user(lambda: tuple(memsight.Process(frozen).memory_info()))
    assert figures == memsight.Process(frozen).memory_info()


def in_another_user(work: Callable[[], Any]) -> Any:
    """What ``work`` gives as user nobody."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            answer = work()
        except BaseException:  # noqa: BLE001 (it is told to the parent)
            answer = AssertionError(traceback.format_exc())
        os.write(writer, pickle.dumps(answer))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pickle.load(pipe)
    os.waitpid(child, 0)
    if isinstance(answer, Exception):
        raise answer
    return answer


@pytest.mark.parametrize("field", psutil.virtual_memory()._fields)
def test_memory_of_the_machine(field: str) -> None:
    agree(lambda: getattr(psutil.virtual_memory(), field), lambda: getattr(memsight.virtual_memory(), field))


def test_the_machine() -> None:
    assert memsight.virtual_memory()._fields == psutil.virtual_memory()._fields
    agree(lambda: plain(psutil.swap_memory()), lambda: plain(memsight.swap_memory()))
    agree(psutil.pids, memsight.pids)
    assert memsight.boot_time() == psutil.boot_time()


def test_the_allocator() -> None:
    agree(lambda: plain(psutil.heap_info()), lambda: plain(memsight.heap_info()))
    before = memsight.heap_info().mmap_used
    block = bytearray(64 << 20)
    assert memsight.heap_info().mmap_used - before >= len(block)
    assert memsight.heap_trim() is None  # type: ignore[func-returns-value]

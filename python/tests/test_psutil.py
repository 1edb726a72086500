"""psutil's API: all of it accounted for, and what memsight has of it behaving as psutil's users expect."""

from __future__ import annotations

import inspect
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import memsight
from memsight import _psutil_rest, _psutil_types

psutil = pytest.importorskip("psutil")

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "psutil.md"
PIPE = subprocess.PIPE
STORM = """
import os, sys
sys.stdin.readline()
for _ in range(10_000):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
print("over", flush=True)
"""


@pytest.fixture()
def child() -> Iterator[subprocess.Popen[bytes]]:
    # It has said its word: what it opens while it starts is closed again before anybody counts.
    ready = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(ready, stdin=PIPE, stdout=PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None and process.stdout.readline()
        yield process
        process.kill()


def members(owner: Any) -> set[str]:
    """The public names of a module or class, without the modules that it imports."""
    return {name for name in dir(owner) if name[0] != "_" and not isinstance(getattr(owner, name), types.ModuleType)}


def verdicts(heading: str) -> dict[str, str]:
    """``same``, ``psutil`` or ``no`` for each name of the page's sections that begin so."""
    found = {}
    for section in PAGE.read_text().split("\n## "):
        if section.startswith(heading):
            for names, verdict in re.findall(r"^\| (`.*?`) \| (\w+) \|", section, re.MULTILINE):
                found.update(dict.fromkeys(re.findall(r"`(\w+)`", names), verdict))
    assert set(found.values()) <= {"same", "psutil", "no"}
    return found


def signature(function: Any) -> list[tuple[str, Any]]:
    parameters = inspect.signature(function).parameters.values()
    return [(parameter.name, parameter.default) for parameter in parameters]


def test_the_page_lists_every_name() -> None:
    not_api = {"debug"}  # a helper that psutil imports
    module = {**verdicts("Functions"), **verdicts("Classes"), **verdicts("Constants")}
    assert set(module) == members(psutil) - not_api
    assert set(verdicts("Process")) == members(psutil.Process)
    tuples = psutil._ntuples
    kinds = {name for name in dir(tuples) if isinstance(getattr(tuples, name), type) and name != "nt"}
    assert set(verdicts("Named tuples")) == {name for name in kinds if hasattr(getattr(tuples, name), "_fields")}


@pytest.mark.parametrize("heading", ["Functions", "Constants"])
def test_names_of_the_module(heading: str) -> None:
    for name, verdict in verdicts(heading).items():
        assert hasattr(memsight, name) == (verdict != "no"), name
        if verdict == "same":
            assert name in memsight.__all__
            ours, theirs = getattr(memsight, name), getattr(psutil, name)
            same = signature(ours) == signature(theirs) if callable(theirs) else ours == theirs
            assert same, name


def test_methods_of_a_process() -> None:
    for name, verdict in verdicts("Process").items():
        if verdict == "same" and name != "pid":
            assert signature(getattr(memsight.Process, name)) == signature(getattr(psutil.Process, name)), name
    new = {"memory_footprint", "memory_extras", "page_faults"}
    assert members(memsight.Process) - members(psutil.Process) == new


def test_named_tuples() -> None:
    for name, verdict in verdicts("Named tuples").items():
        if verdict == "same":
            assert getattr(_psutil_types, name)._fields == getattr(psutil._ntuples, name)._fields


@pytest.mark.parametrize("kind", ["NoSuchProcess", "ZombieProcess", "AccessDenied", "TimeoutExpired"])
def test_exceptions(kind: str) -> None:
    ours, theirs = getattr(memsight, kind), getattr(psutil, kind)
    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    arguments = [name for name, one in inspect.signature(ours).parameters.items() if one.kind is positional]
    assert arguments == [name for name, _ in signature(theirs)]
    for values in ((7,), (7, "cat")) if kind != "TimeoutExpired" else ((5,), (5, 7), (5, 7, "cat")):
        mine, other = ours(*values), theirs(*values)
        for field in ("pid", "name", "msg", "ppid", "seconds"):
            assert getattr(mine, field, "none") == getattr(other, field, "none")
        assert str(mine) == str(other)
        assert repr(mine) == repr(other).replace("psutil.", "memsight.")
        copy = pickle.loads(pickle.dumps(mine))
        assert type(copy) is ours and vars(copy) == vars(mine)
        assert isinstance(mine, OSError) and mine.errno and mine.code.startswith("MS-E")


def test_what_is_not_offered_says_what_to_take() -> None:
    for name, verdict in {**verdicts("Functions"), **verdicts("Classes"), **verdicts("Constants")}.items():
        assert (name in _psutil_rest.REFUSED) == (verdict == "no"), name
    with pytest.raises(AttributeError, match="subprocess.Popen"):
        memsight.Popen(["true"])
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'$"):
        memsight.Process().nonsense  # noqa: B018


def test_the_rest_is_psutils(child: subprocess.Popen[bytes]) -> None:
    process = memsight.Process(child.pid)
    for name, verdict in verdicts("Process").items():
        assert hasattr(process, name), name
        assert (name in dir(memsight.Process)) == (verdict == "same"), name
    assert process.num_fds() == psutil.Process(child.pid).num_fds()
    assert process.cpu_percent() == 0.0 and process.cpu_percent() >= 0.0
    assert process.as_dict(["pid", "nice"]) == {"pid": child.pid, "nice": psutil.Process(child.pid).nice()}
    assert [one.info["num_fds"] for one in memsight.process_iter(["num_fds", "pid"]) if one.pid == child.pid]
    assert memsight.cpu_count() == psutil.cpu_count() and memsight.LINUX is True
    assert memsight.net_io_counters()._fields == psutil.net_io_counters()._fields
    child.kill()
    child.wait()
    with pytest.raises(memsight.NoSuchProcess) as ended:
        process.num_fds()
    assert ended.value.pid == child.pid and ended.value.code == "MS-E010"


def test_the_rest_without_psutil(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_psutil_rest, "_found", None)
    monkeypatch.setattr(_psutil_rest, "_imported", lambda: None)
    monkeypatch.setitem(sys.modules, "psutil", None)  # type: ignore[arg-type]
    assert not hasattr(memsight.Process(), "num_fds") and not hasattr(memsight, "cpu_count")
    with pytest.raises(AttributeError, match="pip install psutil.*or take os.sched_getaffinity"):
        memsight.Process().cpu_affinity()
    with pytest.raises(AttributeError, match="pip install psutil.*or take os.getloadavg"):
        memsight.getloadavg()
    with pytest.raises(ValueError, match="invalid attr name 'num_fds'"):
        memsight.Process().as_dict(["num_fds"])
    with pytest.raises(AttributeError, match="has no attribute '_nonsense'$"):
        memsight.Process()._nonsense  # noqa: B018


def test_memsight_in_the_place_of_psutil() -> None:
    script = """
import sys
import memsight
sys.modules["psutil"] = memsight
import psutil
assert psutil is memsight and psutil.cpu_count() and psutil.Process().io_counters() and psutil.Process().num_fds()
assert sys.modules["psutil"] is memsight
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_only_what_is_for_users_is_listed() -> None:
    assert {name for name in dir(memsight) if name[0] != "_"} == set(memsight.__all__)


def test_a_process_is_told_by_id_and_start(child: subprocess.Popen[bytes]) -> None:
    one, same = memsight.Process(child.pid), memsight.Process(child.pid)
    assert one == same and hash(one) == hash(same) and len({one, same}) == 1
    assert one != memsight.Process() and one != child.pid
    assert str(child.pid) in repr(one)
    for wrong, error in ((-1, ValueError), (2**31, memsight.NoSuchProcess), ("1", TypeError)):
        with pytest.raises(error):
            memsight.Process(wrong)  # type: ignore[arg-type]


def test_inside_of_oneshot_everything_is_read_once(child: subprocess.Popen[bytes]) -> None:
    process = memsight.Process(child.pid)
    with process.oneshot(), process.oneshot():
        before = process.memory_info(), process.status(), process.memory_footprint(), process.uids()
        child.kill()
        child.wait()
        assert (process.memory_info(), process.status(), process.memory_footprint(), process.uids()) == before
    with pytest.raises(memsight.NoSuchProcess) as gone:
        process.memory_info()
    assert (gone.value.pid, gone.value.code) == (child.pid, "MS-E011")
    assert "terminated" in repr(process)


def test_as_dict(child: subprocess.Popen[bytes]) -> None:
    process = memsight.Process(child.pid)
    everything = process.as_dict()
    assert set(everything) == {name for name, verdict in verdicts("Process").items() if verdict == "same"} - {
        *("as_dict", "children", "is_running", "kill", "oneshot", "parent", "parents", "resume", "send_signal"),
        *("suspend", "terminate", "wait"),
    } | {"memory_footprint", "memory_extras", "page_faults"}
    assert process.as_dict(["pid", "name"]) == {"pid": child.pid, "name": process.name()}
    with pytest.raises(ValueError, match="nonsense"):
        process.as_dict(["nonsense"])
    with pytest.raises(TypeError):
        process.as_dict("pid")
    child.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process.as_dict(["cmdline", "status"], ad_value="-") == {"cmdline": "-", "status": memsight.STATUS_ZOMBIE}


def test_signals_and_waiting(child: subprocess.Popen[bytes]) -> None:
    process = memsight.Process(child.pid)
    process.suspend()
    os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
    assert process.status() == memsight.STATUS_STOPPED
    process.resume()
    with pytest.raises(memsight.TimeoutExpired) as expired:
        process.wait(0)
    assert (expired.value.seconds, expired.value.pid) == (0, child.pid)
    process.terminate()
    code = process.wait(30)
    assert code == -signal.SIGTERM and repr(code) == "<Negsignal.SIGTERM: -15>"
    assert process.wait() == code
    assert not process.is_running()
    with pytest.raises(memsight.NoSuchProcess):
        process.kill()
    with pytest.raises(memsight.NoSuchProcess):
        process.children()


def test_waiting_for_a_process_that_is_nobodys_child_of_ours() -> None:
    script = "import subprocess, sys; p = subprocess.Popen(['sleep', '1000']); print(p.pid, flush=True); p.wait()"
    with subprocess.Popen([sys.executable, "-c", script], stdout=PIPE) as parent:
        assert parent.stdout is not None
        grandchild = memsight.Process(int(parent.stdout.readline()))
        assert grandchild.parent() == memsight.Process(parent.pid)
        waiting = threading.Thread(target=grandchild.wait)
        waiting.start()
        grandchild.kill()
        waiting.join()
        assert grandchild.wait() is None and not grandchild.is_running()


def test_waiting_for_several() -> None:
    children = [subprocess.Popen(["sleep", "1000"]) for _ in range(3)]
    processes = [memsight.Process(child.pid) for child in children]
    seen: list[memsight.Process] = []
    processes[0].kill()
    os.waitid(os.P_PID, children[0].pid, os.WEXITED | os.WNOWAIT)
    gone, alive = memsight.wait_procs(processes, timeout=0.5, callback=seen.append)
    assert gone == seen == processes[:1] and set(alive) == set(processes[1:])
    assert gone[0].returncode == -signal.SIGKILL
    for process in alive:
        process.terminate()
    gone, alive = memsight.wait_procs(alive)
    assert {process.returncode for process in gone} == {-signal.SIGTERM} and not alive
    for child in children:  # which do not know that they were waited for
        child.wait()


def test_process_iter_keeps_its_objects(child: subprocess.Popen[bytes]) -> None:
    first = {process.pid: process for process in memsight.process_iter()}
    second = {process.pid: process for process in memsight.process_iter(["name", "memory_info"])}
    assert list(second) == sorted(second)
    assert second[child.pid] is first[child.pid]
    assert second[child.pid].info["memory_info"].rss > 0
    child.kill()
    child.wait()
    assert child.pid not in {process.pid for process in memsight.process_iter()}
    memsight.process_iter.cache_clear()
    assert next(iter(memsight.process_iter())) is not first[min(first)]


def test_a_storm_of_processes() -> None:
    """Ten thousand processes are born and die while all are listed, with everything that is cheap."""
    attributes = ["name", "memory_info", "status", "cmdline", "ppid", "username", "memory_extras", "num_threads"]
    rounds = 0
    with subprocess.Popen([sys.executable, "-c", STORM], stdin=PIPE, stdout=PIPE) as storm:
        assert storm.stdin is not None and storm.stdout is not None
        storm.stdin.write(b"\n")
        storm.stdin.flush()
        while storm.poll() is None:
            for process in memsight.process_iter(attributes):
                assert set(process.info) == set(attributes)
            memsight.Process().children(recursive=True)
            rounds += 1
        assert storm.stdout.read() == b"over\n" and rounds


REUSE = """
import os, memsight
def born(pid):
    with open("/proc/sys/kernel/ns_last_pid", "w") as file:
        file.write(str(pid - 1))
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    assert child == pid, child
    return writer
first = born(300)
process = memsight.Process(300)
twice = memsight.Process(300)
listed = {p.pid: p for p in memsight.process_iter()}
assert twice.memory_info() == process.memory_info()
os.close(first)
os.waitpid(300, 0)
start = process.create_time()
while True:  # another start, which is told in hundredths of a second
    second = born(300)
    if memsight.Process(300).create_time() > start:
        break
    os.close(second)
    os.waitpid(300, 0)
for method in ("memory_info", "memory_full_info", "name", "cmdline", "cwd", "ppid", "parent", "children", "kill"):
    try:
        getattr(process, method)()
    except memsight.NoSuchProcess:
        continue
    raise AssertionError(method)
assert not process.is_running() and "PID reused" in repr(process), process
new = {p.pid: p for p in memsight.process_iter()}[300]
assert new != process and new != listed[300] and new.is_running()
os.close(second)
print("fine")
"""


def test_an_id_that_was_given_anew() -> None:
    if os.getuid() != 0 or not shutil.which("unshare"):
        pytest.skip("only root can choose the id of a process, in a PID namespace made by unshare")
    command = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", REUSE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "fine\n", done.stderr

"""The plugin for pytest: memory that tests may take and leave behind, and which tests take the most.

``@pytest.mark.limit_memory("24 MiB")`` and ``@pytest.mark.limit_leaks("1 MiB")`` hold wherever they stand; with
``--memsight`` every test is recorded. Options, settings and markers have the names and meanings that pytest-memray's have, and
reports its words, so that a suite changes a dependency and nothing else. Where that plugin is loaded too, all of these are left
to it unless ``--memsight`` is given.
"""

from __future__ import annotations

import gc
import hashlib
import importlib.metadata
import json
import os
import re
import tempfile
import threading
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Optional

import pytest

from ._errors import Error
from ._tracker import Tracker

_UNITS = {"": 0, "B": 0, "K": 10, "KB": 10, "KIB": 10, "M": 20, "MB": 20, "MIB": 20, "G": 30, "GB": 30, "GIB": 30}
_UNITS.update({"T": 40, "TB": 40, "TIB": 40, "P": 50, "PB": 50, "PIB": 50})
_MARKERS = {
    "limit_memory(limit, current_thread_only=False)": "fail the test if so much was allocated at once",
    "limit_leaks(location_limit, filter_fn=None, current_thread_only=False, warmups=False)": (
        "fail the test if one stack leaves so much allocated"
    ),
}
_LIMITS = ("limit_memory", "limit_leaks")
# A peak of a baseline may be exceeded by a tenth, and by what an interpreter takes now here and now there.
_SLACK_SHARE = 0.1
_SLACK_BYTES = 64 << 10
_KEY = "memsight"
_SECTION = "memsight: "
# Lists of a failure, unless -vv asks for all.
_SHOWN = 10
# Functions of a test in the summary.
_FUNCTIONS = 5
# File systems take no longer names.
_LONGEST_NAME = 255


class StackFrame(NamedTuple):
    """A frame of a stack, as ``filter_fn`` sees it."""

    function: str
    filename: str
    lineno: int


class Stack(NamedTuple):
    """Where something was allocated: the newest frames first."""

    frames: tuple[StackFrame, ...]


class _Blocks(NamedTuple):
    """What one stack allocated."""

    size: int
    frames: tuple[StackFrame, ...]


def parse_size(text: str) -> int:
    """Bytes of ``"24 MiB"``, ``"1.5GB"`` (units are of 1024) or ``"4096"``."""
    found = re.fullmatch(r"\s*\+?([0-9]*\.[0-9]+|[0-9]+\.?)\s*([A-Za-z]*)\s*", text)
    if found is None or found[2].upper() not in _UNITS:
        raise ValueError(f"{text!r} is no size; write '24 MiB'")
    return int(float(found[1]) * (1 << _UNITS[found[2].upper()]))


def size(count: float) -> str:
    """Bytes as pytest-memray writes them: there are those who search logs for it."""
    for unit in ("B", "KiB", "MiB"):
        if abs(count) < 1024:
            return f"{count:.1f}{unit}"
        count /= 1024
    return f"{count:.1f}GiB"


_OPTIONS: list[tuple[str, dict[str, Any], str]] = [
    ("--memray", {"action": "store_true"}, "the same as --memsight"),
    ("--memray-bin-path", {"metavar": "DIR"}, "keep the traces there"),
    ("--memray-bin-prefix", {"metavar": "TEXT"}, "what the names of kept traces begin with; none: something random"),
    ("--hide-memray-summary", {"action": "store_true"}, "do not show which tests take most"),
    ("--most-allocations", {"type": int, "metavar": "N"}, "tests to show, by their peak; 0: all (5)"),
    ("--stacks", {"type": int, "metavar": "N"}, "frames to show of a stack (1; of leaks 5 or more)"),
    ("--native", {"action": "store_true"}, "accepted; frames are those of Python"),
    ("--trace-python-allocators", {"action": "store_true"}, "count Python's small blocks, as is done anyway"),
    ("--fail-on-increase", {"action": "store_true"}, "fail a test with limit_memory that takes more than last time"),
]


def _leaves_to_memray(manager: Any) -> bool:
    """Whether pytest-memray has these options, or will have."""
    try:
        importlib.metadata.distribution("pytest-memray")
    except importlib.metadata.PackageNotFoundError:
        return False
    return not manager.is_blocked("memray") and not os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")


def pytest_addoption(parser: pytest.Parser, pluginmanager: Any) -> None:
    group = parser.getgroup("memsight", "memory of tests")
    group.addoption("--memsight", action="store_true", help="record the allocations of every test")
    group.addoption(
        "--memsight-baseline", metavar="FILE", help="fail tests whose peak is above that in FILE; made if missing"
    )
    if _leaves_to_memray(pluginmanager):
        return
    group = parser.getgroup("memray", "memory of tests, as pytest-memray calls it")
    for name, about, meaning in _OPTIONS:
        group.addoption(name, default=None, help=meaning, **about)
        if "bin" not in name:
            key = "fail-on-increase" if name == "--fail-on-increase" else name[2:].replace("-", "_")
            kind = "bool" if about.get("action") else "string"
            parser.addini(key, meaning, type=kind, default=None)  # type: ignore[arg-type]
    parser.addini("verbosity_memray", "verbosity of failed limits: -1 no stacks, 0 ten, 2 all", default="auto")


def _asked(config: pytest.Config, option: str) -> Any:
    """What an option says, or else its twin among the settings; ``None``: neither does."""
    value = config.getoption(option, None)
    if value is not None:
        return value
    for name in (option, option.replace("_", "-")):
        try:
            value = config.getini(name)
        except (KeyError, ValueError):
            continue
        # (before pytest 8 a setting that is not there is an empty list or text)
        if value not in (None, [], ""):
            return value
    return None


def pytest_configure(config: pytest.Config) -> None:
    for marker, meaning in _MARKERS.items():
        config.addinivalue_line("markers", f"{marker}: {meaning}")
    config.pluginmanager.register(_Plugin(config), "memsight-recording")


class _Problem(NamedTuple):
    """Why a test that went well fails: a sentence, and stacks."""

    sentence: str
    title: str
    blocks: list[_Blocks]
    frames: int


class _Plugin:
    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        others = config.pluginmanager.hasplugin("memray") or config.pluginmanager.hasplugin("memray_manager")
        self.leaves_markers = others and not config.getoption("--memsight")
        self.all = bool(config.getoption("--memsight") or (not others and _asked(config, "memray")))
        # Not to count them has to be said: a test that keeps a million small objects takes memory.
        self.small_blocks = _asked(config, "trace_python_allocators") is not False
        self.most = int(_setting(config, "most_allocations", 5))
        self.frames = int(_setting(config, "stacks", 1))
        if self.frames < 1:
            raise pytest.UsageError("--stacks is 1 or more")
        self.folder: Optional[str] = config.getoption("memray_bin_path", None)
        self.prefix: str = config.getoption("memray_bin_prefix", None) or uuid.uuid4().hex
        if self.folder:
            _make_folder(self.folder)
        path = config.getoption("--memsight-baseline")
        self.baseline_path: Optional[str] = path
        self.baseline: dict[str, int] = {}
        if path and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.baseline = json.load(file)["peak_bytes"]
        self.seen: dict[str, dict[str, Any]] = {}
        self.problems: dict[str, list[_Problem]] = {}

    def _is_recorded(self, item: pytest.Item) -> bool:
        if self.all or self.baseline_path:
            return True
        return not self.leaves_markers and any(item.get_closest_marker(name) for name in _LIMITS)

    @contextmanager
    def _trace(self, item: pytest.Item) -> Iterator[str]:
        """Where the trace of a test goes."""
        if self.folder:
            path = os.path.join(self.folder, _file_name(self.prefix, item.nodeid))
            if os.path.exists(path):
                os.unlink(path)
            yield path
            return
        with tempfile.TemporaryDirectory(prefix="memsight-") as folder:
            yield os.path.join(folder, "test.trace")

    @pytest.hookimpl(hookwrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, Any, None]:
        if not self._is_recorded(pyfuncitem):
            yield
            return
        leaks = pyfuncitem.get_closest_marker("limit_leaks")
        if leaks is not None and leaks.kwargs.get("warmups"):
            arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
            pyfuncitem.obj(**arguments)
        with self._trace(pyfuncitem) as path:
            tracker = Tracker(path, exact=True)
            tracker.start()
            try:
                outcome = yield
                if leaks is not None:
                    gc.collect()  # what only waits for the collector is no leak
            finally:
                tracker.stop()
            if os.path.exists(path):
                problems = self._judge(pyfuncitem, _Trace(path, self.small_blocks))
                # a test that failed by itself says that, and nothing else
                if outcome.excinfo is None:
                    self.problems[pyfuncitem.nodeid] = problems

    def _judge(self, item: pytest.Item, trace: _Trace) -> list[_Problem]:
        summary = trace.view("summary", _FUNCTIONS)
        figures = {key: summary[key] for key in ("peak_bytes", "allocated_bytes", "allocations")}
        figures["lines"] = [
            f"{row['function']}:{row['file']}:{row['line']} -> {size(row['bytes'])}" for row in summary["lines"]
        ]
        item.user_properties.append((_KEY, figures))
        problems = []
        peak, before = summary["peak_bytes"], self.baseline.get(item.nodeid)
        if before is not None and peak > before * (1 + _SLACK_SHARE) + _SLACK_BYTES:
            sentence = f"Test took {size(before)} in the baseline but now takes {size(peak)}"
            problems.append(_Problem(sentence, "List of allocations:", trace.stacks("flamegraph"), self.frames))
        for marker in item.iter_markers("limit_memory"):
            problems.extend(self._memory(item, trace, marker))
        for marker in item.iter_markers("limit_leaks"):
            problems.extend(self._leaks(trace, marker))
        return problems

    def _memory(self, item: pytest.Item, trace: _Trace, marker: pytest.Mark) -> list[_Problem]:
        thread = threading.get_native_id() if marker.kwargs.get("current_thread_only") else None
        limit, peak = parse_size(marker.args[0]), trace.peak(thread)
        cache = getattr(self.config, "cache", None)  # (there is none with -p no:cacheprovider)
        if cache is not None:
            key = f"memsight/{item.nodeid}"
            before = cache.get(key, None)
            if before is not None and _asked(self.config, "fail_on_increase") and peak > before:
                sentence = f"Test previously used {size(before)} but now uses {size(peak)}"
                stacks = trace.stacks("flamegraph", thread)
                return [_Problem(sentence, "Test uses more memory than previous run", stacks, self.frames)]
            cache.set(key, peak)
        if peak < limit:
            return []
        sentence = f"Test was limited to {size(limit)} but allocated {size(peak)}"
        return [_Problem(sentence, "List of allocations:", trace.stacks("flamegraph", thread), self.frames)]

    def _leaks(self, trace: _Trace, marker: pytest.Mark) -> list[_Problem]:
        thread = threading.get_native_id() if marker.kwargs.get("current_thread_only") else None
        limit, keeps = parse_size(marker.args[0]), marker.kwargs.get("filter_fn")
        left = [one for one in trace.stacks("left", thread) if one.size >= limit]
        left = [one for one in left if keeps is None or keeps(Stack(one.frames))]
        if not left:
            return []
        sentence = f"Test was allowed to leak {size(limit)} per location but at least one location leaked more"
        return [_Problem(sentence, "List of leaked allocations:", left, max(self.frames, 5))]

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Generator[None, Any, None]:
        outcome = yield
        problems = self.problems.pop(item.nodeid, []) if call.when == "call" else []
        report = outcome.get_result()
        if not problems or report.outcome != "passed":
            return
        report.outcome = "failed"
        report.longrepr = "\n".join(problem.sentence for problem in problems)
        verbosity = _verbosity(self.config)
        for problem in problems:
            if verbosity >= 0:
                report.sections.append((_SECTION + "memory", _listed(problem, verbosity)))
            else:
                report.sections.append((_SECTION + "memory", problem.title.rstrip(":")))

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_report_teststatus(self, report: Any) -> Generator[None, Any, None]:
        outcome = yield
        sections = getattr(report, "sections", [])
        if report.when == "call" and report.outcome == "failed" and any(t.startswith(_SECTION) for t, _ in sections):
            outcome.force_result(("failed", "M", "MEMORY PROBLEMS"))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            for key, value in report.user_properties:
                if key == _KEY and isinstance(value, dict):
                    self.seen[report.nodeid] = value

    def pytest_sessionfinish(self) -> None:
        # of several processes (pytest-xdist) the one that has all reports
        if not self.baseline_path or self.baseline or hasattr(self.config, "workerinput"):
            return
        peaks = {name: figures["peak_bytes"] for name, figures in sorted(self.seen.items())}
        with open(self.baseline_path, "w", encoding="utf-8") as file:
            json.dump({"version": 1, "peak_bytes": peaks}, file, indent=1)
            file.write("\n")

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if not (self.all and self.seen) or _asked(self.config, "hide_memray_summary"):
            return
        line = terminalreporter.write_line
        rows = sorted(self.seen.items(), key=lambda row: -int(row[1]["peak_bytes"]))
        line("")
        terminalreporter.write_sep("=", "MEMRAY REPORT (by memsight)")
        for name, figures in rows[: self.most or None]:
            line(f"Allocation results for {name} at the high watermark")
            line(f"    Total memory allocated: {size(figures['peak_bytes'])}")
            line(f"    Total allocations: {figures['allocations']:,}, {size(figures['allocated_bytes'])} in all")
            line("    Biggest allocating functions:")
            for function in figures["lines"]:
                line(f"        - {function}")
            line("")
        if self.most and len(rows) > self.most:
            line(f"and {len(rows) - self.most} more (--most-allocations=0 shows all)")
        if self.folder:
            line(f"Traces of {len(rows)} tests are in {self.folder}; next: memsight trace FILE")


def _setting(config: pytest.Config, option: str, default: int) -> Any:
    value = _asked(config, option)
    return default if value is None else value


def _verbosity(config: pytest.Config) -> int:
    if hasattr(config, "get_verbosity"):
        return config.get_verbosity("memray")
    return int(config.getoption("verbose", 0))


def _make_folder(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise pytest.UsageError(f"--memray-bin-path: cannot make the folder {folder}: {error.strerror}") from None


def _file_name(prefix: str, test: str) -> str:
    """A name for the trace of a test: of one that is too long the end is replaced by a digest of the whole."""
    stem = f"{prefix}-{test}".replace("::", "-").replace(os.sep, "-")
    name = f"{stem}.trace".encode()
    if len(name) <= _LONGEST_NAME:
        return name.decode()
    end = f"-{hashlib.sha256(name).hexdigest()[:16]}.trace"
    return name[: _LONGEST_NAME - len(end)].decode(errors="ignore") + end


def _listed(problem: _Problem, verbosity: int) -> str:
    """The stacks of a problem, the largest first."""
    blocks = sorted(problem.blocks, key=lambda one: -one.size)
    shown = blocks if verbosity >= 2 else blocks[:_SHOWN]
    lines = [problem.title]
    for one in shown:
        lines.append(f"    - {size(one.size)} allocated here:")
        lines.extend(f"        {f.function}:{f.filename}:{f.lineno}" for f in one.frames[: problem.frames])
        if len(one.frames) > problem.frames:
            lines.append("        ...")
    if len(blocks) > len(shown):
        lines.append(f"    ...and {len(blocks) - len(shown)} more")
    return "\n".join(lines)


class _Trace:
    """A trace that was recorded, and what of it counts."""

    def __init__(self, path: str, small_blocks: bool) -> None:
        self.path = path
        self.small_blocks = small_blocks

    def view(self, view: str, top: int = 0, thread: Optional[int] = None) -> Any:
        from ._platform import native

        return json.loads(native().trace(self.path, view, top, thread, self.small_blocks))

    def peak(self, thread: Optional[int]) -> int:
        """Bytes that were live at the peak of all threads, of all or of one."""
        try:
            return int(self.view("summary", 1, thread)["peak_bytes"])
        except Error as error:
            if error.code == "MS-E166":  # the thread allocated nothing
                return 0
            raise

    def stacks(self, view: str, thread: Optional[int] = None) -> list[_Blocks]:
        """What was live, by whole stacks: ``flamegraph`` at the peak, ``left`` at the end."""
        try:
            rows = self.view(view, 0, thread)["stacks"]
        except Error as error:
            if error.code == "MS-E166":
                return []
            raise
        return [_Blocks(row["bytes"], tuple(_frame(text) for text in reversed(row["frames"]))) for row in rows]


def _frame(text: str) -> StackFrame:
    """A frame of ``function (file:line)``."""
    found = re.fullmatch(r"(.*?) \((.*):([0-9]+)\)", text, re.DOTALL)
    # Up to 3.10 code knows its name, later its qualified one; pytest-memray gives names.
    if found is None:
        return StackFrame(text, "???", 0)
    return StackFrame(found[1].rpartition(".")[2], found[2], int(found[3]))

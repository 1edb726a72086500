"""The plugin for pytest: memory that tests may take and leave behind, and which tests take the most.

``@pytest.mark.limit_memory("24 MiB")`` and ``@pytest.mark.limit_leaks("1 MiB")`` hold wherever they stand; with
``--memsight`` every test is recorded. Options and markers have the names that pytest-memray's have. Where that plugin is
installed too, the markers are left to it unless ``--memsight`` is given.
"""

from __future__ import annotations

import gc
import json
import os
import re
import tempfile
from collections.abc import Generator
from typing import Any, NamedTuple, Optional

import pytest

_UNITS = {"": 0, "B": 0, "K": 10, "KB": 10, "KIB": 10, "M": 20, "MB": 20, "MIB": 20, "G": 30, "GB": 30, "GIB": 30}
_MARKERS = {
    "limit_memory(limit, current_thread_only=False)": "fail the test if more than this was allocated at once",
    "limit_leaks(limit, filter_fn=None, warmups=False)": "fail the test if a place leaves more than this allocated",
}
# A peak of a baseline may be exceeded by a tenth, and by what an interpreter takes now here and now there.
_SLACK_SHARE = 0.1
_SLACK_BYTES = 64 << 10
_KEY = "memsight"


class StackFrame(NamedTuple):
    """A frame of a stack, as ``filter_fn`` sees it."""

    function: str
    filename: str
    lineno: int


class Stack(NamedTuple):
    """Where something was allocated: the newest frames first."""

    frames: tuple[StackFrame, ...]


def parse_size(text: str) -> int:
    """Bytes of ``"24 MiB"``, ``"1.5GB"`` (units are of 1024) or ``"4096"``."""
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*", text)
    if found is None or found[2].upper() not in _UNITS:
        raise ValueError(f"{text!r} is no size; write '24 MiB'")
    return int(float(found[1]) * (1 << _UNITS[found[2].upper()]))


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1023.95:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("memsight", "memory of tests")
    group.addoption("--memsight", action="store_true", help="record the allocations of every test")
    group.addoption(
        "--memsight-baseline", metavar="FILE", help="fail tests whose peak is above that in FILE; made if missing"
    )
    try:
        group.addoption(
            "--most-allocations", type=int, default=5, metavar="N", help="tests to show, by their peak; 0: all"
        )
    except ValueError:  # pytest-memray has it, with the same meaning
        pass


def pytest_configure(config: pytest.Config) -> None:
    for marker, meaning in _MARKERS.items():
        config.addinivalue_line("markers", f"{marker}: {meaning}")
    config.pluginmanager.register(_Plugin(config), "memsight-recording")


class _Plugin:
    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.all = bool(config.getoption("--memsight"))
        path = config.getoption("--memsight-baseline")
        self.baseline_path: Optional[str] = path
        self.baseline: dict[str, int] = {}
        if path and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.baseline = json.load(file)["peak_bytes"]
        self.seen: dict[str, dict[str, Any]] = {}

    def _is_recorded(self, item: pytest.Item) -> bool:
        if self.all or self.baseline_path:
            return True
        others = self.config.pluginmanager.hasplugin("memray") or self.config.pluginmanager.hasplugin("memray_manager")
        return not others and any(item.get_closest_marker(name) for name in ("limit_memory", "limit_leaks"))

    @pytest.hookimpl(hookwrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, Any, None]:
        if not self._is_recorded(pyfuncitem):
            yield
            return
        from ._tracker import Tracker

        leaks = pyfuncitem.get_closest_marker("limit_leaks")
        if leaks is not None and leaks.kwargs.get("warmups"):
            arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
            pyfuncitem.obj(**arguments)
        with tempfile.TemporaryDirectory(prefix="memsight-") as folder:
            path = os.path.join(folder, "test.trace")
            tracker = Tracker(path, exact=True)
            tracker.start()
            try:
                outcome = yield
                if leaks is not None:
                    gc.collect()  # what only waits for the collector is no leak
            finally:
                tracker.stop()
            failures = self._judge(pyfuncitem, path)
        # a test that failed by itself says that, and nothing else
        if failures and outcome.excinfo is None:
            outcome.force_exception(pytest.fail.Exception("\n".join(failures), pytrace=False))

    def _judge(self, item: pytest.Item, path: str) -> list[str]:
        summary = _view(path, "summary")
        item.user_properties.append(
            (_KEY, {key: summary[key] for key in ("peak_bytes", "allocated_bytes", "allocations")})
        )
        failures = []
        peak, before = summary["peak_bytes"], self.baseline.get(item.nodeid)
        if before is not None and peak > before * (1 + _SLACK_SHARE) + _SLACK_BYTES:
            failures.append(f"{size(peak)} at once, {size(before)} in the baseline; at the peak:\n{_lines(path)}")
        marker = item.get_closest_marker("limit_memory")
        if marker is not None and peak > parse_size(marker.args[0]):
            failures.append(f"{size(peak)} at once, {marker.args[0]} is the limit; at the peak:\n{_lines(path)}")
        marker = item.get_closest_marker("limit_leaks")
        if marker is not None:
            failures.extend(_leaks(path, parse_size(marker.args[0]), marker))
        return failures

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
        if not (self.all and self.seen) or self.config.getoption("--hide-memray-summary", False):
            return
        top = self.config.getoption("--most-allocations")
        rows = sorted(self.seen.items(), key=lambda row: -int(row[1]["peak_bytes"]))
        terminalreporter.write_sep("=", "memsight: memory of tests")
        for name, figures in rows[: top or None]:
            peak, allocated = size(figures["peak_bytes"]), size(figures["allocated_bytes"])
            terminalreporter.write_line(
                f"{peak:>10} at once, {allocated:>10} in {figures['allocations']:,} allocations  {name}"
            )
        if top and len(rows) > top:
            terminalreporter.write_line(f"and {len(rows) - top} more (--most-allocations=0 shows all)")


def _view(path: str, view: str, top: int = 5) -> Any:
    from ._platform import native

    return json.loads(native().trace(path, view, top))


def _lines(path: str) -> str:
    rows = _view(path, "lines")["lines"]
    return "\n".join(f"  {size(row['bytes']):>10}  {row['function']} ({row['file']}:{row['line']})" for row in rows)


def _leaks(path: str, limit: int, marker: pytest.Mark) -> list[str]:
    keeps = marker.kwargs.get("filter_fn")
    failures = []
    for row in _view(path, "leaks", 0)["leaks"]:
        if row["bytes"] <= limit:
            break
        stack = Stack(tuple(StackFrame(one["function"], one["file"], one["line"] or 0) for one in row["stack"]))
        if keeps is None or keeps(stack):
            text = "\n".join(f"    {frame.function} ({frame.filename}:{frame.lineno})" for frame in stack.frames)
            blocks = "1 block is" if row["count"] == 1 else f"{row['count']:,} blocks are"
            failures.append(f"{size(row['bytes'])} in {blocks} left, {marker.args[0]} is the limit:\n{text}")
    return failures

"""A pytest plugin under which psutil's own tests run against memsight.

Every public name that both have is put into the module ``psutil``, so that the tests, their helpers and what is left of
psutil all use memsight's. Tests that do not apply are run too, and must fail: so none is listed for longer than it has to.
"""

from __future__ import annotations

import importlib
from typing import Any

import psutil
import pytest

import memsight

from .scope import CLASSES, DO_NOT_APPLY, ELSEWHERE


def take_over() -> None:
    """Puts memsight's names into psutil."""
    for name in memsight.__all__:
        if hasattr(psutil, name):
            setattr(psutil, name, getattr(memsight, name))


take_over()


def pytest_runtest_setup() -> None:
    """Some tests load psutil anew."""
    take_over()


def fit(namespace: Any) -> None:
    """Tells psutil's helpers which methods there are; that no cache is to be cleared; and that a start does not change."""
    for kind in ("utils", "getters", "setters", "killers", "all"):
        calls = [call for call in getattr(namespace, kind) if hasattr(memsight.Process, call[0])]
        setattr(namespace, kind, [call for call in calls if call[0] != "create_time"])
    namespace.clear_cache = lambda self: setattr(self._proc, "_exe", None)
    memsight.Process._ppid = None  # where the helpers look; psutil's is `None` on every system but Windows


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves only the classes of the scope, and marks the tests that do not apply."""
    fit(importlib.import_module("tests").process_namespace)
    refuse("says nothing of the classes", {class_of(item) for item in items} - set(CLASSES))
    refuse("names classes that are not there:", set(CLASSES) - {class_of(item) for item in items})
    found = {short(item): item for item in items}
    refuse("names tests that are not there:", {*DO_NOT_APPLY, *ELSEWHERE} - set(found))
    chosen = [item for name, item in found.items() if CLASSES[class_of(item)] is None and name not in ELSEWHERE]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen
    for test, reason in DO_NOT_APPLY.items():
        found[test].add_marker(pytest.mark.xfail(reason=reason, strict=True))


def refuse(why: str, names: set[str]) -> None:
    """Ends the run when the scope does not fit the tests."""
    if names:
        raise pytest.UsageError(f"scope.py {why} {', '.join(sorted(names))}")


def short(item: pytest.Item) -> str:
    """``test_process.TestProcess.test_pid``."""
    return item.nodeid.split("/")[-1].replace(".py", "").replace("::", ".")


def class_of(item: pytest.Item) -> str:
    """``test_process.TestProcess``."""
    return short(item).rpartition(".")[0]

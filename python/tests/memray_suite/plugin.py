"""A pytest plugin under which pytest-memray's own tests run against memsight's.

The module ``memsight._pytest`` stands where pytest-memray's modules would; memray itself is installed, since the tests allocate by
its helpers. Tests that do not apply are run too, and must fail: so none is listed for longer than it has to.
"""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

from memsight import _pytest

from .scope import DO_NOT_APPLY


def take_over() -> None:
    """Puts memsight's plugin where pytest-memray's is imported from."""
    package = types.ModuleType("pytest_memray")
    utils = types.ModuleType("pytest_memray.utils")
    vars(utils).update(parse_memory_string=_pytest.parse_size)
    for name, module in (("plugin", _pytest), ("marks", _pytest), ("utils", utils)):
        setattr(package, name, module)
        sys.modules[f"pytest_memray.{name}"] = module
    sys.modules["pytest_memray"] = package


def leave_out_small_blocks() -> None:
    """Their figures are those without the small blocks of Python: sessions within tests have no settings of ours."""
    asked = _pytest._asked

    def answer(config: pytest.Config, option: str) -> Any:
        value = asked(config, option)
        return False if value is None and option == "trace_python_allocators" else value

    _pytest._asked = answer


def leave_out_asyncio() -> None:
    """One of their tests makes errors of warnings, and pytest-asyncio warns of its own settings."""
    run = pytest.Pytester.runpytest

    def runpytest(self: pytest.Pytester, *args: Any, **options: Any) -> pytest.RunResult:
        return run(self, "-p", "no:asyncio", *args, **options)

    pytest.Pytester.runpytest = runpytest  # type: ignore[method-assign]


take_over()
leave_out_small_blocks()
leave_out_asyncio()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that do not apply."""
    found = {name for item in items for name in names_of(item)}
    missing = sorted(set(DO_NOT_APPLY) - found)
    if missing:
        raise pytest.UsageError(f"scope.py names tests that are not there: {', '.join(missing)}")
    for item in items:
        for name in names_of(item):
            if name in DO_NOT_APPLY:
                item.add_marker(pytest.mark.xfail(reason=DO_NOT_APPLY[name], strict=True))


def names_of(item: pytest.Item) -> tuple[str, str]:
    """``test_limit_memory_marker[1024-0]``, and without what stands in brackets."""
    return item.name, item.name.partition("[")[0]

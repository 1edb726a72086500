"""A pytest plugin under which pytest-memray's own tests run against memsight's.

The module ``memsight._pytest`` stands where pytest-memray's modules would; memray itself is installed, since the tests allocate by
its helpers. Tests that do not apply are run too, and must fail: so none is listed for longer than it has to.
"""

from __future__ import annotations

import sys
import types

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


take_over()


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

"""The native half, loaded when first needed: importing memsight never fails and does nothing."""

from __future__ import annotations

from typing import Any

from ._errors import Error


def native() -> Any:
    """The extension module.

    Raises:
        Error: ``MS-E110`` where there is none for this platform or interpreter.
    """
    try:
        from . import _native
    except ImportError as missing:
        hint = "memsight reads Linux processes on x86-64 from CPython 3.9 or later; install its wheel there"
        raise Error("MS-E110", hint, f"memsight does not run here: {missing}") from missing
    return _native


def version() -> str:
    """Version of memsight.

    Raises:
        AttributeError: there is no native half, which would say it.
    """
    try:
        return str(native().__version__)
    except Error as missing:
        raise AttributeError(f"the version of memsight is not known: {missing}") from missing

"""Arguments of another type than the one that is asked for: told by their names, before anything is read."""

from __future__ import annotations

import operator
from typing import Any, Optional, Union

ALL = 2**32 - 1
"""Rows, where all are asked for."""


def whole(value: Any, name: str, meaning: str) -> int:
    """``value`` as an ``int``: numbers of other libraries are some, true and false are none.

    Raises:
        TypeError: it is no whole number.
    """
    if not isinstance(value, bool):
        try:
            return operator.index(value)
        except TypeError:
            pass
    raise TypeError(f"{name} is {meaning}, not {_shown(value)}")


def rows(top: Optional[int], name: str = "top", meaning: str = "a number of rows") -> int:
    """How many rows ``top`` asks for; ``None``: all.

    Raises:
        TypeError: it is no whole number.
        ValueError: it is negative.
    """
    if top is None:
        return ALL
    number = whole(top, name, meaning)
    if number < 0:
        raise ValueError(f"{name} is {meaning}, not {number}")
    return min(number, ALL)


def query(value: Any) -> str:
    """What is looked for, as text.

    Raises:
        TypeError: it is neither an address nor a name.
    """
    if isinstance(value, str):
        return value
    return hex(whole(value, "it", "an address (id(x), or text such as '0x7f12a0') or the name of a type"))


def process_id(value: Any) -> int:
    """The id of a process, or that of anything with a ``pid``.

    Raises:
        TypeError: it is neither.
    """
    found: Union[int, Any] = value if isinstance(value, (int, str)) else getattr(value, "pid", value)
    return whole(found, "process", "a process id or something with a pid")


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"

"""From the JSON of a view to its dataclass."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Any, Callable, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Maker = Callable[[Any], Any]


def view(cls: type[T], text: str) -> T:
    """The view of class ``cls`` that ``text`` holds. Keys that this version does not know are left out."""
    result: T = _maker(cls)(json.loads(text))
    return result


@functools.cache
def _fields(cls: type) -> dict[str, Maker]:
    hints = get_type_hints(cls)
    return {field.name: _maker(hints[field.name]) for field in dataclasses.fields(cls)}


def _maker(hint: Any) -> Maker:
    """What turns parsed JSON into a value of type ``hint``."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return lambda data: hint(**{name: make(data.get(name)) for name, make in _fields(hint).items()})
    arguments: tuple[Any, ...] = get_args(hint)
    if get_origin(hint) is tuple:
        item = _maker(arguments[0])
        # (a list without entries may be left out)
        return lambda data: tuple(map(item, data or ()))
    if get_origin(hint) is Union:  # Optional: the only one in use
        inner = _maker(arguments[0])
        return lambda data: None if data is None else inner(data)
    return lambda data: data

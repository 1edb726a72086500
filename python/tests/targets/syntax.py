"""Objects that only the syntax of newer versions can make."""

import sys

import recorder

SINCE = {
    (3, 8): """
def positional(a, /, b, *, c=[1]):
    if (walrus := [a]):
        return walrus, f"{b=}"
kept.append([positional, positional(1, 2), positional.__code__])
""",
    (3, 9): """
def decorate(argument):
    return lambda function: [function, argument]
holders = [decorate]
@holders[0]([1])
def decorated(): pass
kept.append([decorated, {"a": 1} | {"b": [2]}])
""",
    (3, 10): """
def matching(subject):
    match subject:
        case [first, *rest] if first:
            return first, rest
        case {"key": value, **others}:
            return value, others
        case complex(real=real):
            return real
class Matched:
    __match_args__ = ("x", "y")
kept.append([matching, matching([1, 2]), matching({"key": [1], "b": 2}), Matched, int | str | None])
from dataclasses import dataclass
@dataclass(slots=True)
class Slotted:
    x: int
    y: list
kept.append([Slotted(1, [2])])
""",
    (3, 11): """
def starred():
    try:
        raise ExceptionGroup("many", [ValueError([1]), TypeError(2)])
    except* ValueError as group:
        kept.append(group)
    except* TypeError:
        pass
starred()
kept.append(starred)
""",
    (3, 12): """
type Alias[T] = list[T] | dict[str, T]
type Lazy = undefined_until_asked
class Generic[T: int, *Ts, **P]:
    item: T
    def method[U](self, other: U) -> T: return other
def generic[T: (int, str)](value: T) -> T:
    return value
Alias.__value__
kept.append([Alias, Lazy, Alias[int], Generic, Generic[int, str, [int]], generic, Alias.__type_params__, Generic.__type_params__])
kept.append([*Generic.__type_params__, Generic.method, f"{'nested'}"])
""",
    (3, 13): """
type Default[T = list[int]] = T
class WithStatic:
    def __init__(self): self.one = [1]; self.two = 2
kept.append([Default, Default.__type_params__[0].__default__, WithStatic.__static_attributes__, WithStatic()])
import copy
kept.append(copy.replace(__import__("types").SimpleNamespace(a=1), a=[2]))
""",
    (3, 14): """
name, spec = ["value"], ">10"
template = t"hello {name!r} and {1 + 1:{spec}} end"
kept.append([template, template.interpolations, list(template), iter(template), t""])
class Annotated:
    field: undefined_for_now
    other: list[int] = [1]
def annotated(x: not_yet) -> later: pass
import annotationlib
kept.append([Annotated, annotated, annotationlib.get_annotations(annotated, format=annotationlib.Format.FORWARDREF)])
""",
    (3, 15): """
try:
    kept.append([frozendict(), frozendict(a=1, b=[2]), frozendict({1: 2, "mixed": ()}), {frozendict(k=1): [3]}])
except NameError:
    pass
try:
    exec("lazy import json.tool as lazy_tool\\nlazy from csv import reader", globals())
    kept.append(globals())
except SyntaxError:
    pass
try:
    kept.append(sentinel("MISSING"))
except NameError:
    pass
""",
}


def build():
    scope = {"kept": [], "__name__": "written_for_version"}
    for version, source in SINCE.items():
        if sys.version_info >= version:
            exec(source, scope)
    return scope


if __name__ == "__main__":
    recorder.serve(build())

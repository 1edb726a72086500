"""Views of Python and JSON of the command have the same keys, and views show themselves as tables."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

import memsight
from memsight import (
    _compare,
    _findings,
    _garbage,
    _graph,
    _pymalloc,
    _refcounts,
    _rss,
    _snapshot,
    _tasks,
    _views,
    _waste,
)
from memsight._platform import native

MODULES = (_views, _garbage, _refcounts, _rss, _pymalloc, _tasks, _waste, _findings, _graph, _compare)

HOSTILE = "<b>\x1b[31m\u202e"


class Node:
    """A cycle each, and memory to suspect."""

    def __init__(self, number: int) -> None:
        self.me = self
        self.text = f"node {number} " * 40
        self.row = [str(number)] * 3


async def waiting(number: int) -> str:
    await FUTURE
    return f"task {number}"


class Closing(Node):
    """The same with something to do at its end."""

    def __del__(self) -> None:
        self.text = ""


NODES = [Node(number) for number in range(3000)]
LOOP = asyncio.new_event_loop()
FUTURE = LOOP.create_future()
TASKS = [LOOP.create_task(waiting(number)) for number in range(20)]
LOOP.call_soon(LOOP.call_soon, LOOP.stop)
LOOP.run_forever()
SAME = ["".join(["the same text, ", "made anew " * 9]) for _ in range(3000)]


CALLBACKS: list[Callable[[], int]] = []


def callback(number: int) -> Callable[[], int]:
    return lambda: number


@pytest.fixture(scope="module")
def looks() -> tuple[memsight.Snapshot, memsight.Snapshot]:
    gc.disable()
    before = memsight.snapshot(values=True)
    for number in range(2000):
        Node(number)
    Closing(0)
    NODES.extend(Node(number) for number in range(20_000))
    CALLBACKS.extend(callback(number) for number in range(20_000))
    after = memsight.snapshot(values=True)
    gc.enable()
    return before, after


def views(look: memsight.Snapshot) -> dict[type, str]:
    """Each view with its JSON."""
    heap = look._heap

    def view(name: str, query: str = "") -> str:
        return heap.view(name, query, 1000)

    node = hex(id(NODES[7]))
    return {
        _views.Overview: view("overview"),
        _views.TypesView: view("types"),
        _views.SuspectsView: view("suspects"),
        _views.DominatorsView: view("dominators"),
        _views.ThreadsView: view("threads"),
        _views.PathsView: view("path", "test_views.Node"),
        _views.ObjectView: view("object", node),
        _tasks.TasksView: view("tasks"),
        _garbage.GarbageView: view("garbage"),
        _garbage.CyclesView: view("cycles"),
        _refcounts.RefcountsView: view("refcounts"),
        _rss.RssView: view("rss"),
        _waste.WasteView: view("waste"),
        _graph.GraphView: heap.graph(node, 2, 100)[0],
    }


def compare_keys(hint: Any, data: Any, met: set[type], where: str) -> None:
    """Walks a type and the JSON that fills it. What is not there may be so only where ``None`` stands for it, or for a list that
    is left out when it is empty.
    """
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        met.add(hint)
        hints = get_type_hints(hint)
        fields = {field.name for field in dataclasses.fields(hint) if not field.name.startswith("_")}
        optional = {name for name in fields if type(None) in get_args(hints[name])} | {"inside"}
        assert not data.keys() - fields, f"{where}: {hint.__name__} lacks keys of the JSON"
        assert not fields - optional - data.keys(), f"{where}: {hint.__name__} has fields that the JSON lacks"
        for name, value in data.items():
            compare_keys(hints[name], value, met, f"{where}.{name}")
    elif get_origin(hint) is tuple:
        for item in data:
            compare_keys(get_args(hint)[0], item, met, where)
    elif get_origin(hint) is Union and data is not None:
        compare_keys(get_args(hint)[0], data, met, where)


def test_python_has_the_keys_of_the_json(looks: tuple[memsight.Snapshot, memsight.Snapshot]) -> None:
    met: set[type] = set()
    for cls, text in views(looks[1]).items():
        compare_keys(cls, json.loads(text), met, cls.__name__)
    compared = native().compare([look._heap for look in looks], False, 1000)
    compare_keys(_compare.CompareView, json.loads(compared), met, "CompareView")
    own = {value for module in MODULES for value in vars(module).values() if dataclasses.is_dataclass(value)}
    bases = {base for cls in own for base in cls.__mro__[1:]}
    # a program that is in order has none: references that C code has leaked, a core file, or suspects of several types
    rare = {
        _refcounts.SurplusRow,
        _refcounts.DeficitRow,
        _refcounts.CountedObject,
        _garbage.HiddenRow,
        _views.CoreFile,
        _views.Inside,
    }
    assert own - bases - rare <= met, {cls.__name__ for cls in own - bases - rare - met}


def test_every_view_is_compared() -> None:
    given = {hint for name, hint in returned(_snapshot.Snapshot).items() if hint.__module__.startswith("memsight._")}
    own = {cls for cls in given if dataclasses.is_dataclass(cls)}
    assert own - {_compare.CompareView} == set(views(memsight.snapshot())), "a view that no test compares"


def returned(cls: type) -> dict[str, Any]:
    """What the public methods of a class return."""
    methods = {name: value for name, value in vars(cls).items() if callable(value) and not name.startswith("_")}
    found = {}
    for name, method in methods.items():
        # (the class has a method with the name of a built-in type, which annotations do not mean)
        words = method.__annotations__.get("return", "")
        module, _, view = words.partition(".")
        known = getattr(sys.modules["memsight._snapshot"], module, None)
        if view and hasattr(known, view):
            found[name] = getattr(known, view)
    return found


def test_views_show_themselves_as_tables(looks: tuple[memsight.Snapshot, memsight.Snapshot]) -> None:
    before, look = looks
    node = id(NODES[7])
    shown = [
        (look.overview(), "Node"),
        (look.object(node), "NODES[7].text"),
        (look.rss(), "python objects"),
        (look.garbage(), "Node"),
        (look.refcounts(), "references"),
        (before.compare(look), "Node"),
        (look.graph(node), "Node"),
        (look.cycles(), "Node"),
    ]
    for view, word in shown:
        text, page = repr(view), view._repr_html_()
        assert len(text.splitlines()) > 2 and word.lower() in text.lower(), text
        assert page.count("<table>") == page.count("</table>") > 0, page
        assert max(map(len, text.splitlines()[-3:])) < 400, text


def test_names_of_the_process_drive_no_terminal_and_no_page() -> None:
    row = memsight.TypeRow(HOSTILE, *[1] * 9)
    code = memsight.CodeRow(HOSTILE, HOSTILE, 1, "function", 1, 1, 1, 1, 0.5, None, HOSTILE)
    view = memsight.TypesView(1, 1, HOSTILE, "", "", (), 1, 1, 1, 1, 1, 1, (row,), (code,))
    assert repr(row).isprintable()
    assert all(line.isprintable() for line in repr(view).splitlines()), repr(view)
    page = view._repr_html_()
    assert page.isprintable() and "<b>" not in page and "&lt;b&gt;" in page


def test_an_escape_is_not_cut_and_an_arrow_not_broken() -> None:
    def view(name: str) -> memsight.TypesView:
        row = memsight.TypeRow(name, *[1] * 9)
        return memsight.TypesView(1, 1, "", "", "", (), 1, 1, 1, 1, 1, 1, (row,), ())

    for length in range(50, 62):
        text = repr(view("a" * length + "\x1b" * 9))
        cut = next(word for word in text.split() if word.startswith("aaaa"))
        assert re.fullmatch(r"a+(\\x1b)*…", cut) and len(cut) <= 60, text
    assert 'x <span style="white-space: nowrap">-&gt;</span> y' in view("x -> y")._repr_html_()


def test_the_version_is_that_of_the_command() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "memsight", "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert said == f"memsight {memsight.__version__}\n"


def test_threads_show_their_frames() -> None:
    def held() -> memsight.ThreadsView:
        return memsight.snapshot().threads()

    threads = held()
    text, page = repr(threads), threads._repr_html_()
    frames = [frame.function for frame in threads[0].frames]
    name = next(name for name in frames if name.endswith("held"))
    assert f"frames of {threads[0].ident}\n" in text and re.search(rf"^{re.escape(name)} ", text, re.MULTILINE)
    assert page.count("<table>") == 1 + len(threads)


def test_figures_stand_at_the_right_in_html(looks: tuple[memsight.Snapshot, memsight.Snapshot]) -> None:
    page = looks[0].types(top=1)._repr_html_()
    assert page.startswith("<p>TypesView of pid ")
    assert re.search(r'<td style="text-align: left">\S+</td><td style="text-align: right; [^"]+">[\d,]+</td>', page)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda heap: memsight.snapshot("x"), "pid is a process id, not 'x' (str)"),
        (lambda heap: memsight.snapshot(True), "pid is a process id, not True (bool)"),
        (lambda heap: memsight.sample("x"), "process is a process id or something with a pid, not 'x' (str)"),
        (lambda heap: memsight.Monitor("x"), "process is a process id or something with a pid, not 'x' (str)"),
        (lambda heap: memsight.Process("1"), "pid is a process id, not '1' (str)"),
        (lambda heap: memsight.pid_exists(1.5), "pid is a process id, not 1.5 (float)"),
        (lambda heap: heap.types(top="x"), "top is a number of rows, not 'x' (str)"),
        (lambda heap: heap.graph("dict", depth=1.5), "depth is a number of references, not 1.5 (float)"),
        (lambda heap: heap.object(None), "or the name of a type, not None (NoneType)"),
        (lambda heap: heap.compare(7), "a comparison is of snapshots, not of 7 (int)"),
        (lambda heap: memsight.load("x", max_memory="1G"), "max_memory is a number of bytes, not '1G' (str)"),
    ],
)
def test_arguments_of_another_type(looks: tuple[memsight.Snapshot, memsight.Snapshot], call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        call(looks[0])


def test_ids_that_no_process_has() -> None:
    for pid in (-1, 2**70):
        with pytest.raises(memsight.NoSuchProcess) as none:
            memsight.snapshot(pid)
        assert none.value.pid == pid and none.value.code == "MS-E010" and none.value.hint

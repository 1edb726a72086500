"""A process that looks at itself."""

from __future__ import annotations

import gc
import sys
import threading

import pytest

import memsight


class Leaky:
    def __init__(self, number: int) -> None:
        self.payload = f"payload {number} " * 20


KEPT = {f"user:{number}": Leaky(number) for number in range(3000)}


@pytest.fixture(scope="module")
def own() -> memsight.Snapshot:
    return memsight.snapshot()


def test_it_finds_its_own_objects(own: memsight.Snapshot) -> None:
    rows = {row.type: row for row in own.types()}
    mine = next(row for name, row in rows.items() if name.endswith("test_own.Leaky"))
    assert mine.count == len(KEPT)
    assert mine.shallow_bytes == sum(map(sys.getsizeof, KEPT.values()))
    assert rows["dict"].count > 100
    assert len(own) == own.types().objects == own.overview().objects


def test_an_object_is_known_by_its_address(own: memsight.Snapshot) -> None:
    seen = own.object(id(KEPT))
    assert seen.address == hex(id(KEPT))
    assert seen.type == "dict"
    assert seen.shallow_bytes == sys.getsizeof(KEPT)
    assert seen.referent_count >= 2 * len(KEPT)
    assert own.object(seen.address).name == seen.name


def test_paths_speak_the_language_of_the_program(own: memsight.Snapshot) -> None:
    paths = own.paths("test_own.Leaky")
    assert paths.matches == len(KEPT)
    assert paths[0].count == len(KEPT)
    assert any("KEPT" in step for step in paths[0].path)
    assert any("test_own" in step for step in own.paths(id(KEPT))[0].path)


def test_a_graph_can_be_walked_and_drawn(own: memsight.Snapshot) -> None:
    graph = own.graph(id(KEPT["user:7"]))
    centre = next(node for node in graph if node.distance == 0)
    assert (graph.centre, centre.type) == (hex(id(KEPT["user:7"])), own.object(graph.centre).type)
    held = next(edge for edge in graph.edges if (edge.source, edge.target) == (hex(id(KEPT)), graph.centre))
    assert (held.label, held.kind, held.dominates, held.on_path) == ("'user:7'", "value", True, True)
    table = next(node for node in graph if node.address == held.source)
    assert table.distance == -1
    assert table.referents_left_out >= 2 * len(KEPT) - len(graph)
    assert any(root.on_path and root.kind == "module" for root in graph.roots)
    assert graph.to_dot().startswith("digraph") and graph.centre in graph.to_dot()

    largest = own.graph("test_own.Leaky", depth=0, top=0)
    assert largest.matches == len(KEPT)
    assert [node.distance for node in largest][-1] == 0
    with pytest.raises(memsight.NotFound):
        own.graph(1)
    with pytest.raises(ValueError, match="depth"):
        own.graph(id(KEPT), depth=-1)


def test_threads_show_this_function(own: memsight.Snapshot) -> None:
    functions = [frame.function for thread in memsight.snapshot().threads() for frame in thread.frames]
    assert any("test_threads_show_this_function" in function for function in functions)
    main = next(thread for thread in own.threads() if thread.ident == threading.main_thread().ident)
    assert main.frames


def test_views_read_well(own: memsight.Snapshot) -> None:
    types = own.types(top=3)
    assert len(types) == 3
    assert types[0] is types.types[0]
    assert "Python" in repr(types) and types[0].type in repr(types)
    assert "<table>" in types._repr_html_()
    assert "objects" in repr(own)
    for view in (own.overview(), own.suspects(), own.dominators(), own.threads()):
        assert view.pid == own.pid
        assert repr(view)


def test_looking_leaves_nothing_behind() -> None:
    memsight.snapshot()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(3):
        memsight.snapshot()
    gc.collect()
    # a handful for caches of the modules that start processes; three whole looks would be thousands
    assert len(gc.get_objects()) - before < 100


def test_values_are_left_out_unless_asked_for() -> None:
    secret = "a secret that is nobody's key"
    assert memsight.snapshot().object(id(secret)).value is None
    seen = memsight.snapshot(values=True).object(id(secret)).value
    assert seen is not None and "secret" in seen


def test_a_thread_may_look_while_others_work() -> None:
    stop = threading.Event()
    beat = threading.Event()

    def work() -> None:
        while not stop.is_set():
            beat.set()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        seen = memsight.snapshot()
        beat.clear()
        assert beat.wait(60), "the worker runs on"
    finally:
        stop.set()
        worker.join()
    assert len(seen.threads()) >= 2

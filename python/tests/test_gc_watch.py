"""The watch of this process's collector: every collection counted once, and nothing left behind."""

from __future__ import annotations

import gc
import json
import os
import threading
import time
from collections.abc import Iterator

import pytest

import memsight


class Node:
    """Garbage when nobody holds it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Only the collections that a test asks for."""
    before = list(gc.callbacks)
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    assert gc.callbacks == before


def stats() -> list[tuple[int, int, int]]:
    return [(row["collections"], row["collected"], row["uncollectable"]) for row in gc.get_stats()]


def test_counts_are_those_of_the_collector() -> None:
    before = stats()
    with memsight.gc_watch() as watch:
        for generation in (0, 1, 2, 2, 0):
            for _ in range(10):
                Node()
            gc.collect(generation)
    differences = [tuple(b - a for a, b in zip(*pair)) for pair in zip(before, stats())]
    seen = [(row.collections, row.collected, row.uncollectable) for row in watch.generations]
    assert seen == differences
    assert watch.collections == 5
    assert watch.collected >= 50
    assert watch.uncollectable == 0


def test_pauses_are_within_what_a_clock_around_them_says() -> None:
    longest = 0
    with memsight.gc_watch() as watch:
        for size in (10, 100_000):
            keep = [[] for _ in range(size)]  # type: list[list[int]]
            began = time.perf_counter_ns()
            gc.collect()
            longest = max(longest, time.perf_counter_ns() - began)
            del keep
    pauses = watch.pauses
    assert pauses.count == sum(bucket.count for bucket in pauses.buckets) == 2
    assert 0 < pauses.p50_ns <= pauses.p99_ns <= pauses.max_ns <= longest
    assert pauses.max_ns < pauses.total_ns <= 2 * longest
    assert (pauses.source, pauses.error_ns, pauses.missed) == ("callbacks", 0, 0)
    assert (watch.p50_ns, watch.p99_ns, watch.max_ns) == (pauses.p50_ns, pauses.p99_ns, pauses.max_ns)


def test_start_and_stop_are_idempotent_and_add_up() -> None:
    watch = memsight.gc_watch()
    assert not watch.running
    gc.collect()
    assert watch.start() is watch
    watch.start()
    gc.collect()
    watch.stop()
    watch.stop()
    gc.collect()
    with watch:
        gc.collect()
        assert watch.running
    assert watch.collections == 2


def test_watches_do_not_disturb_each_other() -> None:
    with memsight.gc_watch() as outer:
        gc.collect()
        with memsight.gc_watch() as inner:
            gc.collect()
        gc.collect()
    assert (outer.collections, inner.collections) == (3, 1)


def test_it_is_removed_when_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), memsight.gc_watch():
        gc.collect(1 // 0)


def test_a_list_of_callbacks_that_somebody_cleared() -> None:
    watch = memsight.gc_watch().start()
    others = [callback for callback in gc.callbacks if callback is not watch._native]
    gc.callbacks[:] = others
    watch.stop()
    assert watch.collections == 0


def test_a_collection_under_way_at_the_start_or_the_end_is_not_counted() -> None:
    watch = memsight.gc_watch()

    def start(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            gc.callbacks.remove(start)
            watch.start()

    gc.callbacks.insert(0, start)
    gc.collect()
    seen = watch.collections
    watch.stop()
    watch.start()
    gc.collect()
    watch.stop()
    # a callback that is added while they are called is called in the same turn or not, as Python's list has it
    assert watch.collections - seen == 1
    assert seen <= 1


def test_what_a_foreign_caller_says_does_no_harm(capfd: pytest.CaptureFixture[str]) -> None:
    with memsight.gc_watch() as watch:
        for phase in ("stop", "start", "stop", "", None, 7):
            watch._native(phase, {"generation": -1, "collected": "many"})
            watch._native(phase, None)
        gc.collect()
    assert watch.collections >= 1
    assert capfd.readouterr().err == ""


def test_threads_and_readers_at_the_same_time() -> None:
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            assert watch.pauses.count >= 0

    with memsight.gc_watch() as watch:
        reader = threading.Thread(target=read)
        reader.start()
        workers = [threading.Thread(target=lambda: [Node() and gc.collect(0) for _ in range(200)]) for _ in range(3)]
        before = stats()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        done.set()
        reader.join()
        collections = sum(b[0] - a[0] for a, b in zip(before, stats()))
        # two threads that collect at once collect once
        assert watch.collections == collections


def test_after_a_fork_both_go_on() -> None:
    with memsight.gc_watch() as watch:
        gc.collect()
        child = os.fork()
        if child == 0:
            gc.collect()
            os._exit(watch.collections)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
        assert watch.collections == 1


def test_nothing_grows() -> None:
    with memsight.gc_watch() as watch:
        for _ in range(100):
            gc.collect(0)
        before = memsight.heap_info().heap_used if hasattr(memsight, "heap_info") else 0
        for _ in range(10_000):
            gc.collect(0)
        assert memsight.heap_info().heap_used - before < 64 * 1024
    assert watch.collections == 10_100


def test_as_json() -> None:
    with memsight.gc_watch() as watch:
        gc.collect()
    data = json.loads(json.dumps(watch.to_dict()))
    assert data["pid"] == os.getpid()
    assert data["pauses"]["count"] == sum(row["collections"] for row in data["generations"]) == 1
    assert data["pauses"]["source"] == data["generations"][2]["pauses"]["source"] == "callbacks"
    assert data["collections_per_second"] > 0
    assert repr(watch).startswith("<memsight.GcWatch stopped: 1 collections")

"""Garbage and cycles of this very process, from Python."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

import memsight


class Pair:
    def __init__(self) -> None:
        self.other = [self]


@pytest.fixture
def no_collections() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    gc.collect()


def test_garbage_is_counted_by_type_and_cycle(no_collections: None) -> None:
    for _ in range(10):
        Pair()
    view = memsight.snapshot().garbage()
    pair = next(row for row in view.garbage.types if row.type.endswith("Pair"))
    assert pair.count == 10
    assert view.garbage.objects >= 20
    cycle = next(row for row in view.garbage.cycles if "Pair" in row.cycle)
    assert (cycle.count, cycle.steps) == (10, ("Pair.other", "list[*]"))
    assert cycle.rule == "cycle-back-reference"
    assert len(cycle.example) in (2, 3)  # up to 3.10 and beside shared keys the dictionary of attributes is one more
    assert not view.collectors[0].enabled
    assert "Pair" in repr(cycle)


def test_live_cycles_are_a_sequence() -> None:
    kept = [Pair() for _ in range(20)]
    cycles = memsight.snapshot().cycles(top=0x7FFF)
    found = next(row for row in cycles if row.cycle == "Pair.other -> list[*] -> Pair")
    assert found.count == len(kept)
    assert found.bytes > 0
    assert cycles.least > 1

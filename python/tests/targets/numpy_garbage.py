"""Cycles through arrays, of which numpy tells the collector nothing; asked to `collect`, says what was freed."""

import gc
import json
import os
import weakref

import numpy

gc.disable()


class Through:
    """In a cycle that leads through an array: never freed."""


class Beside:
    """In a cycle of its own, which holds an array."""


class Inside:
    """In the array that `Beside` holds: freed with it."""


def make():
    watched = []
    for _ in range(10):
        through, beside, inside = Through(), Beside(), Inside()
        through.array = numpy.array([through, None], dtype=object)
        beside.own = beside
        beside.array = numpy.array([inside, None], dtype=object)
        watched += [weakref.ref(each) for each in (through, beside, inside)]
    return watched


def freed(watched):
    before = [(type(each()), each) for each in watched]
    gc.collect()
    counts = {}
    for kind, each in before:
        if each() is None:
            name = "__main__." + kind.__name__
            counts[name] = counts.get(name, 0) + 1
    return counts


watched = make()
os.write(1, json.dumps({"ready": True, "pid": os.getpid()}).encode() + b"\n")
while os.read(0, 4096):
    os.write(1, json.dumps({"freed": freed(watched)}).encode() + b"\n")

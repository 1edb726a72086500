"""The heap that the bench looks at: N nodes of six objects each. Answers one-line requests on standard input.

`python target.py 300000` builds 1.8 million objects and prints one JSON line when they stand. Requests, each answered by
one JSON line with times in seconds:

    guppy     `hpy().heap()` of guppy3, its table, and `heap()` once more
    pympler   muppy and summary of pympler
    watch     starts a clock that ticks every millisecond
    gap       the longest time between two ticks since: how long this process stood still at a stretch
    quit

The profilers run inside this process and hold the GIL: for so long it serves nobody else.
"""

import ctypes
import json
import sys
import threading
import time


class Node:
    """Six objects: the node, its name, its list with a float, its dictionary with a number.

    From Python 3.11 on the attributes lie inline; before, they are a seventh object, the `__dict__`.
    """

    def __init__(self, number, parent):
        self.parent = parent
        self.name = f"node-{number}"
        self.weights = [number * 0.5]
        self.payload = {"created": number + 1_000_000_000}


class Clock:
    """Notes the longest time between two ticks."""

    def __init__(self):
        self.longest = 0.0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        last = time.perf_counter()
        while True:
            time.sleep(0.001)
            now = time.perf_counter()
            self.longest = max(self.longest, now - last)
            last = now


def allow_readers():
    """Lets memsight, which is no parent of this process, read it where Yama would forbid it; elsewhere of no effect."""
    set_ptracer, anybody = 0x59616D61, ctypes.c_ulong(-1)
    ctypes.CDLL(None).prctl(set_ptracer, anybody, 0, 0, 0)


def build(count):
    nodes = []
    for number in range(count):
        nodes.append(Node(number, nodes[number // 2] if number else None))
    return nodes


def guppy():
    # The import is left out of the time, to guppy's favour.
    from guppy import hpy

    start = time.perf_counter()
    profiler = hpy()
    heap = profiler.heap()
    counted = time.perf_counter()
    # Sizes are known after `heap()`; what is in which type only when somebody looks.
    table = str(heap)
    shown = time.perf_counter()
    objects = heap.count
    del heap, table
    again = time.perf_counter()
    profiler.heap()
    return {
        "heap": counted - start,
        "table": shown - start,
        "again": time.perf_counter() - again,
        "objects": objects,
    }


def pympler():
    from pympler import muppy, summary

    start = time.perf_counter()
    objects = muppy.get_objects()
    summary.summarize(objects)
    return {"summary": time.perf_counter() - start, "objects": len(objects)}


def main():
    allow_readers()
    nodes = build(int(sys.argv[1]))
    print(json.dumps({"ready": len(nodes)}), flush=True)
    clock = None
    for line in sys.stdin:
        verb = line.strip()
        if verb == "quit":
            return
        if verb == "watch":
            clock = Clock()
            answer = {}
        elif verb == "gap":
            answer = {"gap": clock.longest}
        else:
            answer = {"guppy": guppy, "pympler": pympler}[verb]()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

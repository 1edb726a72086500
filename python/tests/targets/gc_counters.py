"""Knows the counters of its own collector, and those of a subinterpreter, at a quiet moment."""

import gc
import json
import os
import sys
import threading

import interpreters

INSIDE = """
import gc, json, os, sys
gc.disable()
# Before 3.10 the module of a subinterpreter shows the list of the main one.
garbage = gc.garbage if sys.version_info >= (3, 10) else []
gc.set_threshold(123, 4, 5)
for generation in (0, 0, 1, 2):
    gc.collect(generation)
kept = [[number] for number in range(64)]
while True:
    if not os.read({source}, 4096):
        break
    stats = gc.get_stats()
    enabled, threshold, frozen = gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()
    text = {{"stats": stats, "enabled": enabled, "threshold": threshold, "frozen": frozen, "count": None,
             "garbage": len(garbage)}}
    text["count"] = gc.get_count()
    os.write({sink}, json.dumps(text).encode())
"""


class Unfreeable:
    pass


def subinterpreter():
    """Starts one that answers through pipes; `None` when this Python cannot, or shares one collector."""
    run = interpreters.runner()
    if run is None or sys.version_info < (3, 9):
        return None
    (source, to_source), (from_sink, sink) = os.pipe(), os.pipe()
    script = INSIDE.format(source=source, sink=sink)
    threading.Thread(target=run, args=(script,), daemon=True).start()
    return to_source, from_sink


def build():
    """Something of everything that is counted."""
    gc.disable()
    kept = [[number] for number in range(200)]
    gc.freeze()
    kept += [[number] for number in range(300)]
    for generation in (0, 1, 0, 2, 1):
        gc.collect(generation)
    for number in range(7):
        lost = Unfreeable()
        lost.itself = [lost, number]
    del lost
    gc.collect(1)
    gc.set_debug(gc.DEBUG_SAVEALL)
    for _ in range(3):
        lost = Unfreeable()
        lost.itself = lost
    del lost
    gc.collect()
    gc.set_debug(0)
    gc.set_threshold(701, 11, 12)
    return kept


def main():
    kept = build()
    pipes = subinterpreter()
    print(json.dumps({"ready": True, "pid": os.getpid()}), flush=True)
    while True:
        if not os.read(0, 4096):
            return kept
        inside = None
        if pipes:
            os.write(pipes[0], b"?")
            inside = json.loads(os.read(pipes[1], 1 << 16))
        answer = {"stats": gc.get_stats(), "enabled": gc.isenabled(), "threshold": gc.get_threshold(),
                  "frozen": gc.get_freeze_count(), "garbage": len(gc.garbage), "inside": inside}
        answer = json.dumps(answer)[:-1] + ', "count": '
        # The count last, and the text with few objects after it: it counts those that live on.
        os.write(1, ("%s%s}\n" % (answer, list(gc.get_count()))).encode())


if __name__ == "__main__":
    main()

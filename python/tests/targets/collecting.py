"""Stands in a finaliser that a full collection has called, until a line comes: a collection that does not end."""

import gc
import json
import os


class Waits:
    """In a cycle of its own, so that the collector finalises it."""

    def __del__(self):
        print(json.dumps({"ready": True, "collecting": True}), flush=True)
        os.read(0, 64)


class Kept:
    """Reachable: nothing of it is in the collector's hands."""


gc.disable()
kept = [Kept() for _ in range(5000)]
waits = Waits()
waits.itself = waits
del waits
gc.collect()

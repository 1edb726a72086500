"""A batch whose peak lies in its middle: the guide to `watch`. Where it is watched it stays there until the heap of its peak is
kept, however slow the machine."""

import json
import os
import time

ENOUGH = 120 << 20


def kept():
    """RSS of the process in the snapshot that is there."""
    try:
        with open("batch.heap/manifest.json") as manifest:
            return json.load(manifest)["rss_bytes"]
    except OSError:
        return 0


def normalise(peak_is_kept):
    rows = []
    for number in range(300_000):
        rows.append({"id": number, "name": f"row {number}", "tags": [str(number)]})
    while not peak_is_kept():
        time.sleep(0.05)
    return sum(row["id"] for row in rows)


if "MEMSIGHT_MARKERS" in os.environ:
    normalise(lambda: kept() > ENOUGH)
else:
    # (the samples of the page begin where this one is, and start another under `watch`)
    print("ready", flush=True)
    input()

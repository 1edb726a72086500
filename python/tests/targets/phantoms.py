"""Holds objects of C types that no table knows: `phantoms.py FOLDER boxes|shelves|full|drawers`, where `phantoms.abi3.so` is in FOLDER.

Each box holds a list and a string, and has words that equal the addresses of itself and of a key, which it does not hold.
A shelf holds one object in memory of its own: some are held, some hold lists that hold them, and nobody else does.
A drawer has 64 bytes that lead to 480 more, which lead to a list that is garbage; these are freed in `drawers`, not in `full`.
"""

import gc
import json
import os
import sys

sys.path.insert(0, sys.argv[1])

import phantoms

COUNT = 300


class Key:
    pass


class Boxed(phantoms.Box):
    """A class that adds a dictionary and a slot to the struct."""

    __slots__ = ("extra", "__dict__")


def boxes():
    keys = [Key() for _ in range(COUNT)]
    boxes = [phantoms.Box([number], keys[number], "named %d" % number) for number in range(COUNT)]
    boxes += [Boxed([number], keys[number], "named too %d" % number) for number in range(COUNT)]
    for box in boxes[COUNT:]:
        box.extra = box.more = [box.number]
    return keys, boxes


def shelves():
    gc.disable()
    for _ in range(COUNT):
        held = []
        held.append(phantoms.Shelf(held))
    return [phantoms.Shelf([number]) for number in range(COUNT)]


def full():
    gc.disable()
    drawers = []
    for _ in range(COUNT):
        item = []
        item.append(item)
        drawers.append(phantoms.Drawer(item))
    return drawers


def drawers():
    emptied = full()
    for drawer in emptied:
        drawer.empty()
    return emptied


def main():
    kept = {"boxes": boxes, "shelves": shelves, "full": full, "drawers": drawers}[sys.argv[2]]()
    os.write(1, (json.dumps({"ready": True, "pid": os.getpid()}) + "\n").encode())
    os.read(0, 4096)
    if sys.argv[2] != "boxes":
        os.write(1, (json.dumps({"collected": gc.collect()}) + "\n").encode())
        os.read(0, 4096)
    del kept


main()

"""Holds objects of a C type that no table knows: `phantoms.py FOLDER`, where `phantoms.abi3.so` is.

Each box holds a list and a string, and has words that equal the addresses of itself and of a key, which it does not hold.
"""

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


def main():
    keys = [Key() for _ in range(COUNT)]
    boxes = [phantoms.Box([number], keys[number], "named %d" % number) for number in range(COUNT)]
    boxes += [Boxed([number], keys[number], "named too %d" % number) for number in range(COUNT)]
    for box in boxes[COUNT:]:
        box.extra = box.more = [box.number]
    os.write(1, (json.dumps({"ready": True, "pid": os.getpid()}) + "\n").encode())
    os.read(0, 4096)
    del keys, boxes


main()

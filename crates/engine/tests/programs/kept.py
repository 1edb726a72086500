"""Keeps blocks in a global, in an object of a class and in an exit handler, and ends; prints their sizes."""

import atexit
import json
import sys

FIRST = 60_001
HEAD = sys.getsizeof(b"")


class Holder:
    def __init__(self, block):
        self.block = block


KEPT = [bytes(FIRST + number) for number in range(20)]
HOLDER = Holder(bytes(FIRST + 20))
LAST = []


@atexit.register
def at_exit():
    LAST.append(bytes(FIRST + 21))


for number in range(30, 40):
    bytes(FIRST + number)
print(json.dumps([FIRST + number + HEAD for number in range(22)]))

"""A process that stands still in the middle of a collection.

Asked to `collect`, it starts a full collection in which a finaliser says so and waits for the end of the input. It
keeps KEPT objects of the class Kept alive, whatever happens.
"""

import gc
import json
import os
import sys

KEPT = 1000


class Kept:
    def __init__(self, number):
        self.name = "kept %d" % number


class Trash:
    def __init__(self):
        self.me = self
        self.names = ["trash"] * 10

    def __del__(self):
        global waited
        if not waited:
            waited = True
            say(done="collect")
            os.read(0, 4096)


def say(**fields):
    os.write(1, json.dumps(fields).encode() + b"\n")


waited = False
gc.disable()
kept = [Kept(number) for number in range(KEPT)]
say(ready=True, pid=os.getpid(), version=sys.version.split()[0], kept=KEPT)
while os.read(0, 4096):
    for _ in range(100):
        Trash()
    gc.collect()

"""Collects a lot, and keeps account of each collection."""

import gc
import json
import os
import time

account = []
started = [0]


class Node:
    pass


def note(phase, info):
    if phase == "start":
        started[0] = time.monotonic_ns()
    else:
        account.append((info["generation"], started[0], time.monotonic_ns(), info["collected"]))


def work(collections, pause):
    """Makes objects, some in cycles, until there were so many collections."""
    kept = []
    while len(account) < collections:
        for number in range(200):
            node = Node()
            node.next = node if number % 3 else [node]
            kept.append([number])
        if len(kept) > 50000:
            del kept[:]
        if pause:
            time.sleep(pause)


def main():
    gc.callbacks.append(note)
    print(json.dumps({"ready": True, "pid": os.getpid()}), flush=True)
    while True:
        request = os.read(0, 4096).split()
        if not request:
            return
        del account[:]
        gc.enable()
        work(int(request[0]), float(request[1]))
        gc.disable()
        # A collection may come with the last list: the account is closed before it is told.
        told = list(account)
        print(json.dumps({"busy": True, "account": told}), flush=True)


if __name__ == "__main__":
    gc.disable()
    main()

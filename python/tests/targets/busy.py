"""Four threads that compute without pause while the main thread forks: whoever disturbs them shows in the results.

Answers `progress` with the number of rounds done, of wrong results, of children and of failed children.
"""

import json
import os
import select
import sys
import threading

MASK = (1 << 64) - 1
STEPS = 2000


class Node:
    def __init__(self, value, following):
        self.value, self.following = value, following


def compute(seed):
    """The same for the same seed, through integers, strings, dicts and instances that come and go."""
    value, table, chain = seed, {}, None
    for step in range(STEPS):
        value = (value * 6364136223846793005 + 1442695040888963407 + step) & MASK
        table[str(value % 512)] = chain = Node(value, chain if step % 50 else None)
    return value ^ len(table) ^ sum(len(key) for key in table)


class Worker(threading.Thread):
    def __init__(self, seed):
        super().__init__(daemon=True)
        self.seed, self.expected = seed, compute(seed)
        self.rounds = self.wrong = 0

    def run(self):
        while True:
            self.wrong += compute(self.seed) != self.expected
            self.rounds += 1


def fork_once(expected):
    """A child that computes what its parent computed; whether it failed."""
    child = os.fork()
    if child == 0:
        os._exit(compute(0) != expected)
    return os.waitpid(child, 0)[1] != 0


def main():
    sys.setswitchinterval(0.0005)
    workers = [Worker(seed) for seed in range(4)]
    for worker in workers:
        worker.start()
    expected, children, failed = compute(0), 0, 0
    say(ready=True, busy=True, pid=os.getpid())
    while True:
        failed += fork_once(expected)
        children += 1
        if select.select([0], [], [], 0)[0]:
            if not os.read(0, 4096):
                return
            rounds, wrong = [worker.rounds for worker in workers], sum(worker.wrong for worker in workers)
            say(busy=True, rounds=rounds, wrong=wrong, children=children, failed=failed)


def say(**fields):
    os.write(1, json.dumps(fields).encode() + b"\n")


if __name__ == "__main__":
    main()

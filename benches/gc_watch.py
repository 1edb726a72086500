"""What `memsight.gc_watch()` costs a program with 100 collections a second.

Two figures, both from processor time of this thread, so that other programs of the machine count little:

- The program: units of work of about 10 ms, each with one young collection, watched and not watched by turns; the
  medians of all units are compared. This is what a person feels, and it is noisy: the second line says how much two
  halves of the *same* kind differ.
- The callback alone: 20,000 collections of an empty young generation, watched and not, by turns. The difference is what
  one watched collection costs; times 100 it is the share of a second.

Exits 1 when something failed to run; a missed goal is a result, not a failure.
"""

import argparse
import gc
import statistics
import sys
import time

import memsight

GOAL = 0.01
RATE = 100


def work(turns):
    """Allocates and computes as programs do."""
    rows = []
    for number in range(turns):
        rows.append({"number": number, "text": str(number), "pair": (number, [number])})
        if len(rows) > 300:
            rows.clear()
    return rows


def calibrate():
    """Turns of `work` that take about a hundredth of a second."""
    turns = 1000
    while True:
        began = time.thread_time()
        work(turns)
        taken = time.thread_time() - began
        if taken > 0.005:
            return max(1, int(turns * (1 / RATE) / taken))
        turns *= 2


def unit(turns):
    """Seconds of one unit with its collection."""
    began = time.thread_time()
    work(turns)
    gc.collect(0)
    return time.thread_time() - began


def program(seconds):
    """Units of both kinds, interleaved: not watched, watched."""
    turns = calibrate()
    plain, watched = [], []
    for number in range(int(seconds * RATE)):
        # the order changes, so that neither kind always follows the other
        for kind in (plain, watched) if number % 2 else (watched, plain):
            if kind is watched:
                with memsight.gc_watch():
                    kind.append(unit(turns))
            else:
                kind.append(unit(turns))
    return plain, watched


def callback(rounds, collections):
    """Seconds of one collection of both kinds, medians of interleaved rounds."""

    def many():
        began = time.thread_time()
        for _ in range(collections):
            gc.collect(0)
        return (time.thread_time() - began) / collections

    plain, watched = [], []
    for _ in range(rounds):
        plain.append(many())
        with memsight.gc_watch() as watch:
            watched.append(many())
        assert watch.collections == collections
    return statistics.median(plain), statistics.median(watched)


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--seconds", type=float, default=10, help="length of the program, each kind (default: 10)")
    seconds = options.parse_args().seconds
    gc.collect()
    gc.disable()  # only the collections that are asked for
    plain, watched = program(seconds)
    share = statistics.median(watched) / statistics.median(plain) - 1
    halves = statistics.median(plain[::2]) / statistics.median(plain[1::2]) - 1
    alone, with_watch = callback(9, 20_000)
    each = with_watch - alone
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"gc_watch on Python {version}, {len(plain)} units of {statistics.median(plain) * 1e3:.1f} ms of each kind")
    print(f"  the program, watched against not watched: {share:+.2%} (goal: under {GOAL:.0%})")
    print(f"  the program against itself, every other unit: {halves:+.2%}")
    print(f"  one watched collection: {each * 1e6:.2f} us more, {each * RATE:.3%} of a second at {RATE} a second")
    print(f"  goal {'met' if max(share, each * RATE) < GOAL else 'missed'}")


if __name__ == "__main__":
    main()

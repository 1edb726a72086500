"""The figures of processes: memsight against psutil on the same processes, in one run.

`make bench` runs this with a Python that has the extension and psutil. How it measures:

- Contenders take turns in small batches, and what counts is the median over the batches of the time for one call, so
  that a slow minute of the machine hits all.
- Every object is made once and read often, as a monitor does. The hundred processes are children of this script that
  wait for input.
- `memory_full_info` is held against the kernel's own cost: a loop that does nothing but read `smaps_rollup`, once by
  `pread` from a descriptor that stays open, once by open, read, close. Both loops are Python's thinnest calls into the
  kernel (`os.pread`, `os.open`); no text is parsed. It reads `statm`, too, which the loops do not.

Exits 1 when something failed to run; a missed goal is a result, not a failure.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil

import memsight

CHILD = """
import sys
heap = [str(number) * 3 for number in range(int(sys.argv[1]))]
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.read()
"""


class Children:
    """Python processes that wait, gone at the end of the `with` block."""

    def __init__(self, count, objects):
        command = [sys.executable, "-c", CHILD, str(objects)]
        pipe = subprocess.PIPE
        self.processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe) for _ in range(count)]

    def __enter__(self):
        for process in self.processes:
            if process.stdout.readline() != b"ready\n":
                raise OSError(f"child {process.pid} did not start")
        return [process.pid for process in self.processes]

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.communicate()


def medians(contenders, batches, calls):
    """Median seconds of one call of each contender."""
    series = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(batches):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            work = contenders[name]
            work()  # what the last contender left in the caches is not measured
            start = time.perf_counter()
            for _ in range(calls):
                work()
            series[name].append((time.perf_counter() - start) / calls)
    return {name: statistics.median(values) for name, values in series.items()}


def each(functions):
    """One call that calls all."""

    def work():
        for function in functions:
            function()

    return work


def bare(pid):
    """Nothing but the kernel's work for `smaps_rollup`: from a kept descriptor, and opened each time."""
    path = f"/proc/{pid}/smaps_rollup"
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def anew():
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        os.read(opened, 4096)
        os.close(opened)

    return (lambda: os.pread(descriptor, 4096, 0)), anew


def of_one(pid, batches):
    ours, theirs = memsight.Process(pid), psutil.Process(pid)
    kept, anew = bare(pid)
    basic = {"memsight": ours.memory_info, "psutil": theirs.memory_info}
    full = {
        "memsight": ours.memory_full_info,
        "psutil": theirs.memory_full_info,
        "bare pread": kept,
        "bare open, read, close": anew,
    }
    return {
        "memory_info, one process": medians(basic, batches, 200),
        "memory_full_info, one process": medians(full, batches, 20),
    }


def of_many(pids, batches):
    found = {}
    for package in (memsight, psutil):
        processes = [package.Process(pid) for pid in pids]
        name = package.__name__
        found.setdefault("memory_info", {})[name] = each([process.memory_info for process in processes])
        found.setdefault("memory_full_info", {})[name] = each([process.memory_full_info for process in processes])
        found.setdefault("process_iter, name and memory_info", {})[name] = iterate(package)
        found.setdefault("children(recursive=True)", {})[name] = children(package)
    return {f"{what}, {len(pids)} processes": medians(found[what], batches, 2) for what in found}


def iterate(package):
    return lambda: [process.info for process in package.process_iter(["name", "memory_info"])]


def children(package):
    process = package.Process()
    return lambda: process.children(recursive=True)


def of_machine(batches):
    calls = {"memsight": memsight.virtual_memory, "psutil": psutil.virtual_memory}
    return {"virtual_memory": medians(calls, batches, 50)}


def goals(figures, many):
    """Promise, value, limit, whether more is better."""

    def times(what):
        return figures[what]["psutil"] / figures[what]["memsight"]

    full = figures["memory_full_info, one process"]
    kernel = full["memsight"] / min(full["bare pread"], full["bare open, read, close"])
    return [
        ("memory_info at least 4x as fast as psutil's", times("memory_info, one process"), 4, True),
        (f"of {many} processes at least 5x", times(f"memory_info, {many} processes"), 5, True),
        ("memory_full_info at most 1.2x of a bare loop over smaps_rollup", kernel, 1.2, False),
    ]


def show(figures):
    for what, contenders in figures.items():
        print(f"\n{what}")
        for name, seconds in contenders.items():
            ratio = f"{seconds / contenders['memsight']:.2f}x" if name != "memsight" else ""
            print(f"  {name:<24}{seconds * 1e6:>12.1f} us{ratio:>10}".rstrip())


def show_goals(found):
    print("\nGoals")
    missed = 0
    for promise, value, limit, at_least in found:
        met = value >= limit if at_least else value <= limit
        missed += not met
        print(f"  {'PASS' if met else 'MISS'}  {promise}: {value:.2f}x")
    print(f"{missed} of {len(found)} goals missed." if missed else f"All {len(found)} goals met.")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--batches", type=int, default=61, help="batches of each contender [%(default)s]")
    parser.add_argument("--many", type=int, default=100, help="how many processes the many are [%(default)s]")
    parser.add_argument("--objects", type=int, default=100_000, help="objects in the one process [%(default)s]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every median, in seconds, for a script")
    chosen = parser.parse_args()
    if min(chosen.batches, chosen.many) < 1 or chosen.objects < 0:
        parser.error("--batches and --many are at least 1, --objects at least 0")
    return chosen


def main():
    chosen = arguments()
    print(f"psutil {psutil.__version__}, Python {platform.python_version()}, Linux {platform.release()}")
    load = os.getloadavg()[0]
    if load > len(os.sched_getaffinity(0)) / 2:
        print(f"The machine is busy with other work (load average {load:.2f}): these figures say little.")
    try:
        with Children(1, chosen.objects) as pids:
            figures = of_one(pids[0], chosen.batches)
        with Children(chosen.many, 1000) as pids:
            figures.update(of_many(pids, chosen.batches))
        figures.update(of_machine(chosen.batches))
    except (OSError, memsight.Error, psutil.Error) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    show(figures)
    found = goals(figures, chosen.many)
    show_goals(found)
    if chosen.json:
        report = {"medians": figures, "goals": [dict(zip(("promise", "value", "limit"), goal)) for goal in found]}
        chosen.json.write_text(json.dumps(report, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How long a process stands still while memsight looks at it, as it feels it itself.

`make bench` runs this. A target of each size reads the clock in a loop and notes the largest gap, while memsight takes a
histogram of it by a fork and by a freeze, in turns. The largest gap also counts every delay of the operating system, so
it is an upper bound. Beside it is what memsight says of itself (all stops together), and the time for which guppy3
blocks a process of the same size: one `hpy().heap()`, in a target of its own.

    python benches/pause.py --gib 0.4 4 --rounds 20

Exits 1 when something failed to run; a missed goal is a result, not a failure.
"""

import argparse
import json
import os
import select
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
GIB = 1 << 30
# The goal for a fork: this, and as much for each GiB that is resident.
GOAL_SECONDS, GOAL_SECONDS_A_GIB = 0.015, 0.040


class Failed(Exception):
    """Something did not run; the text is for people."""


def rss():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def target(size):
    """The process that is looked at: objects until so many bytes are resident, then requests."""
    sys.path.insert(0, str(HERE))
    from target import Node, allow_readers

    allow_readers()
    nodes = []
    while rss() < size:
        for _ in range(2000):
            node = Node(len(nodes), nodes[len(nodes) // 2] if nodes else None)
            node.blob = os.urandom(2000)  # nothing that a copy could pack
            nodes.append(node)
    print(json.dumps({"rss_bytes": rss(), "objects": len(nodes) * 7}), flush=True)
    for line in sys.stdin:
        if line.strip() == "guppy":
            from guppy import hpy

            began = time.perf_counter()
            hpy().heap()
            print(json.dumps({"seconds": time.perf_counter() - began}), flush=True)
        else:
            print(json.dumps({"gap_seconds": largest_gap()}), flush=True)


def largest_gap():
    """Reads the clock until a line comes."""
    print("{}", flush=True)
    ready = select.poll()
    ready.register(0, select.POLLIN)
    largest, last = 0, time.perf_counter_ns()
    while True:
        for _ in range(500):
            now = time.perf_counter_ns()
            largest = max(largest, now - last)
            last = now
        if ready.poll(0):
            # unbuffered, as the poll knows nothing of a buffer
            os.read(0, 100)
            return largest / 1e9


class Target:
    """A running target."""

    def __init__(self, gib):
        command = [sys.executable, __file__, "--target", str(int(gib * GIB))]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.facts = self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def ask(self, request):
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failed("the target ended: is there enough memory?")
        return json.loads(line)


def look(running, binary, mode):
    """One look: the gap that the target felt, and the pause that memsight names."""
    running.ask("watch")
    command = [binary, "heap", str(running.process.pid), "--mode", mode, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    gap = running.ask("stop")["gap_seconds"]
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: {done.stderr.strip()}")
    overview = json.loads(done.stdout)
    if overview["mode"] != mode:
        raise Failed(f"it was a {overview['mode']}: {overview.get('mode_reason')}")
    return gap, overview["pause_ns"] / 1e9


def measure(gib, rounds, binary, with_guppy):
    found = {"gib": gib, "rounds": rounds}
    felt, named = {"fork": [], "freeze": []}, {"fork": [], "freeze": []}
    with Target(gib) as running:
        found.update(running.facts)
        for _ in range(rounds):
            for mode, gaps in felt.items():
                gap, pause = look(running, binary, mode)
                gaps.append(gap)
                named[mode].append(pause)
    for mode, gaps in felt.items():
        found[mode] = {
            "gap_seconds": statistics.median(gaps),
            "largest_gap_seconds": max(gaps),
            "pause_seconds": statistics.median(named[mode]),
        }
    if with_guppy:
        with Target(gib) as running:
            found["guppy"] = running.ask("guppy")
    found["goal_seconds"] = GOAL_SECONDS + GOAL_SECONDS_A_GIB * found["rss_bytes"] / GIB
    found["reached"] = found["fork"]["gap_seconds"] <= found["goal_seconds"]
    return found


def ms(seconds):
    return f"{seconds * 1000:,.1f} ms"


def show(found):
    print(f"{found['rss_bytes'] / GIB:.2f} GiB resident, {found['objects']:,} objects, median of {found['rounds']}:")
    for mode in ("fork", "freeze"):
        row = found[mode]
        gap, most, pause = ms(row["gap_seconds"]), ms(row["largest_gap_seconds"]), ms(row["pause_seconds"])
        print(f"  {mode:8}{gap:>14} felt (at most {most}), {pause} named")
    if "guppy" in found:
        print(f"  {'guppy':8}{ms(found['guppy']['seconds']):>14} blocked")
    print(f"  {'goal':8}{ms(found['goal_seconds']):>14} {'reached' if found['reached'] else 'MISSED'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gib", type=float, nargs="+", default=[0.4, 4], help="sizes of the targets")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--binary", default=str(HERE.parent / "target/dist/memsight"))
    parser.add_argument("--no-guppy", action="store_true")
    parser.add_argument("--json", metavar="FILE", help="also write the figures there")
    parser.add_argument("--target", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.target:
        return target(options.target)
    results = []
    for gib in options.gib:
        results.append(measure(gib, options.rounds, options.binary, not options.no_guppy))
        show(results[-1])
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failed:
        print(failed, file=sys.stderr)
        sys.exit(1)

"""memsight against guppy3 and pympler on the same heap, and against itself on a heap ten times larger.

`make bench` runs this with Pythons that have guppy3 and pympler: that of the project and 3.13, on which guppy3 takes a third
of the time. How it measures:

- Every measurement gets a target of its own that nobody has looked at. A second `hpy().heap()` in the same process is
  faster than the first, for guppy keeps what it learnt; a person who asks pays the first. The second is shown, too.
- The contenders take turns, and each round starts with another one, so that a slow minute of the machine hits all.
- memsight is timed as a whole process, from its start to its exit; of the others only the calls are timed, not their
  imports. guppy is judged by its histogram: `hpy().heap()` and the table by type, which it works out when it is asked
  for. The columns also show memsight against `hpy().heap()` alone; the pause is judged by that, the stricter reading.
- The pause is what memsight says of itself; a clock inside the target says beside it what was felt there. That clock
  also counts every delay of the operating system, so it is an upper bound.

Exits 1 when something failed to run; a missed goal is a result, not a failure.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
MIB = 1024 * 1024
# Growth counts as linear up to this multiple of the growth in objects.
LINEAR = 1.2
# Figures that must not grow faster than the heap.
GROWTH = [("heap_seconds", "the time"), ("pause_seconds", "the pause"), ("peak_bytes", "the peak memory")]
# A target takes about this much, and memsight at most as much again; larger heaps are left out where memory is short.
NODE_BYTES = 600


class Failed(Exception):
    """Something did not run; the text is for people."""


class Target:
    """A process with a fresh heap, gone at the end of the `with` block."""

    def __init__(self, nodes):
        command = [sys.executable, str(HERE / "target.py"), str(nodes)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        try:
            self.answer()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    @property
    def pid(self):
        return self.process.pid

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"the target ended with exit code {self.process.wait()}; its own words are above")
        return json.loads(line)

    def ask(self, verb):
        self.process.stdin.write(verb + "\n")
        self.process.stdin.flush()
        return self.answer()

    def rss(self):
        """Resident bytes."""
        return kibibytes(f"/proc/{self.pid}/status", "VmRSS:")


class Run(NamedTuple):
    """One run of memsight."""

    seconds: float
    peak_bytes: int
    view: dict


def kibibytes(path, field):
    """A line `field 123 kB` of a file in /proc, in bytes."""
    for line in Path(path).read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise Failed(f"{path} has no {field}")


def memsight(binary, *arguments):
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen([str(binary), *arguments], stdout=subprocess.PIPE, stderr=errors)
        with process.stdout as stream:
            output = stream.read()
        # `wait4` tells of this one child, RUSAGE_CHILDREN of the largest so far. A child starts in its parent's memory,
        # so no peak is below that of this script, some 20 MiB: too much for heaps far below the default.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip()
            raise Failed(f"memsight {' '.join(arguments)}: exit code {process.returncode}\n{said}")
    # a snapshot says nothing on standard output
    return Run(seconds, usage.ru_maxrss * 1024, json.loads(output or "{}"))


# Contenders: each takes a fresh target and gives named figures.


def whole_job(target, binary):
    rss = target.rss()
    target.ask("watch")
    run = memsight(binary, "heap", str(target.pid), "--format", "json")
    return {
        "heap_seconds": run.seconds,
        "pause_seconds": run.view["pause_ns"] / 1e9,
        "gap_seconds": target.ask("gap")["gap"],
        "attempts": run.view["attempts"],
        "peak_bytes": run.peak_bytes,
        "peak_share": run.peak_bytes / rss,
        "rss_bytes": rss,
        "objects": run.view["objects"],
    }


def shallow(target, binary):
    run = memsight(binary, "heap", str(target.pid), "types", "--shallow", "--format", "json")
    return {"shallow_seconds": run.seconds}


def histogram(target, binary):
    run = memsight(binary, "heap", str(target.pid), "types", "--format", "json")
    return {"types_seconds": run.seconds, "types_peak_bytes": run.peak_bytes}


def guppy(target, _binary):
    answer = target.ask("guppy")
    return {
        "guppy_seconds": answer["heap"],
        "guppy_table_seconds": answer["table"],
        "guppy_again_seconds": answer["again"],
        "guppy_objects": answer["objects"],
    }


def pympler(target, _binary):
    answer = target.ask("pympler")
    return {"pympler_seconds": answer["summary"], "pympler_objects": answer["objects"]}


CONTENDERS = [shallow, histogram, whole_job, guppy, pympler]


def measure(nodes, rounds, contenders, binary):
    """Every figure with its value of each round."""
    series = {}
    for number in range(rounds):
        first = number % len(contenders)
        for contender in contenders[first:] + contenders[:first]:
            note(f"{nodes:,} nodes, round {number + 1} of {rounds}: {contender.__name__.replace('_', ' ')}")
            with Target(nodes) as target:
                for name, value in contender(target, binary).items():
                    series.setdefault(name, []).append(value)
    note("")
    return series


def note(text):
    """What is going on, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def medians(series):
    return {name: statistics.median(values) for name, values in series.items()}


class Goal(NamedTuple):
    """What was promised and what came out."""

    promise: str
    value: float
    limit: float
    at_least: bool

    @property
    def met(self):
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def goals(small, large):
    guppy_seconds, table = small["guppy_seconds"], small["guppy_table_seconds"]
    found = [
        Goal("types --shallow at least 12x as fast as guppy's histogram", table / small["shallow_seconds"], 12, True),
        Goal("whole job at least 5x as fast as guppy's histogram", table / small["heap_seconds"], 5, True),
        Goal("pause under 1/20 of guppy's heap()", small["pause_seconds"] / guppy_seconds, 1 / 20, False),
        Goal("own peak memory under 0.7x of the target's RSS", small["peak_share"], 0.7, False),
    ]
    if large:
        limit = LINEAR * growth("objects", small, large)
        for name, what in GROWTH:
            promise = f"growth of {what} linear (at most {limit:.1f}x)"
            found.append(Goal(promise, growth(name, small, large), limit, False))
    return found


def growth(name, small, large):
    return large[name] / small[name]


# The table: units (scale, name, digits); rows (label, figure, unit); times that guppy's is divided by.
SECONDS = (1, "s", 3)
MILLISECONDS = (1e-3, "ms", 1)
MEBIBYTES = (MIB, "MiB", 1)

ROWS = [
    ("memsight: types --shallow", "shallow_seconds", SECONDS),
    ("memsight: types, with retained", "types_seconds", SECONDS),
    ("memsight: whole job (heap)", "heap_seconds", SECONDS),
    ("guppy3: hpy().heap()", "guppy_seconds", SECONDS),
    ("  and the histogram printed", "guppy_table_seconds", SECONDS),
    ("  heap() again, same process", "guppy_again_seconds", SECONDS),
    ("pympler: muppy, summary", "pympler_seconds", SECONDS),
    ("pause, as memsight says", "pause_seconds", MILLISECONDS),
    ("pause, as the target felt it", "gap_seconds", MILLISECONDS),
    ("memsight: peak memory (heap)", "peak_bytes", MEBIBYTES),
    ("memsight: peak memory (types)", "types_peak_bytes", MEBIBYTES),
    ("target: RSS", "rss_bytes", MEBIBYTES),
]
COMPARED = {"shallow_seconds", "types_seconds", "heap_seconds", "pympler_seconds", "pause_seconds", "gap_seconds"}


def table(nodes, series):
    """Lines: median, least and greatest of every figure; times also against guppy's."""
    middle = medians(series)
    rounds = len(series["heap_seconds"])
    seen = {"guppy3": middle.get("guppy_objects"), "pympler": middle.get("pympler_objects")}
    others = "".join(f", {count:,.0f} by {tool}" for tool, count in seen.items() if count)
    yield f"{nodes:,} nodes, rounds: {rounds}; objects found: {middle['objects']:,.0f} by memsight{others}"
    yield f"  {'':<31}{'median':>13}{'least':>11}{'greatest':>11}{'guppy is':>12}"
    for label, name, (scale, unit, digits) in ROWS:
        if name not in series:
            continue
        least, greatest = min(series[name]) / scale, max(series[name]) / scale
        median = f"{middle[name] / scale:.{digits}f} {unit:<3}"
        times = (
            f"{middle['guppy_seconds'] / middle[name]:.2f}x" if name in COMPARED and "guppy_seconds" in middle else ""
        )
        yield f"  {label:<31}{median:>13}{least:>11.{digits}f}{greatest:>11.{digits}f}{times:>12}".rstrip()


def machine(binary):
    """Where the figures come from."""
    packages = {name: importlib.metadata.version(name) for name in ("guppy3", "pympler")}
    version = subprocess.run([str(binary), "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return {
        "memsight": version,
        "python": platform.python_version(),
        **packages,
        "kernel": platform.release(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": kibibytes("/proc/meminfo", "MemTotal:"),
        "load": os.getloadavg()[0],
    }


def room_for(nodes):
    """Whether a heap of that size and memsight fit into memory."""
    return kibibytes("/proc/meminfo", "MemAvailable:") > 2 * NODE_BYTES * nodes


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nodes", type=int, default=300_000, help="size of the heap; six objects a node [%(default)s]")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of all contenders [%(default)s]")
    parser.add_argument("--factor", type=int, default=10, help="how much larger the large heap is [%(default)s]")
    parser.add_argument("--large-rounds", type=int, default=3, help="rounds on it; 0 leaves it out [%(default)s]")
    parser.add_argument("--memsight", type=Path, default=built(), help="the binary [target/dist/memsight]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every figure of every round, for a script")
    chosen = parser.parse_args()
    if min(chosen.nodes, chosen.rounds) < 1 or chosen.factor < 2 or chosen.large_rounds < 0:
        parser.error("--nodes and --rounds are at least 1, --factor at least 2, --large-rounds at least 0")
    return chosen


def built():
    return Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")) / "dist" / "memsight"


def show_place(place):
    print(f"{place['memsight']}, Python {place['python']}, guppy3 {place['guppy3']}, pympler {place['pympler']}")
    memory = place["memory_bytes"] / 1024 / MIB
    print(f"Linux {place['kernel']}, {place['cores']} cores, {memory:.0f} GiB, load average {place['load']:.2f} before")
    if place["load"] > place["cores"] / 2:
        print("The machine is busy with other work: these figures say little.")


def show_goals(found):
    print("\nGoals")
    for goal in found:
        # Ratios below 1 need the third digit.
        value = f"{goal.value:.1f}x" if goal.limit > 1 else f"{goal.value:.3f}x"
        print(f"  {'PASS' if goal.met else 'MISS'}  {goal.promise}: {value}")
    missed = sum(not goal.met for goal in found)
    print(f"{missed} of {len(found)} goals missed." if missed else f"All {len(found)} goals met.")


def bench(chosen):
    place = machine(chosen.memsight)
    show_place(place)
    series = {"small": measure(chosen.nodes, chosen.rounds, CONTENDERS, chosen.memsight)}
    print("", *table(chosen.nodes, series["small"]), sep="\n", flush=True)

    nodes = chosen.nodes * chosen.factor
    if chosen.large_rounds and room_for(nodes):
        series["large"] = measure(nodes, chosen.large_rounds, [whole_job], chosen.memsight)
        print("", *table(nodes, series["large"]), sep="\n")
    elif chosen.large_rounds:
        print(f"\nNot enough free memory for {nodes:,} nodes: growth is not measured.")

    middle = {size: medians(figures) for size, figures in series.items()}
    if "large" in middle:
        names = [("objects", "objects"), ("rss_bytes", "RSS"), *GROWTH]
        factors = [f"{what} {growth(name, middle['small'], middle['large']):.1f}x" for name, what in names]
        print("\nGrowth:", ", ".join(factors))
    found = goals(middle["small"], middle.get("large"))
    show_goals(found)
    if chosen.json:
        judged = [{**goal._asdict(), "met": goal.met} for goal in found]
        report = {"machine": place, "rounds": series, "medians": middle, "goals": judged}
        chosen.json.write_text(json.dumps(report, indent=2) + "\n")


def main():
    try:
        bench(arguments())
    except (Failed, OSError, subprocess.SubprocessError, importlib.metadata.PackageNotFoundError) as error:
        note("")
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What recording costs a program, beside memray and tracemalloc, in one run.

`make bench` runs this. How it measures:

- Twelve programs (`recorded.py`), each in a process of its own, each under every recorder in turns; every other round begins
  from the other end. Each prints the processor time of its own work, which does not count its start nor a recorder's own
  process. The ratio is that to the same round's run without a recorder; shown is the median of the rounds.
- memray records Python's own allocators, too (`--trace-python-allocators`), as memsight always does: both write down every
  object. That is what exact recording is judged by: (exact - 1) / (memray - 1), where memray costs at least a quarter.
- The files are those of the last round.
- Reading is a process from its start to its exit: `memsight trace FILE lines` against `memray stats FILE`.

Exits 1 when something failed to run; a missed goal is a result, not a failure.
"""

import argparse
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
# As in recorded.py.
PROGRAMS = [
    *("trees", "dicts", "json", "pickle", "regex", "calls"),
    *("floats", "generators", "deep", "text", "asyncio", "threads"),
]
# The quotient to memray is shown where memray costs at least so much.
COSTS = 1.25


def commands(memsight, folder, program):
    python, work = sys.executable, [str(HERE / "recorded.py"), program]
    run = [memsight, "run", "-q", "--force"]
    return {
        "none": [python, *work],
        "sampled": [*run, "-o", f"{folder}/sampled.trace", "--", python, *work],
        "exact": [*run, "--exact", "-o", f"{folder}/exact.trace", "--", python, *work],
        "memray": [
            python,
            "-m",
            "memray",
            "run",
            "-q",
            "-f",
            "--trace-python-allocators",
            "-o",
            f"{folder}/memray",
            *work,
        ],
        "tracemalloc": [python, "-X", "tracemalloc=1", *work],
    }


def seconds(command):
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONHASHSEED": "0"}, check=False
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with exit code {done.returncode}; its own words are above")
    return float(done.stdout.split()[-1])


def wall(command):
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def mean(values):
    """The geometric one."""
    return math.exp(sum(map(math.log, values)) / len(values)) if values else float("nan")


def measure(memsight, program, rounds):
    with tempfile.TemporaryDirectory() as folder:
        contenders = commands(memsight, folder, program)
        ratios = {name: [] for name in contenders}
        for number in range(rounds):
            order = list(contenders) if number % 2 == 0 else list(reversed(contenders))
            taken = {name: seconds(contenders[name]) for name in order}
            for name in contenders:
                ratios[name].append(taken[name] / taken["none"])
        row = {name: statistics.median(values) for name, values in ratios.items()}
        row["bytes"] = os.path.getsize(f"{folder}/exact.trace")
        row["memray_bytes"] = os.path.getsize(f"{folder}/memray")
        ours = [wall([memsight, "trace", f"{folder}/exact.trace", "lines"]) for _ in range(rounds)]
        theirs = [wall([sys.executable, "-m", "memray", "stats", f"{folder}/memray"]) for _ in range(rounds)]
        row["reading"] = statistics.median(theirs) / statistics.median(ours)
    return row


def quotient(row):
    return (row["exact"] - 1) / (row["memray"] - 1) if row["memray"] >= COSTS else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memsight", default=str(HERE.parent / "target/dist/memsight"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help=f"of {', '.join(PROGRAMS)} [all]")
    arguments = parser.parse_args()
    print(
        f"Python {platform.python_version()}, {arguments.rounds} rounds, load {os.getloadavg()[0]:.1f}; ratios to no recorder"
    )
    print(
        f"{'':12}{'sampled':>9}{'exact':>9}{'memray':>9}{'tracemalloc':>13}{'exact/memray':>14}{'file/memray':>13}{'reading':>9}"
    )
    rows = []
    for program in arguments.programs or PROGRAMS:
        row = measure(arguments.memsight, program, arguments.rounds)
        rows.append(row)
        share = quotient(row)
        shown = "" if share is None else f"{share:.2f}"
        print(
            f"{program:12}{row['sampled']:9.2f}{row['exact']:9.2f}{row['memray']:9.2f}{row['tracemalloc']:13.2f}"
            f"{shown:>14}{row['bytes'] / row['memray_bytes']:13.2f}{row['reading']:8.1f}x",
            flush=True,
        )
    sampled, files = [row["sampled"] for row in rows], [row["bytes"] / row["memray_bytes"] for row in rows]
    # (below zero the noise is larger than the cost)
    shares = [max(share, 0.01) for share in map(quotient, rows) if share is not None]
    print(f"sampled: geometric mean {mean(sampled):.3f} (goal 1.03), worst {max(sampled):.2f} (goal 1.10)")
    if shares:
        print(
            f"exact to memray: geometric mean {mean(shares):.2f} (goal 0.25), worst {max(shares):.2f} (goal 0.4, deep 0.6)"
        )
    print(f"files to memray's: geometric mean {mean(files):.2f} (goal 1.00), worst {max(files):.2f} (goal 1.50)")
    print(f"reading: {mean([row['reading'] for row in rows]):.1f}x as fast as memray (goal 3x)")


if __name__ == "__main__":
    main()

"""What `memsight advise` costs beside `ruff check`, and how much memory it takes, in one run.

`make bench` runs this. How it measures:

- The sources are copied to a folder of their own: the standard library of the Python that runs this, 3.13 if it is there,
  without its site packages, and Django.
- `memsight advise` with its default rules against `ruff check --no-cache --select PERF,C4`, on one processor and on two, in
  turns; every other round begins with the other one. Both write what they find to nowhere. Shown is the median of the rounds;
  the ratio is of the same round.
- Memory is `VmHWM` of the process, read every 5 ms until it ends, over a million lines: the standard library several times.

Exits 1 when something failed to run; a missed goal is a result, not a failure.
"""

import argparse
import importlib.util
import os
import platform
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

# At most so many times as long as ruff, and at most so many bytes for a million lines.
MOST_TIMES = 3.0
MOST_BYTES = 500 << 20
MILLION = 1_000_000


def sources(folder, into):
    """Copies the Python files of a folder; gives the number of their lines."""
    lines = 0
    for path in sorted(Path(folder).rglob("*.py")):
        inside = path.relative_to(folder)
        if "site-packages" in inside.parts or not path.is_file():
            continue
        target = into / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        lines += target.read_bytes().count(b"\n")
    return lines


def run(command, cores):
    """Seconds on the clock, seconds of processors, and the most bytes that the process held."""
    os.sched_setaffinity(0, cores)
    began = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peak = 0
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        peak = max(peak, high_water(child.pid))
        time.sleep(0.005)
    wall = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    words = child.stderr.read().decode()
    child.stderr.close()
    # Both exit with 1 when they found something.
    if child.returncode not in (0, 1):
        sys.exit(f"{' '.join(map(str, command))} ended with exit code {child.returncode}: {words}")
    return wall, usage.ru_utime + usage.ru_stime, peak


def high_water(pid):
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    return 0


def compare(contenders, cores, rounds):
    measured = {name: [] for name in contenders}
    for command in contenders.values():
        run(command, cores)
    for at in range(rounds):
        order = list(contenders) if at % 2 == 0 else list(reversed(contenders))
        for name in order:
            measured[name].append(run(contenders[name], cores))
    return measured


def show(title, lines, measured):
    ours, theirs = measured["memsight"], measured["ruff"]
    print(title)
    for name, rounds in measured.items():
        wall = statistics.median(row[0] for row in rounds)
        used = statistics.median(row[1] for row in rounds)
        print(f"  {name:10} {lines / wall:12,.0f} lines/s {wall:8.2f} s, {used:6.2f} s of processors")
    ratios = sorted(own[0] / other[0] for own, other in zip(ours, theirs, strict=True))
    used = sorted(own[1] / other[1] for own, other in zip(ours, theirs, strict=True))
    ratio = statistics.median(ratios)
    print(
        f"  {'ratio':10} {ratio:12.2f}x on the clock ({ratios[0]:.2f} to {ratios[-1]:.2f}), "
        f"{statistics.median(used):.2f}x of processors ({used[0]:.2f} to {used[-1]:.2f})\n"
    )
    return ratio


def package(name):
    found = importlib.util.find_spec(name)
    return Path(found.origin).parent if found else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memsight", default="target/dist/memsight", type=Path)
    parser.add_argument(
        "--ruff", default=shutil.which("ruff", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    )
    stdlib = Path(sysconfig.get_paths()["stdlib"])
    parser.add_argument("--stdlib", default=stdlib, type=Path, help="the folder of a standard library")
    parser.add_argument("--django", default=package("django"), type=Path, help="the folder of the package")
    parser.add_argument("--rounds", default=5, type=int)
    asked = parser.parse_args()
    if not asked.ruff or not asked.django:
        sys.exit("ruff or django is not there: pip install ruff django")
    cores = sorted(os.sched_getaffinity(0))
    ruff = subprocess.run([asked.ruff, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    load = os.getloadavg()[0]
    print(f"memsight advise against {ruff}, {platform.machine()}, {len(cores)} cores, load {load:.1f} at the start\n")
    goals = []
    with tempfile.TemporaryDirectory() as folder:
        for name, origin in ("the standard library", asked.stdlib), ("django", asked.django):
            tree = Path(folder) / name.split()[-1]
            lines = sources(origin, tree)
            contenders = {
                "memsight": [asked.memsight, "advise", tree],
                "ruff": [asked.ruff, "check", "--no-cache", "--isolated", "--select", "PERF,C4", tree],
            }
            for count in (1, 2)[: len(cores)]:
                title = f"{name}, {lines:,} lines, {count} core{'s' * (count > 1)}"
                ratio = show(title, lines, compare(contenders, cores[:count], asked.rounds))
                goals.append((f"{title}: at most {MOST_TIMES:.0f}x", ratio <= MOST_TIMES, f"{ratio:.2f}x"))
        big, lines = Path(folder) / "million", 0
        while lines < MILLION:
            lines += sources(asked.stdlib, big / f"copy{lines}")
        _, _, peak = run([asked.memsight, "advise", big], cores)
        goals.append(
            (
                f"memory of {lines:,} lines: under {MOST_BYTES >> 20} MiB",
                peak < MOST_BYTES,
                f"{peak / (1 << 20):.0f} MiB",
            )
        )
    print("Goals")
    for what, met, figure in goals:
        print(f"  {'PASS' if met else 'MISS'}  {what}: {figure}")


if __name__ == "__main__":
    main()

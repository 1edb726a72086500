"""How memsight grows with the heap: the same jobs on 2 and on 20 million objects.

`make bench` runs this. Each job is a run of the command, timed from its start to its exit, on a target that all jobs of a
round share: the histogram that needs no references, the whole look (all references, retained sizes, suspects), and a
snapshot to a folder. Beside the time stand its own peak memory and the size of the snapshot, as shares of the target's
RSS at that moment. Figures are medians; the rounds of both sizes take turns. A run that is not counted goes before each:
the host of a virtual machine hands out memory at its first touch, which costs a second for the larger heap and nothing
for the smaller one, whose memory is there already.

    python benches/scale.py --millions 2 20 --rounds 3
    python benches/scale.py --millions 50 --rounds 1

Exits 1 when something failed to run; a missed goal is a result, not a failure.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from run import MIB, NODE_BYTES, Failed, Target, built, kibibytes, memsight, note

# A node of the target is six objects.
OBJECTS_A_NODE = 6
# From the smallest heap to the largest, time may grow by this more than the objects do.
LINEAR = 1.1
GIB = 1024 * MIB


def types(target, binary):
    run = memsight(binary, "heap", str(target.pid), "types", "--shallow", "--format", "json")
    return run, {}


def heap(target, binary):
    run = memsight(binary, "heap", str(target.pid), "--format", "json")
    return run, {"pause_seconds": run.view["pause_ns"] / 1e9}


def snapshot(target, binary):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "it.heap"
        run = memsight(binary, "snapshot", str(target.pid), "--output", str(path))
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return run, {"disk_bytes": size}


JOBS = {"types --shallow": types, "heap": heap, "snapshot": snapshot}


def measure(millions, binary, names):
    """One round on a fresh target: figures by job."""
    nodes = round(millions * 1e6 / OBJECTS_A_NODE)
    if kibibytes("/proc/meminfo", "MemAvailable:") < 2 * NODE_BYTES * nodes:
        raise Failed(f"too little memory is free for {millions} million objects")
    note(f"{millions} million objects: the target")
    found = {}
    with Target(nodes) as target:
        for name in names:
            note(f"{millions} million objects: {name}")
            rss = target.rss()
            JOBS[name](target, binary)
            run, more = JOBS[name](target, binary)
            more |= {"seconds": run.seconds, "peak_bytes": run.peak_bytes, "rss_bytes": rss}
            more["peak_share"] = run.peak_bytes / rss
            if "objects" in run.view:
                more["objects"] = run.view["objects"]
            found[name] = more
    note("")
    return found


def medians(rounds):
    """Of rounds by job, the median of each figure by job."""
    return {
        name: {figure: statistics.median(found[name][figure] for found in rounds) for figure in rounds[0][name]}
        for name in rounds[0]
    }


def show(millions, jobs):
    any_job = next(iter(jobs.values()))
    objects = next((job["objects"] for job in jobs.values() if "objects" in job), millions * 1e6)
    print(f"{objects:,.0f} objects, {any_job['rss_bytes'] / GIB:.2f} GiB resident")
    for name, job in jobs.items():
        line = f"  {name:16}{job['seconds']:>9.2f} s{job['peak_bytes'] / MIB:>9,.0f} MiB peak, "
        line += f"{job['peak_share']:.2f}x of RSS"
        if "disk_bytes" in job:
            line += f"; {job['disk_bytes'] / MIB:,.0f} MiB on disk, {job['disk_bytes'] / job['rss_bytes']:.2f}x"
        if "pause_seconds" in job:
            line += f"; pause {job['pause_seconds'] * 1000:.0f} ms"
        print(line)


def show_growth(small, large, factor):
    print(f"Growth for {factor:.1f}x the objects (goal: at most {LINEAR * factor:.1f}x)")
    for name, job in large.items():
        times = job["seconds"] / small[name]["seconds"]
        peak = job["peak_bytes"] / small[name]["peak_bytes"]
        print(f"  {name:16}{times:>9.1f}x time{peak:>9.1f}x peak   {'PASS' if times <= LINEAR * factor else 'MISS'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--millions", type=float, nargs="+", default=[2, 20], help="objects of each target [2 20]")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS))
    parser.add_argument("--memsight", type=Path, default=built(), help="the binary [target/dist/memsight]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every figure of every round, for a script")
    options = parser.parse_args()
    rounds = {millions: [] for millions in sorted(options.millions)}
    for _ in range(options.rounds):
        for millions, found in rounds.items():
            found.append(measure(millions, options.memsight, options.jobs))
    middle = {millions: medians(found) for millions, found in rounds.items()}
    for millions, jobs in middle.items():
        show(millions, jobs)
    sizes = list(middle)
    if len(sizes) > 1:
        show_growth(middle[sizes[0]], middle[sizes[-1]], sizes[-1] / sizes[0])
    if options.json:
        options.json.write_text(json.dumps(rounds, indent=1) + "\n")


if __name__ == "__main__":
    started = time.perf_counter()
    try:
        main()
    except (Failed, subprocess.SubprocessError) as failed:
        print(failed, file=sys.stderr)
        sys.exit(1)
    print(f"took {time.perf_counter() - started:.0f} s")

"""What it costs to watch: the share of one core that `memsight watch` takes, and its own memory, while it samples a tree of
20 Python processes every 10 ms and writes its log. (`agent.py` measures the agent.)

The CPU time is the kernel's count for the process (`/proc/PID/stat`) between the first and the last look; starting up
is left out. Memory is flat when the median RSS of the last third exceeds that of the first third by less than 1 MiB or
5 %. Other work on the machine makes every system call dearer: the load is printed with the figures.

Exits 1 when something failed to run; a missed goal is a result, not a failure.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MIB = 1024 * 1024
GOAL_PERCENT = 2.0
FLAT_BYTES, FLAT_SHARE = MIB, 0.05
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")

# Children live until standard input of the first process ends. Each has some memory of its own.
FAMILY = """
import os, sys
end, hold = os.pipe()
for number in range(int(sys.argv[1]) - 1):
    if os.fork() == 0:
        os.close(hold)
        own = bytearray(b"x") * (8 << 20)
        os.read(end, 1)
        os._exit(0)
print("ready", flush=True)
sys.stdin.read()
"""


class Failed(Exception):
    """Something did not run; the text is for people."""


class Family:
    """That many Python processes, a parent and its children; gone at the end of the `with` block."""

    def __init__(self, count):
        command = [sys.executable, "-c", FAMILY, str(count)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        if self.process.stdout.readline() != b"ready\n":
            raise Failed("the processes to be watched did not start")
        return self.process.pid

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def used(pid):
    """CPU seconds and RSS of a process so far."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError as error:
        raise Failed(f"memsight ended while it was measured: {error}") from None
    return (int(fields[11]) + int(fields[12])) / TICKS, int(fields[21]) * PAGE


def measure(pid, seconds):
    """Looks at a process every second; its share of one core in percent, and its RSS at each look."""
    begin, (spent, rss) = time.monotonic(), used(pid)
    sizes = [rss]
    while time.monotonic() - begin < seconds:
        time.sleep(1)
        sizes.append(used(pid)[1])
    cpu = used(pid)[0] - spent
    return 100 * cpu / (time.monotonic() - begin), sizes


def bench_watch(binary, seconds, folder):
    with Family(20) as pid:
        log = Path(folder, "tree.jsonl")
        command = [binary, "watch", str(pid), "--interval", "10ms", "--no-plot", "--output", str(log)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        await_(lambda: log.exists() and log.stat().st_size > 0, process)
        share, sizes = measure(process.pid, seconds)
        process.send_signal(signal.SIGINT)
        process.communicate()
        return report("watch", "20 processes at 10 ms", share, sizes, log_bytes=log.stat().st_size)


def await_(condition, process):
    """Polls until it is true."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failed(f"{' '.join(map(str, process.args))} ended with exit code {process.returncode}")
        if found := condition():
            return found
        time.sleep(0.05)
    process.kill()
    raise Failed(f"{' '.join(map(str, process.args))} did not get going")


def report(name, subject, share, sizes, **more):
    third = max(len(sizes) // 3, 1)
    first, last = statistics.median(sizes[:third]), statistics.median(sizes[-third:])
    flat = last - first < max(FLAT_BYTES, first * FLAT_SHARE)
    verdict = "reached" if share < GOAL_PERCENT else "missed"
    print(
        f"{name}: {subject}: {share:.2f} % of one core (goal < {GOAL_PERCENT:.0f} %: {verdict}); "
        f"RSS {first / MIB:.1f} -> {last / MIB:.1f} MiB, peak {max(sizes) / MIB:.1f} ({'flat' if flat else 'NOT flat'})",
        flush=True,
    )
    return {
        "name": name,
        "subject": subject,
        "cpu_percent": share,
        "rss_first_bytes": first,
        "rss_last_bytes": last,
        "rss_peak_bytes": max(sizes),
        "flat": flat,
        "load": os.getloadavg()[0],
        **more,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).resolve().parent.parent / "target/dist/memsight"
    parser.add_argument("--memsight", default=str(default), help="the command to measure")
    parser.add_argument("--seconds", type=float, default=60, help="600 shows that memory is flat")
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args()
    print(f"{options.seconds:.0f} s, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start", flush=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            result = bench_watch(options.memsight, options.seconds, folder)
    except (Failed, OSError) as error:
        print(f"watch.py: {error}", file=sys.stderr)
        return 1
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

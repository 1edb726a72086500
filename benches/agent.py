"""What the agent costs: CPU and memory of `memsight agent` while it samples many idle Python processes every second.

    python benches/agent.py [--processes 200] [--seconds 60] [--interval 1] [--json FILE]

The agent keeps a history and is scraped every 15 s, as a Prometheus would. CPU time is what the kernel accounts to
the agent's process (`/proc/PID/stat`), so that a busy machine does not change it much.

Its memory is read every second once it has warmed up. It is flat when the Theil-Sen slope of its RSS, the median of the
slopes between any two readings, comes to less than `--growth` over ten minutes: `--seconds 600` shows it, and a shorter run
at a shorter `--interval` shows it sooner, since what could grow grows with the samples. Exits with 1 when the CPU share is
not under `--limit`, or the memory is not flat.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from itertools import combinations
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
IDLE = "import sys; sys.stdout.write('.'); sys.stdout.flush(); sys.stdin.read()"
SCRAPE_EVERY = 15.0
RSS_EVERY = 1.0
# Ten minutes of samples.
SPAN = 600


def start_targets(count: int) -> list[subprocess.Popen[bytes]]:
    pipe = subprocess.PIPE
    targets = [subprocess.Popen([sys.executable, "-S", "-c", IDLE], stdin=pipe, stdout=pipe) for _ in range(count)]
    for target in targets:
        assert target.stdout is not None
        assert target.stdout.read(1) == b".", "a target did not start"
    return targets


def start_agent(options: argparse.Namespace, history: Path) -> tuple[subprocess.Popen[str], str]:
    command = [options.memsight, "agent", "--listen", "127.0.0.1:0", "--interval", f"{options.interval:g}s"]
    command += ["--history", str(history), "--max-processes", "1000"]
    agent = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert agent.stderr is not None
    found = re.search(r"http://[0-9.:]+", agent.stderr.readline())
    assert found, "the agent does not say where it listens"
    threading.Thread(target=agent.stderr.read, daemon=True).start()
    return agent, found[0]


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


def scrape(url: str) -> str:
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def figure(text: str, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    assert found, f"{name} is not exported"
    return float(found[1])


def slope(readings: list[tuple[float, int]]) -> float:
    """Theil and Sen's: a few outliers do not move it. Of at most 300 readings, for it looks at all pairs."""
    some = readings[:: len(readings) // 300 + 1]
    return statistics.median((later - earlier) / (b - a) for (a, earlier), (b, later) in combinations(some, 2))


def watch(agent: int, url: str, seconds: float) -> tuple[list[tuple[float, int]], list[float]]:
    """RSS over the samples that were taken, and how long scrapes took."""
    waiting = threading.Event()
    readings: list[tuple[float, int]] = []
    took: list[float] = []
    started = scraped = time.monotonic()
    while (now := time.monotonic()) < started + seconds:
        readings.append((now - started, rss_bytes(agent)))
        if now >= scraped + SCRAPE_EVERY:
            scraped = now
            scrape(url)
            took.append(time.monotonic() - now)
        waiting.wait(RSS_EVERY)
    return readings, took


def measure(agent: int, url: str, options: argparse.Namespace) -> dict[str, object]:
    """CPU and memory over a time, after the agent has got to know the processes."""
    cold = rss_bytes(agent)
    watch(agent, url, options.warm_up)
    before = scrape(url)
    started, cpu = time.monotonic(), cpu_seconds(agent)
    readings, took = watch(agent, url, options.seconds)
    elapsed, cpu = time.monotonic() - started, cpu_seconds(agent) - cpu
    after = scrape(url)
    samples = figure(after, "memsight_agent_samples_total") - figure(before, "memsight_agent_samples_total")
    # Of ten minutes at a sample a second, whatever the interval was.
    growth = slope(readings) * elapsed / samples * SPAN
    return {
        "seconds": round(elapsed, 1),
        "samples": samples,
        "missed_ticks": figure(after, "memsight_agent_missed_ticks_total"),
        "processes": figure(after, "memsight_agent_processes"),
        "cpu_percent_of_one_core": round(100 * cpu / elapsed, 3),
        "rss_cold_bytes": cold,
        "rss_first_bytes": readings[0][1],
        "rss_last_bytes": readings[-1][1],
        "rss_max_bytes": max(rss for _, rss in readings),
        "rss_growth_bytes_per_600_samples": round(growth),
        "memory": "flat" if growth < options.growth * 1024 else "growing",
        "scrape_bytes": len(after),
        "scrape_ms_max": round(1e3 * max(took, default=0.0), 2),
        "history_bytes": figure(after, "memsight_agent_history_size_bytes"),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument(
        "--warm-up",
        type=float,
        default=180,
        help="seconds before the measurement: it gets to know 200 processes in 150",
    )
    parser.add_argument("--interval", type=float, default=1, help="seconds between two samples")
    parser.add_argument("--growth", type=float, default=64, help="KiB that the memory may grow in 600 samples")
    parser.add_argument("--limit", type=float, default=2.0, help="percent of one core")
    parser.add_argument("--memsight", default=str(ROOT / "target/dist/memsight"), help="the command to measure")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    options = parser.parse_args()
    targets = start_targets(options.processes)
    with tempfile.TemporaryDirectory() as folder:
        agent, url = start_agent(options, Path(folder) / "history.db")
        try:
            figures = measure(agent.pid, url, options)
        finally:
            agent.terminate()
            agent.wait()
            for target in targets:
                target.kill()
                target.wait()
    text = json.dumps(figures, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")
    return 0 if float(str(figures["cpu_percent_of_one_core"])) < options.limit and figures["memory"] == "flat" else 1


if __name__ == "__main__":
    sys.exit(main())

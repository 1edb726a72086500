"""What the agent costs: CPU and memory of `memsight agent` while it samples many idle Python processes every second.

    python benches/agent.py [--processes 200] [--seconds 60] [--json FILE]

The agent keeps a history and is scraped every 15 s, as a Prometheus would. CPU time is what the kernel accounts to
the agent's process (`/proc/PID/stat`), so that a busy machine does not change it much. `--seconds 600` shows whether
its memory is flat. Exits with 1 when the CPU share is not under `--limit`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
IDLE = "import sys; sys.stdout.write('.'); sys.stdout.flush(); sys.stdin.read()"
SCRAPE_EVERY = 15.0
WARM_UP = 30.0


def start_targets(count: int) -> list[subprocess.Popen[bytes]]:
    pipe = subprocess.PIPE
    targets = [subprocess.Popen([sys.executable, "-S", "-c", IDLE], stdin=pipe, stdout=pipe) for _ in range(count)]
    for target in targets:
        assert target.stdout is not None
        assert target.stdout.read(1) == b".", "a target did not start"
    return targets


def start_agent(command: list[str], history: Path) -> tuple[subprocess.Popen[str], str]:
    agent = subprocess.Popen(
        [*command, "agent", "--listen", "127.0.0.1:0", "--history", str(history), "--max-processes", "1000"],
        stderr=subprocess.PIPE,
        text=True,
    )
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


def measure(agent: int, url: str, seconds: float) -> dict[str, float]:
    """CPU and memory over a time, after the agent has got to know the processes."""
    waiting = threading.Event()
    waiting.wait(WARM_UP)
    before = scrape(url)
    started, cpu, rss = time.monotonic(), cpu_seconds(agent), [rss_bytes(agent)]
    took: list[float] = []
    while (left := started + seconds - time.monotonic()) > 0:
        waiting.wait(min(SCRAPE_EVERY, left))
        asked = time.monotonic()
        scrape(url)
        took.append(time.monotonic() - asked)
        rss.append(rss_bytes(agent))
    elapsed = time.monotonic() - started
    after = scrape(url)
    samples = figure(after, "memsight_agent_samples_total") - figure(before, "memsight_agent_samples_total")
    return {
        "seconds": round(elapsed, 1),
        "samples": samples,
        "missed_ticks": figure(after, "memsight_agent_missed_ticks_total"),
        "processes": figure(after, "memsight_agent_processes"),
        "cpu_percent_of_one_core": round(100 * (cpu_seconds(agent) - cpu) / elapsed, 3),
        "rss_first_bytes": rss[0],
        "rss_last_bytes": rss[-1],
        "rss_max_bytes": max(rss),
        "scrape_bytes": len(after),
        "scrape_ms_max": round(1e3 * max(took), 2),
        "history_bytes": figure(after, "memsight_agent_history_size_bytes"),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--limit", type=float, default=2.0, help="percent of one core")
    parser.add_argument("--memsight", default=str(ROOT / "target/release/memsight"), help="the command to measure")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    options = parser.parse_args()
    targets = start_targets(options.processes)
    with tempfile.TemporaryDirectory() as folder:
        agent, url = start_agent([options.memsight], Path(folder) / "history.db")
        try:
            figures = measure(agent.pid, url, options.seconds)
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
    return 0 if figures["cpu_percent_of_one_core"] < options.limit else 1


if __name__ == "__main__":
    sys.exit(main())

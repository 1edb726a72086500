"""Packages of others that use psutil, with memsight in its place: a small real use of each.

``foreign/requirements.txt`` names them; what cannot be installed is printed as not covered.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "foreign"

MEMORY_PROFILER = """
from memory_profiler import memory_usage

def work():
    return bytes(64 << 20).count(1)

base = memory_usage(-1, max_usage=True)
assert memory_usage((work,), interval=0.001, max_usage=True, include_children=True) > base > 1
"""

LOKY = """
import psutil
from loky import get_reusable_executor

if __name__ == "__main__":
    executor = get_reusable_executor(max_workers=2)
    assert list(executor.map(abs, range(-4, 0))) == [4, 3, 2, 1]
    workers = psutil.Process().children(recursive=True)
    executor.shutdown(kill_workers=True)
    gone, alive = psutil.wait_procs(workers, timeout=60)
    assert gone, (gone, alive)
"""

PSRECORD = """
import subprocess, sys
from psrecord.main import monitor

child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
monitor(child.pid, logfile="record.txt", interval=0.01, duration=0.1, include_children=True, include_io=True)
child.communicate(b"over\\n")
rows = [line.split() for line in open("record.txt") if not line.startswith("#")]
assert rows and all(float(row[2]) > 1 for row in rows), rows
"""

DISTRIBUTED = """
from distributed import Client, LocalCluster
from distributed.system_monitor import SystemMonitor

if __name__ == "__main__":
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            assert client.submit(sum, [1, 2, 3]).result() == 6
            worker = next(iter(cluster.workers.values()))
            assert worker.monitor.proc.memory_info().rss > 1 << 20
    seen = SystemMonitor().update()
    assert seen["memory"] > 1 << 20 and seen["num_fds"] > 0, seen
"""

PYPERF = """
import pyperf._collect_metadata as collect

assert "boot_time" in collect.collect_metadata()
if __name__ == "__main__":
    import subprocess, sys
    command = [sys.executable, "-m", "pyperf", "timeit", "--inherit-environ", "PYTHONPATH", "-p1", "-n1", "-l1", "-w0"]
    subprocess.run([*command, "pass"], check=True, stdout=subprocess.DEVNULL)
"""

XDIST = """
import pathlib, subprocess, sys

pathlib.Path("test_one.py").write_text("def test_one():\\n    import psutil\\n    assert psutil.__name__ == 'memsight'\\n")
run = [sys.executable, "-m", "pytest", "-q", "-n", "logical", "test_one.py"]
said = subprocess.run(run, check=True, capture_output=True, text=True).stdout
assert "1 passed" in said, said
"""

# It refuses a psutil before 5.3, and `__version__` is memsight's.
GLANCES = """
import sys

psutil.__version__ = "7.2.2"
sys.argv = ["glances", "--stdout-json", "mem,load,cpu,processcount,memswap", "--stop-after", "1", "--time", "1"]
from glances import main

main()
"""

JUPYTER = """
from types import SimpleNamespace
from jupyter_resource_usage.metrics import PSUtilMetricsLoader

config = SimpleNamespace(
    process_memory_metrics=[{"name": "memory_info", "attribute": "rss"}],
    system_memory_metrics=[{"name": "virtual_memory", "attribute": "total"}],
    process_cpu_metrics=[{"name": "cpu_percent", "kwargs": {"interval": 0.05}}],
    system_cpu_metrics=[{"name": "cpu_count"}],
)
loader = PSUtilMetricsLoader(SimpleNamespace(web_app=SimpleNamespace(settings={"jupyter_resource_usage_display_config": config})))
memory, cpu = loader.memory_metrics(), loader.cpu_metrics()
assert memory["memory_info_rss"] > 1 << 20 and memory["virtual_memory_total"] > 1 << 20, memory
assert cpu["cpu_count"] >= 1, cpu
"""

USES = {
    "distributed": DISTRIBUTED,
    "glances": GLANCES,
    "jupyter_resource_usage": JUPYTER,
    "loky": LOKY,
    "memory_profiler": MEMORY_PROFILER,
    "psrecord": PSRECORD,
    "pyperf": PYPERF,
    "xdist": XDIST,
}


@pytest.mark.parametrize("package", USES)
def test_a_use_of(package: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(package) is None:
        print(f"NOT COVERED: {package} with memsight in psutil's place: it is not installed")
        pytest.skip(f"NOT COVERED: {package} is not installed")
    script = tmp_path / "use.py"
    script.write_text("import psutil\nassert psutil.__name__ == 'memsight'\n" + USES[package])
    run = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-6000:]

"""What psutil offers and memsight does not, with what does that job. ``docs/reference/psutil.md`` gives the reasons."""

from __future__ import annotations

_KEEP = "keep psutil for it: both can be imported"

PROCESS = {
    "connections": _KEEP,
    "cpu_affinity": "os.sched_getaffinity(pid), os.sched_setaffinity(pid, cpus)",
    "cpu_num": _KEEP,
    "cpu_percent": "take the difference of cpu_times() between two moments",
    "environ": _KEEP,
    "io_counters": _KEEP,
    "ionice": _KEEP,
    "net_connections": _KEEP,
    "nice": "os.getpriority(os.PRIO_PROCESS, pid), os.setpriority(os.PRIO_PROCESS, pid, value)",
    "num_ctx_switches": _KEEP,
    "num_fds": "len(os.listdir(f'/proc/{pid}/fd'))",
    "open_files": _KEEP,
    "rlimit": "resource.prlimit(pid, resource, limits)",
    "terminal": _KEEP,
    "threads": "num_threads(), or memsight.snapshot(pid).threads() for the Python ones",
}
"""Methods of ``Process``."""

FUNCTIONS = {
    "Popen": "subprocess.Popen, then memsight.Process(child.pid)",
    "PROCFS_PATH": "memsight reads /proc of its own PID namespace",
    "cpu_count": "os.cpu_count(), len(os.sched_getaffinity(0))",
    "cpu_freq": _KEEP,
    "cpu_percent": _KEEP,
    "cpu_stats": _KEEP,
    "cpu_times": _KEEP,
    "cpu_times_percent": _KEEP,
    "disk_io_counters": _KEEP,
    "disk_partitions": _KEEP,
    "disk_usage": "shutil.disk_usage(path)",
    "getloadavg": "os.getloadavg()",
    "net_connections": _KEEP,
    "net_if_addrs": _KEEP,
    "net_if_stats": _KEEP,
    "net_io_counters": _KEEP,
    "sensors_battery": _KEEP,
    "sensors_fans": _KEEP,
    "sensors_temperatures": _KEEP,
    "users": _KEEP,
}
"""Names of the module."""


def refusal(name: str, missing: dict[str, str], owner: str) -> str:
    """Why ``owner`` has no attribute ``name``, with what to take instead where psutil has one."""
    instead = missing.get(name)
    return f"{owner} has no attribute {name!r}" + (f"; psutil's is not offered here: {instead}" if instead else "")

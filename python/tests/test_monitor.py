"""Samples of processes: once, as an iterator, as an async iterator; all of them end."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

import memsight

# Says a word when asked for it; a child of its own on request.
TARGET = """
import gc, subprocess, sys
sys.stdout.write("ready\\n"); sys.stdout.flush()
kept, children = [], []
for line in sys.stdin:
    word, _, number = line.strip().partition(" ")
    if word == "grow":
        kept.append(bytearray(int(number)))
    elif word == "collect":
        gc.collect()
    elif word == "child":
        child = subprocess.Popen(["sleep", "600"])
        children.append(child)
    elif word == "kill":
        for child in children:
            child.kill()
            child.wait()
    print(word, children[-1].pid if children else 0, flush=True)
"""


class Target:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.pid = process.pid
        self.read()

    def read(self) -> list[str]:
        assert self.process.stdout is not None
        return self.process.stdout.readline().split()

    def ask(self, word: str) -> int:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return int(self.read()[1])

    def end(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()


@pytest.fixture()
def target() -> Iterator[Target]:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", TARGET], stdin=pipe, stdout=pipe, text=True) as process:
        target = Target(process)
        yield target
        if process.poll() is None and process.stdin is not None and not process.stdin.closed:
            target.ask("kill")
            target.end()


def test_one_sample_has_everything(target: Target) -> None:
    sample = memsight.sample(target.pid)
    (process,) = sample.processes
    assert (process.pid, process.parent) == (target.pid, os.getpid())
    assert process.state in "RS"
    assert process.memory.vms_bytes > process.memory.rss_bytes > 1 << 20
    assert process.status is not None and process.status.peak_rss_bytes >= process.memory.rss_bytes
    assert process.rollup is not None and process.rollup.pss_bytes >= process.rollup.uss_bytes > 0
    assert process.python is not None and process.python.startswith("{}.{}".format(*sys.version_info))
    assert process.gc is not None and len(process.gc.interpreters[0].generations) == 3
    assert sample.total.processes == 1
    assert sample.total.pss_bytes == process.rollup.pss_bytes
    assert sample.machine is not None and sample.machine.memory.total_bytes > 1 << 30
    assert sample.at.unix_ns > 0


def test_samples_are_frozen_and_readable(target: Target) -> None:
    sample = memsight.sample(target.process)
    with pytest.raises(dataclasses.FrozenInstanceError):
        sample.total.rss_bytes = 0  # type: ignore[misc]
    assert "rss_bytes=" in repr(sample.total) and "MiB" in repr(sample.total)
    assert dataclasses.asdict(sample)["processes"][0]["memory"]["rss_bytes"] == sample.processes[0].memory.rss_bytes


def test_the_collector_is_counted(target: Target) -> None:
    def full() -> int:
        reading = memsight.sample(target.pid).processes[0].gc
        assert reading is not None
        return reading.interpreters[0].generations[2].collections

    before = full()
    target.ask("collect")
    assert full() == before + 1


def test_a_tree_has_the_children(target: Target) -> None:
    child = target.ask("child")
    assert [process.pid for process in memsight.sample(target.pid, tree=True).processes] == [target.pid, child]
    assert [process.pid for process in memsight.sample(target.pid).processes] == [target.pid]


def test_this_process_is_the_default() -> None:
    assert memsight.sample().processes[0].pid == os.getpid()
    assert memsight.sample(memsight.Process()).processes[0].pid == os.getpid()


def test_who_does_not_exist(target: Target) -> None:
    target.end()
    for make in (memsight.sample, memsight.Monitor):
        with pytest.raises(memsight.NoSuchProcess) as caught:
            make(target.pid)
        assert caught.value.pid == target.pid


@pytest.mark.parametrize("interval", [0, -1, 0.0001, float("nan")])
def test_an_interval_has_a_least_length(interval: float) -> None:
    with pytest.raises(memsight.Error) as caught:
        memsight.Monitor(interval=interval)
    assert caught.value.code == "MS-E095"


def test_iteration_sees_growth_and_ends_with_the_process(target: Target) -> None:
    samples = []
    with memsight.Monitor(target.pid, interval=0.002, rollup=None) as monitor:
        for number, sample in enumerate(monitor):
            samples.append(sample)
            if number == 2:
                target.ask(f"grow {32 << 20}")
            elif number == 5:
                target.end()
    assert len(samples) == 6
    times = [sample.at.monotonic_ns for sample in samples]
    assert times == sorted(times)
    assert samples[-1].total.rss_bytes - samples[0].total.rss_bytes >= 32 << 20
    assert samples[0].processes[0].rollup is None
    summary = monitor.summary()
    assert (summary.samples, summary.process_count) == (6, 1)
    assert summary.peak.bytes == max(sample.total.rss_bytes for sample in samples)
    assert summary.trend.verdict == "too_short"
    assert summary.missed_ticks == monitor.missed_ticks
    assert list(monitor) == []


def test_a_zombie_is_an_end(target: Target) -> None:
    monitor = memsight.Monitor(target.pid, interval=0.001)
    next(monitor)
    assert target.process.stdin is not None and target.process.stdout is not None
    target.process.stdin.close()
    assert target.process.stdout.read() == ""  # it has ended, and nobody has collected it
    os.waitid(os.P_PID, target.pid, os.WEXITED | os.WNOWAIT)
    assert list(monitor) == []


def test_the_tree_grows_and_shrinks(target: Target) -> None:
    with memsight.Monitor(target.pid, interval=0.001) as monitor:
        assert len(next(monitor).processes) == 1
        child = target.ask("child")
        assert [process.pid for process in next(monitor).processes] == [target.pid, child]
        target.ask("kill")
        assert [process.pid for process in next(monitor).processes] == [target.pid]


def test_missed_ticks_are_counted(target: Target) -> None:
    monitor = memsight.Monitor(target.pid, interval=0.001)
    next(monitor)
    first = next(monitor).at.monotonic_ns
    target.ask(f"grow {64 << 20}")
    while memsight.sample(target.pid).at.monotonic_ns - first < 20_000_000:
        pass
    next(monitor)
    assert monitor.missed_ticks >= 10


def test_another_thread_can_stop_it(target: Target) -> None:
    monitor = memsight.Monitor(target.pid, interval=3600)
    next(monitor)
    thread = threading.Timer(0.01, monitor.stop)
    thread.start()
    assert list(monitor) == []
    thread.join()


def test_ctrl_c_ends_the_wait() -> None:
    program = """
import memsight, sys
monitor = memsight.Monitor(interval=3600)
next(monitor)
try:
    print("waiting", flush=True)
    next(monitor)
except KeyboardInterrupt:
    print("interrupted", monitor.summary().samples, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "interrupted 1\n"
    assert process.returncode == 0


def test_async_iteration_ends_and_the_loop_turns(target: Target) -> None:
    async def watch() -> tuple[int, int]:
        samples, turns = 0, 0

        async def turn() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        other = asyncio.ensure_future(turn())
        async for _ in memsight.Monitor(target.pid, interval=0.002):
            samples += 1
            if samples == 3:
                target.end()
        other.cancel()
        return samples, turns

    samples, turns = asyncio.run(watch())
    assert samples == 3
    assert turns > samples


def test_an_async_wait_can_be_cancelled(target: Target) -> None:
    async def watch() -> int:
        monitor = memsight.Monitor(target.pid, interval=3600)
        await monitor.__anext__()
        waiter = asyncio.ensure_future(monitor.__anext__())
        await asyncio.sleep(0)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        return monitor.summary().samples

    assert asyncio.run(watch()) == 1

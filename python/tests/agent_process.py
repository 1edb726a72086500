"""Agents and processes that the tests of the agent start."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Optional, TypeVar

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [os.environ["MEMSIGHT_COMMAND"]] if "MEMSIGHT_COMMAND" in os.environ else [sys.executable, "-m", "memsight"]
READY = "import sys; print('ready', flush=True); sys.stdin.read()"
SECRET = "hunter2"
# Nothing waits this long unless it is broken: a machine may have much else to do, and many other Pythons.
DEADLINE = 300.0

T = TypeVar("T")


def until(look: Callable[[], Optional[T]]) -> T:
    """What `look` gives as soon as it gives anything."""
    end = time.monotonic() + DEADLINE
    waiting = threading.Event()
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        waiting.wait(0.1)
    raise AssertionError("it did not happen in time")


@contextlib.contextmanager
def python(code: str = READY, *arguments: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process that said that it is ready."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", code, *arguments]
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env={**os.environ, **variables})
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


class Agent:
    """An agent that listens."""

    def __init__(self, *arguments: str, listen: str = "127.0.0.1:0", **variables: str) -> None:
        command = [*COMMAND, "agent", "--listen", listen, "--interval", "200ms", *arguments]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **variables})
        self.said: list[str] = []
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if found := re.search(r"http://(\S+):(\d+)/metrics", line):
                break
        assert found, self.said
        self.host, self.port = "127.0.0.1", int(found[2])
        self.url = f"http://{self.host}:{self.port}"
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.said.extend(self.process.stderr)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(DEADLINE)
        self.reader.join(DEADLINE)
        return code

    def get(self, path: str = "/metrics", accept: str = "*/*") -> str:
        request = urllib.request.Request(self.url + path, headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            return str(answer.read().decode())

    def metrics(self) -> str:
        """The figures, once there are some."""

        def look() -> Optional[str]:
            with contextlib.suppress(urllib.error.HTTPError):
                return self.get()
            return None

        return until(look)

    def figure(self, name: str) -> float:
        found = re.search(rf"^{name} (\S+)$", self.metrics(), re.MULTILINE)
        assert found, name
        return float(found[1])

    def next_sample(self) -> None:
        """Waits for a sample that was begun after now."""
        seen = self.figure("memsight_agent_samples_total")
        until(lambda: self.figure("memsight_agent_samples_total") >= seen + 2)

    def heard(self, text: str) -> bool:
        return any(text in line for line in self.said)


@contextlib.contextmanager
def agent(*arguments: str, listen: str = "127.0.0.1:0", **variables: str) -> Iterator[Agent]:
    running = Agent(*arguments, listen=listen, **variables)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait()


def series(text: str, name: str, **labels: str) -> dict[str, float]:
    """The samples of a name whose labels hold these, by their labels."""
    found = {}
    for line in text.splitlines():
        match = re.fullmatch(rf"{name}(?:\{{(.*)\}})? (\S+)", line)
        if match and all(f'{key}="{value}"' in (match[1] or "") for key, value in labels.items()):
            found[match[1] or ""] = float(match[2])
    return found

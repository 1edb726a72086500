"""The agent among hostile clients, and with a disk that is full or broken."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from agent_process import COMMAND, DEADLINE, Agent, agent, python, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the agent runs on Linux")


def rows(path: Path, table: str = "samples") -> list[int]:
    """The moments in a history, oldest first."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as history:
        return [at for (at,) in history.execute(f"SELECT DISTINCT at_ms FROM {table} ORDER BY at_ms")]


def test_a_killed_agent_loses_an_interval_at_most(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with python() as process:
        for _ in range(3):
            before = set(rows(path)) if path.exists() else set()
            with agent("--history", str(path)) as running:
                running.next_sample()
                running.next_sample()
                # it is kept once it has lived for a second
                kept = until(lambda: json.loads(running.get(f"/api/history?pid={process.pid}"))["series"])
                assert kept[0]["points"]
                taken = running.figure("memsight_agent_samples_total")
                running.process.kill()
                running.process.wait()
                with contextlib.closing(sqlite3.connect(path)) as history:
                    assert history.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                # all but the interval that was cut
                assert len(set(rows(path)) - before) >= taken - 1
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_history_ends_with_the_last_sample(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with python(), agent("--history", str(path)) as running:
        running.next_sample()
        taken = running.figure("memsight_agent_samples_total")
        assert running.stop() == 0
    assert not path.with_name("history.db-wal").exists(), "a clean end leaves one file"
    assert len(rows(path)) >= taken


@pytest.mark.parametrize("broken", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_broken_history_is_moved_aside(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "history.db"
    if broken.startswith(b"SQLite"):
        # ours by its head, and rubbish behind it
        with agent("--history", str(path)) as running:
            running.next_sample()
            running.stop()
        broken = path.read_bytes()[:100] + broken[100:]
    path.write_bytes(broken)
    with python(), agent("--history", str(path)) as running:
        running.next_sample()
        assert running.stop() == 0
        assert running.heard("history.db.corrupt-1")
    assert (tmp_path / "history.db.corrupt-1").read_bytes() == broken
    assert rows(path)


def refused(*arguments: str) -> tuple[int, str]:
    command = [*COMMAND, "agent", "--listen", "127.0.0.1:0", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE)
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_a_newer_or_foreign_history_is_left_alone(tmp_path: Path) -> None:
    newer, other, text = tmp_path / "newer.db", tmp_path / "other.db", tmp_path / "notes"
    with agent("--history", str(newer)) as running:
        running.next_sample()
        running.stop()
    with contextlib.closing(sqlite3.connect(newer)) as history:
        history.execute("PRAGMA user_version = 99")
    with contextlib.closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE mine (a)")
        database.commit()
    text.write_text("mine")
    for path, code in [(newer, "MS-E065"), (other, "MS-E066"), (text, "MS-E066"), (tmp_path, "MS-E066")]:
        before = path.read_bytes() if path.is_file() else b""
        status, said = refused("--history", str(path))
        assert status == 2
        assert said.startswith(f"error[{code}]: ")
        assert "hint: " in said
        assert not path.is_file() or path.read_bytes() == before


def test_a_history_has_one_agent(tmp_path: Path) -> None:
    path = str(tmp_path / "history.db")
    with agent("--history", path) as running:
        running.next_sample()
        status, said = refused("--history", path)
        assert status == 2
        assert said.startswith("error[MS-E064]: another agent writes the history ")
        assert f"fuser {path}" in said
        lost = running.figure("memsight_agent_history_lost_total")
        running.next_sample()
        assert running.figure("memsight_agent_history_lost_total") == lost
        running.process.kill()
        running.process.wait()
    with agent("--history", path) as running:
        running.next_sample()
        assert running.stop() == 0


@pytest.fixture()
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small disk can be mounted by root only")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_pauses_the_history_alone(small_disk: Path) -> None:
    with python(), agent("--history", str(small_disk / "history.db"), "--max-processes", "5") as running:
        running.next_sample()
        filler = small_disk / "filler"
        with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        until(lambda: running.figure("memsight_agent_history_paused"))
        running.next_sample()
        filler.unlink()
        until(lambda: not running.figure("memsight_agent_history_paused"))
        assert running.stop() == 0
        # a short interval may find room where a long one did not: what counts is that no pause is told twice
        told = ["pauses" in line for line in running.said if "the history pauses" in line or "goes on; it" in line]
        assert told == [True, False] * (len(told) // 2)
        assert told
    assert rows(small_disk / "history.db")


# Clients


def test_a_busy_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = subprocess.run(
            [*COMMAND, "agent", "--listen", f"127.0.0.1:{port}"], check=False, capture_output=True, text=True
        )
    assert done.returncode == 2
    assert done.stderr.startswith(f"error[MS-E130]: port {port} ")
    assert str(port) in done.stderr.splitlines()[1]


def test_signals_end_it_cleanly() -> None:
    with agent() as running:
        running.metrics()
        assert running.stop(signal.SIGTERM) == 0
    with agent() as running:
        running.metrics()
        assert running.stop(signal.SIGINT) == 130


def test_strangers_are_warned_of() -> None:
    with agent(listen="0.0.0.0:0") as running:
        running.metrics()
        until(lambda: running.heard("no password"))


def converse(running: Agent, request: bytes) -> bytes:
    """What the agent answers to these bytes, whose end comes with them, until it closes or nothing more comes."""
    with socket.create_connection((running.host, running.port), timeout=DEADLINE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        with contextlib.suppress(OSError):
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(OSError):
            while piece := connection.recv(65536):
                answer += piece
        return answer


HOSTILE = {
    b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n": b"405",
    b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\n": b"405",
    b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n": b"404",
    b"GET /api/history?pid=%27;DROP HTTP/1.1\r\nHost: localhost\r\n\r\n": b"404",
    # the name of somebody else, whose page a browser here has open
    b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n": b"421",
    b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 1000 + b"\r\n": b"431",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n": b"4",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03": b"400",
    b"\r\n" * 1000: b"",
    b"": b"",
}


def test_hostile_requests_get_short_answers() -> None:
    with agent() as running:
        running.metrics()
        for request, status in HOSTILE.items():
            answer = converse(running, request)
            assert len(answer) < 1000
            assert status in answer[:20], (request[:60], answer[:60])
        assert converse(running, b"HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").endswith(b"\r\n\r\n")
        assert "ok" in running.get("/healthz")
        assert "<title>memsight agent</title>" in running.get("/")


def test_a_flood_harms_neither_samples_nor_memory() -> None:
    with python(), agent() as running:
        running.next_sample()
        own = Path(f"/proc/{running.process.pid}/statm")
        before = int(own.read_text().split()[1])
        # clients that connect and say nothing, more than there are places for
        silent = [socket.create_connection((running.host, running.port)) for _ in range(100)]
        busy = sum(b"503" in peek(connection) for connection in silent[64:])
        assert busy >= 30
        for connection in silent:
            connection.close()
        until(lambda: not failing(running))
        statuses = flood(running, 2000)
        assert statuses.get(200, 0) > 0
        assert statuses.get(429, 0) > 0
        until(lambda: not failing(running))
        running.next_sample()
        assert int(own.read_text().split()[1]) - before < (32 << 20) // os.sysconf("SC_PAGE_SIZE")


def peek(connection: socket.socket) -> bytes:
    connection.settimeout(DEADLINE)
    with contextlib.suppress(OSError):
        return connection.recv(100)
    return b""


def failing(running: Agent) -> bool:
    with contextlib.suppress(OSError):
        running.get()
        return False
    return True


def flood(running: Agent, requests: int) -> dict[int, int]:
    """Requests of one connection after the other, as fast as they go: how many got which status."""
    found: dict[int, int] = {}
    request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    for _ in range(requests):
        answer = converse(running, request)
        status = int(answer[9:12] or b"0")
        found[status] = found.get(status, 0) + 1
    return found

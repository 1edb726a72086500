"""The agent as its clients see it: Prometheus, an OTLP receiver, hostile ones, and a disk that is full or broken."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Optional, TypeVar

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples/monitoring"
COMMAND = [os.environ["MEMSIGHT_COMMAND"]] if "MEMSIGHT_COMMAND" in os.environ else [sys.executable, "-m", "memsight"]
READY = "import sys; print('ready', flush=True); sys.stdin.read()"
SECRET = "hunter2"
# Nothing waits this long unless it is broken.
DEADLINE = 60.0

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the agent runs on Linux")

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


def test_a_process_comes_with_its_service_and_goes() -> None:
    with agent() as running:
        with python(READY, f"--password={SECRET}", OTEL_SERVICE_NAME='sh"op', PASSWORD=SECRET) as process:
            pid = str(process.pid)
            found = until(lambda: series(running.metrics(), "process_memory_usage_bytes", pid=pid))
            (labels, rss), *_ = found.items()
            assert 'service="sh\\"op"' in labels
            assert 1 << 20 < rss < 1 << 30
            collections = until(lambda: series(running.metrics(), "cpython_gc_collections_total", pid=pid))
            assert len(collections) == 3
            assert any('python="3.' in labels for labels in collections)
            assert SECRET not in running.metrics()
            until(lambda: series(running.metrics(), "memsight_process_memory_uss_bytes", pid=pid))
        running.next_sample()
        assert f'pid="{pid}"' not in running.metrics()


def test_patterns_name_services_and_the_rest_is_summed() -> None:
    arguments = ["--max-processes", "1", "--service", "big=blob-[0-9]+"]
    blob = "blob = bytearray(64 << 20)\n" + READY
    with python(), python(), python(blob, "blob-7"), agent(*arguments) as running:
        text = running.metrics()
        usage = series(text, "process_memory_usage_bytes")
        assert len(usage) == 2, usage
        assert any('service="big"' in labels for labels in usage)
        assert series(text, "process_memory_usage_bytes", pid="other")
        assert not series(text, "process_paging_faults_total", pid="other"), "counters are not summed"
        assert running.figure("memsight_agent_dropped_processes") >= 2


def test_both_forms_parse() -> None:
    client = pytest.importorskip("prometheus_client", reason="prometheus-client is not installed")
    from prometheus_client.openmetrics import parser as openmetrics
    from prometheus_client.parser import text_string_to_metric_families

    with python(), agent() as running:
        until(lambda: series(running.metrics(), "cpython_gc_collections_total"))
        modern = {family.name: family for family in openmetrics.text_string_to_metric_families(running.metrics())}
        assert modern["process_memory_usage_bytes"].unit == "bytes"
        assert modern["cpython_gc_collections"].type == "counter"
        older = running.get(accept="text/plain;version=0.0.4")
        names = {family.name for family in text_string_to_metric_families(older)}
        assert set(modern) <= names
    assert client


def test_every_figure_is_explained() -> None:
    page = (ROOT / "docs/reference/metrics.md").read_text()
    with python(), agent() as running:
        until(lambda: series(running.metrics(), "memsight_process_memory_uss_bytes"))
        names = {line.split()[2] for line in running.get(accept="text/plain").splitlines() if line.startswith("# TYPE")}
    missing = sorted(name for name in names if f"`{name}`" not in page)
    assert len(names) > 30
    assert not missing


# Prometheus


@pytest.fixture(scope="session")
def prometheus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """prometheus and promtool: those on PATH, or out of Debian's package, or a skip that says why."""
    programs = [shutil.which(name) for name in ("prometheus", "promtool")]
    if all(programs):
        return Path(str(programs[0])).parent
    folder = Path(os.environ.get("MEMSIGHT_PROMETHEUS_DIR") or tmp_path_factory.mktemp("prometheus"))
    got = subprocess.run([str(ROOT / "tools/get_prometheus.sh"), str(folder)], capture_output=True, text=True)
    if got.returncode:
        pytest.skip(f"no Prometheus: {got.stderr.strip()}")
    return folder


def promtool(folder: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(folder / "promtool"), *arguments], input=text, capture_output=True, text=True, cwd=EXAMPLES
    )


def test_promtool_likes_the_figures_and_the_rules(prometheus_folder: Path) -> None:
    with python(), agent() as running:
        until(lambda: series(running.metrics(), "cpython_gc_collections_total"))
        checked = promtool(prometheus_folder, "check", "metrics", text=running.get(accept="text/plain"))
    # OpenTelemetry's name of it, which the rules of mapping keep.
    complaints = [line for line in checked.stderr.splitlines() if not line.startswith("process_thread_count ")]
    assert not complaints
    for arguments in (
        ["check", "rules", "memsight.rules.yml"],
        ["test", "rules", "memsight.rules.test.yml"],
        ["check", "config", "prometheus.yml"],
    ):
        done = promtool(prometheus_folder, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Prometheus:
    """A real one that scrapes an agent every second, with the rules of the examples."""

    def __init__(self, folder: Path, work: Path, agent_port: int) -> None:
        config = (EXAMPLES / "prometheus.yml").read_text()
        config = config.replace("15s", "1s").replace("127.0.0.1:9464", f"127.0.0.1:{agent_port}")
        (work / "prometheus.yml").write_text(config)
        shutil.copy(EXAMPLES / "memsight.rules.yml", work)
        self.url = f"http://127.0.0.1:{free_port()}"
        address = self.url.removeprefix("http://")
        command = [str(folder / "prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
        with open(work / "log", "w") as log:
            self.process = subprocess.Popen([*command, f"--web.listen-address={address}"], cwd=work, stderr=log)

    def api(self, path: str, **parameters: str) -> Any:
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            if error.code == 503:  # it is starting
                return None
            raise AssertionError(f"{parameters}: {error.read().decode()}") from None
        except OSError:
            return None

    def query(self, expression: str) -> Any:
        return (self.api("query", query=expression) or {}).get("result")


def expressions() -> list[str]:
    """Those of the dashboard, its variables replaced as Grafana does."""
    dashboard = json.loads((EXAMPLES / "grafana-dashboard.json").read_text())
    found = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    replaced = {"$instance": ".*", "$service": ".*", "$__rate_interval": "1m"}
    for variable, value in replaced.items():
        found = [expression.replace(variable, value) for expression in found]
    assert not [expression for expression in found if "$" in expression]
    return found


def test_a_real_prometheus(prometheus_folder: Path, tmp_path: Path) -> None:
    with python(OTEL_SERVICE_NAME="shop") as process, agent() as running:
        prometheus = Prometheus(prometheus_folder, tmp_path, running.port)
        try:
            usage = until(lambda: prometheus.query('process_memory_usage_bytes{service="shop"}'))
            assert usage[0]["metric"]["pid"] == str(process.pid)
            statm = Path(f"/proc/{process.pid}/statm").read_text().split()
            assert abs(float(usage[0]["value"][1]) - int(statm[1]) * os.sysconf("SC_PAGE_SIZE")) < 1 << 20
            assert until(lambda: prometheus.query("cpython_gc_collections_total"))
            assert prometheus.query('up{job="memsight"}')[0]["value"][1] == "1"
            rules = prometheus.api("rules")["groups"][0]["rules"]
            assert len(rules) == 8
            assert {rule["health"] for rule in rules} <= {"ok", "unknown"}
            known = set(prometheus.api("label/__name__/values"))
            page = (ROOT / "docs/reference/metrics.md").read_text()
            for expression in expressions():
                prometheus.query(expression)
                for name in re.findall(r"\b(?:memsight|process|cpython)_\w+", expression):
                    assert name in known or f"`{name}`" in page, expression
        finally:
            prometheus.process.terminate()
            prometheus.process.wait()


# OpenTelemetry


class Receiver(ThreadingHTTPServer):
    """An OTLP receiver that is busy for the first request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.busy = 1
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Receiver)
        body = self.rfile.read(int(self.headers["content-length"]))
        status = 503 if server.busy else 200
        server.busy = 0
        if status == 200:
            server.headers.append({**self.headers, "path": self.path})
            server.bodies.append(body)
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_push_is_what_opentelemetry_decodes() -> None:
    service = pytest.importorskip(
        "opentelemetry.proto.collector.metrics.v1.metrics_service_pb2", reason="opentelemetry-proto is not installed"
    )
    receiver = Receiver()
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b"}
    try:
        with python(OTEL_SERVICE_NAME="shop") as process, agent("--otlp-interval", "300ms", **variables) as running:

            def shop() -> Any:
                for body in receiver.bodies[-1:]:
                    for resource in service.ExportMetricsServiceRequest.FromString(body).resource_metrics:
                        values = {pair.key: pair.value for pair in resource.resource.attributes}
                        metrics = {metric.name: metric for metric in resource.scope_metrics[0].metrics}
                        if values["service.name"].string_value == "shop" and "cpython.gc.collections" in metrics:
                            return values, metrics
                return None

            values, metrics = until(shop)
            assert values["process.pid"].int_value == process.pid
            usage = metrics["process.memory.usage"]
            assert (usage.unit, usage.sum.is_monotonic, usage.sum.aggregation_temporality) == ("By", False, 2)
            assert 1 << 20 < usage.sum.data_points[0].as_int < 1 << 30
            collections = metrics["cpython.gc.collections"].sum
            assert collections.is_monotonic
            assert [point.attributes[0].value.int_value for point in collections.data_points] == [0, 1, 2]
            assert all(0 < point.start_time_unix_nano < point.time_unix_nano for point in collections.data_points)
            assert receiver.headers[0]["path"] == "/v1/metrics"
            assert receiver.headers[0]["api-key"] == "a b"
            until(lambda: running.figure("memsight_agent_otlp_pushes_total") > 0)
            assert running.stop() == 0
    finally:
        receiver.shutdown()


def test_a_receiver_that_is_away_is_said_once() -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    with agent("--otlp-endpoint", endpoint, "--otlp-interval", "100ms") as running:
        until(lambda: running.figure("memsight_agent_otlp_failures_total") > 0)
        assert running.figure("memsight_agent_missed_ticks_total") < running.figure("memsight_agent_samples_total")
        assert running.stop() == 0
        assert sum("pushes fail" in line for line in running.said) == 1


# The history


def rows(path: Path, table: str = "samples") -> list[int]:
    """The moments in a history, oldest first."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as history:
        return [at for (at,) in history.execute(f"SELECT DISTINCT at_ms FROM {table} ORDER BY at_ms")]


def test_a_killed_agent_loses_an_interval_at_most(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with python() as process:
        for _ in range(3):
            with agent("--history", str(path)) as running:
                running.next_sample()
                running.next_sample()
                answer = json.loads(running.get(f"/api/history?pid={process.pid}"))
                assert answer["series"][0]["points"]
                running.process.kill()
                killed = time.time() * 1e3
                running.process.wait()
                with contextlib.closing(sqlite3.connect(path)) as history:
                    assert history.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                # the interval that was cut, and the one that the machine was late with
                assert killed - rows(path)[-1] < 2_000
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
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)
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


@pytest.fixture()
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk can be mounted by root only")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_pauses_the_history_alone(small_disk: Path) -> None:
    with python(), agent("--history", str(small_disk / "history.db")) as running:
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
        assert sum("the history pauses" in line for line in running.said) == 1
        assert running.heard("goes on")
    assert rows(small_disk / "history.db")


# Clients


def test_a_busy_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = subprocess.run([*COMMAND, "agent", "--listen", f"127.0.0.1:{port}"], capture_output=True, text=True)
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
    """What the agent answers to these bytes, until it closes or nothing more comes."""
    with socket.create_connection((running.host, running.port), timeout=DEADLINE) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(OSError):
            while piece := connection.recv(65536):
                answer += piece
        return answer


HOSTILE = {
    b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n": b"405",
    b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n": b"405",
    b"GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n": b"404",
    b"GET /api/history?pid=%27;DROP HTTP/1.1\r\nHost: a\r\n\r\n": b"404",
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
        assert converse(running, b"HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n").endswith(b"\r\n\r\n")
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
    request = b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    for _ in range(requests):
        answer = converse(running, request)
        status = int(answer[9:12] or b"0")
        found[status] = found.get(status, 0) + 1
    return found

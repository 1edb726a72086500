"""The agent as Prometheus and an OTLP receiver see it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Optional

import pytest
from agent_process import DEADLINE, READY, ROOT, SECRET, agent, python, series, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the agent runs on Linux")

EXAMPLES = ROOT / "examples/monitoring"


def test_a_process_comes_with_its_service_and_goes() -> None:
    with agent() as running:
        with python(READY, f"--password={SECRET}", OTEL_SERVICE_NAME='sh"op', PASSWORD=SECRET) as process:
            pid = str(process.pid)
            running.next_sample()  # the last one may be of its first moments
            found = until(lambda: series(running.metrics(), "process_memory_usage_bytes", pid=pid))
            (labels, rss), *_ = found.items()
            assert 'service="sh\\"op"' in labels
            assert 1 << 20 < rss < 1 << 30
            collections = until(lambda: series(running.metrics(), "cpython_gc_collections_total", pid=pid))
            assert len(collections) == 3
            (info,) = until(lambda: series(running.metrics(), "memsight_process_info", pid=pid))
            assert 'python="{}.{}.'.format(*sys.version_info) in info
            assert SECRET not in running.metrics()
            until(lambda: series(running.metrics(), "memsight_process_memory_uss_bytes", pid=pid))
        running.next_sample()
        assert f'pid="{pid}"' not in running.metrics()


def test_patterns_name_services_and_the_rest_is_summed() -> None:
    with python(READY, "blob-7") as process, agent("--service", "big=blob-[0-9]+") as running:
        pid = str(process.pid)
        (labels,) = until(lambda: series(running.metrics(), "process_memory_usage_bytes", pid=pid))
        assert 'service="big"' in labels
    # whoever is the largest
    with python(), python(), python(), agent("--max-processes", "1") as running:
        until(lambda: series(running.metrics(), "process_memory_usage_bytes", pid="other"))
        text = running.metrics()
        usage = series(text, "process_memory_usage_bytes")
        assert len(usage) == 2, usage
        assert series(text, "process_memory_usage_bytes", pid="other")
        assert not series(text, "process_paging_faults_total", pid="other"), "counters are not summed"
        # the third may be found a sample later
        until(lambda: running.figure("memsight_agent_dropped_processes") >= 2)


def identities(text: str, pid: str) -> set[str]:
    """The labels that the series of a process share, but for those of infos."""
    found = set()
    for line in text.splitlines():
        match = re.fullmatch(r"(\w+)\{(.*)\} \S+", line)
        if match and f'pid="{pid}"' in match[2] and match[1] != "memsight_process_info":
            found.add(re.sub(r',(?:type|generation)="\w+"', "", match[2]))
    return found


def test_series_keep_their_labels() -> None:
    """From its first moments on, and whatever becomes known of it late."""
    with agent() as running:
        with python(f"import time; time.sleep(0.3); {READY}", PASSWORD=SECRET) as process:
            pid, seen = str(process.pid), set()

            def info() -> dict[str, float]:
                text = running.metrics()
                seen.update(identities(text, pid))
                return series(text, "memsight_process_info", pid=pid)

            (labels,) = until(info)
            until(lambda: series(running.metrics(), "memsight_process_memory_uss_bytes", pid=pid))
            info()
        assert len(seen) == 1, seen
        assert labels.startswith(f"{seen.pop()},python=")


def test_every_process_has_a_service(tmp_path: Path) -> None:
    script, package = tmp_path / "accounts.py", tmp_path / "ledger"
    package.mkdir()
    for path in (script, package / "__init__.py", package / "__main__.py"):
        path.write_text(READY if path.name != "__init__.py" else "")
    pipe = subprocess.PIPE
    commands = {"accounts": [str(script), f"--password={SECRET}"], "ledger": ["-u", "-m", "ledger", SECRET]}
    processes = {
        name: subprocess.Popen([sys.executable, *words], stdin=pipe, stdout=pipe, cwd=tmp_path)
        for name, words in commands.items()
    }
    try:
        with agent() as running:
            for name, process in processes.items():

                def usage(pid: str = str(process.pid)) -> dict[str, float]:
                    return series(running.metrics(), "process_memory_usage_bytes", pid=pid)

                (labels,) = until(usage)
                assert f'service="{name}"' in labels
            assert SECRET not in running.metrics()
    finally:
        for process in processes.values():
            process.kill()
            process.communicate()


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
    got = subprocess.run(
        [str(ROOT / "tools/get_prometheus.sh"), str(folder)], check=False, capture_output=True, text=True
    )
    if got.returncode:
        pytest.skip(f"no Prometheus: {got.stderr.strip()}")
    return folder


def promtool(folder: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(folder / "promtool"), *arguments], check=False, input=text, capture_output=True, text=True, cwd=EXAMPLES
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
    """An OTLP receiver that is busy for the first request; with a certificate and its key, one that encrypts."""

    def __init__(self, certificate: Optional[Path] = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
            self.scheme = "https"
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.busy = 1
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"


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


@pytest.fixture()
def certificate(tmp_path: Path) -> Path:
    """A certificate of this machine that nobody but itself vouches for, and its key, in one file."""
    path, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=receiver"
    extensions = ["subjectAltName=IP:127.0.0.1", "basicConstraints=critical,CA:FALSE"]
    if not shutil.which("openssl"):
        pytest.skip("openssl, which makes the certificate, is not installed")
    arguments = ["-addext", extensions[0], "-addext", extensions[1], "-keyout", str(key), "-out", str(path)]
    subprocess.run([*command.split(), *arguments], check=True, capture_output=True)
    path.write_text(path.read_text() + key.read_text())
    return path


def test_an_encrypted_push_goes_to_whom_the_machine_trusts(certificate: Path) -> None:
    receiver = Receiver(certificate)
    arguments = ("--otlp-endpoint", receiver.url, "--otlp-interval", "200ms")
    try:
        with agent(*arguments) as running:
            until(lambda: running.figure("memsight_agent_otlp_failures_total") >= 2)
            assert running.stop() == 0
        (told,) = [number for number, line in enumerate(running.said) if "pushes fail" in line]
        assert "the certificate of the receiver is not trusted" in running.said[told]
        assert "(MS-E135)" in running.said[told]
        assert "SSL_CERT_FILE" in running.said[told + 1]
        assert not receiver.bodies
        with agent(*arguments, SSL_CERT_FILE=str(certificate)) as running:
            until(lambda: running.figure("memsight_agent_otlp_pushes_total") > 0)
            assert running.stop() == 0
        assert receiver.bodies
        assert not running.heard("pushes fail")
    finally:
        receiver.shutdown()

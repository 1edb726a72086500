"""Celery: a worker of two threads in this process, a broker and results in memory, chains and groups."""

import threading

from celery import Celery, chain, group
from celery.contrib.testing.worker import start_worker
from telling import Truth, digest


class Report:
    def __init__(self, number: int) -> None:
        self.number = number
        self.lines = [f"report {number} line {line}" for line in range(50)]


app = Celery("reports", broker="memory://", backend="cache+memory://")
app.conf.update(
    broker_transport_options={"polling_interval": 0.001},
    task_always_eager=False,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)
REPORTS: dict[int, Report] = {}
lock = threading.Lock()


@app.task
def make(number: int) -> int:
    with lock:
        REPORTS[number] = Report(number)
    return number


@app.task
def add(left: int, right: int) -> int:
    return left + right


@app.task
def total(numbers: list[int]) -> int:
    return sum(numbers)


with start_worker(app, pool="threads", concurrency=2, perform_ping_check=False, loglevel="ERROR"):
    for number in range(1500):
        make.delay(number)
    make.delay(1500).get(timeout=300, interval=0.01)
    while len(REPORTS) < 1501:
        add.delay(1, 1).get(timeout=300, interval=0.01)

    def work() -> object:
        sums = chain(add.s(1, 2), add.s(3), add.s(4)).delay().get(timeout=300, interval=0.01)
        parts = group(add.s(number, 1) for number in range(20)).delay().get(timeout=300, interval=0.01)
        return digest(sums, sorted(parts), sum(len(report.lines) for report in REPORTS.values()))

    truth = Truth("celery", "kombu")
    truth.instances(Report, Celery)
    truth.hand_over(work)

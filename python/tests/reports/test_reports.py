"""Memory troubles that people have reported in public: does memsight name the cause?

`programs/` reproduces each, with the library of the report where it still has the trouble, by the mechanism alone
where it has not. `docs/design/public-reports.md` lists them with their sources.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
COMMAND = [os.environ["MEMSIGHT_COMMAND"]] if "MEMSIGHT_COMMAND" in os.environ else [sys.executable, "-m", "memsight"]


@dataclass(frozen=True)
class Report:
    """A trouble, and what must stand together in one of the first two suspects: who holds it, and what."""

    program: str
    cause: tuple[str, ...]
    needs: tuple[str, ...] = ()


REPORTS = (
    Report("lru_cache_on_method", (r"300 instances of __main__\.EphysData", r"sweep \(_lru_cache_wrapper\)")),
    Report("null_handlers", (r"12,000 instances of logging\.NullHandler", r"'null_logger'\]\.handlers")),
    Report("child_loggers", (r"15,000 instances of logging\.Logger", r"manager\.loggerDict")),
    Report("warnings_registry", (r"40,000 instances of tuple", r"__main__\.__warningregistry__")),
    Report("series_tail", (r"60,000 (instances of )?__main__\.Test", r"__main__.* a \(Series\)"), ("pandas",)),
    Report("boto_sessions", (r"botocore_session \(Session\)", r"_handlers \(_PrefixTrie\)", r"function"), ("boto3",)),
    Report("open_figures", (r"25 instances of \S*FigureManagerBase", r"Gcf\.figs"), ("matplotlib",)),
    Report(
        "query_log", (r"9,000 instances of dict", r"poll\(\) at query_log\.py", r"queries_log \(deque\)"), ("django",)
    ),
    Report("raised_again", (r"instances of traceback", r"ParseBookException \(Exception\) -> __traceback__")),
    Report("anyio_runs", (r"anyio\.lowlevel\._run_vars", r"30 _asyncio\.Task"), ("anyio",)),
    Report(
        "timer_context", (r"200 instances of asyncio\.events\.TimerHandle", r"_scheduled", r"_contextvars\.Context")
    ),
    Report("atexit_methods", (r"300 instances of __main__\.SshConnection", r"interpreter atexit function -> __self__")),
    Report(
        "finalizers", (r"40,000 instances of weakref\.finalize\._Info", r"weakref\.finalize\._registry"), ("django",)
    ),
    Report("iterparse", (r"60,000 instances of xml\.etree\.ElementTree\.Element", r"process\(\) at iterparse\.py:17")),
    Report("soup_strings", (r"__main__\.data", r"bs4\.element\.Tag"), ("bs4",)),
    Report("metric_labels", (r"12,000 instances of \S*Counter", r"__main__\.SPENT\._metrics"), ("prometheus_client",)),
    Report("unbounded_queue", (r"19,999 instances of bytes", r"controller\.queues\[\d\]\.queue")),
    Report("task_group", (r"2,999 instances of _asyncio\.Task", r"group\._tasks in serve\(\)")),
    Report("log_history", (r"12,000 instances of logging\.LogRecord", r"__main__\.FileHandler\.history")),
    Report("tee", (r"itertools\._tee_dataobject", r"report\(\) at tee\.py:\d+ local behind")),
)


class Trouble:
    """A program that has got into its trouble and waits."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def look(self, view: str) -> dict[str, Any]:
        command = [*COMMAND, "heap", str(self.process.pid), view, "--top", "0", "--format", "json"]
        seen: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        assert seen["partial"] == []
        return seen

    def go_on(self) -> bytes:
        """What it says after the look; it ends as it would have."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        said = self.process.stdout.read()
        assert self.process.wait() == 0
        return said


@pytest.fixture
def trouble(request: pytest.FixtureRequest) -> Iterator[Trouble]:
    program, needs = request.param
    missing = [name for name in needs if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"NOT COVERED: {sys.executable} has no {', '.join(missing)} (see requirements.txt beside this)")
    pipe = subprocess.PIPE
    # The programs stand in a folder of their own, so that their modules are not found by these tests.
    path = HERE / "programs" / f"{program}.py"
    with subprocess.Popen([sys.executable, path], stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield Trouble(process)
        process.kill()


def named(suspects: list[dict[str, Any]], cause: tuple[str, ...]) -> bool:
    for suspect in suspects[:2]:
        holds = " ".join(row["type"] for row in suspect["holds"])
        counted = " ".join(f"{row['count']:,} {row['type']}" for row in suspect["holds"])
        text = "\n".join([suspect["summary"], " -> ".join(suspect["path"]), holds, counted])
        if all(re.search(words, text) for words in cause):
            return True
    return False


@pytest.mark.parametrize(
    ("trouble", "report"),
    [pytest.param((report.program, report.needs), report, id=report.program) for report in REPORTS],
    indirect=["trouble"],
)
def test_a_suspect_names_the_cause(trouble: Trouble, report: Report) -> None:
    suspects = trouble.look("suspects")["suspects"]
    assert named(suspects, report.cause), [(suspect["summary"], suspect["path"]) for suspect in suspects]
    trouble.go_on()


@pytest.mark.parametrize("trouble", [("arenas", ())], indirect=True)
def test_memory_that_glibc_keeps_is_named_with_its_remedy(trouble: Trouble) -> None:
    seen = trouble.look("rss")
    line = next(line for line in seen["lines"] if line["kind"] == "c_heap_free")
    assert line["share"] > 0.5
    assert "malloc_trim(0)" in line["advice"]
    in_threads = [arena for arena in seen["c_arenas"] if arena["threads"]]
    assert len(in_threads) >= 4
    trouble.go_on()


@pytest.mark.parametrize("trouble", [("model_classes", ("pydantic",))], indirect=True)
def test_classes_that_wait_for_a_collection_are_garbage(trouble: Trouble) -> None:
    garbage = trouble.look("garbage")["garbage"]
    said = int(trouble.go_on())
    assert garbage["objects"] == said
    classes = next(row for row in garbage["types"] if row["type"].endswith("ModelMetaclass"))
    assert classes["count"] == 150

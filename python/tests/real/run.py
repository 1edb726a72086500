"""Real programs, each looked at by `memsight` and compared with what the program says of itself: `make real`.

    make real                         # all of them, in .venv-real
    make real PART=ci                 # those that `make test` runs
    make real ONLY="torch gevent"     # whose names have one of these in them

For every program: all objects found, the bytes that libraries own beside them, no finding that is not so, RSS
explained, and results that are the same after the look as before it. `README.md` beside this file has the rules.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from catalogue import PROGRAMS, Program

# What the verdicts ask for.
LEAST_OWNED = 0.90
MOST_OWNED = 1.50
MOST_UNEXPLAINED = 0.05
# A program that does not answer for so long has failed; no time is measured.
PATIENCE = 600
# Failures of a program that the table lists; the console has all.
SHOWN = 3
# Lines of the account of RSS for memory that nobody is known for.
UNEXPLAINED = ("unknown", "c_heap_whole")


@dataclass
class Outcome:
    """A row of the table: what one program said and what memsight saw."""

    program: Program
    packages: dict[str, str] = field(default_factory=dict)
    python: str = ""
    rss: int = 0
    objects: int = 0
    found: str = ""
    native: list[str] = field(default_factory=list)
    unexplained: float = 0.0
    c_libraries: float = 0.0
    garbage: str = ""
    cycles: int = 0
    notes: int = 0
    failures: list[str] = field(default_factory=list)


class Peer:
    """A running program, and the lines that go to and fro."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: str, complaints: Any) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=complaints, env=environment, cwd=folder
        )

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"it ended without a word, exit code {self.process.wait(PATIENCE)}")
        value: dict[str, Any] = json.loads(line)
        return value

    def say(self, value: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(value).encode() + b"\n")
        self.process.stdin.flush()


class Looks:
    """The views of one process, each a look of its own by the command."""

    def __init__(self, memsight: str, pid: int) -> None:
        self.memsight, self.pid = memsight, pid
        self.codes: dict[str, int] = {}

    def view(self, name: str) -> dict[str, Any]:
        command = [self.memsight, "heap", str(self.pid), name, "--top", "0", "--format", "json"]
        done = subprocess.run(command, check=False, capture_output=True, timeout=PATIENCE)
        self.codes[name] = done.returncode
        if done.returncode not in (0, 1) or not done.stdout:
            raise RuntimeError(f"memsight heap {name}: exit code {done.returncode}: {done.stderr.decode().strip()}")
        value: dict[str, Any] = json.loads(done.stdout)
        return value


def counts(types: dict[str, Any]) -> dict[str, int]:
    rows: dict[str, int] = {}
    for row in types["types"]:
        rows[row["type"]] = rows.get(row["type"], 0) + row["count"]
    return rows


def check_objects(outcome: Outcome, truth: dict[str, Any], seen: dict[str, int]) -> None:
    named: dict[str, int] = truth["named"]
    asked = [*named.items(), *truth["least"].items()]
    right = sum(min(count, seen.get(name, 0)) for name, count in asked)
    outcome.objects = sum(count for _, count in asked)
    outcome.found = f"{right / max(outcome.objects, 1):.1%}"
    for name, count in named.items():
        if seen.get(name, 0) != count:
            outcome.failures.append(f"{name}: {count:,} there are, {seen.get(name, 0):,} were found")
    for name, count in truth["least"].items():
        if seen.get(name, 0) < count:
            outcome.failures.append(f"{name}: {count:,} are held, {seen.get(name, 0):,} were found")
    exact = set(truth["exact"])
    for name, count in truth["tracked"].items():
        got = seen.get(name, 0)
        if name not in named and (got < count or (name in exact and got != count)):
            outcome.failures.append(f"{name}: {count:,} are tracked, {got:,} were found")


def check_native(outcome: Outcome, truth: dict[str, Any], types: dict[str, Any]) -> None:
    for claim in truth["native"]:
        rows = [row for row in types["types"] if row["type"] in claim["owners"]]
        keys = ("native_bytes", "external_bytes", "shallow_bytes")
        owned = sum(row.get(key) or 0 for row in rows for key in keys)
        share = owned / max(claim["bytes"], 1)
        names = " ".join(name.split(".")[-1] for name in claim["owners"][:3])
        outcome.native.append(f"{names}: {mib(owned)} of {mib(claim['bytes'])} ({share:.0%})")
        if share < LEAST_OWNED or (claim["whole"] and share > MOST_OWNED):
            what = f"{mib(owned)} of the {mib(claim['bytes'])} of {claim['source']}"
            outcome.failures.append(f"{', '.join(claim['owners'])} own {what}, {share:.0%}")


def check_rss(outcome: Outcome, account: dict[str, Any]) -> None:
    outcome.rss = account["rss_bytes"]
    unexplained = sum(line["bytes"] for line in account["lines"] if line["kind"] in UNEXPLAINED)
    outcome.unexplained = unexplained / outcome.rss
    libraries = sum(line["bytes"] for line in account["lines"] if line["kind"] == "c_heap_other")
    outcome.c_libraries = libraries / outcome.rss
    if outcome.unexplained > MOST_UNEXPLAINED:
        outcome.failures.append(f"{outcome.unexplained:.1%} of RSS is unexplained ({mib(unexplained)})")
    if abs(account["difference_bytes"]) > 0.01 * outcome.rss + (4 << 20):
        outcome.failures.append(f"the account differs from RSS by {mib(account['difference_bytes'])}")


def check_refcounts(outcome: Outcome, audit: dict[str, Any], code: int) -> None:
    errors = [found for found in audit.get("findings", []) if found["severity"] == "error"]
    outcome.notes = len(audit.get("findings", [])) - len(errors)
    for found in errors:
        outcome.failures.append(f"refcounts: {found['message']}")
    if code and not errors:
        outcome.failures.append(f"refcounts: exit code {code}")


def check_overview(outcome: Outcome, overview: dict[str, Any]) -> None:
    if overview["partial"]:
        outcome.failures.append(f"a partial look: {'; '.join(overview['partial'])}")


def examine(program: Program, memsight: str, python: str, folder: str, complaints: Any) -> Outcome:
    """One program from its start to its end."""
    outcome = Outcome(program)
    environment = {**os.environ, "PYTHONPATH": str(HERE), "PYTHONHASHSEED": "0", "TMPDIR": folder}
    peer = Peer(program.command(python), {**environment, **program.environment()}, folder, complaints)
    try:
        truth = peer.hear()
        outcome.packages, outcome.python = truth["packages"], truth["python"]
        looks = Looks(memsight, truth["pid"])
        check_overview(outcome, looks.view("overview"))
        types = looks.view("types")
        check_objects(outcome, truth, counts(types))
        check_native(outcome, truth, types)
        check_rss(outcome, looks.view("rss"))
        audit = looks.view("refcounts")
        check_refcounts(outcome, audit, looks.codes["refcounts"])
        garbage, cycles = looks.view("garbage"), looks.view("cycles")
        listed = [row["example"] for row in cycles["cycles"]] + [row["example"] for row in garbage["garbage"]["cycles"]]
        whole = [example for example in listed if example]
        peer.say({"cycles": [[step["address"] for step in example] for example in whole]})
        outcome.cycles = len(whole)
        check_end(outcome, peer, garbage["garbage"])
    except (RuntimeError, subprocess.SubprocessError, OSError, ValueError, KeyError) as error:
        outcome.failures.append(f"{type(error).__name__}: {error}")
    finally:
        if peer.process.poll() is None:
            peer.process.kill()
        peer.process.wait(PATIENCE)
    return outcome


def check_end(outcome: Outcome, peer: Peer, garbage: dict[str, Any]) -> None:
    ended = peer.hear()
    outcome.garbage = f"{garbage['objects']:,} / {ended['collected']:,}"
    if garbage["objects"] != ended["collected"]:
        sure = "" if garbage["certain"] else ", where code of the program runs"
        outcome.failures.append(
            f"garbage: {garbage['objects']:,} were said, gc.collect() returned {ended['collected']:,}{sure}"
        )
    for link in sorted(set(ended["unknown_links"])):
        outcome.failures.append(f"cycles: the collector knows of no reference {link}")
    if not ended["unchanged"]:
        outcome.failures.append("its results are others after the look")
    code = peer.process.wait(PATIENCE)
    if code:
        outcome.failures.append(f"exit code {code} after the look")


def mib(count: int) -> str:
    return f"{count / (1 << 20):,.1f} MiB"


def table(outcomes: list[Outcome], missing: list[str]) -> str:
    """The page's generated part."""
    heads = ["program", "with", "RSS", "objects named, found", "native bytes: owned of stated"]
    heads += ["unexplained, C libraries", "garbage said / collected", "cycles checked", "verdict"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in outcomes:
        packages = ", ".join(f"{name} {version}" for name, version in row.packages.items()) or "standard library"
        more = f"; and {len(row.failures) - SHOWN} more" if len(row.failures) > SHOWN else ""
        cells = [
            f"`{row.program.name}`",
            f"{packages}; Python {row.python}",
            mib(row.rss),
            f"{row.objects:,}, {row.found}",
            "<br>".join(row.native) or "-",
            f"{row.unexplained:.1%}, {row.c_libraries:.1%}",
            row.garbage,
            str(row.cycles),
            "right" if not row.failures else f"**wrong**: {'; '.join(row.failures[:SHOWN])}{more}",
        ]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    passed = sum(not row.failures for row in outcomes)
    lines += ["", f"{passed} of {len(outcomes)} programs are right in everything."]
    lines += [f"Not run: {reason}" for reason in missing]
    return "\n".join(lines) + "\n"


def write_page(path: Path, text: str) -> None:
    begin, end = "<!-- made: real -->\n", "<!-- end: real -->\n"
    before, _, rest = path.read_text().partition(begin)
    _, _, after = rest.partition(end)
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="parts of the names of programs")
    parser.add_argument("--memsight", default=shutil.which("memsight"), help="the command")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that runs the programs")
    parser.add_argument("--part", choices=["all", "ci"], default="all")
    parser.add_argument("--page", type=Path, help="the page whose table is replaced")
    options = parser.parse_args()
    wanted = [program for program in PROGRAMS if options.part == "all" or program.ci]
    if options.names:
        wanted = [program for program in wanted if any(name in program.name for name in options.names)]
    # Each program runs in a folder of its own. A link to an interpreter is left one: it tells of its environment.
    memsight, python = os.path.abspath(options.memsight), os.path.abspath(options.python)
    outcomes, missing = [], []
    for program in wanted:
        reason = program.missing(python)
        if reason:
            missing.append(f"{program.name}: {reason}")
            print(f"NOT COVERED  {program.name}: {reason}", flush=True)
            continue
        with tempfile.TemporaryDirectory(prefix="memsight-real-") as folder, tempfile.TemporaryFile() as complaints:
            os.chmod(folder, 0o711)  # PostgreSQL is run by another user
            outcome = examine(program, memsight, python, folder, complaints)
            outcomes.append(outcome)
            print(f"{'wrong' if outcome.failures else 'right'}  {program.name}  {mib(outcome.rss)}", flush=True)
            for failure in outcome.failures:
                print(f"    {failure}", flush=True)
            complaints.seek(0)
            if any("ended" in failure or "exit code" in failure for failure in outcome.failures):
                print("    " + complaints.read().decode(errors="replace").strip()[-2000:].replace("\n", "\n    "))
    if options.page:
        write_page(options.page, table(outcomes, missing))
    failed = sum(bool(outcome.failures) for outcome in outcomes)
    print(f"{len(outcomes) - failed} passed, {failed} failed")
    # A machine without the packages has shown nothing.
    return 1 if failed or not outcomes else 0


if __name__ == "__main__":
    raise SystemExit(main())

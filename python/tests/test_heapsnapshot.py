"""An export for DevTools, read by another program: npm's `@memlab/core`, which reads what Chrome writes.

The package is fetched into a folder of its own when the tests run. Without node, or without a registry, the test says so
and is left out.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

READER = "@memlab/core"
HERE = Path(__file__).resolve().parent
# Kept between runs: a dozen megabytes.
FOLDER = HERE.parent.parent / "target" / "memlab"

TARGET = """
import sys
class Session:
    def __init__(self, number):
        self.number, self.history = number, [str(number) * 3] * 3
class Slotted:
    __slots__ = ("before", "__weakref__")
sessions = {f"user:{number}": Session(number) for number in range(2000)}
chain = None
for number in range(50):
    link = Slotted()
    link.before, chain = chain, link
knot = []
knot.append(knot)
del knot
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def node():
    """Runs node where the reader is installed."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node or npm is not installed")
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not (FOLDER / "node_modules" / READER).is_dir():
        # Puppeteer, which the package brings, would fetch a browser.
        environment = {**os.environ, "PUPPETEER_SKIP_DOWNLOAD": "1"}
        command = ["npm", "install", "--prefix", str(FOLDER), "--ignore-scripts", "--no-audit", "--no-fund", READER]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            pytest.skip(f"{READER} cannot be fetched: {done.stderr.strip().splitlines()[-1:]}")
    environment = {**os.environ, "NODE_PATH": str(FOLDER / "node_modules")}

    def run(*arguments):
        done = subprocess.run(["node", *arguments], capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def memsight(*arguments):
    command = [sys.executable, "-m", "memsight", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_another_reader_finds_the_same_counts_and_retained_sizes(node, tmp_path):
    target = subprocess.Popen([sys.executable, "-c", TARGET], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert target.stdout.readline() == b"ready\n"
        heap, exported = tmp_path / "app.heap", tmp_path / "app.heapsnapshot"
        memsight("snapshot", target.pid, "-o", heap)
    finally:
        target.kill()
        target.communicate()
    memsight("export", heap, "-o", exported)
    nodes = json.loads(node(HERE / "heapsnapshot" / "read.js", exported).splitlines()[-1])
    ours = json.loads(memsight("heap", heap, "dominators", "--top", "0", "--format", "json"))
    objects = {key: node for key, node in nodes.items() if int(key) % 2 == 0}
    types = json.loads(memsight("heap", heap, "types", "--top", "0", "--format", "json"))

    assert len(objects) == types["objects"]
    assert nodes["1"][2] == ours["total_bytes"], "what the root retains is everything"
    names = [name for name, _, _ in objects.values()]
    for row in types["types"]:
        if row["type"] in ("__main__.Session", "__main__.Slotted", "dict", "list", "function"):
            assert names.count(row["type"]) == row["count"], row
    assert len(ours["dominators"]) > 3000
    for row in ours["dominators"]:
        _, own, retained = nodes[str((int(row["address"], 16) >> 4 & 0x7FFFFFFF) << 1)]
        size = row["shallow_bytes"] + row["external_bytes"] + row["native_bytes"]
        assert (own, retained) == (size, row["retained_bytes"]), row
